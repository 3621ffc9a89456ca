#!/usr/bin/env python3
"""Writes the reference numbers of golden_test.cpp: what PyTorch, in double precision, makes of 100 steps of training.

Run as `python3 tests/golden/make_golden.py` with Debian's python3-torch (1.13). The layers and their gradients are
PyTorch's own; the optimiser and the schedule are fastai's `Adam` and `fit_one_cycle` written out, since fastai is
not packaged. Nothing here is taken from the C++ code. Writes batches.txt and one file a case beside this program:

    tensor NAME d0 d1 ... : values
"""

import math
import pathlib

import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
USERS, ITEMS, BATCH, STEPS = 23, 37, 16, 100
HIDDEN = [8, 4]
LOW, HIGH = 0.0, 5.5
LR, WEIGHT_DECAY, BETA2, EPS = 5e-3, 0.1, 0.99, 1e-5
SAVED_STEPS = (1, 10, 100)


class Embeddings(nn.Module):
    """A user's and an item's table; the deviation is wide so that every gradient counts."""

    def __init__(self, user_width, item_width):
        super().__init__()
        self.user, self.item = nn.Embedding(USERS, user_width), nn.Embedding(ITEMS, item_width)
        for table in (self.user, self.item):
            nn.init.normal_(table.weight, 0, 0.1)

    def forward(self, users, items):
        return self.user(users), self.item(items)


class Neural(nn.Module):
    def __init__(self, batch_norm):
        super().__init__()
        self.tables = Embeddings(6, 5)
        self.linear, self.norm = nn.ModuleList(), nn.ModuleList()
        width = 11
        for out in HIDDEN:
            self.linear.append(nn.Linear(width, out, bias=not batch_norm))
            if batch_norm:
                norm = nn.BatchNorm1d(out, eps=1e-5, momentum=0.1)
                nn.init.constant_(norm.weight, 1)
                nn.init.constant_(norm.bias, 1e-3)
                self.norm.append(norm)
            width = out
        self.linear.append(nn.Linear(width, 1))

    def forward(self, users, items):
        x = torch.cat(self.tables(users, items), 1)
        for layer in range(len(HIDDEN)):
            x = torch.relu(self.linear[layer](x))
            if self.norm:
                x = self.norm[layer](x)
        return self.linear[-1](x).squeeze(1)

    def named(self):
        """path -> (tensor, weight decay applies)"""
        found = {f"/embedding/{k}/weight": (getattr(self.tables, k).weight, True) for k in ("user", "item")}
        for layer, linear in enumerate(self.linear):
            found[f"/mlp/{layer}/weight"] = (linear.weight, True)
            if linear.bias is not None:
                found[f"/mlp/{layer}/bias"] = (linear.bias, False)
        for layer, norm in enumerate(self.norm):
            for name in ("weight", "bias", "running_mean", "running_var"):
                found[f"/mlp/{layer}/bn/{name}"] = (getattr(norm, name), False)
        return found


class Dot(nn.Module):
    def __init__(self):
        super().__init__()
        self.tables, self.biases = Embeddings(6, 6), Embeddings(1, 1)

    def forward(self, users, items):
        p, q = self.tables(users, items)
        b, c = self.biases(users, items)
        return (p * q).sum(1) + b.squeeze(1) + c.squeeze(1)

    def named(self):
        found = {f"/embedding/{k}/weight": (getattr(self.tables, k).weight, True) for k in ("user", "item")}
        found |= {f"/embedding/{k}/bias": (getattr(self.biases, k).weight, True) for k in ("user", "item")}
        return found


def one_cycle(x):
    """fastai's fit_one_cycle: learning rate and beta1 at the fraction x of the run."""

    def cosine(start, end, y):
        return start + (1 + math.cos(math.pi * (1 - y))) * (end - start) / 2

    if x < 0.25:
        return cosine(LR / 25, LR, x / 0.25), cosine(0.95, 0.85, x / 0.25)
    return cosine(LR, LR / 1e5, (x - 0.25) / 0.75), cosine(0.85, 0.95, (x - 0.25) / 0.75)


def adamw(named, moments, step):
    """fastai's order: decay, moments, step. `step` counts from 1; every row moves, touched or not."""
    lr, beta1 = one_cycle((step - 1) / STEPS)
    for name, (value, decays) in named.items():
        if not value.requires_grad:
            continue
        first, second = moments.setdefault(name, (torch.zeros_like(value), torch.zeros_like(value)))
        if decays:
            value.mul_(1 - lr * WEIGHT_DECAY)
        first.mul_(beta1).add_(value.grad, alpha=1 - beta1)
        second.mul_(BETA2).addcmul_(value.grad, value.grad, value=1 - BETA2)
        root = (second / (1 - BETA2**step)).sqrt() + EPS
        value.addcdiv_(first, root, value=-lr / (1 - beta1**step))


def write(file, name, tensor):
    shape = list(tensor.shape)
    if name.endswith("/bias") and name.split("/")[-3:-2] == ["embedding"]:
        shape = shape[:1]  # an embedding's bias is a vector on disk
    values = " ".join(f"{value:.10g}" for value in tensor.detach().flatten().tolist())
    print("tensor", name, *shape, ":", values, file=file)


def make_batches():
    generator = torch.Generator().manual_seed(7)
    users = torch.randint(USERS, (STEPS, BATCH), generator=generator)
    items = torch.randint(ITEMS, (STEPS, BATCH), generator=generator)
    taste = torch.randn(USERS, 3, generator=generator, dtype=torch.float64)
    trait = torch.randn(ITEMS, 3, generator=generator, dtype=torch.float64)
    ratings = (3 + (taste[users] * trait[items]).sum(2)).round().clamp(1, 5)
    return users, items, ratings


def make_case(name, model, batches):
    named = model.named()
    with torch.no_grad():
        for value, _ in named.values():
            value.copy_(value.float())  # the C++ model starts from exactly these numbers
    moments = {}
    with open(HERE / f"{name}.txt", "w", encoding="ascii") as file:
        for path, (value, _) in named.items():
            write(file, "initial" + path, value)
        for step, (users, items, ratings) in enumerate(zip(*batches), start=1):
            predictions = LOW + (HIGH - LOW) * torch.sigmoid(model(users, items))
            loss = ((predictions - ratings) ** 2).mean()
            model.zero_grad()
            loss.backward()
            if step == 1:
                write(file, "predictions", predictions)
                write(file, "loss", loss.reshape(1))
                for path, (value, _) in named.items():
                    if value.requires_grad:
                        write(file, "gradient" + path, value.grad)
            with torch.no_grad():
                adamw(named, moments, step)
            if step in SAVED_STEPS:
                for path, (value, _) in named.items():
                    write(file, f"step{step}" + path, value)
            if step == STEPS:
                write(file, "last_loss", loss.reshape(1))


def main():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(11)
    batches = make_batches()
    with open(HERE / "batches.txt", "w", encoding="ascii") as file:
        for name, tensor in zip(("users", "items", "ratings"), batches):
            write(file, name, tensor)
    make_case("neural", Neural(batch_norm=False), batches)
    make_case("neural_batch_norm", Neural(batch_norm=True), batches)
    make_case("dot", Dot(), batches)


if __name__ == "__main__":
    main()
