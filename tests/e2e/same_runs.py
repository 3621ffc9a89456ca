"""same_runs.py RUN OTHER...: the newest models of all runs, and all numbers of their epochs that are not times
or traffic, are those of RUN, bit by bit. Prints what differs; exit code 1 if anything does."""
import hashlib
import json
import sys

import h5py
import numpy

MEASURED = {"event", "time", "seconds", "samples_per_s", "phases", "bytes_sent"}


def model(run):
    found = {}

    def add(name, node):
        if not isinstance(node, h5py.Dataset):
            return
        values = node[()]
        if values.dtype.kind == "f" and not numpy.isfinite(values).all():
            sys.exit(f"{run}: {name} has values that are not finite, or of a shard that is missing")
        data = repr(values.tolist()).encode() if values.dtype.kind == "O" else values.tobytes()
        found[name] = f"{node.shape} {hashlib.sha256(data).hexdigest()[:16]}"

    with h5py.File(f"{run}/checkpoints/latest/model.h5", "r") as file:
        file.visititems(add)
        for key in ("step", "epoch", "step_in_epoch", "seed"):
            found["attribute " + key] = str(file.attrs[key])
    return found


def epochs(run):
    found = {}
    with open(f"{run}/metrics.jsonl") as lines:
        for number, line in enumerate(lines):
            event = json.loads(line)
            if event["event"] != "epoch":
                continue
            key = f"epoch {event['epoch']}"
            if key in found:
                sys.exit(f"{run}/metrics.jsonl:{number + 1}: {key} is there twice")
            found[key] = repr({k: v for k, v in event.items() if k not in MEASURED})
    return found


def all_of(run):
    found = model(run) | epochs(run)
    if not any(k.endswith("/user/weight") for k in found) or "epoch 1" not in found:
        sys.exit(f"{run}: has no table or no epoch to compare")
    return found


first, *others = sys.argv[1:]
expected = all_of(first)
different = 0
for other in others:
    here = all_of(other)
    for key in sorted(expected.keys() | here.keys()):
        if expected.get(key) != here.get(key):
            different += 1
            print(f"{key}: {first} has {expected.get(key)}, {other} has {here.get(key)}")
sys.exit(1 if different or not others else 0)
