"""Copies a salenet project so that salenet and a peer can do the same night of any bank.

Changed in the copy:
- `similarity:` leaves matching.yml: both match by exact rules, and no peer has to do salenet's own comparing;
- `national_id_positions` becomes `national_id`: tokens by position are read by nothing but similarity;
- the ledger's planted differences only warn: the sample bank signed for those of its own size;
- campaigns run every night.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

SIMILARITY = re.compile(r"^similarity:.*\n(?:(?:[ \t].*)?\n)*", re.MULTILINE)


def changed(path, words):
    """The words of a YAML file as the copy has them; says what could not be changed."""
    if path.name == "matching.yml":
        words, found = SIMILARITY.subn("", words)
        if not found:
            print(f"{path}: no `similarity:`", file=sys.stderr)
    if path.parent.name == "sources":
        words = words.replace("national_id_positions:", "national_id:")
    if path.parent.name == "campaigns":
        words = words.replace("schedule: monthly\n", "schedule: nightly\n")
    return words.replace("  - id: GL-01\n", "  - id: GL-01\n    severity: warn\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", default="pipelines/harbor", help="the project to copy")
    parser.add_argument("--out", required=True, help="folder for the copy, which keeps the project's name, as its demo "
                        "key belongs to it")
    options = parser.parse_args()
    source = Path(options.project).resolve()
    target = Path(options.out).resolve() / source.name
    if target == source or source in target.parents:
        sys.exit("the copy must stand outside the project")
    if target.exists():
        sys.exit(f"{target} is there already")
    shutil.copytree(source, target)
    for path in sorted(target.rglob("*.yml")):
        words = path.read_text(encoding="utf-8")
        path.write_text(changed(path, words), encoding="utf-8")
    print(target)


if __name__ == "__main__":
    main()
