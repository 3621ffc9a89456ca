"""A rank that stops, leaves without a word, or throws where nobody expects it."""
import os
import signal
import time
from pathlib import Path

from case import Case, Turns, expect, finished, injected, place, places
from kills import BESIDE, PARTIAL, message, phases
from lab import name

WAITING = "waiting in (MPI_|shared-memory barrier)"
SILENT = "the watchdog names the rank and where the others wait, exit code 5; resumed, it has the bits of a straight run"


def stopped(what, rank, ranks, fault, then, says, **more):
    # A rank needs a second to be missed, the roll call three, and mpirun a moment to end the stopped one.
    more["flags"] = {"comm.timeout_s": "1"} | more.get("flags", {})
    return injected("stop", f"SIGSTOP before {what}", rank, ranks, {**fault, "do": "stop"}, then, codes=(5,),
                    says=says, must=SILENT, **more)


def missing(rank):
    return r"no progress for .*comm.timeout_s is 1 s\n  rank %d on .*: no answer" % rank


def stops():
    turns, where = Turns(5), places(((1, 2), (0, 2), (2, 4), (0, 4)))
    for phase, waiting in (("exchange of samples, epoch 2", "waiting in MPI_Alltoall .*, epoch 2 step 1"),
                           ("plan, epoch 2 step 3", "waiting in shared-memory barrier .*, epoch 2 step 3"),
                           ("gather of rows, epoch 1 step 6", "waiting in shared-memory barrier .*, epoch 1 step 6"),
                           ("gradient sums, epoch 2 step 5", "waiting in MPI_Allgather .*, epoch 2 step 5"),
                           ("sums of the evaluation, epoch 3", "waiting in MPI_Allreduce .*, epoch 3 evaluation")):
        rank, ranks = next(where)
        yield stopped(phase, rank, ranks, phases()[phase], turns.other(ranks), (missing(rank), waiting))
    for what, fault in (("fsync of its shard, step 12", {"call": "fsync", "path": PARTIAL + "/shard"}),
                        ("a matrix product", {"call": "compute", "nth": 300})):
        rank, ranks = next(where)
        yield stopped(what, rank, ranks, fault, turns.other(ranks), (missing(rank), WAITING))
    yield stopped("the rename that commits, step 12", 0, 4, {"call": "rename", "path": PARTIAL}, 2,
                  (missing(0), "waiting in MPI_"))  # mpirun wakes it to end it: the rename may still happen
    yield stopped("reading a shard at resume", 1, 2, {"call": "pread", "path": name(21) + "/shard"}, 4,
                  (missing(1), "waiting in MPI_.*loading a checkpoint"), base=4, exactly=21)
    yield stopped("MPI_Finalize", 1, 2, {"call": "MPI_Finalize"}, None, ("MPI_Finalize waited 1 s for the other ranks",))


def beside():
    """In the thread that communicates while its rank computes, and in a product while that thread waits."""
    items = message(2, 5, 4)
    yield stopped("items' gradients, epoch 2 step 5, beside the computation", 1, 2, items, 4,
                  (missing(1), "waiting in MPI_Alltoallv .*, epoch 2 step 5"), flags=BESIDE)
    yield stopped("a matrix product beside communication", 0, 4, {"call": "compute", "nth": 300}, 2,
                  (missing(0), "waiting in MPI_"), flags=BESIDE)
    yield injected("throw", "exception from items' gradients, epoch 2 step 5, beside the computation", 2, 4,
                   {**items, "do": "throw"}, 1, codes=(70,), flags=BESIDE, says=(rf"error on rank 2 of 4 .*: {UNKNOWN}",),
                   must="the job is aborted with the rank's message, exit code 70; resumed, it has the bits of a straight run")


def pauses():
    """Stopped for less than comm.timeout_s."""

    def case(what, rank, ranks, fault):
        def wake(process, notes):
            while process.poll() is None and not (Path(notes) / "fired").exists():
                time.sleep(0.01)
            time.sleep(1)
            for pid in (Path(notes) / f"rank-{rank}.pid").read_text().split():
                os.kill(int(pid), signal.SIGCONT)

        def run(lab, run_dir):
            ended = lab.train(run_dir, ranks, fault={"rank": rank, **fault, "when": "before", "do": "stop"}, meanwhile=wake)
            expect(ended, (0,), (), 0)
            finished(lab, run_dir)

        return Case("stop", f"SIGSTOP before {what}, SIGCONT a second later", place(rank, ranks), "",
                    "no warning, no end: the bits of a straight run", run)

    yield case("plan, epoch 2 step 3", 1, 2, phases()["plan, epoch 2 step 3"])
    yield case("fsync of its shard, step 12", 3, 4, {"call": "fsync", "path": PARTIAL + "/shard"})


UNKNOWN = "an exception that nobody expected"


def throws():
    turns, where = Turns(6), places(((1, 2), (0, 2), (2, 4), (3, 4), (0, 4)))
    alone = "the job is aborted with the rank's message, exit code 70; resumed, it has the bits of a straight run"
    for phase in ("exchange of samples, epoch 2", "plan, epoch 2 step 3", "gather of rows, epoch 1 step 6",
                  "gradient slices, epoch 3 step 4", "rows' gradients, epoch 2 step 10",
                  "gather for the evaluation, epoch 2"):
        rank, ranks = next(where)
        yield injected("throw", f"exception from {phase}", rank, ranks, {**phases()[phase], "do": "throw"},
                       turns.other(ranks), codes=(70,), must=alone,
                       says=(rf"error on rank {rank} of {ranks} .*: {UNKNOWN}",))
    kept = "one warning, the checkpoint is given up, training goes on to the bits of a straight run"
    for what, fault in (("fsync of its shard", {"call": "fsync", "path": PARTIAL + "/shard"}),
                        ("the digest of its shard", {"call": "read", "path": PARTIAL + "/shard"})):
        for rank, ranks in ((0, 1), next(where)):
            yield injected("throw", f"exception from {what}, step 12", rank, ranks, {**fault, "do": "throw"}, None,
                           codes=(0,), says=(rf"warning: the checkpoint of step 12 could not be written: {UNKNOWN}",),
                           warnings=1, must=kept)
    for what, fault in (("writing the manifest", {"call": "write", "path": PARTIAL + "/manifest"}),
                        ("fsync of the partial folder", {"call": "fsync", "path": PARTIAL + "$"})):
        yield injected("throw", f"exception from {what}, step 12", 0, 2, {**fault, "do": "throw"}, None, codes=(0,),
                       warnings=1, must=kept,
                       says=(rf"warning: the checkpoint of step 12 could not be written: {UNKNOWN}",))
    agreed = "one error, exit code 70; resumed, it has the bits of a straight run"
    for what, fault, rank, ranks in (
            ("reading the manifest at resume", {"call": "read", "path": name(21) + "/manifest.json"}, 0, 4),
            ("taking a digest at resume", {"call": "read", "path": name(21)}, 1, 2)):
        yield injected("throw", f"exception from {what}", rank, ranks, {**fault, "do": "throw"}, turns.other(ranks),
                       codes=(70,), says=(UNKNOWN,), must=agreed, base=2, exactly=21)


def exits():
    turns, where = Turns(7), places(((1, 2), (0, 2), (2, 4), (0, 4)))
    must = "mpirun ends the job; resumed, it has the bits of a straight run"
    sites = [(phase, None) for phase in ("plan, epoch 2 step 3", "gradient sums, epoch 2 step 5",
                                         "sums of the evaluation, epoch 3")]
    sites += [("fsync of its shard, step 12", {"call": "fsync", "path": PARTIAL + "/shard"})]
    for what, fault in sites:
        rank, ranks = next(where)
        yield injected("exit", f"_exit(0) before {what}", rank, ranks, {**(fault or phases()[what]), "do": "exit"},
                       turns.other(ranks), codes=(1, 5), must=must)


def cases():
    for group in (stops, beside, pauses, throws, exits):
        yield from group()
