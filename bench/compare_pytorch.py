#!/usr/bin/env python3
"""Training speed beside PyTorch: the same model, batch size, optimiser and number of cores, in turn on this machine.

    apt-get install python3-torch libopenblas0-pthread
    bench/compare_pytorch.py [--ncf build/release/bin/ncf_dist] [--rounds 3] [--batches 64,1024,8192]

The model is EmbeddingNN at the shape of ML-100K (944 x 74, 1635 x 101, hidden [100, 50], rating range), mean squared
error. PyTorch runs torch.optim.AdamW on dense embeddings, one thread; ncf_dist runs one rank with one thread on
synthetic ratings of the same shape, with `dense` row updates (the same arithmetic) and with `lazy` ones (its default).
Each round runs every contestant once; the medians are printed as a Markdown table.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

USERS, ITEMS, RATINGS = 943, 1634, 100000


def torch_samples_per_s(batch):
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(0)

    class EmbeddingNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.user, self.item = nn.Embedding(USERS + 1, 74), nn.Embedding(ITEMS + 1, 101)
            self.layers = nn.Sequential(nn.Linear(175, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 1))

        def forward(self, user, item):
            x = torch.cat([self.user(user), self.item(item)], 1)
            return torch.sigmoid(self.layers(x)).squeeze(1) * 5.5

    model = EmbeddingNN()
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.1, eps=1e-5, betas=(0.9, 0.99))
    n = 80000
    user, item = torch.randint(1, USERS + 1, (n,)), torch.randint(1, ITEMS + 1, (n,))
    rating = torch.randint(1, 6, (n,)).float()

    def step(at):
        part = slice(at, at + batch)
        loss = nn.functional.mse_loss(model(user[part], item[part]), rating[part])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    starts = list(range(0, n - batch + 1, batch))
    for at in starts[:5]:
        step(at)
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < 4:
        step(starts[done % len(starts)])
        done += 1
    return done * batch / (time.perf_counter() - begin)


def run_torch(batch):
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    env.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    out = subprocess.run([sys.executable, __file__, "--torch-worker", str(batch)], env=env, check=True,
                         capture_output=True, text=True)
    return float(out.stdout)


def run_ncf(program, batch, update):
    with tempfile.TemporaryDirectory() as run:
        subprocess.run([program, "train", "--data.synthetic.users", str(USERS), "--data.synthetic.items", str(ITEMS),
                        "--data.synthetic.ratings", str(RATINGS), "--model.y_range", "[0, 5.5]",
                        "--model.embedding_dim", "{user: 74, item: 101}", "--train.batch_size", str(batch),
                        "--train.weight_decay", "0.1", "--train.embedding_update", update, "--train.epochs", "12",
                        "--run.threads", "1", "--run.dir", run], check=True, capture_output=True,
                       env={**os.environ, "OMP_NUM_THREADS": "1"})
        with open(os.path.join(run, "metrics.jsonl")) as lines:
            rates = [e["samples_per_s"] for e in map(json.loads, lines) if e["event"] == "epoch"]
    return statistics.median(rates[2:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ncf", default="build/release/bin/ncf_dist")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", default="64,1024,8192")
    parser.add_argument("--torch-worker", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.torch_worker:
        print(torch_samples_per_s(options.torch_worker))
        return
    print("| batch | PyTorch, samples/s | ncf_dist dense | ratio | ncf_dist lazy | ratio |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for batch in map(int, options.batches.split(",")):
        rounds = [(run_torch(batch), run_ncf(options.ncf, batch, "dense"), run_ncf(options.ncf, batch, "lazy"))
                  for _ in range(options.rounds)]
        torch_rate, dense, lazy = (statistics.median(column) for column in zip(*rounds))
        dense_ratio = statistics.median(d / t for t, d, _ in rounds)
        lazy_ratio = statistics.median(l / t for t, _, l in rounds)
        print(f"| {batch:,} | {torch_rate:,.0f} | {dense:,.0f} | {dense_ratio:.1f} | {lazy:,.0f} | {lazy_ratio:.1f} |",
              flush=True)


if __name__ == "__main__":
    main()
