"""Computes what `ncf_dist evaluate` prints from a checkpoint and a prepared data set, with h5py and numpy alone.

Everything here is from docs/formats.md. Usage: rmse_with_h5py.py CHECKPOINT DATA_SET all|valid EVALUATED.json
"""

import json
import math
import sys

import h5py
import numpy as np


def value_of(text):
    """A value of the stored configuration: a number, a list, or a word."""
    try:
        return json.loads(text)
    except ValueError:
        return text.strip("\"'")


def read_config(text):
    """{"train.lr": 0.005, …}"""
    keys, sections = {}, []
    for line in text.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        key, _, value = line.strip().partition(":")
        sections = sections[:depth] + [key]
        if value:
            keys[".".join(sections)] = value_of(value.strip())
    return keys


# --- which rows validate


def philox(counter, key):
    """Philox4x32-10."""
    c, (k0, k1), mask = list(counter), key, 2**32 - 1
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], 2**32)
        high1, low1 = divmod(0xCD9E8D57 * c[2], 2**32)
        c = [high1 ^ c[1] ^ k0, low1, high0 ^ c[3] ^ k1, low0]
        k0, k1 = (k0 + 0x9E3779B9) & mask, (k1 + 0xBB67AE85) & mask
    return c


def split_keys(seed):
    key = ((seed & 0xFFFFFFFF) ^ (2 * 0x9E3779B9 % 2**32), seed >> 32)
    for r in range(16):
        words = philox([0, 0, r, 0], key)
        yield np.uint64(words[0] | words[1] << 32)


def mix(x, key):
    x = (x ^ key) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(32))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(29))


def scaled(bits, bound):
    """floor(bits · bound / 2^64) for a bound below 2^32."""
    half = np.uint64(32)
    low = (bits & np.uint64(2**32 - 1)) * bound
    return ((bits >> half) * bound + (low >> half)) >> half


def permuted(n, seed):
    bits = (n - 1).bit_length() if n > 1 else 0
    k = np.uint64(bits // 2)
    a = np.uint64(((n - 1) >> (bits // 2)) + 1)
    keys = list(split_keys(seed))[: 16 if n <= 4096 else 6]
    index = np.arange(n, dtype=np.uint64)
    todo = np.ones(n, bool)
    while todo.any():
        high, low = index[todo] >> k, index[todo] & np.uint64((1 << (bits // 2)) - 1)
        for r in range(0, len(keys), 2):
            high = (high + scaled(mix(low, keys[r]), a)) % a
            low = low ^ (mix(high, keys[r + 1]) & np.uint64((1 << (bits // 2)) - 1))
        index[todo] = (high << k) | low
        todo = index >= n
    return index


def validating(data, config, seed):
    ratings, n = data["ratings"], len(data["ratings/value"])
    if config["data.split"] == "given":
        return ratings["valid"][:] == 1
    if config["data.split"] == "random":
        return permuted(n, seed) < math.floor(config["data.valid_fraction"] * n)
    chosen, offsets, times = np.zeros(n, bool), ratings["offsets"][:], ratings["time"][:]
    for first, last in zip(offsets[:-1], offsets[1:]):
        if last - first >= 2:  # of equally late ones the last
            chosen[last - 1 - np.argmax(times[first:last][::-1])] = True
    return chosen


# --- the model


def learning_rate(s, config, steps_per_epoch):
    lr, total = config["train.lr"], steps_per_epoch * config["train.epochs"]

    def half_cosine(start, end, x):
        return start + (1 + math.cos(math.pi * (1 - x))) * (end - start) / 2

    schedule, x = config["train.schedule"], s / total
    if schedule == "one_cycle":
        return half_cosine(lr / 25, lr, 4 * x) if x < 0.25 else half_cosine(lr, lr / 1e5, (x - 0.25) / 0.75)
    warm = config["train.warmup"] * total
    if s < warm:
        return lr * (s + 1) / (warm + 1)
    if schedule == "cosine":
        return half_cosine(lr, 0, (x - config["train.warmup"]) / (1 - config["train.warmup"]))
    if schedule == "step":
        return lr * config["train.lr_step_factor"] ** (s // (config["train.lr_step_epochs"] * steps_per_epoch))
    return lr


def momentum(s, config, steps_per_epoch):
    if config["train.schedule"] != "one_cycle":
        return config["train.momentum"]
    x = s / (steps_per_epoch * config["train.epochs"])
    rises, y = (False, 4 * x) if x < 0.25 else (True, (x - 0.25) / 0.75)
    start, end = (0.85, 0.95) if rises else (0.95, 0.85)
    return start + (1 + math.cos(math.pi * (1 - y))) * (end - start) / 2


def moved(w, m, v, last, step, config, steps_per_epoch):
    """A row after the steps without a gradient that it misses; v is None with sgd."""
    for t in range(last + 1, step + 1):
        lr, beta = learning_rate(t - 1, config, steps_per_epoch), momentum(t - 1, config, steps_per_epoch)
        w, m = w * (1 - lr * config["train.weight_decay"]), m * beta
        if v is None:
            w = w - lr * m
            continue
        v = v * config["train.beta2"]
        root = np.sqrt(v / (1 - config["train.beta2"] ** t))
        w = w - lr / (1 - beta**t) * m / (root + config["train.eps"])
    return w


def tables(model, side, config, steps_per_epoch):
    """(embeddings, factors to multiply), moved up to the checkpoint's step; None where the model has none. Of both, those
    of `gmf` have no step of their own where there are embeddings."""
    groups = [model[name + side] if name + side in model else None for name in ("embedding/", "gmf/")]
    steps = next(g["last_step"][:] for g in groups if g is not None and "last_step" in g)
    return [None if g is None else table(model, g, steps, config, steps_per_epoch) for g in groups]


def table(model, group, last_steps, config, steps_per_epoch):
    """Weights, with the bias as a last column where there is one."""

    def whole(suffix):
        values = group[suffix or "weight"][:]
        bias = "bias" + ("_" + suffix if suffix else "")
        return np.hstack([values, group[bias][:][:, None]]) if bias in group else values

    weights, step = whole(""), int(model.attrs["step"])
    if config["train.embedding_update"] == "dense":
        sgd = config["train.optimizer"] == "sgd"
        first, second = whole("momentum" if sgd else "adam_m"), None if sgd else whole("adam_v")
        rows = [
            moved(weights[i].astype(float), first[i].astype(float), None if sgd else second[i].astype(float),
                  int(last), step, config, steps_per_epoch)
            for i, last in enumerate(last_steps)
        ]
        weights = np.array(rows, np.float32)
    else:
        decay = np.ones(step + 1)  # decay[t]: of all steps after t
        for t in range(step, 0, -1):
            rate = learning_rate(t - 1, config, steps_per_epoch)
            decay[t - 1] = decay[t] * (1 - rate * config["train.weight_decay"])
        weights = weights * decay[last_steps][:, None].astype(np.float32)
    return weights


def predict(model, config, users, items):
    """`users` and `items`: the rows of the tables, embeddings and factors, one pair a rating."""
    (users, user_factors), (items, item_factors) = users, items
    if "mlp" not in model and "gmf" not in model:
        z = (users[:, :-1] * items[:, :-1]).sum(1) + users[:, -1] + items[:, -1]
    elif "mlp" not in model:
        z = model["gmf/bias"][0]
    else:
        x, layers = np.hstack([users, items]), len(model["mlp"])
        for number in range(layers):
            layer = model["mlp/%d" % number]
            x = x @ layer["weight"][:].T
            if "bias" in layer:
                x = x + layer["bias"][:]
            if number == layers - 1:
                break
            x = np.maximum(x, 0)
            if "bn" in layer:
                bn = {name: layer["bn"][name][:] for name in ["running_mean", "running_var", "weight", "bias"]}
                x = (x - bn["running_mean"]) / np.sqrt(bn["running_var"] + 1e-5) * bn["weight"] + bn["bias"]
        z = x[:, 0]
    if "gmf" in model:
        z = z + (user_factors * item_factors) @ model["gmf/weight"][:][0]
    if config["model.y_range"] == "none":
        return z
    low, high = config["model.y_range"]
    return low + (high - low) / (1 + np.exp(-z))


def main(checkpoint, data_set, which, evaluated):
    with open(checkpoint + "/manifest.json") as f:
        manifest = json.load(f)
    assert manifest["format"] == "ncf_dist checkpoint" and manifest["format_version"] == 1
    with h5py.File(checkpoint + "/model.h5", "r") as model, h5py.File(data_set, "r") as data:
        assert model.attrs["format_version"] == 1 and data.attrs["format_version"] == 1
        config = read_config(model.attrs["config"].decode())
        n = len(data["ratings/value"])
        chosen = validating(data, config, manifest["seed"]) if which == "valid" else np.ones(n, bool)
        offsets = data["ratings/offsets"][:]
        of_user = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))[chosen]
        of_item = data["ratings/item"][:][chosen]
        rows = []
        for side, ids, index in [("user", "users/id", of_user), ("item", "items/id", of_item)]:
            row = {known: j + 1 for j, known in enumerate(model["vocabulary/" + side][:])}
            numbers = np.array([row.get(i, 0) for i in data[ids][:]])[index]
            steps = manifest["extra"]["steps_per_epoch"]
            rows.append([None if t is None else t[numbers] for t in tables(model, side, config, steps)])
        error = predict(model, config, *rows).astype(float) - data["ratings/value"][:][chosen]
    found = {"rows": int(chosen.sum()), "mse": np.mean(error**2), "mae": np.mean(np.abs(error))}
    found["rmse"] = math.sqrt(found["mse"])
    with open(evaluated) as f:
        expected = json.load(f)
    print(found)
    print({name: expected[name] for name in found})
    for name in found:  # sums of float32 in another order differ in the seventh digit
        assert abs(found[name] - expected[name]) <= 1e-6 * expected[name], name


main(*sys.argv[1:])
