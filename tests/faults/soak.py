#!/usr/bin/env python3
"""One training, ended again and again with kill -9 at random instants and resumed on another number of ranks each time.
Its final bits have to be those of a training that nothing happened to. MovieLens-100K where it is found (NCF_DATA),
else synthetic ratings.

How fast this machine trains must not matter, and a job whose mpirun is killed goes on for two seconds: so the end is
far away until all kills are done, and the training that it is compared with is then made as long."""
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

RANKS = (1, 2, 4, 8)  # that divide train.granules
# A rate of learning that does not depend on where the training ends.
SETTINGS = {"train.reproducible": "ranks", "train.schedule": "constant", "run.seed": "3", "comm.timeout_s": "30",
            "model.batch_norm": "true", "model.dropout": "0.1"}
SAVED_STEPS = 50  # between two checkpoints
FAR_EPOCHS = 1000  # more than a million steps, of which kills take some thousands


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


def begun_epochs(run):
    """Of the newest checkpoint, including the one that it is in the middle of."""
    return max((event["epoch"] for event in events(run, "epoch")), default=0) + 1


class Kill:
    """Ends one process of a job: once it has saved one of its next checkpoints and a moment has passed, or soon after
    its start."""

    def __init__(self, dice, run, ranks):
        self.run = run
        self.step = saved_step(run) + dice.randint(1, 4 * SAVED_STEPS)
        self.early = dice.random() < 0.25
        self.delay = dice.uniform(0, 0.05 if not self.early else 0.6 if ranks > 1 else 0.25)
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
    run, ranks = lab.scratch / "run", 2
    endless = {"resume": None, "train.epochs": str(FAR_EPOCHS), "checkpoint.every_steps": str(SAVED_STEPS)}
    for number in range(1, kills + 1):
        ranks = dice.choice([r for r in RANKS if r != ranks])
        kill = Kill(dice, run, ranks)
        before, reported = saved_step(run), newest_reported(run)
        ended = lab.train(run, ranks, endless, meanwhile=kill)
        check(kill.done, f"kill {number} did not happen: the training ended by itself\n{ended.output}")
        check(ended.code not in (0, 4, 6, 70, 75), f"exit code {ended.code}\n{ended.output}")
        check(saved_step(run) >= max(before, reported), f"step {before} is lost\n{ended.output}")
        print(f"{number:3}: {ranks} ranks, killed {kill.text()}; from step {before} to {saved_step(run)}", flush=True)
    epochs = str(begun_epochs(run) + 1)
    ended = lab.train(run, 1, {"resume": None, "train.epochs": epochs})
    check(ended.code == 0, ended.output)
    straight = lab.scratch / "straight"
    ended = lab.train(straight, 2, {"train.epochs": epochs, "checkpoint.every_epochs": "0"})
    check(ended.code == 0, ended.output)
    total, seconds = events(straight, "epoch")[-1]["step"], events(straight, "end")[-1]["seconds"]
    print(f"straight on 2 ranks: {total} steps in {seconds:.1f} s", flush=True)
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
