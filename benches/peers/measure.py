"""Wall clock, CPU and peak memory of a peer's steps; a table for people and JSON for comparison."""

import json
import os
import resource
import time
from contextlib import contextmanager
from pathlib import Path


def cpu_seconds():
    """User and system seconds of this process and of children that ended."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total


def peak_resident_bytes():
    """Most memory this process ever held; Linux counts in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def folder_bytes(folder):
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


class Measure:
    """Records steps in the order in which they end."""

    def __init__(self, quiet=False):
        self.quiet = quiet
        self.steps = []
        self.started = time.perf_counter()
        self.cpu_at_start = cpu_seconds()

    @contextmanager
    def step(self, group, name):
        """Yields a dictionary; what the caller puts into it (such as `rows`) is recorded with the step."""
        facts = {}
        wall, cpu = time.perf_counter(), cpu_seconds()
        yield facts
        entry = {
            "group": group,
            "step": name,
            "seconds": round(time.perf_counter() - wall, 4),
            "cpu_seconds": round(cpu_seconds() - cpu, 4),
            "peak_resident_bytes": peak_resident_bytes(),
            **facts,
        }
        self.steps.append(entry)
        if not self.quiet:
            rows = facts.get("rows")
            shown = "" if rows is None else f"{rows:>12,} rows"
            print(f"{group:<9} {name:<36} {entry['seconds']:>9.3f} s {shown}", flush=True)

    def groups(self):
        """Seconds by group of steps."""
        sums = {}
        for entry in self.steps:
            sums[entry["group"]] = sums.get(entry["group"], 0.0) + entry["seconds"]
        return {group: round(seconds, 3) for group, seconds in sums.items()}

    def report(self, **facts):
        return {
            **facts,
            "wall_seconds": round(time.perf_counter() - self.started, 3),
            "cpu_seconds": round(cpu_seconds() - self.cpu_at_start, 3),
            "peak_resident_bytes": peak_resident_bytes(),
            "groups": self.groups(),
            "steps": self.steps,
        }


def print_total(report):
    for group, seconds in report["groups"].items():
        print(f"{'total':<9} {group:<36} {seconds:>9.3f} s")
    print(
        f"wall {report['wall_seconds']:.2f} s, cpu {report['cpu_seconds']:.2f} s, "
        f"peak resident {report['peak_resident_bytes'] / 1e6:.0f} MB"
    )


def write_json(report, path):
    if path:
        os.makedirs(Path(path).parent, exist_ok=True)
        Path(path).write_text(json.dumps(report, indent=1) + "\n")
