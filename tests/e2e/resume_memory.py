#!/usr/bin/env python3
"""Arguments: program, mpirun. What a rank of four takes of memory when it resumes a checkpoint of two: its share
of the rows, once, beside what a run takes that has hardly any."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

RANKS = 4
# Beside the share of the checkpoint: blocks of rows that are read, what a batch takes with wider rows, and that large memory
# is taken in pages of 2 MiB. About 5 MiB measured.
ALLOWANCE = 12 << 20


def measured(peaks, program, arguments):
    """What each rank runs in place of the program: the program, and then the peak of its resident memory in a file."""
    child = os.posix_spawn(program, [program, *arguments], os.environ)
    _, status, usage = os.wait4(child, 0)
    Path(peaks, os.environ["OMPI_COMM_WORLD_RANK"]).write_text(str(usage.ru_maxrss * 1024))
    return os.waitstatus_to_exitcode(status)


def train(work, ranks, name, *flags):
    """Trains in a directory of this name; the bytes of the checkpoint at its end, and the peak of every rank."""
    peaks = work / f"peaks-{name}-{ranks}"
    peaks.mkdir()
    command = [sys.argv[2], "-n", str(ranks), sys.executable, __file__, "--rank", str(peaks), sys.argv[1],
               "--run.dir", str(work / name), "--run.threads", "1", "--model.hidden", "[8]", "--train.batch_size", "8192",
               "--train.schedule", "constant", "--train.reproducible", "ranks", "--checkpoint.every_epochs", "0", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        sys.exit(f"{name}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    events = [json.loads(line) for line in (work / name / "metrics.jsonl").read_text().splitlines()]
    return ([e["bytes"] for e in events if e["event"] == "checkpoint"][-1],
            [int((peaks / str(rank)).read_text()) for rank in range(ranks)])


def main():
    large = ["--model.embedding_dim", "32", "--data.synthetic", "{users: 250000, items: 60000, ratings: 310000}"]
    small = ["--model.embedding_dim", "1", *large[2:]]
    with tempfile.TemporaryDirectory(prefix="ncf-resume-memory-") as directory:
        work = Path(directory)
        train(work, 1, "small", *small, "--train.epochs", "1")
        little, without = train(work, RANKS, "small", *small, "--train.epochs", "2", "--resume")
        train(work, 2, "large", *large, "--train.epochs", "1")
        size, peaks = train(work, RANKS, "large", *large, "--train.epochs", "2", "--resume")
    limit = max(without) + (size - little) // RANKS + ALLOWANCE
    mib = " ".join(f"{peak / 2**20:.1f}" for peak in peaks)
    print(f"{size / 2**20:.1f} MiB resumed in {mib} MiB; {little / 2**20:.1f} MiB in {max(without) / 2**20:.1f}; "
          f"may be {limit / 2**20:.1f}")
    if min(peaks) < (size - little) // RANKS:
        sys.exit("FAILED: less than the rows that are held; the measurement is wrong")
    if max(peaks) > limit:
        sys.exit("FAILED: a rank took more than its share")


if __name__ == "__main__":
    if sys.argv[1] == "--rank":
        sys.exit(measured(sys.argv[2], sys.argv[3], sys.argv[4:]))
    main()
