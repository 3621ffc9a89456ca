#!/usr/bin/env python3
"""One process's part of a PyTorch run, started by compare_pytorch.py; the first one prints the rate of all as JSON.

What PyTorch's users would write: nn.Embedding, nn.Linear, torch.optim, DistributedDataParallel over gloo where there are
several processes. Batches are slices of tensors that lie ready, without the cost of a DataLoader. `update: dense` is
AdamW on all parameters, every row at every step; `update: sparse` is sparse gradients with SparseAdam for the tables
and AdamW for the layers.
"""
import json
import sys
import time

import torch
import torch.distributed as dist
from torch import nn

ADAMW = {"lr": 5e-3, "weight_decay": 0.1, "eps": 1e-5, "betas": (0.9, 0.99)}


class Neural(nn.Module):
    def __init__(self, job):
        super().__init__()
        sparse = job["update"] == "sparse"
        self.user = nn.Embedding(job["users"] + 1, job["widths"][0], sparse=sparse)
        self.item = nn.Embedding(job["items"] + 1, job["widths"][1], sparse=sparse)
        sizes = [sum(job["widths"]), *job["hidden"]]
        layers = [layer for a, b in zip(sizes, sizes[1:]) for layer in (nn.Linear(a, b), nn.ReLU())]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], 1))
        self.high = job["y_high"]

    def forward(self, user, item):
        return torch.sigmoid(self.layers(torch.cat([self.user(user), self.item(item)], 1))).squeeze(1) * self.high


class NeuMF(Neural):
    """A product of embeddings of its own beside the layers, the output unit a Linear over both ends."""

    def __init__(self, job):
        super().__init__(job)
        sparse = job["update"] == "sparse"
        self.user_factors, self.item_factors = (nn.Embedding(job[side] + 1, job["factors"], sparse=sparse)
                                                for side in ("users", "items"))
        self.layers = self.layers[:-1]
        self.out = nn.Linear(job["hidden"][-1] + job["factors"], 1)

    def forward(self, user, item):
        top = self.layers(torch.cat([self.user(user), self.item(item)], 1))
        product = self.user_factors(user) * self.item_factors(item)
        return torch.sigmoid(self.out(torch.cat([product, top], 1))).squeeze(1) * self.high


class Dot(nn.Module):
    def __init__(self, job):
        super().__init__()
        self.user, self.item = (nn.Embedding(job[side] + 1, job["widths"][0]) for side in ("users", "items"))
        self.user_bias, self.item_bias = (nn.Embedding(job[side] + 1, 1) for side in ("users", "items"))
        self.high = job["y_high"]

    def forward(self, user, item):
        z = (self.user(user) * self.item(item)).sum(1, keepdim=True) + self.user_bias(user) + self.item_bias(item)
        return torch.sigmoid(z).squeeze(1) * self.high


def optimizers(model, update):
    if update == "dense":
        return [torch.optim.AdamW(model.parameters(), **ADAMW)]
    tables = [p for name, p in model.named_parameters() if "user" in name or "item" in name]
    layers = [p for name, p in model.named_parameters() if "user" not in name and "item" not in name]
    return [torch.optim.SparseAdam(tables, lr=ADAMW["lr"], eps=ADAMW["eps"], betas=ADAMW["betas"]),
            torch.optim.AdamW(layers, **ADAMW)]


def drawn(weights, count):
    """`count` rows from 1 on, by weight."""
    return torch.searchsorted(weights.double().cumsum(0) / weights.double().sum(), torch.rand(count).double()) \
        .clamp_(max=len(weights) - 1) + 1


def samples(job, rows):
    """As long-tailed as ncf_dist's synthetic ratings: log-normal activity, Zipf-like popularity."""
    activity = torch.exp(1.1 * torch.randn(job["users"]))
    popularity = 1 / (1 + job["items"] / 100 + torch.randperm(job["items"]).double())
    return drawn(activity, rows), drawn(popularity, rows), torch.randint(1, 6, (rows,)).float()


def main():
    job = json.loads(sys.argv[1])
    rank, world, batch = job["rank"], job["processes"], job["batch"]
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = {"neural": Neural, "dot": Dot, "neumf": NeuMF}[job["model"]](job)
    if world > 1:
        dist.init_process_group("gloo", init_method=job["meet"], rank=rank, world_size=world)
        model = nn.parallel.DistributedDataParallel(model)
    steppers = optimizers(model, job["update"])
    rows = max(batch * 10, min(job["ratings"], 2_000_000))
    user, item, rating = samples(job, rows)
    starts = range(0, rows - batch + 1, batch)
    mine = batch * rank // world, batch * (rank + 1) // world

    def run(steps):
        begin = time.perf_counter()
        for step in range(steps):
            at = starts[step % len(starts)]
            part = slice(at + mine[0], at + mine[1])
            loss = nn.functional.mse_loss(model(user[part], item[part]), rating[part])
            for stepper in steppers:
                stepper.zero_grad()
            loss.backward()
            for stepper in steppers:
                stepper.step()
        return time.perf_counter() - begin

    run(5)
    steps = torch.tensor(max(5, int(job["seconds"] / run(10) * 10)))
    if world > 1:
        dist.broadcast(steps, 0)  # all take the same number of steps
    seconds = run(int(steps))
    if rank == 0:
        with open("/proc/self/maps", encoding="ascii", errors="replace") as maps:
            blas = sorted({line.split()[-1] for line in maps if "blas" in line.rsplit("/", 1)[-1]})
        print(json.dumps({"rate": int(steps) * batch / seconds, "torch": torch.__version__, "blas": blas}))


if __name__ == "__main__":
    main()
