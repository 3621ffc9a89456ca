#!/usr/bin/env python3
"""What a setting costs: the same run with two sets of flags, in turn, so that a busy machine is busy for both.

    bench/compare_flags.py [-n RANKS] [--rounds 5] [--ncf PROGRAM] [COMMON FLAGS...] -- FLAGS... -- OTHER FLAGS...

    bench/compare_flags.py -n 2 --config configs/ml-1m.yaml --data.path data/ml-1m \\
        -- --checkpoint.every_epochs 0 -- --checkpoint.every_epochs 1
    bench/compare_flags.py --data.path data/ml-1m --train.batch_size 1024 \\
        -- --train.reproducible run -- --train.reproducible ranks

Prints the median seconds from one epoch's end to the next, with all that happens in between (evaluation, checkpoints),
for both, and the median of the rounds' own ratios. Runs have at least three epochs; the first does not count.
"""
import argparse
import datetime
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile


def epoch_seconds(arguments, ranks, program):
    with tempfile.TemporaryDirectory() as run:
        command = [program, *arguments, "--run.dir", run]
        if ranks > 1:
            command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *command]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr}")
        with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as lines:
            events = [json.loads(line) for line in lines]
    times = [datetime.datetime.fromisoformat(e["time"].replace("Z", "+00:00")).timestamp()
             for e in events if e["event"] == "epoch"]
    if len(times) < 3:
        sys.exit("the run has fewer than three epochs: give --train.epochs")
    return (times[-1] - times[0]) / (len(times) - 1)


def main():
    arguments = sys.argv[1:]
    if arguments.count("--") != 2:
        sys.exit(__doc__)
    first = arguments.index("--")
    second = arguments.index("--", first + 1)
    sets = [arguments[first + 1:second], arguments[second + 1:]]
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False, allow_abbrev=False)
    parser.add_argument("-n", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ncf", default="build/release/bin/ncf_dist")
    options, common = parser.parse_known_args(arguments[:first])
    program = shutil.which(options.ncf) or sys.exit(f"{options.ncf}: no such program; --ncf names another")

    seconds = [[], []]
    for _ in range(options.rounds):
        for k in (0, 1):
            seconds[k].append(epoch_seconds([*common, *sets[k]], options.n, program))
    for k in (0, 1):
        print(f"{statistics.median(seconds[k]):9.4f} s an epoch   {' '.join(sets[k])}")
    ratios = [b / a for a, b in zip(*seconds)]
    print(f"the second takes {100 * (statistics.median(ratios) - 1):+.1f} % "
          f"({options.rounds} rounds, {100 * (min(ratios) - 1):+.1f} to {100 * (max(ratios) - 1):+.1f} %)")


if __name__ == "__main__":
    main()
