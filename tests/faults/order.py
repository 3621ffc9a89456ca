"""In which order things reach the disk: what a power cut would need, read off the calls of an undisturbed job."""
from case import Case, expect, finished, place
from lab import check, checkpoints, name

WRITES = ("pwrite", "write", "ftruncate", "open-write")


def index(trace, call, path, start=0):
    """Where the first such call from `start` on is; a Failure if there is none."""
    for at in range(start, len(trace)):
        if trace[at] == (call, path):
            return at
    check(False, f"no {call} of {path} after call {start}")


def check_save(trace, folder, step):
    partial, final = f"{folder}/{name(step)}.partial", f"{folder}/{name(step)}"
    commit = index(trace, "rename", f"{partial}->{final}")
    written = {path for call, path in trace if call in WRITES and path.startswith(partial + "/")}
    check(len(written) >= 3, f"no shard, model and manifest were written in {partial}")
    synced = []
    for path in written:
        last = max(at for at, (call, where) in enumerate(trace) if call in WRITES and where == path)
        synced.append(index(trace, "fsync", path, last))
        check(synced[-1] < commit, f"{path} is flushed after the rename")
    manifest = index(trace, "open-write", f"{partial}/manifest.json")
    others = [at for at, path in zip(synced, written) if not path.endswith("/manifest.json")]
    check(max(others) < manifest, f"step {step}: the manifest is begun before all other files are flushed")
    folder_synced = index(trace, "fsync", partial, max(synced))
    check(folder_synced < commit, f"{partial} is flushed after the rename")
    parent = index(trace, "fsync", folder, commit)
    latest = index(trace, "rename", f"{folder}/latest.partial->{folder}/latest", commit)
    check(parent < latest, f"step {step}: latest is moved before the checkpoint has its name for good")
    return index(trace, "fsync", folder, latest)


def cases():
    for ranks in (1, 2, 4):
        def run(lab, run_dir, ranks=ranks):
            ended = lab.train(run_dir, ranks, trace=True)
            expect(ended, (0,))
            finished(lab, run_dir)
            folder, trace = f"{run_dir}/checkpoints", ended.trace
            durable = {step: check_save(trace, folder, step) for step in (4, 8, 10, 12, 16, 20, 24, 28, 30)}
            kept = {p.name for p in checkpoints(run_dir)}
            for step, after in ((4, 12), (8, 16), (12, 24), (16, 24)):  # when there are three newer ones
                if name(step) in kept:
                    continue
                gone = index(trace, "rename", f"{folder}/{name(step)}->{folder}/{name(step)}.removed")
                check(gone > durable[after], f"step {step} is removed before step {after} is durable")
                removed = index(trace, "unlink", f"{folder}/{name(step)}.removed/model.h5", gone)
                check(index(trace, "fsync", folder, gone) < removed, f"step {step} loses files under its own name")
            config = f"{run_dir}/config.yaml"
            moved = index(trace, "rename", f"{config}.partial->{config}")
            check(index(trace, "fsync", f"{config}.partial") < moved, "config.yaml is renamed before it is flushed")

        yield Case("order", "nothing: every call is looked at", place("all", ranks), "",
                   "shards and model.h5 flushed before the manifest is begun, all files and their folder before the "
                   "rename, that before `latest` moves, that before an older checkpoint goes", run)
