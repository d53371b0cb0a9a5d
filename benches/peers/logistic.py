"""The scores of pipelines/uci_bank_marketing and pipelines/hmeq by scikit-learn: same columns, same rows, same ridge.

Reads the files as delivered, splits them as `holdout` of the scores does, encodes them with scikit-learn's own
transformers and prints the area under the ROC curve on the hold-out, one line per score, beside what
`salenet score evaluate --format json` says when --salenet names the program.

    python logistic.py --data <folder of the data sets> [--salenet target/release/salenet --scratch <folder>]
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import blake3
import pandas
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

CALL_NUMBERS = ["age", "campaign", "pdays", "previous"]
CALL_WORDS = ["job", "marital", "education", "default", "housing", "loan", "contact", "poutcome"]
SEASON = ["month", "day_of_week"]
ECONOMY = ["emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed"]
LOAN_NUMBERS = ["Loan", "Mortgage", "Value", "YOJ", "Derogatories", "Delinquencies", "CLAGE", "Inquiries", "CLNO", "DEBTINC"]
SHARE = 0.30


def random_holdout(n_rows, seed):
    """A row is held out when the keyed hash of its number, as a fraction of 2^64, is below the share."""
    key = blake3.blake3(seed.to_bytes(8, "little")).digest()
    draw = lambda row: (int.from_bytes(blake3.blake3(str(row).encode(), key=key).digest()[:8], "little") >> 11) / 2**53
    return [draw(row) < SHARE for row in range(1, n_rows + 1)]


def latest_holdout(n_rows):
    first = n_rows - int(n_rows * SHARE + 0.5)
    return [row >= first for row in range(n_rows)]


def fit(frame, numbers, words, target, held):
    held = pandas.Series(held, index=frame.index)
    columns = ColumnTransformer([
        ("numbers", make_pipeline(StandardScaler(), SimpleImputer(strategy="constant", fill_value=0.0)), numbers),
        ("missing", MissingIndicator(error_on_new=False), numbers),
        ("words", make_pipeline(SimpleImputer(strategy="constant", fill_value="(missing)"), OneHotEncoder(handle_unknown="ignore")), words),
    ])
    model = make_pipeline(columns, LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=100, tol=1e-8))
    model.fit(frame[~held], target[~held])
    scores = model.predict_proba(frame[held])[:, 1]
    ranked = target[held].iloc[(-pandas.Series(scores)).argsort(kind="stable")].cumsum()
    contacts = int((ranked < 0.8 * ranked.iloc[-1]).sum()) + 1
    return {
        "rows": int(held.sum()),
        "positives": int(target[held].sum()),
        "auc": roc_auc_score(target[held], scores),
        "brier": brier_score_loss(target[held], scores),
        "share_for_80_percent": contacts / int(held.sum()),
    }


def peers(data):
    calls = pandas.read_csv(data / "uci_bank_marketing/bank-additional-full.csv", sep=";", keep_default_na=False)
    calls = calls.replace("unknown", None)
    calls["pdays"] = calls["pdays"].where(calls["pdays"] != 999)
    answer = calls["y"] == "yes"
    latest, drawn = latest_holdout(len(calls)), random_holdout(len(calls), 1)
    everything = (CALL_NUMBERS + ECONOMY, CALL_WORDS + SEASON)
    yield "uci_bank_marketing", "subscription", fit(calls, CALL_NUMBERS, CALL_WORDS, answer, latest)
    yield "uci_bank_marketing", "subscription_economy", fit(calls, *everything, answer, latest)
    yield "uci_bank_marketing", "subscription_random", fit(calls, *everything, answer, drawn)
    loans = pandas.read_csv(data / "hmeq/hmeq.csv")
    words = ["Reason", "Job"]
    loans[words] = loans[words].astype(object).where(loans[words].notna(), None)
    yield "hmeq", "bad_loan", fit(loans, LOAN_NUMBERS, words, loans["Default"] == 1, random_holdout(len(loans), 1))


def salenet(program, project, score, scratch):
    root = Path(__file__).resolve().parents[2]
    command = [program, "score", "evaluate", score, "--format", "json", "--project", root / "pipelines" / project]
    said = subprocess.run([*command, "--warehouse", scratch / project], check=True, capture_output=True, text=True)
    held = json.loads(said.stdout)["holdout"]
    return {**{key: held[key] for key in ("rows", "positives", "auc", "share_for_80_percent")}, "brier": held["calibration"]["brier"]}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--salenet", type=Path)
    arguments.add_argument("--scratch", type=Path, help="folder with a warehouse of each project")
    arguments = arguments.parse_args()
    worst = 0.0
    for project, score, peer in peers(arguments.data):
        line = {"score": score, "scikit_learn": peer}
        if arguments.salenet:
            line["salenet"] = salenet(arguments.salenet, project, score, arguments.scratch)
            same = all(line["salenet"][key] == peer[key] for key in ("rows", "positives"))
            if not same:
                sys.exit(f"{score}: the hold-outs differ: {line}")
            worst = max(worst, abs(line["salenet"]["auc"] - peer["auc"]))
        print(json.dumps(line))
    if arguments.salenet:
        print(json.dumps({"largest_difference_of_auc": worst}))
        if worst > 0.005:
            sys.exit("the areas differ by more than 0.005")


main()
