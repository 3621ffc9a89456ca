#!/usr/bin/env python3
"""Faults in real jobs: injects each of them, and judges what comes of it.

  harness.py --list                               all cases
  harness.py --group save --only 12 --program …   runs a group, or some of its cases, with the programs named
  harness.py --write-docs docs/faults.md          writes the table of all cases; --check-docs: whether it is current
"""
import argparse
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
import damage
import disk
import docs
import hangs
import kills
import order
import signals
from lab import Lab, Skip, add_options

MODULES = (kills, hangs, disk, signals, damage, order)


def all_cases():
    groups = {}
    for module in MODULES:
        for case in module.cases():
            groups.setdefault(case.group, []).append(case)
    labels = [case.label() for cases in groups.values() for case in cases]
    assert len(labels) == len(set(labels)), f"twice: {sorted(label for label in labels if labels.count(label) > 1)}"
    return groups


def run_case(lab, number, case):
    started = time.monotonic()
    run = lab.scratch / f"{case.group}-{number}"
    verdict, text = "ok", ""
    try:
        case.run(lab, run)
    except Skip as reason:
        verdict, text = "skipped", f": {reason}"
    except Exception as reason:  # whatever it is, the other cases are still to be run
        verdict, text = "FAILED", f": {type(reason).__name__}: {reason}"
    for left in lab.scratch.glob(run.name + "*"):
        if left.name == run.name or left.name.startswith(run.name + "-"):
            shutil.rmtree(left, ignore_errors=True)
    print(f"{verdict:7} {run.name:10} {time.monotonic() - started:5.1f} s  {case.label()}{text}", flush=True)
    return verdict


def run_cases(options, groups):
    chosen = [(number, case) for group in options.group for number, case in enumerate(groups[group], 1)
              if not options.only or number in options.only]
    with tempfile.TemporaryDirectory(prefix="ncf-faults-", ignore_cleanup_errors=True) as scratch:
        lab = Lab(options, scratch)
        with ThreadPoolExecutor(options.jobs) as pool:
            verdicts = list(pool.map(lambda c: run_case(lab, *c), chosen))
    print(", ".join(f"{verdicts.count(v)} {v}" for v in ("ok", "skipped", "FAILED")))
    return 1 if "FAILED" in verdicts or not verdicts else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    groups = all_cases()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--write-docs", metavar="FILE")
    parser.add_argument("--check-docs", metavar="FILE")
    parser.add_argument("--group", action="append", default=[], choices=groups)
    parser.add_argument("--only", type=int, action="append", default=[], help="numbers of cases within the group")
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time")
    add_options(parser)
    options = parser.parse_args()
    if options.list:
        for group, cases in groups.items():
            for number, case in enumerate(cases, 1):
                print(f"{group}-{number}  {case.label()}")
        return 0
    if options.write_docs:
        Path(options.write_docs).write_text(docs.page(groups))
        return 0
    if options.check_docs:
        current = Path(options.check_docs).read_text() == docs.page(groups)
        print(f"{options.check_docs} is {'current' if current else 'old: write it anew with --write-docs'}")
        return 0 if current else 1
    return run_cases(options, groups)


if __name__ == "__main__":
    sys.exit(main())
