"""Disks that are full, over quota, broken or read-only: as errors of single calls, and as real file systems."""
import resource
import shlex
import subprocess

from case import Case, injected, expect, finished, place, places, resume
from kills import BEST_NTH, LATEST_NTH, PARENT_SYNC_NTH, PARTIAL
from lab import Skip, check, checkpoints, name

REASONS = {"ENOSPC": "No space left on device", "EDQUOT": "Disk quota exceeded", "EIO": "Input/output error",
           "EROFS": "Read-only file system", "EACCES": "Permission denied"}


def sites(partial):
    shard, model, manifest = f"{partial}/shard", f"{partial}/model.h5", f"{partial}/manifest.json"
    anywhere = [
        ("opening its shard", {"call": "open-write", "path": shard}),
        ("writing its shard", {"call": "pwrite", "path": shard}),
        ("writing more of its shard", {"call": "pwrite", "path": shard, "nth": 3}),
        ("fsync of its shard", {"call": "fsync", "path": shard}),
        ("the digest of its shard", {"call": "read", "path": shard}),
    ]
    at_root = [
        ("making the partial folder", {"call": "mkdir", "path": partial}),
        ("opening model.h5", {"call": "open-write", "path": model}),
        ("writing model.h5", {"call": "pwrite", "path": model, "nth": 2}),
        ("fsync of model.h5", {"call": "fsync", "path": model}),
        ("opening the manifest", {"call": "open-write", "path": manifest}),
        ("writing the manifest", {"call": "write", "path": manifest}),
        ("fsync of the manifest", {"call": "fsync", "path": manifest}),
        ("fsync of the partial folder", {"call": "fsync", "path": partial + "$"}),
        ("the rename that commits", {"call": "rename", "path": partial + "->"}),
    ]
    return anywhere, at_root


def once():
    """One checkpoint is lost, nothing else."""
    errors, where = places(tuple(REASONS)), places(((1, 2), (0, 1), (2, 4), (0, 2), (3, 4)))
    must = "one warning with the reason, training goes on to the bits of a straight run"

    def case(what, rank, ranks, fault, error, says):
        return injected("disk", f"{error} once at {what}, step 12", rank, ranks, {**fault, "do": error}, None,
                        codes=(0,), says=says, warnings=1, must=must)

    anywhere, at_root = sites(PARTIAL)
    for what, fault in anywhere:
        for _ in range(3):
            error, (rank, ranks) = next(errors), next(where)
            yield case(what, rank, ranks, fault, error,
                       (rf"warning: the checkpoint of step 12 could not be written: .*{REASONS[error]}",))
    alone = places(((0, 1), (0, 2), (0, 4)))
    links = [
        ("fsync of checkpoints/", {"call": "fsync", "path": "checkpoints$", "nth": PARENT_SYNC_NTH}),
        ("making the link latest", {"call": "symlink", "path": "latest.partial", "nth": LATEST_NTH}),
        ("renaming the link latest", {"call": "rename", "path": "latest.partial", "nth": LATEST_NTH}),
    ]
    for what, fault in at_root + links:
        error, (rank, ranks) = next(errors), next(alone)
        yield case(what, rank, ranks, fault, error,
                   (rf"warning: the checkpoint of step 12 could not be written: .*{REASONS[error]}",))
    pruning = [
        ("making the link best", {"call": "symlink", "path": "best.partial", "nth": BEST_NTH}),
        ("renaming the link best", {"call": "rename", "path": "best.partial", "nth": BEST_NTH}),
        ("renaming what is pruned", {"call": "rename", "path": name(4) + ".removed"}),
        ("removing a file of what is pruned", {"call": "unlink", "path": name(4) + ".removed"}),
        ("removing the pruned folder", {"call": "remove", "path": name(4) + ".removed"}),
    ]
    for what, fault in pruning:
        error, (rank, ranks) = next(errors), next(alone)
        yield case(what, rank, ranks, fault, error,
                   (rf"warning: old checkpoints could not all be removed: .*{REASONS[error]}",))


def for_good():
    """From step 12 on nothing can be written any more."""
    # The nth call of a rank is the first one for step 12: rank 0 writes more files than the others.
    for error, what, call, nth, rank, ranks in (
            ("ENOSPC", "writing", "pwrite", 3 * 50 + 1, 0, 1), ("EDQUOT", "writing", "pwrite", 3 * 12 + 1, 3, 4),
            ("EIO", "fsync", "fsync", 3 * 4 + 1, 0, 2), ("EIO", "fsync", "fsync", 4, 3, 4),
            ("EROFS", "opening", "open-write", 3 * 3 + 1, 0, 4), ("EACCES", "opening", "open-write", 4, 1, 2)):
        fault = {"call": call, "path": "checkpoints/step-", "nth": nth, "do": error, "from": "always"}
        reason = f"could not be written: .*{REASONS[error]}.*; "
        yield injected("disk", f"{error} for good at {what} of files of checkpoints, from step 12 on", rank, ranks, fault,
                       {1: 2, 2: 4, 4: 1}[ranks], codes=(4,), warnings=1, exactly=10,
                       says=(rf"warning: the checkpoint of step 12 {reason}training goes on",
                             rf"error: the last checkpoint {reason}the newest is .*{name(10)}"),
                       must="one warning, training to the end, exit code 4; resumed, it has the bits of a straight run")
    for error, rank, ranks in (("ENOSPC", 0, 1), ("EROFS", 0, 2)):
        yield injected("disk", f"{error} for good at making any partial folder", rank, ranks,
                       {"call": "mkdir", "path": "checkpoints/step-", "do": error, "from": "always"}, 2, codes=(4,),
                       says=(rf"{REASONS[error]}.*; there is none of this run",), warnings=1, exactly=0,
                       must="one warning, training to the end, exit code 4; it starts anew to the bits of a straight run")
    last = name(30) + ".partial"
    for (what, fault), rank, ranks, error in ((sites(last)[0][3], 1, 2, "EIO"), (sites(last)[1][5], 0, 4, "ENOSPC"),
                                              (sites(last)[1][8], 0, 1, "EDQUOT")):
        yield injected("disk", f"{error} at {what} of the last checkpoint", rank, ranks, {**fault, "do": error}, 4,
                       codes=(4,), says=(rf"the last checkpoint could not be written: .*{REASONS[error]}.*step-000000028",),
                       exactly=28, must="exit code 4, naming the checkpoint before; resumed, the bits of a straight run")


def required():
    where = places(((1, 2), (0, 1), (2, 4), (0, 4)))
    anywhere, at_root = sites(PARTIAL)
    for (what, fault), error in zip((anywhere[1], anywhere[3], at_root[0], at_root[5], at_root[8]), REASONS):
        rank, ranks = next(where)
        rank = rank if (what, fault) in anywhere else 0
        yield injected("disk", f"{error} at {what}, step 12, checkpoint.required", rank, ranks, {**fault, "do": error},
                       {1: 2, 2: 4, 4: 1}[ranks], flags={"checkpoint.required": "true"}, codes=(4,), warnings=0, exactly=10,
                       says=(rf"error: the checkpoint of step 12 could not be written: .*{REASONS[error]}.*required",),
                       must="exit code 4 at once; resumed, it has the bits of a straight run")


def at_start():
    for what, fault, says in (
            ("making run.dir", {"call": "mkdir", "path": "disk-", "do": "EACCES"}, "Permission denied"),
            ("writing config.yaml", {"call": "write", "path": "config.yaml.partial", "do": "ENOSPC"}, "No space left"),
            ("renaming config.yaml", {"call": "rename", "path": "config.yaml.partial", "do": "EIO"}, "Input/output error"),
            ("opening metrics.jsonl", {"call": "fopen", "path": "metrics.jsonl", "do": "EROFS"}, "cannot be written")):
        for ranks in (1, 2):
            yield injected("disk", f"{fault['do']} at {what}", 0, ranks, fault, 4, codes=(2,), says=("run.dir.*" + says,),
                           exactly=0, must="exit code 2 at the start; nothing is in the way of the next try")
    for what, fault, says in (
            ("writing config.yaml", {"call": "write", "path": "config.yaml.partial", "do": "ENOSPC"}, "No space left"),
            ("the trimmed metrics.jsonl", {"call": "read", "path": "metrics.jsonl", "do": "EIO"}, "Input/output error")):
        yield injected("disk", f"{fault['do']} at {what}, at resume", 0, 2, fault, 4, codes=(2,), says=(says,), base=4,
                       exactly=21, must="exit code 2; resumed, it has the bits of a straight run")
    for what, fault in (("reading the manifest", {"call": "read", "path": name(21) + "/manifest.json", "do": "EIO"}),
                        ("taking a digest", {"call": "read", "path": name(21) + "/", "nth": 3, "do": "EIO"})):
        yield injected("disk", f"EIO at {what}, at resume", 0, 2, fault, None, codes=(0,), base=4, warnings=1,
                       says=(r"warning: checkpoint passed over: .*Input/output error",),
                       must="the checkpoint is passed over with a warning; the one before leads to the same bits")
    yield injected("disk", "EIO at reading rows, at resume", 1, 2,
                   {"call": "pread", "path": name(21) + "/shard", "do": "EIO"}, 2, codes=(4,), base=4, exactly=21,
                   must="one error, exit code 4; resumed, the bits of a straight run")
    for ranks in (1, 4):
        def run(lab, run_dir, ranks=ranks):
            fault = {"rank": 0, "call": "write", "path": "metrics.jsonl", "nth": 4, "when": "before", "do": "ENOSPC"}
            ended = lab.train(run_dir, ranks, fault=fault)
            expect(ended, (0,), (r"metrics.jsonl cannot be written any more; training goes on",), 1)
            finished(lab, run_dir, epochs=(1,))

        yield Case("disk", "ENOSPC at the fourth line of metrics.jsonl", place(0, ranks), "",
                   "one warning, training goes on to the bits of a straight run", run)


def file_size_limit():
    def run(lab, run_dir):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        ended = lab.train(run_dir, 1, limits=limit)
        expect(ended, (4,), ("could not be written: .*File too large", "there is none of this run"), 1)
        check(not [p for p in checkpoints(run_dir)], "a half-written checkpoint was left")
        resume(lab, run_dir, 2, exactly=0)

    return Case("disk", "a limit on file sizes (RLIMIT_FSIZE)", "rank 0 of 1", "2",
                "one warning, exit code 4, nothing half-written; it starts anew to the bits of a straight run", run)


def mounts_allowed():
    tried = subprocess.run(["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True)
    return tried.returncode == 0


def tmpfs(what, ranks, then, before, after, says, must, base=None, code=4):
    """Two jobs in a mount namespace of their own, with a tmpfs as run directory that is changed in between."""

    def run(lab, run_dir):
        if not mounts_allowed():
            raise Skip("no right to mount a tmpfs")
        template = run_dir.with_name(run_dir.name + "-template")
        if base:
            lab.stopped(base, template)
        else:
            template.mkdir()
        inside = run_dir.with_name(run_dir.name + "-tmpfs")
        inside.mkdir()
        first = shlex.join(lab.command(ranks, lab.arguments(inside, {"resume": None} if base else {})))
        second = shlex.join(lab.command(then, lab.arguments(inside, {"resume": None})))
        script = (f"mount -t tmpfs -o size=64m none {inside} && cp -a {template}/. {inside} && {before(inside)} && "
                  f"{{ {first}; test $? -eq {code} && echo as-expected; {after(inside)} && {second} && cp -a {inside} {run_dir}; }}")
        ended = lab.run(["unshare", "--mount", "sh", "-c", script])
        expect(ended, (0,), ("as-expected", *says))
        finished(lab, run_dir)

    return Case("disk", what, place("all", ranks), f"{then}", must, run)


def file_systems():
    more = lambda at: f"mount -o remount,size=64m {at}"
    for size, ranks, then in (("160k", 2, 4), ("192k", 4, 1), ("100k", 1, 4)):
        less = lambda at, s=size: f"mount -o remount,size={s} {at}"
        yield tmpfs(f"a real file system of {size} is full", ranks, then, less, more, ("No space left on device.*training goes on", "error: the last checkpoint could not be written"),
                    "one warning, exit code 4; with more space, resumed, the bits of a straight run")
    folder = "checkpoints"
    for ranks, then in ((2, 1), (1, 4)):
        yield tmpfs("checkpoints/ is mounted read-only at resume", ranks, then,
                    lambda at: f"mount --bind {at}/{folder} {at}/{folder} && mount -o remount,bind,ro {at}/{folder}",
                    lambda at: f"umount {at}/{folder}", ("Read-only file system.*training goes on",),
                    "one warning, exit code 4; when it can be written, resumed, the bits of a straight run", base=2)


def cases():
    yield from once()
    yield from for_good()
    yield from required()
    yield from at_start()
    yield file_size_limit()
    yield from file_systems()
