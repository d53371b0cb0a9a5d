select
    staged._line - 1 as loan_no,
    staged._line - 1 as customer_id,
    staged.is_bad = 1 as is_bad,
    staged.loan_amount,
    staged.mortgage_due,
    staged.property_value,
    staged.purpose,
    staged.job,
    staged.years_on_job,
    staged.n_derogatory,
    staged.n_delinquent,
    staged.oldest_line_months,
    staged.n_inquiries,
    staged.n_credit_lines,
    staged.debt_to_income,
    staged._file_id,
    staged._line
from staging.loans_home_equity as staged
