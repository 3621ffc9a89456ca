#!/usr/bin/env python3
"""Writes the numbers of tests/golden/*.txt: what PyTorch makes of 100 steps of training, in double and single precision.

    python3 tests/golden/make_golden.py            # writes the files beside this program
    python3 tests/golden/make_golden.py --check    # makes them anew and compares; exit 77 where there is no PyTorch

Made with Debian's python3-torch (1.13). The layers and their gradients are PyTorch's own; the optimiser and the
schedule are fastai's `Adam` and `fit_one_cycle` written out, since fastai is not packaged, and are held here against
torch.optim.AdamW and OneCycleLR. Nothing is taken from the C++ code. Every file is lines of

    tensor NAME d0 d1 ... : values

batches.txt: `users`, `items`, `ratings` [steps x batch], `lr`, `beta1` [steps].
neural.txt, neural_batch_norm.txt, dot.txt, gmf.txt, neumf.txt, where PATH is a name in a checkpoint:
    initialPATH                              exactly representable in single precision
    predictions, loss, gradientPATH          of the first step, in training mode; the gradients of trained values only
    step1PATH, step10PATH, step100PATH       values after so many steps, running statistics among them
    last_loss                                of step 100, from before it moved anything
    evaluation_predictions                   of the first batch in evaluation mode, after step 100
and, but for initialPATH, the same after `float32/`: the whole run in single precision, which tells how far rounding
alone may lead. Double values have all their digits.
"""

import argparse
import copy
import math
import pathlib
import sys

try:
    import torch
    from torch import nn
except ImportError:
    if "--check" in sys.argv:
        print("skipped: no PyTorch (python3-torch)")
        sys.exit(77)
    raise

HERE = pathlib.Path(__file__).resolve().parent
USERS, ITEMS, BATCH, STEPS = 23, 37, 16, 100
HIDDEN = [8, 4]
LOW, HIGH = 0.0, 5.5
LR, WEIGHT_DECAY, BETA2, EPS = 5e-3, 0.1, 0.99, 1e-5
SAVED_STEPS = (1, 10, 100)
# As parts of a tensor's largest value. Another processor rounds sums in another order.
DOUBLE_TOLERANCE, SINGLE_TOLERANCE = 1e-10, 1e-4


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


class Gmf(nn.Module):
    """He et al. 2017, equation 9, before its sigmoid."""

    def __init__(self):
        super().__init__()
        self.tables, self.linear = Embeddings(6, 6), nn.Linear(6, 1)

    def forward(self, users, items):
        p, q = self.tables(users, items)
        return self.linear(p * q).squeeze(1)

    def named(self):
        found = {f"/gmf/{k}/weight": (getattr(self.tables, k).weight, True) for k in ("user", "item")}
        return found | {"/gmf/weight": (self.linear.weight, True), "/gmf/bias": (self.linear.bias, False)}


class NeuMF(nn.Module):
    """He et al. 2017, equation 12, before its sigmoid: a product and layers, each with tables of its own, under one
    Linear, which is kept in two: what it takes of the product, and what of the layers."""

    def __init__(self):
        super().__init__()
        self.layers, self.product = Neural(batch_norm=False), Embeddings(3, 3)
        self.weight = nn.Parameter(torch.randn(1, 3) * 0.5)

    def forward(self, users, items):
        p, q = self.product(users, items)
        return self.layers(users, items) + ((p * q) @ self.weight.T).squeeze(1)

    def named(self):
        found = {f"/gmf/{k}/weight": (getattr(self.product, k).weight, True) for k in ("user", "item")}
        return self.layers.named() | found | {"/gmf/weight": (self.weight, True)}


def one_cycle(x):
    """fastai's fit_one_cycle: learning rate and beta1 at the fraction x of the run."""

    def cosine(start, end, y):
        return start + (1 + math.cos(math.pi * (1 - y))) * (end - start) / 2

    if x < 0.25:
        return cosine(LR / 25, LR, x / 0.25), cosine(0.95, 0.85, x / 0.25)
    return cosine(LR, LR / 1e5, (x - 0.25) / 0.75), cosine(0.85, 0.95, (x - 0.25) / 0.75)


class FastaiAdam:
    """fastai's order: decay, moments, step; every row moves, touched or not."""

    def __init__(self, named):
        self.named = {name: pair for name, pair in named.items() if pair[0].requires_grad}
        self.moments = {name: (torch.zeros_like(v), torch.zeros_like(v)) for name, (v, _) in self.named.items()}

    @torch.no_grad()
    def step(self, step, lr, beta1):
        """`step` counts from 1."""
        for name, (value, decays) in self.named.items():
            first, second = self.moments[name]
            if decays:
                value.mul_(1 - lr * WEIGHT_DECAY)
            first.mul_(beta1).add_(value.grad, alpha=1 - beta1)
            second.mul_(BETA2).addcmul_(value.grad, value.grad, value=1 - BETA2)
            root = (second / (1 - BETA2**step)).sqrt() + EPS
            value.addcdiv_(first, root, value=-lr / (1 - beta1**step))


class TorchAdamW:
    """The same by torch.optim.AdamW, which this rule coincides with."""

    def __init__(self, named):
        groups = [{"params": [v for v, decays in named.values() if v.requires_grad and decays == which],
                   "weight_decay": WEIGHT_DECAY * which} for which in (True, False)]
        self.optimizer = torch.optim.AdamW([g for g in groups if g["params"]], eps=EPS)

    def step(self, _, lr, beta1):
        for group in self.optimizer.param_groups:
            group.update(lr=lr, betas=(beta1, BETA2))
        self.optimizer.step()


def make_batches():
    generator = torch.Generator().manual_seed(7)
    users = torch.randint(USERS, (STEPS, BATCH), generator=generator)
    items = torch.randint(ITEMS, (STEPS, BATCH), generator=generator)
    taste = torch.randn(USERS, 3, generator=generator, dtype=torch.float64)
    trait = torch.randn(ITEMS, 3, generator=generator, dtype=torch.float64)
    ratings = (3 + (taste[users] * trait[items]).sum(2)).round().clamp(1, 5)
    return users, items, ratings


def predict(model, users, items):
    return LOW + (HIGH - LOW) * torch.sigmoid(model(users, items))


def train(model, optimizer_of, batches):
    """Runs all steps; returns what is saved of them, name -> tensor."""
    named, saved = model.named(), {}
    optimizer = optimizer_of(named)
    dtype = next(iter(named.values()))[0].dtype

    def save(name, tensor):
        saved[name] = tensor.detach().clone()

    for step, (users, items, ratings) in enumerate(zip(*batches), start=1):
        predictions = predict(model, users, items)
        loss = ((predictions - ratings.to(dtype)) ** 2).mean()
        model.zero_grad()
        loss.backward()
        if step == 1:
            save("predictions", predictions)
            save("loss", loss.reshape(1))
            for path, (value, _) in named.items():
                if value.requires_grad:
                    save("gradient" + path, value.grad)
        optimizer.step(step, *one_cycle((step - 1) / STEPS))
        if step in SAVED_STEPS:
            for path, (value, _) in named.items():
                save(f"step{step}{path}", value)
    save("last_loss", loss.reshape(1))
    model.eval()
    save("evaluation_predictions", predict(model, batches[0][0], batches[1][0]))
    return saved


def difference(a, b):
    """Largest difference as a part of the largest magnitude."""
    a, b = a.double(), b.double()
    return ((a - b).abs().max() / b.abs().max().clamp_min(1e-300)).item()


def make_case(model, batches):
    initial = {}
    with torch.no_grad():
        for path, (value, _) in model.named().items():
            value.copy_(value.float())  # every precision starts from exactly these numbers
            initial["initial" + path] = value.clone()
    double = train(copy.deepcopy(model), FastaiAdam, batches)
    for name, tensor in train(copy.deepcopy(model), TorchAdamW, batches).items():
        assert difference(tensor, double[name]) < 1e-11, f"torch.optim.AdamW makes another {name}"
    single = train(copy.deepcopy(model).float(), FastaiAdam, batches)
    return initial | double | {"float32/" + name: tensor for name, tensor in single.items()}


def check_schedule_against_torch():
    """OneCycleLR counts its steps a little differently: the shapes are compared, over a long run."""
    steps = 20000
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([parameter], lr=LR)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LR, steps, pct_start=0.25, div_factor=25, final_div_factor=1e5 / 25, base_momentum=0.85,
        max_momentum=0.95)
    for step in range(steps):
        lr, beta1 = one_cycle(step / steps)
        group = optimizer.param_groups[0]
        assert abs(group["lr"] - lr) < 1e-3 * LR and abs(group["betas"][0] - beta1) < 1e-4, f"OneCycleLR at {step}"
        optimizer.step()
        if step + 1 < steps:
            schedule.step()


def make_files():
    """file name -> {tensor name: tensor}"""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    check_schedule_against_torch()
    torch.manual_seed(11)
    batches = make_batches()
    lr, beta1 = zip(*(one_cycle(step / STEPS) for step in range(STEPS)))
    return {
        "batches": dict(zip(("users", "items", "ratings"), batches)) | {
            "lr": torch.tensor(lr), "beta1": torch.tensor(beta1)},
        "neural": make_case(Neural(batch_norm=False), batches),
        "neural_batch_norm": make_case(Neural(batch_norm=True), batches),
        "dot": make_case(Dot(), batches),
        "gmf": make_case(Gmf(), batches),
        "neumf": make_case(NeuMF(), batches),
    }


def text_of(value, dtype):
    if value == int(value):
        return str(int(value))
    return f"{value:.9g}" if dtype == torch.float32 else repr(value)


def write(file, name, tensor):
    shape = list(tensor.shape)
    if "/embedding/" in name and name.endswith("/bias"):
        shape = shape[:1]  # an embedding's bias is a vector on disk
    values = " ".join(text_of(value, tensor.dtype) for value in tensor.flatten().tolist())
    print("tensor", name, *shape, ":", values, file=file)


def check(name, tensors):
    """Compares with the file of that name; returns what differs."""
    wrong, seen = [], set()
    for line in open(HERE / f"{name}.txt", encoding="ascii"):
        head, _, values = line.partition(":")
        key, old = head.split()[1], torch.tensor([float(v) for v in values.split()])
        seen.add(key)
        if key not in tensors or tensors[key].numel() != old.numel():
            wrong.append(f"{name}.txt: {key} has another shape, or is not made any more")
            continue
        off = difference(tensors[key].flatten(), old)
        if not off <= (SINGLE_TOLERANCE if key.startswith("float32/") else DOUBLE_TOLERANCE):
            wrong.append(f"{name}.txt: {key} is off by {off:.1e}")
    return wrong + [f"{name}.txt: {key} is missing" for key in tensors if key not in seen]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
    options = parser.parse_args()
    files = make_files()
    if options.check:
        wrong = [line for name, tensors in files.items() for line in check(name, tensors)]
        print("\n".join(wrong) or "the files are what PyTorch makes")
        sys.exit(1 if wrong else 0)
    for name, tensors in files.items():
        with open(HERE / f"{name}.txt", "w", encoding="ascii") as file:
            for key, tensor in tensors.items():
                write(file, key, tensor)


if __name__ == "__main__":
    main()
