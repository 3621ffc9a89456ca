"""What a case is, and the two courses that nearly all of them take."""
import itertools
import random
import re
import shutil
from dataclasses import dataclass
from typing import Callable

from lab import State, check, checkpoints, events, name, newest_reported

RANKS = (1, 2, 4)  # that divide train.granules


@dataclass(frozen=True)
class Case:
    group: str
    what: str   # is done
    where: str  # rank 1 of 2
    then: str   # resumed on 3
    must: str   # happen
    run: Callable  # with the lab and a run directory that does not exist yet

    def label(self):
        return f"{self.what}; {self.where}; {self.then or 'no resume'}"


def place(rank, ranks):
    if ranks == 1:
        rank = 0
    return f"rank {rank} of {ranks}" if isinstance(rank, int) else f"all {ranks} ranks"


class Turns:
    """Ranks that take turns, so that every number of them meets every kind of fault without multiplying the cases."""

    def __init__(self, seed):
        self._random = random.Random(seed)

    def other(self, ranks):
        return self._random.choice([r for r in RANKS if r != ranks])


# Which rank of how many: first, last, middle, alone.
PLACES = ((1, 2), (0, 2), (1, 4), (3, 4), (0, 4), (2, 4))


def places(wanted=PLACES):
    return itertools.cycle(wanted)


def expect(ended, codes, says=(), warnings=None):
    check(ended.code in codes, f"exit code {ended.code}, expected {codes}\n{ended.output}")
    for pattern in says:
        check(re.search(pattern, ended.output), f"nothing like '{pattern}' in\n{ended.output}")
    if warnings is not None:
        # More ranks than this machine has cores are part of the cases, and said by the program.
        found = [line for line in ended.lines("warning") if "so they wait for each other" not in line]
        check(len(found) == warnings, f"{len(found)} warnings, expected {warnings}\n{ended.output}")


def finished(lab, run, epochs=None, tidy=True):
    """The run is at its end, with the bits of a straight run and nothing half-done left behind."""
    State(lab, run).compare(lab.straight(), epochs)
    left = [p.name for p in checkpoints(run) if p.suffix]
    check(not tidy or not left, f"left behind: {left}")


def resume(lab, run, ranks, at_least=0, exactly=None, says=(), epochs=None, flags=(), warnings=None, tidy=True):
    """Goes on without any fault to the end. `exactly`: the step it must go on from (0: from the start)."""
    ended = lab.train(run, ranks, {"resume": None} | dict(flags))
    expect(ended, (0,), says, warnings)
    start = events(run, "start")[-1]["resumed_from"] or 0
    check(start >= at_least, f"went on from step {start}, but {at_least} was reported to be saved\n{ended.output}")
    check(exactly is None or start == exactly, f"went on from step {start}, expected {exactly}\n{ended.output}")
    finished(lab, run, epochs, tidy)
    return ended


def injected(group, what, rank, ranks, fault, then, *, codes, says=(), warnings=None, flags=(), base=None, exactly=None,
             must, prepare=None, tidy=True, limits=None):
    """A fault during a job, which ends with one of `codes`; resumed on `then` ranks (None: it must be finished). The
    job starts anew, or with --resume from a run stopped on `base` ranks."""
    fault = {"rank": rank, **fault}
    fault.setdefault("when", "before")

    def run(lab, run_dir):
        more = dict(flags)
        if base:
            lab.stopped(base, run_dir)
            if prepare:
                prepare(lab, run_dir)
            more["resume"] = None
        ended = lab.train(run_dir, ranks, more, fault, limits)
        expect(ended, codes, says, warnings)
        if then is None:
            finished(lab, run_dir, tidy=tidy)
        else:
            resume(lab, run_dir, then, 0 if prepare else newest_reported(run_dir), exactly)

    return Case(group, what, place(rank, ranks), f"{then}" if then else "", must, run)


def damaged(group, what, ranks, then, damage, *, exactly=None, says=(), code=0, must, flags=(), epochs=None,
            mended=None, warnings=None, tidy=True):
    """A run stopped on `ranks` ranks, its files spoiled by damage(lab, run), then resumed. With an error code: nothing
    that was there is lost, and after mended(lab, run), or without `flags`, it goes on."""

    def run(lab, run_dir):
        lab.stopped(ranks, run_dir)
        damage(lab, run_dir)
        if code == 0:
            resume(lab, run_dir, then, 0, exactly, says, epochs, flags, warnings, tidy)
            return
        before = snapshot(run_dir)
        ended = lab.train(run_dir, then, {"resume": None} | dict(flags))
        expect(ended, (code,), says)
        check(len(ended.lines("error")) == 1, f"not exactly one error\n{ended.output}")
        check(snapshot(run_dir) == before, "a refused resume has changed the run directory")
        if mended or flags:
            if mended:
                mended(lab, run_dir)
            resume(lab, run_dir, then)

    return Case(group, what, f"files of {ranks}", f"{then}", must, run)


def snapshot(run):
    return {p.relative_to(run): p.read_bytes() for p in sorted(run.rglob("*")) if p.is_file() and not p.is_symlink()}


def remove(path):
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def newest(run, step=21):
    return run / "checkpoints" / name(step)
