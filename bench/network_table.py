#!/usr/bin/env python3
"""Prints, for runs in directories of these names, what a step took and where: from the epochs between first and last, which
evaluate nothing. `wire`: what the bytes of a host's ranks take at least at that rate."""
import json
import sys
from pathlib import Path

RATES = {"gbit": 1.25e8, "mbit": 1.25e5}


def bytes_per_second(rate):
    for unit, factor in RATES.items():
        if rate.endswith(unit):
            return float(rate[: -len(unit)]) * factor
    return None


def mean(values):
    return sum(values) / len(values)


names = None
for rate in sys.argv[1:]:
    events = [json.loads(line) for line in (Path(rate) / "metrics.jsonl").read_text().splitlines()]
    start = next(e for e in events if e["event"] == "start")
    epochs = [e for e in events if e["event"] == "epoch"]
    steps = epochs[-1]["step"] - epochs[-2]["step"]
    used = epochs[1:-1]
    if not used:
        sys.exit("network_table.py: at least 3 epochs are needed")
    if names is None:
        names = [name for name in used[0]["phases"] if name not in ("evaluate", "checkpoint")]
        print(f"| {'network':>8} | {'samples/s':>11} | {'ms a step':>9} | " + " | ".join(f"{n:>11}" for n in names) +
              f" | {'kB a rank':>9} | {'wire ms':>7} |")
        print("| " + " | ".join(["---:"] * (5 + len(names))) + " |")
    phases = [1e3 / steps * mean([e["phases"][name]["mean"] for e in used]) for name in names]
    sent = mean([e["bytes_sent"] for e in used]) / steps
    limit = bytes_per_second(rate)
    wire = f"{1e3 * sent / len(start['hosts']) / limit:7.2f}" if limit and len(start["hosts"]) > 1 else f"{'–':>7}"
    print(f"| {rate:>8} | {mean([e['samples_per_s'] for e in used]):>11,.0f} | "
          f"{1e3 / steps * mean([e['seconds'] for e in used]):9.2f} | " + " | ".join(f"{p:11.2f}" for p in phases) +
          f" | {sent / start['ranks'] / 1e3:9.1f} | {wire} |")
