"""Reads a salenet project's YAML: feeds, references, models, matching, campaigns.

Every scalar is read as text (YAML's own guesses would turn `N` or `0.80` into something else).
"""

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import yaml

# Campaigns with a smaller number choose first.
DEFAULT_PRIORITY = 100


def read_yaml(path):
    return yaml.load(Path(path).read_text(encoding="utf-8"), Loader=yaml.BaseLoader) or {}


@dataclass
class Column:
    name: str
    type: str
    spec: dict

    @property
    def source_name(self):
        return self.spec.get("from", self.name)

    @property
    def required(self):
        return self.spec.get("required") == "true"

    @property
    def protection(self):
        """`card`, `national_id`, `iban`, `phone` or None, and the scheme of a national id.

        Tokens by position, which `national_id_positions` adds for matching by similarity, are not made.
        """
        protect = self.spec.get("protect")
        if isinstance(protect, dict):
            kind, scheme = next(iter(protect.items()))
            return ("national_id" if kind == "national_id_positions" else kind, scheme)
        return (protect, None)


@dataclass
class Feed:
    source: str
    name: str
    trust_rank: int
    spec: dict
    columns: list = field(default_factory=list)

    @property
    def qualified(self):
        return f"{self.source}.{self.name}"

    @property
    def table(self):
        return f"{self.source}_{self.name}"

    @property
    def key(self):
        return self.spec.get("key", [])

    @property
    def is_append(self):
        return self.spec.get("delivery") == "append"

    @property
    def format(self):
        return self.spec.get("format", {"type": "csv"})

    def path(self, landing, day):
        return Path(landing) / fill(self.spec["path"], day)

    def control_path(self, landing, day):
        control = self.spec.get("control")
        return Path(landing) / fill(control["file"], day) if control else None


@dataclass
class Model:
    schema: str
    name: str
    sql: str
    spec: dict

    @property
    def table(self):
        return f"{self.schema}.{self.name}"

    @property
    def is_view(self):
        return self.spec.get("materialised") == "view"


@dataclass
class Project:
    folder: Path
    bank: dict
    sources: list
    feeds: list
    references: list
    models: list
    matching: dict
    scores: dict
    campaigns: list


def fill(template, day):
    """Puts the business date into a path: `{business_date}` or `{business_date:%Y%m%d}`."""
    def replace(match):
        return day.strftime(match.group(1) or "%Y-%m-%d")

    return re.sub(r"\{business_date(?::([^}]*))?\}", replace, template)


def columns_of(spec):
    return [Column(name, column["type"], column) for name, column in spec["columns"].items()]


def load(folder):
    folder = Path(folder)
    feeds = []
    sources = [read_yaml(path) for path in sorted((folder / "sources").glob("*.yml"))]
    for source in sources:
        for name, spec in source["feeds"].items():
            feed = Feed(source["source"], name, int(source["trust_rank"]), spec)
            feed.columns = columns_of(spec)
            feeds.append(feed)
    references = []
    for path in sorted((folder / "reference").glob("*.yml")):
        spec = {**read_yaml(path), "delivery": "snapshot", "format": {"type": "csv"}}
        feed = Feed("reference", path.stem, 0, spec)
        feed.columns = columns_of(spec)
        references.append(feed)
    models = []
    for path in sorted((folder / "models").glob("*/*.sql")):
        spec = read_yaml(path.with_suffix(".yml"))
        models.append(Model(path.parent.name, path.stem, path.read_text(encoding="utf-8"), spec))
    return Project(
        folder=folder,
        bank=read_yaml(folder / "bank.yml"),
        sources=sources,
        feeds=feeds,
        references=references,
        models=models,
        matching=read_yaml(folder / "matching.yml"),
        scores={path.stem: read_yaml(path) for path in sorted((folder / "scores").glob("*.yml"))},
        campaigns=sorted(
            (read_yaml(path) for path in (folder / "campaigns").glob("*.yml")),
            key=lambda spec: (int(spec.get("priority", DEFAULT_PRIORITY)), spec["campaign"]["code"]),
        ),
    )


def ends_month(day):
    """The harbor bank's calendar is daily: the month's last day ends it."""
    return date.fromordinal(day.toordinal() + 1).month != day.month
