#!/usr/bin/env python3
"""One training, ended again and again with kill -9 at random instants and resumed on another number of ranks each time.
Its final bits have to be those of a training that nothing happened to. MovieLens-100K where it is found (NCF_DATA),
else synthetic ratings."""
import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
from lab import Failure, Lab, State, add_options, check, checkpoints, events, newest_reported

RANKS = (1, 2, 3, 4, 8)
SETTINGS = {"train.reproducible": "ranks", "train.epochs": "8", "run.seed": "3", "comm.timeout_s": "30",
            "checkpoint.every_steps": "50", "model.batch_norm": "true", "model.dropout": "0.1"}


def data_flags(source):
    for folder in (os.environ.get("NCF_DATA", ""), source / "../shared/data", source / "data"):
        data = Path(folder) / "ml-100k"
        if (data / "u.data").is_file():
            return "MovieLens-100K", {"config": str(source / "configs/ml-100k.yaml"), "data.path": str(data)}
    return "synthetic ratings", {"data.synthetic.ratings": "100000"}


def saved_step(run):
    """Of the newest checkpoint. The list may change while it is looked at."""
    try:
        return max((int(p.name[5:]) for p in checkpoints(run) if not p.suffix), default=0)
    except OSError:
        return 0


class Kill:
    """Ends one process of a job: once it has saved a certain step and a moment has passed, or soon after its start."""

    def __init__(self, dice, run, ranks, step, seconds):
        """`seconds`: what the whole training takes; a kill moves it on by about a hundredth of that."""
        self.run = run
        self.step = max(step, saved_step(run) + 1)
        self.early = dice.random() < 0.25
        self.delay = dice.uniform(0, 0.6 if ranks > 1 else 0.25) if self.early else dice.uniform(0, 0.015 * seconds)
        self.victim = dice.randrange(ranks)
        self.launcher = ranks > 1 and dice.random() < 0.1
        self.done = False

    def text(self):
        when = "the start" if self.early else f"step {self.step} or a later one was saved"
        return f"{'mpirun' if self.launcher else f'rank {self.victim}'} {self.delay * 1000:.0f} ms after {when}"

    def __call__(self, process, notes):
        while process.poll() is None and not self.early and saved_step(self.run) < self.step:
            time.sleep(0.002)
        time.sleep(self.delay)
        pid = Path(notes) / f"rank-{self.victim}.pid"
        while process.poll() is None and not (pid.exists() and pid.read_text()):  # there is no such process yet
            time.sleep(0.002)
        if process.poll() is None:
            os.kill(process.pid if self.launcher else int(pid.read_text()), signal.SIGKILL)
            self.done = True


def soak(lab, dice, kills):
    straight = lab.scratch / "straight"
    ended = lab.train(straight, 2)
    check(ended.code == 0, ended.output)
    total, seconds = events(straight, "epoch")[-1]["step"], events(straight, "end")[-1]["seconds"]
    print(f"straight on 2 ranks: {total} steps in {seconds:.1f} s", flush=True)
    run, ranks = lab.scratch / "run", 2
    # Kills fall all over the training. Each costs it some steps, so that the last ones come later than drawn.
    for number, at in enumerate(sorted(dice.uniform(0, 0.7) for _ in range(kills)), 1):
        ranks = dice.choice([r for r in RANKS if r != ranks])
        kill = Kill(dice, run, ranks, int(at * total), seconds)
        before, reported = saved_step(run), newest_reported(run)
        ended = lab.train(run, ranks, {"resume": None}, meanwhile=kill)
        check(kill.done, f"kill {number} came too late: the training was over\n{ended.output}")
        check(ended.code not in (0, 4, 6, 70, 75), f"exit code {ended.code}\n{ended.output}")
        check(saved_step(run) >= max(before, reported), f"step {before} is lost\n{ended.output}")
        print(f"{number:3}: {ranks} ranks, killed {kill.text()}; from step {before} to {saved_step(run)}", flush=True)
    ended = lab.train(run, 1, {"resume": None})
    check(ended.code == 0, ended.output)
    State(lab, run, total).compare(State(lab, straight, total))
    print(f"after {kills} kills: every bit as in the straight run")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, help="of the random instants; a new one each time by default")
    parser.add_argument("--source", default=str(Path(__file__).resolve().parents[2]), help="the repository")
    add_options(parser)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    title, flags = data_flags(Path(options.source))
    print(f"{title}, --seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="ncf-soak-", ignore_cleanup_errors=True) as scratch:
        try:
            soak(Lab(options, scratch, SETTINGS | flags, limit_s=300), random.Random(seed), options.kills)
        except Failure as reason:
            print(f"FAILED: {reason}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
