"""Signals to one rank or to mpirun, at every moment of a run."""
import re
import time

from case import Case, Turns, expect, finished, place, places, resume
from kills import PARTIAL, phases
from lab import checkpoints, check, events, name, newest_reported

SPOKEN = {"term": "SIGTERM", "term2": "SIGTERM", "usr1": "SIGUSR1", "usr12": "SIGUSR1", "int": "SIGINT"}
SAID = {"term": "SIGTERM", "term2": "SIGTERM twice", "usr1": "SIGUSR1", "usr12": "SIGUSR1 twice", "int": "SIGINT",
        "int2": "SIGINT twice", "mpirun-term": "SIGTERM to mpirun", "mpirun-usr1": "SIGUSR1 to mpirun"}


def stops(what, rank, ranks, fault, signal, then, base=None):
    """The run saves at the step it stops after, says so, and that is where a resume goes on."""

    def run(lab, run_dir):
        if base:
            lab.stopped(base, run_dir)
        ended = lab.train(run_dir, ranks, {"resume": None} if base else {},
                          {"rank": rank, "when": "before", **fault, "do": signal})
        expect(ended, (75,), (r"stopped after step \d+ of 30 by ",), 0)
        step = int(re.search(r"stopped after step (\d+)", ended.output)[1])
        if rank != "all" and not signal.startswith("mpirun"):
            check(f"by {SPOKEN[signal]} on rank {rank};" in ended.output, f"the signal is not named\n{ended.output}")
        check(events(run_dir, "end")[-1]["reason"] == "signal", "metrics.jsonl has no end by a signal")
        check(checkpoints(run_dir)[-1].name == name(step), f"no checkpoint of step {step}\n{ended.output}")
        resume(lab, run_dir, then, newest_reported(run_dir), step)

    return Case("signal", f"{SAID[signal]} at {what}", place(rank, ranks), f"{then}",
                "saves, exit code 75; resumed at that very step, it has the bits of a straight run", run)


def too_late(what, rank, ranks, fault, signal):
    def run(lab, run_dir):
        expect(lab.train(run_dir, ranks, fault={"rank": rank, "when": "before", **fault, "do": signal}), (0,), (), 0)
        finished(lab, run_dir)

    return Case("signal", f"{SAID[signal]} at {what}", place(rank, ranks), "",
                "no step is left to stop after: finishes, with the bits of a straight run", run)


def out_of_time(ranks, left_s, then):
    def run(lab, run_dir):
        limit = ["env", f"SLURM_JOB_END_TIME={time.time() + left_s:.2f}"]
        ended = lab.run(limit + lab.command(ranks, lab.arguments(run_dir)))
        expect(ended, (75,), (r"stopped after step \d+ of 30 by the end of the SLURM job",), 0)
        resume(lab, run_dir, then, newest_reported(run_dir), int(re.search(r"stopped after step (\d+)", ended.output)[1]))

    return Case("signal", f"the SLURM job ends {left_s} s after the start", place("all", ranks), f"{then}",
                "saves, exit code 75; resumed at that very step, it has the bits of a straight run", run)


def launcher_stops(what, rank, ranks, fault, then):
    """mpirun passes SIGTERM on, kills what is left some seconds later (Lab.run), and says 1 itself."""

    def run(lab, run_dir):
        ended = lab.train(run_dir, ranks, fault={"rank": rank, "when": "before", **fault, "do": "mpirun-term"})
        expect(ended, (1,))
        ends = [event["reason"] for event in events(run_dir, "end")]
        check(ends == ["signal"], f"metrics.jsonl has these ends: {ends}\n{ended.output}")
        resume(lab, run_dir, then, exactly=newest_reported(run_dir))

    return Case("signal", f"{SAID['mpirun-term']} at {what}", place(rank, ranks), f"{then}",
                "saves within mpirun's patience; mpirun's own exit code 1; resumed at that very step, the bits of a straight run",
                run)


def abrupt(what, rank, ranks, fault, signal, then, codes):
    """What leaves no time for a save: as good as kill -9, and no worse."""

    def run(lab, run_dir):
        expect(lab.train(run_dir, ranks, fault={"rank": rank, "when": "before", **fault, "do": signal}), codes)
        resume(lab, run_dir, then, newest_reported(run_dir))

    return Case("signal", f"{SAID[signal]} at {what}", place(rank, ranks), f"{then}",
                "ends at once, saved or not; resumed, it has the bits of a straight run", run)


def cases():
    turns, where, signals = Turns(8), places(((1, 2), (0, 2), (2, 4), (3, 4), (0, 4))), places(("term", "usr1"))
    for phase in ("exchange of samples, epoch 2", "plan, epoch 2 step 3", "batch statistics, epoch 2 step 1",
                  "gather of rows, epoch 1 step 6", "gradient slices, epoch 3 step 4", "rows' gradients, epoch 2 step 10",
                  "gather for the evaluation, epoch 2", "loss of the epoch, epoch 1"):
        for _ in range(2):
            rank, ranks = next(where)
            yield stops(phase, rank, ranks, phases()[phase], next(signals), turns.other(ranks))
    own = {"path": PARTIAL + "/shard"}
    moments = (("writing its shard, step 12", {"call": "pwrite", **own, "when": "during"}),
               ("fsync of its shard, step 12", {"call": "fsync", **own}),
               ("a matrix product", {"call": "compute", "nth": 200}))
    for what, fault in moments:
        for signal in ("term", "usr12"):
            rank, ranks = next(where)
            yield stops(what, rank, ranks, fault, signal, turns.other(ranks))
    root = (("writing the manifest, step 12", {"call": "write", "path": PARTIAL + "/manifest.json", "when": "during"}),
            ("the rename that commits, step 12", {"call": "rename", "path": PARTIAL + "->"}),
            ("renaming the link latest, step 12", {"call": "rename", "path": "latest.partial", "nth": 4}),
            ("renaming what is pruned", {"call": "rename", "path": name(4) + ".removed"}),
            ("writing config.yaml", {"call": "write", "path": "config.yaml.partial"}))
    alone = places(((0, 1), (0, 2), (0, 4)))
    for what, fault in root:
        for signal in ("term2", "usr1"):
            rank, ranks = next(alone)
            yield stops(what, rank, ranks, fault, signal, turns.other(ranks))
    for what, fault in (("reading a shard at resume", {"call": "pread", "path": name(21) + "/shard"}),
                        ("taking a digest at resume", {"call": "read", "path": name(21)})):
        for signal in ("term", "usr12"):
            rank, ranks = next(where)
            yield stops(what, rank, ranks, fault, signal, turns.other(ranks), base=4)
    yield stops("a matrix product", 0, 1, {"call": "compute", "nth": 400}, "int", 2)
    for ranks, signal in ((2, "term"), (2, "mpirun-usr1"), (4, "usr12")):
        yield stops("gather of rows, epoch 1 step 6", "all", ranks, phases()["gather of rows, epoch 1 step 6"], signal,
                    turns.other(ranks))
    for phase, rank, ranks in (("plan, epoch 2 step 3", 0, 2), ("gather for the evaluation, epoch 2", 1, 4)):
        yield stops(phase, rank, ranks, phases()[phase], "mpirun-usr1", turns.other(ranks))
    for rank, ranks in ((1, 2), (0, 4)):
        yield too_late("sums of the evaluation, epoch 3", rank, ranks, phases()["sums of the evaluation, epoch 3"],
                       "term")
        yield too_late("fsync of its shard, step 30", rank, ranks, {"call": "fsync", "path": name(30) + ".partial/shard"},
                       "usr1")
    for ranks, left_s in ((1, -5), (2, 0), (4, 0.05)):
        yield out_of_time(ranks, left_s, turns.other(ranks))
    yield abrupt("a matrix product", 0, 1, {"call": "compute", "nth": 400}, "int2", 2, (130,))
    yield abrupt("plan, epoch 2 step 3", 1, 2, phases()["plan, epoch 2 step 3"], "int2", 4, (130, 5))
    for phase, rank, ranks in (("plan, epoch 2 step 3", 1, 4), ("gather for the evaluation, epoch 2", 0, 2),
                               ("gradient slices, epoch 3 step 4", 2, 4)):
        yield launcher_stops(phase, rank, ranks, phases()[phase], turns.other(ranks))
