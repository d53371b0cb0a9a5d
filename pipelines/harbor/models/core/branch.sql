select branch_id, name, city, state, postcode, region
from reference.branch
