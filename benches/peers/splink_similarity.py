"""Splink on the records of `cargo bench --bench similarity`, with the same blocking rules and the same threshold.

    cargo bench --bench similarity -- 1000000 --keep people
    python benches/peers/splink_similarity.py --records people/night1.parquet

Prints the seconds of training and of prediction with clusters, and precision, recall and F1 of the pairs that the
clusters say, by the truth in the keys: the measure of the benchmark itself.
"""

import argparse
import time
import warnings

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from measure import cpu_seconds, peak_resident_bytes

warnings.filterwarnings("ignore")
THRESHOLD = 0.99

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("--records", required=True, help="night1.parquet, as the benchmark left it")
arguments.add_argument("--threads", type=int, default=2)
arguments.add_argument("--memory", default="16GB")
arguments = arguments.parse_args()

database = duckdb.connect()
database.execute(f"set threads = {arguments.threads}")
database.execute(f"set memory_limit = '{arguments.memory}'")
database.execute(
    "create table people as select key as unique_id, lower(given) as given, lower(family) as family, born, "
    "lower(street) as street, postcode, phone, "
    "least(lower(given), lower(family)) as lower_name, greatest(lower(given), lower(family)) as upper_name "
    f"from read_parquet('{arguments.records}')"
)
rules = [
    block_on("family", "born"),
    block_on("given", "born"),
    block_on("phone"),
    block_on("lower_name", "upper_name"),
    block_on("family", "postcode"),
]
settings = SettingsCreator(
    link_type="dedupe_only",
    blocking_rules_to_generate_predictions=rules,
    comparisons=[
        cl.JaroWinklerAtThresholds("given", [0.92, 0.8]).configure(term_frequency_adjustments=True),
        cl.JaroWinklerAtThresholds("family", [0.92, 0.8]).configure(term_frequency_adjustments=True),
        cl.DamerauLevenshteinAtThresholds("born", [1, 2]),
        cl.JaroWinklerAtThresholds("street", [0.92]),
        cl.DamerauLevenshteinAtThresholds("phone", [1]),
    ],
)
api = DuckDBAPI(database)
linker = Linker(api.register("people"), settings)

started = time.perf_counter()
training = linker.training
training.estimate_probability_two_random_records_match(
    [block_on("given", "family", "born"), block_on("given", "phone")], recall=0.7
)
training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
training.estimate_parameters_using_expectation_maximisation(block_on("born"))
training.estimate_parameters_using_expectation_maximisation(block_on("given", "family"))
trained = time.perf_counter()

predictions = linker.inference.predict(threshold_match_probability=THRESHOLD)
clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
    predictions, threshold_match_probability=THRESHOLD
)
found = clusters.as_duckdbpyrelation()
done = time.perf_counter()

counts = database.sql(
    "with labelled as (select cluster_id, split_part(unique_id, '-', 1) as person from found) "
    "select "
    "(select sum(n * (n - 1) / 2) from (select count(*) as n from labelled group by cluster_id)), "
    "(select sum(n * (n - 1) / 2) from (select count(*) as n from labelled group by person)), "
    "(select sum(n * (n - 1) / 2) from (select count(*) as n from labelled group by cluster_id, person))"
).fetchone()
said, true, right = (float(count) for count in counts)
precision, recall = right / said, right / true
print(
    f"train {trained - started:.1f} s, predict and cluster {done - trained:.1f} s, CPU {cpu_seconds():.1f} s, "
    f"peak {peak_resident_bytes() >> 20} MB, precision {precision:.6f}, recall {recall:.6f}, "
    f"F1 {2 * precision * recall / (precision + recall):.6f}"
)
