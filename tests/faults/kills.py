"""kill -9 of one rank, in every phase of a run."""
import os

from case import Case, Turns, expect, finished, injected, newest, place, places, remove
from lab import EPOCH_STEPS, check, checkpoints, name

# mpirun says 137; the others may notice first and call it a lost peer.
KILLED = (137, 5)
MUST = "the job ends by itself; resumed, it has the bits of a straight run"


# A barrier in shared memory, as which the program makes itself known to tools.
BARRIER = "MPI_Pcontrol"


def plan(epoch, step):
    """Step 0 is the exchange of samples, an all-to-all an epoch, 11 the evaluation. A step has three barriers, for its
    plan, the gather and the rows' gradients, the evaluation the first two."""
    if step == 0:
        return {"call": "MPI_Alltoall", "nth": epoch}
    return {"call": BARRIER, "nth": (epoch - 1) * (3 * EPOCH_STEPS + 2) + 3 * (step - 1) + 1}


def collective(call, epoch, step, nth):
    """The nth such call after the plan of a step has begun."""
    armed = plan(epoch, step)
    return {"call": call, "arm": f"{armed['call']}:{armed['nth']}", "nth": nth}


def message(epoch, step, nth):
    """The nth all-to-all of rows after the plan of a step has begun, where all goes by message: then there is an
    all-to-all of counts before the first step of an epoch, one a step, one for the evaluation."""
    return {"call": "MPI_Alltoallv", "arm": f"MPI_Alltoall:{(epoch - 1) * (EPOCH_STEPS + 2) + 1 + step}", "nth": nth}


def phases():
    """What happens in a run, and how the shim finds it. The steps lie before, beside and after checkpoints."""
    return {
        "exchange of samples, epoch 2": plan(2, 0),
        "samples on their way, epoch 3": collective("MPI_Alltoallv", 3, 0, 1),
        "plan, epoch 2 step 3": plan(2, 3),
        "gather of rows, epoch 1 step 6": collective(BARRIER, 1, 6, 1),
        "batch statistics, epoch 2 step 1": collective("MPI_Allgather", 2, 1, 2),
        "gradient slices, epoch 3 step 4": collective("MPI_Alltoallv", 3, 4, 1),
        "gradient sums, epoch 2 step 5": collective("MPI_Allgather", 2, 5, 7),
        "rows' gradients, epoch 2 step 10": collective(BARRIER, 2, 10, 2),
        "gather for the evaluation, epoch 2": collective(BARRIER, 2, 11, 1),
        "sums of the evaluation, epoch 3": collective("MPI_Allreduce", 3, 11, 2),
        "loss of the epoch, epoch 1": collective("MPI_Allreduce", 1, 10, 2),
    }


def kill(group, what, rank, ranks, fault, when, then, **more):
    more = {"codes": KILLED, "must": MUST} | more
    return injected(group, f"killed {when} {what}", rank, ranks, {**fault, "when": when, "do": "kill"}, then, **more)


def training():
    turns, where = Turns(1), places()
    for phase in phases():
        for when in ("before", "during", "after"):
            rank, ranks = next(where)
            yield kill("train", phase, rank, ranks, phases()[phase], when, turns.other(ranks))
    for rank, ranks in ((0, 1), (1, 2), (3, 4)):  # without a collective to stop at: in a matrix product
        for nth in (7, 300):
            yield kill("train", f"matrix product {nth}", rank, ranks, {"call": "compute", "nth": nth}, "before",
                       turns.other(ranks))
    for when in ("before", "after"):
        for rank, ranks in ((0, 1), (0, 4)):
            yield kill("train", "the epoch's line of metrics.jsonl", rank, ranks,
                       {"call": "write", "path": "metrics.jsonl", "nth": 6}, when, turns.other(ranks))
    for phase, rank, ranks in (("plan, epoch 2 step 3", 1, 2), ("gather for the evaluation, epoch 2", 0, 4)):
        yield injected("train", f"mpirun killed at {phase}", rank, ranks, {**phases()[phase], "do": "mpirun-kill"},
                       turns.other(ranks), codes=(137,), must=MUST)
    for ranks, fault, what in ((2, plan(2, 3), "plan, epoch 2 step 3"), (4, plan(2, 11), "evaluation, epoch 2"),
                               (2, {"call": "compute", "nth": 100}, "matrix product 100")):
        yield kill("train", what, "all", ranks, fault, "before", turns.other(ranks))
    yield kill("train", "MPI_Finalize", 1, 2, {"call": "MPI_Finalize"}, "before", 4, codes=(*KILLED, 0))
    yield kill("train", "MPI_Finalize", 0, 4, {"call": "MPI_Finalize"}, "before", 1, codes=(*KILLED, 0))


# Then rows go by message, users' and items' gradients return apart, and a thread of its own carries them.
BESIDE = {"comm.overlap": "always", "comm.shared_memory": "false"}


def beside():
    """While a thread communicates and the rank computes."""
    for what, nth, when, rank, ranks, then in (
            ("wishes", 1, "before", 3, 4, 1), ("wishes", 1, "during", 0, 4, 2), ("wishes", 1, "after", 2, 4, 1),
            ("gather of rows", 2, "before", 1, 2, 4), ("users' gradients", 3, "during", 0, 4, 2),
            ("items' gradients", 4, "before", 3, 4, 1), ("items' gradients", 4, "after", 0, 2, 1)):
        yield kill("train", f"{what}, epoch 2 step 5, beside the computation", rank, ranks,
                   message(2, 5, nth), when, then, flags=BESIDE)


PARTIAL = name(12) + ".partial"


def own_writes():
    """What every rank's thread does for step 12."""
    shard = {"path": PARTIAL + "/shard"}
    yield "opening its shard", {"call": "open-write", **shard}, ("before", "after")
    yield "writing its shard", {"call": "pwrite", **shard, "nth": 2}, ("before", "during", "after")
    yield "fsync of its shard", {"call": "fsync", **shard}, ("before", "after")
    yield "the digest of its shard", {"call": "read", **shard}, ("before", "during")


# Counted from the start, with 4, 8 and 10 saved before and nothing pruned.
LATEST_NTH, BEST_NTH, PARENT_SYNC_NTH = 4, 2, 8


def root_writes():
    """What only rank 0 does for step 12, with the step that a resume must go on from."""
    model, manifest = {"path": PARTIAL + "/model.h5"}, {"path": PARTIAL + "/manifest.json"}
    folder = {"path": "checkpoints$", "call": "fsync"}
    yield "making the partial folder", {"call": "mkdir", "path": PARTIAL}, ("before", "after"), 10
    yield "opening model.h5", {"call": "open-write", **model}, ("before", "after"), 10
    yield "writing model.h5", {"call": "pwrite", **model, "nth": 3}, ("before", "during", "after"), 10
    yield "fsync of model.h5", {"call": "fsync", **model}, ("before", "after"), 10
    yield "opening the manifest", {"call": "open-write", **manifest}, ("before", "after"), 10
    yield "writing the manifest", {"call": "write", **manifest}, ("before", "during", "after"), 10
    yield "fsync of the manifest", {"call": "fsync", **manifest}, ("before", "after"), 10
    yield "fsync of the partial folder", {"call": "fsync", "path": PARTIAL + "$"}, ("before", "after"), 10
    rename = {"call": "rename", "path": PARTIAL + "->"}
    yield "the rename that commits", rename, ("before",), 10
    yield "the rename that commits", rename, ("after",), 12
    yield "fsync of checkpoints/", {**folder, "nth": PARENT_SYNC_NTH}, ("before", "after"), 12
    latest = {"path": "checkpoints/latest.partial", "nth": LATEST_NTH}
    yield "making the link latest", {"call": "symlink", **latest}, ("before", "after"), 12
    yield "renaming the link latest", {"call": "rename", **latest}, ("before", "after"), 12
    best = {"path": "checkpoints/best.partial", "nth": BEST_NTH}
    yield "making the link best", {"call": "symlink", **best}, ("before", "after"), 12
    yield "renaming the link best", {"call": "rename", **best}, ("before", "after"), 12


def saving():
    turns, where = Turns(2), places(((1, 2), (2, 4), (0, 1), (0, 4), (3, 4)))
    for what, fault, whens in own_writes():
        for when in whens:
            for rank, ranks in (next(where), next(where)):
                yield kill("save", f"{what}, step 12", rank, ranks, fault, when, turns.other(ranks), exactly=10)
    alone = places(((0, 1), (0, 2), (0, 4)))
    for what, fault, whens, step in root_writes():
        for when in whens:
            rank, ranks = next(alone)
            yield kill("save", f"{what}, step 12", rank, ranks, fault, when, turns.other(ranks), exactly=step)
    for ranks, fault, what in ((2, {"call": "fsync", "path": PARTIAL + "/shard"}, "fsync of their shards"),
                               (4, {"call": "pwrite", "path": PARTIAL + "/shard", "nth": 3}, "writing their shards")):
        yield kill("save", f"{what}, step 12", "all", ranks, fault, "before", turns.other(ranks), exactly=10)
    for rank, ranks in ((1, 2), (0, 1), (2, 4)):  # the very first and the very last checkpoint
        yield kill("save", "fsync of its shard, step 4", rank, ranks,
                   {"call": "fsync", "path": name(4) + ".partial/shard"}, "before", turns.other(ranks), exactly=0)
        yield kill("save", "fsync of its shard, step 30", rank, ranks,
                   {"call": "fsync", "path": name(30) + ".partial/shard"}, "before", turns.other(ranks), exactly=28)


def replacing():
    """A run stopped after step 21 goes on from 16, since 20 and 21 are damaged, and saves a step 20 of its own."""
    turns, where = Turns(19), places(((0, 2), (0, 1), (0, 4)))

    def spoil(_, run):
        for step in (20, 21):
            os.truncate(newest(run, step) / "model.h5", 100)

    partial = name(20) + ".partial"
    for what, fault, whens, step in (
            ("the rename that exchanges it with a damaged one", {"call": "renameat2", "path": partial}, ("before",), 16),
            ("the rename that exchanges it with a damaged one", {"call": "renameat2", "path": partial}, ("after",), 20),
            ("removing a file of the damaged one", {"call": "unlink", "path": partial, "nth": 2}, ("before", "after"), 20),
            ("removing the folder of the damaged one", {"call": "remove", "path": partial}, ("before",), 20)):
        for when in whens:
            rank, ranks = next(where)
            yield kill("save", f"{what}, step 20", rank, ranks, fault, when, turns.other(ranks), base=2, prepare=spoil,
                       exactly=step)
    for ranks in (1, 4):
        yield injected("save", "no RENAME_EXCHANGE on this file system (EINVAL), step 20 replaces a damaged one", 0, ranks,
                       {"call": "renameat2", "path": partial, "do": "EINVAL"}, None, codes=(0,), base=2, prepare=spoil,
                       must="it is replaced by two renames; the bits of a straight run")


def beginning_anew():
    """Without --resume, over a finished run, which is moved aside."""

    def case(what, fault, when, ranks):
        def run(lab, run_dir):
            lab.stopped(2, run_dir)
            before = {p.name for p in checkpoints(run_dir)}
            ended = lab.train(run_dir, ranks, fault={"rank": 0, **fault, "when": when, "do": "kill"})
            expect(ended, KILLED)
            ended = lab.train(run_dir, ranks)
            expect(ended, (0,))
            finished(lab, run_dir)
            kept = {p.parent.name for p in run_dir.glob("earlier-*/checkpoints/*/model.h5")}
            check(kept >= before, f"of the earlier run only {kept} is left")

        return Case("train", f"killed {when} {what} of an earlier run", place(0, ranks), f"{ranks}, without --resume",
                    "the bits of a straight run, and no checkpoint of the earlier run is lost", run)

    yield case("making a folder for what is left", {"call": "mkdir", "path": "earlier-1"}, "after", 1)
    for what in ("config.yaml", "metrics.jsonl", "checkpoints"):
        for when, ranks in (("before", 2), ("after", 1)):
            yield case(f"moving {what}", {"call": "rename", "path": f"/{what}->"}, when, ranks)


def pruning():
    """At step 12 the checkpoint of step 4 goes."""
    turns, where = Turns(3), places(((0, 1), (0, 2), (0, 4)))
    gone = name(4) + ".removed"
    sites = [("renaming what is pruned", {"call": "rename", "path": gone})]
    sites += [(f"removing file {n} of what is pruned", {"call": "unlink", "path": gone, "nth": n}) for n in (1, 2, 3)]
    sites += [("removing the pruned folder", {"call": "remove", "path": gone})]
    for what, fault in sites:
        for when in ("before", "after"):
            rank, ranks = next(where)
            yield kill("prune", what, rank, ranks, fault, when, turns.other(ranks), exactly=12)


def loading():
    """While a run stopped after step 21 is resumed."""
    turns, where = Turns(4), places(((1, 2), (0, 2), (2, 4), (0, 1), (3, 4)))
    folder = name(21)
    any_rank = [
        ("taking a digest", {"call": "read", "path": folder}, ("before", "during", "after")),
        ("reading rows of a shard", {"call": "pread", "path": folder + "/shard"}, ("before", "during", "after")),
        ("reading model.h5", {"call": "pread", "path": folder + "/model.h5"}, ("before", "during", "after")),
    ]
    for what, fault, whens in any_rank:
        for when in whens:
            rank, ranks = next(where)
            yield kill("load", what, rank, ranks, fault, when, turns.other(ranks), base=4, exactly=21)
    root = [
        ("reading the manifest", {"call": "open-read", "path": folder + "/manifest.json"}, ("before", "after")),
        ("reading the manifest again", {"call": "open-read", "path": folder + "/manifest.json", "nth": 2}, ("after",)),
        ("writing config.yaml", {"call": "write", "path": "config.yaml.partial"}, ("before", "during", "after")),
        ("renaming config.yaml", {"call": "rename", "path": "config.yaml.partial"}, ("before", "after")),
        ("opening metrics.jsonl", {"call": "open-read", "path": "metrics.jsonl"}, ("before", "after")),
    ]
    alone = places(((0, 2), (0, 1), (0, 4)))
    for what, fault, whens in root:
        for when in whens:
            rank, ranks = next(alone)
            yield kill("load", what, rank, ranks, fault, when, turns.other(ranks), base=2, exactly=21)

    def back_to_16(_, run):  # epoch 2 is then to be done again, and its line has to go
        remove(newest(run, 21))
        remove(newest(run, 20))

    for what, fault, whens in (
            ("writing the trimmed metrics.jsonl", {"call": "write", "path": "metrics.jsonl.partial"}, ("during", "after")),
            ("fsync of the trimmed metrics.jsonl", {"call": "fsync", "path": "metrics.jsonl.partial"}, ("before",)),
            ("renaming the trimmed metrics.jsonl", {"call": "rename", "path": "metrics.jsonl.partial"},
             ("before", "after"))):
        for when in whens:
            rank, ranks = next(alone)
            yield kill("load", what, rank, ranks, fault, when, turns.other(ranks), base=4, prepare=back_to_16, exactly=16)
    for call, nth in (("MPI_Bcast", 3), ("MPI_Allgather", 6), ("MPI_Allgatherv", 2), ("MPI_Allreduce", 3)):
        rank, ranks = next(where)
        while ranks == 1:
            rank, ranks = next(where)
        yield kill("load", f"{call} number {nth} of the start", rank, ranks, {"call": call, "nth": nth}, "during",
                   turns.other(ranks), base=2, exactly=21)


def cases():
    for group in (training, beside, beginning_anew, saving, replacing, pruning, loading):
        yield from group()
