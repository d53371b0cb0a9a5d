//! Wealth platform of the Asian desk: GB18030, Chinese names and headers.

use crate::synth::Scene;
use crate::synth::coded::Charset;
use crate::synth::customer::Customer;
use crate::synth::delivery::{ControlNames, Delivery, Fault, Layout, RARELY_DIRTY, Shape, money};
use crate::synth::error::SynthError;
use crate::synth::faults::{Keyed, Record};
use crate::synth::identity::{Sex, card_number};
use crate::synth::product::{Product, System};
use crate::synth::sources::{Open, compact};

pub struct Wealth {
    clients: Delivery,
    contracts: Delivery,
    postings: Delivery,
}

const fn layout(
    file: &'static str,
    header: &'static str,
    control: ControlNames,
    faults: &'static [Fault],
) -> Layout {
    Layout {
        source: "wealth",
        file,
        shape: Shape::Delimited {
            delimiter: ",",
            line_end: "\r\n",
        },
        charset: Charset::Gb18030,
        header,
        control,
        faults,
        clean_per_dirty: RARELY_DIRTY,
    }
}

#[must_use]
pub fn client_no(customer: u64) -> String {
    format!("W{customer:09}")
}

impl Wealth {
    pub fn open(open: &mut Open<'_>) -> Result<Self, SynthError> {
        Ok(Self {
            clients: open(layout(
                "clients.csv",
                "客户号,姓名,拼音,身份证号,结算卡号,出生日期,性别,手机,开户日期",
                ControlNames::plain("clients.ctl"),
                &[Fault::Twice, Fault::Wrong(8, "二零二六")],
            ))?,
            contracts: open(layout(
                "contracts.csv",
                "合同号,客户号,产品,签约日期,市值",
                ControlNames::summed("contracts.ctl", "market_value"),
                &[Fault::Twice],
            ))?,
            postings: open(layout(
                "fees.csv",
                "合同号,记账日期,科目,金额",
                ControlNames::summed("fees.ctl", "amount"),
                &[Fault::Twice],
            ))?,
        })
    }

    pub fn write(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        let Some(person) = customer.as_person() else {
            return Ok(());
        };
        let mut contracts = customer.accounts.iter().filter(|account| {
            account.product.system() == System::Wealth && account.exists_on(scene.night)
        });
        let Some(account) = contracts.next() else {
            return Ok(());
        };
        let identity = &person.identity;
        let record = Record::of(scene.seed, identity, Keyed::Wealth, 0);
        let client = client_no(customer.index);
        let has_card = customer
            .accounts
            .iter()
            .any(|other| other.product == Product::CreditCard && other.exists_on(scene.night));
        let card = if has_card {
            card_number(scene.seed, customer.index, 0)
        } else {
            String::new()
        };
        self.clients.row(
            &[
                &client,
                identity.native.as_deref().unwrap_or_default(),
                &format!("{} {}", record.given, record.family),
                record.resident_id.as_deref().unwrap_or_default(),
                &card,
                &record.born_as("%Y%m%d"),
                if identity.sex == Sex::Male {
                    "男"
                } else {
                    "女"
                },
                &format!("139{:08}", customer.index % 100_000_000),
                &compact(account.opened),
            ],
            0,
        )?;
        let contract = format!("WC{:010}", account.number);
        let value = account.balance_on(scene.night);
        let product = if account.product == Product::WealthFund {
            "基金"
        } else {
            "保险"
        };
        self.contracts.row(
            &[
                &contract,
                &client,
                product,
                &compact(account.opened),
                &money(value),
            ],
            value,
        )?;
        for ((on, _), amount) in account
            .postings
            .iter()
            .filter(|((on, _), _)| scene.is_tonight(*on))
        {
            self.postings.row(
                &[&contract, &compact(*on), "手续费", &money(*amount)],
                *amount,
            )?;
        }
        Ok(())
    }

    pub fn into_deliveries(self) -> Vec<Delivery> {
        vec![self.clients, self.contracts, self.postings]
    }
}
