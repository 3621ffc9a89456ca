"""Reads the checkpoint of example.hpp with h5py alone and compares every value.

Usage: read_with_h5py.py DIRECTORY RANKS
"""

import json
import sys

import h5py
import numpy as np


def value(part, rows, cols):
    r, c = np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij")
    v = (part * 1000 + r * 10 + c).astype(np.float32) / np.float32(7)
    if part == 0 and rows > 0:
        v[0, 0] = -0.0
    return v


def same(found, expected, name):
    found = np.asarray(found)
    assert found.dtype == expected.dtype, (name, found.dtype)
    assert found.shape == expected.shape, (name, found.shape, expected.shape)
    assert found.tobytes() == np.ascontiguousarray(expected).tobytes(), (name, found, expected)


directory, ranks = sys.argv[1], int(sys.argv[2])
with open(directory + "/manifest.json") as f:
    manifest = json.load(f)
assert manifest["step"] == 1250 and manifest["epoch"] == 4 and manifest["step_in_epoch"] == 17
assert manifest["ranks"] == ranks and manifest["seed"] == 2**64 - 1
assert manifest["extra"] == {"best_mse": 0.1, "none_yet": "inf"}
assert len(manifest["files"]) == ranks + 1

with h5py.File(directory + "/model.h5", "r") as f:
    for name, rows, width, bias, part in [("user", 13, 5, True, 0), ("item", 3, 2, False, 3), ("none", 0, 4, True, 6)]:
        group = f["embedding/" + name]
        for i, (weight, column) in enumerate([("weight", "bias"), ("adam_m", "bias_adam_m"), ("adam_v", "bias_adam_v")]):
            whole = value(part + i, rows, width + bias)
            same(group[weight], whole[:, :width], f"{name}/{weight}")
            if bias:
                same(group[column], whole[:, width], f"{name}/{column}")
        if bias:
            same(group["last_step"], 1000 + np.arange(rows, dtype=np.int64), f"{name}/last_step")
    for i, suffix in enumerate(["", "_adam_m", "_adam_v"]):
        same(f["mlp/0/weight" + suffix], value(20 + i, 1, 6).reshape(2, 3), "mlp/0/weight" + suffix)
    same(f["mlp/0/bn/running_mean"], value(23, 1, 3).reshape(3), "running_mean")
    same(f["vocabulary/user"], np.array([-5, 1, 2, 30, 31, 32, 40, 41, 42, 50, 60, 70]), "vocabulary/user")
    assert [x.decode() for x in f["vocabulary/item"]] == ["Amélie", "b c"]
    assert f.attrs["format_version"] == 1 and f.attrs["step"] == 1250 and f.attrs["epoch"] == 4
    assert f.attrs["seed"] == 2**64 - 1 and f.attrs["ncf_dist_version"] == b"0.1.0"
    assert f.attrs["config"].startswith(b"run:\n  seed: 42\n")
print("all values are right")
