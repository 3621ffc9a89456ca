#!/usr/bin/env python3
"""Training speed beside PyTorch: the same model, batch size, optimiser and number of cores, in turn on this machine.

    apt-get install python3-torch libopenblas0-pthread
    bench/compare_pytorch.py [--ncf build/release/bin/ncf_dist] [--batches 64,1024,8192] [--processes 1,2] [--quick]
    bench/compare_pytorch.py --pytorch-only
    bench/compare_pytorch.py --write-docs docs/performance.md

Models at the shape of ML-100K, mean squared error on a rating range: `neural`, fastai's EmbeddingNN (944 x 74,
1635 x 101, hidden [100, 50], no batch norm), and `dot` (50 factors and biases; smallest batch, one process). The batch
is the global one: several processes share it. PyTorch is what its users would write: dense embeddings,
torch.optim.AdamW, DistributedDataParallel over gloo where there are several processes, and it gets its batches as
slices of tensors, without the cost of a DataLoader. ncf_dist runs whole epochs on synthetic ratings of the same shape,
with `dense` row updates (the same arithmetic) and with `lazy` ones (its default). One thread a process everywhere.

Every round runs each contestant once, so that a busy machine is busy for all. The table on standard output has the
medians of the rates, and the median of the rounds' own ratios. --json FILE has every single rate.
"""
import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

USERS, ITEMS, RATINGS = 943, 1634, 100000
Y_HIGH = 5.5
ADAMW = {"lr": 5e-3, "weight_decay": 0.1, "eps": 1e-5, "betas": (0.9, 0.99)}


# ---- PyTorch, in a process of its own (--torch-worker) ----


def torch_model(kind):
    import torch
    from torch import nn

    class EmbeddingNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.user, self.item = nn.Embedding(USERS + 1, 74), nn.Embedding(ITEMS + 1, 101)
            self.layers = nn.Sequential(nn.Linear(175, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 1))

        def forward(self, user, item):
            x = torch.cat([self.user(user), self.item(item)], 1)
            return torch.sigmoid(self.layers(x)).squeeze(1) * Y_HIGH

    class EmbeddingDotBias(nn.Module):
        def __init__(self):
            super().__init__()
            self.user, self.item = nn.Embedding(USERS + 1, 50), nn.Embedding(ITEMS + 1, 50)
            self.user_bias, self.item_bias = nn.Embedding(USERS + 1, 1), nn.Embedding(ITEMS + 1, 1)

        def forward(self, user, item):
            z = (self.user(user) * self.item(item)).sum(1, keepdim=True) + self.user_bias(user) + self.item_bias(item)
            return torch.sigmoid(z).squeeze(1) * Y_HIGH

    return EmbeddingNN() if kind == "neural" else EmbeddingDotBias()


def torch_worker(job):
    """One process's part of a PyTorch run; the first one prints the rate of all and what it ran on."""
    import torch
    import torch.distributed as dist
    from torch import nn

    rank, world = job["rank"], job["processes"]
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = torch_model(job["model"])
    if world > 1:
        dist.init_process_group("gloo", init_method=job["meet"], rank=rank, world_size=world)
        model = nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.AdamW(model.parameters(), **ADAMW)
    rows, batch = RATINGS * 4 // 5, job["batch"]
    user, item = torch.randint(1, USERS + 1, (rows,)), torch.randint(1, ITEMS + 1, (rows,))
    rating = torch.randint(1, 6, (rows,)).float()
    starts = range(0, rows - batch + 1, batch)
    mine = batch * rank // world, batch * (rank + 1) // world

    def run(steps):
        begin = time.perf_counter()
        for step in range(steps):
            at = starts[step % len(starts)]
            part = slice(at + mine[0], at + mine[1])
            loss = nn.functional.mse_loss(model(user[part], item[part]), rating[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
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


# ---- Runs of both contestants ----


def environment():
    """Ours, without what forces OpenBLAS to another machine's kernels, and one thread a process."""
    ours = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    # What Open MPI needs to start more ranks than cores, or as root; a user's own settings stand.
    openmpi = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none"}
    return {**openmpi, **ours, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}


def finished(process, what, timeout_s):
    """Standard output of a process that must succeed."""
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        sys.exit(f"{what}: no end after {timeout_s} s")
    if process.returncode != 0:
        sys.exit(f"{what}: exit code {process.returncode}\n{err}")
    return out


def start(command):
    return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_torch(model, batch, processes, options):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meet = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    job = {"model": model, "batch": batch, "processes": processes, "meet": meet, "seconds": options.seconds}
    workers = [start([sys.executable, os.path.abspath(__file__), "--torch-worker", json.dumps({**job, "rank": rank})])
               for rank in range(processes)]
    what = f"PyTorch, {model}, batch {batch}, {processes} processes"
    try:
        return json.loads([finished(worker, what, 60 + 20 * options.seconds) for worker in workers][0])
    finally:
        for worker in workers:
            worker.kill()  # those that wait for one that failed; nothing to those that have ended


def run_ncf(model, batch, processes, update, options):
    shape = {"neural": ["--model.embedding_dim", "{user: 74, item: 101}", "--model.hidden", "[100, 50]"],
             "dot": ["--model.kind", "dot", "--model.embedding_dim", "50"]}[model]
    launcher = ["mpirun", "-n", str(processes)] if processes > 1 else []
    with tempfile.TemporaryDirectory() as run:
        flags = {"data.synthetic": f"{{users: {USERS}, items: {ITEMS}, ratings: {RATINGS}}}",
                 "model.y_range": f"[0, {Y_HIGH}]", "train.batch_size": batch, "train.weight_decay": 0.1,
                 "train.embedding_update": update, "train.epochs": options.epochs, "run.threads": 1, "run.dir": run}
        command = [*launcher, options.ncf, "train", *shape]
        for key, value in flags.items():
            command += ["--" + key, str(value)]
        finished(start(command), f"ncf_dist, {model}, batch {batch}, {processes} ranks, {update}", 1200)
        with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as lines:
            rates = [event["samples_per_s"] for event in map(json.loads, lines) if event["event"] == "epoch"]
    return statistics.median(rates[len(rates) // 3:])  # the first ones warm up


def measure(model, batch, processes, options):
    """One row: lists of rates, one a round."""
    row = {"model": model, "batch": batch, "processes": processes, "pytorch": [], "ncf_dense": [], "ncf_lazy": []}
    for _ in range(options.rounds):
        result = run_torch(model, batch, processes, options)
        row["pytorch"].append(result["rate"])
        row["software"] = {key: result[key] for key in ("torch", "blas")}
        for update in () if options.pytorch_only else ("dense", "lazy"):
            row["ncf_" + update].append(run_ncf(model, batch, processes, update, options))
    return row


# ---- What comes out ----


def cells(row):
    found = [row["model"], f"{row['batch']:,}", str(row["processes"]), f"{statistics.median(row['pytorch']):,.0f}"]
    for update in ("ncf_dense", "ncf_lazy"):
        if row[update]:
            ratio = statistics.median(ours / theirs for ours, theirs in zip(row[update], row["pytorch"]))
            found += [f"{statistics.median(row[update]):,.0f}", f"{ratio:.1f}"]
    return "| " + " | ".join(found) + " |"


def machine():
    names = {line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if "model name" in line}
    return {"cpu": sorted(names), "cores": os.cpu_count(), "load": os.getloadavg()[0]}


PAGE = """# Speed beside PyTorch

Made by `bench/compare_pytorch.py --write-docs docs/performance.md`: {rounds} rounds, each contestant in turn, medians; one
thread a process; several processes share the global batch (PyTorch: DistributedDataParallel over gloo). The script's head
says what each side does.

| | |
| --- | --- |
| processor | {cpu}, {cores} cores, {isa} |
| PyTorch | {torch}, {blas} |
| this program | {version} |
| date | {date} |

{table}

![ratios to PyTorch](performance.svg)

`dense` moves every row of the tables at every step, as PyTorch does; `lazy`, the default, only those of the batch, with
the weight decay that a row missed made up for when it is next used.
"""


def own_versions(program):
    lines = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()
    isa = [line.split(": ", 1)[1] for line in lines if line.startswith("instruction set")]
    return lines[0], isa[0] if isa else "?"


def plot(rows, path):
    """Bars of the ratios, one pair a row of the table."""
    bars = [(row, update, statistics.median(o / t for o, t in zip(row["ncf_" + update], row["pytorch"])))
            for row in rows for update in ("dense", "lazy")]
    longest, height, left, width = max(ratio for _, _, ratio in bars), 18, 190, 420
    body = []
    for k, (row, update, ratio) in enumerate(bars):
        y, length = 24 + k * height + k // 2 * 8, max(1, round(width * ratio / longest))
        if update == "dense":
            plural = "" if row["processes"] == 1 else "es"
            label = f"{row['model']}, batch {row['batch']:,}, {row['processes']} process{plural}"
            body.append(f'<text x="{left - 8}" y="{y + height}" text-anchor="end">{label}</text>')
        color = "#7a9cc6" if update == "dense" else "#2f5d92"
        body.append(f'<rect x="{left}" y="{y}" width="{length}" height="{height - 3}" fill="{color}"/>')
        body.append(f'<text x="{left + length + 5}" y="{y + 12}">{ratio:.1f} {update}</text>')
    total = 24 + len(bars) * height + len(bars) // 2 * 8
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" height="{total}" '
                   'font-family="sans-serif" font-size="11">\n'
                   f'<text x="{left}" y="14" font-weight="bold">samples/s, as a multiple of PyTorch</text>\n'
                   + "\n".join(body) + "\n</svg>\n")


def write_docs(report, options, table):
    version, isa = own_versions(options.ncf)
    software = report["rows"][0]["software"]
    page = PAGE.format(rounds=report["rounds"], cpu=", ".join(report["machine"]["cpu"]), cores=report["machine"]["cores"],
                       isa=isa, torch=software["torch"], blas=", ".join(map(os.path.basename, software["blas"])), version=version,
                       date=time.strftime("%Y-%m-%d"), table=table)
    with open(options.write_docs, "w", encoding="utf-8") as file:
        file.write(page)
    plot(report["rows"], os.path.splitext(options.write_docs)[0] + ".svg")


def parse():
    def numbers(text):
        return [int(number) for number in text.split(",")]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ncf", default="build/release/bin/ncf_dist", help="the program (%(default)s)")
    parser.add_argument("--pytorch-only", action="store_true", help="do not run ncf_dist")
    parser.add_argument("--models", default="neural,dot", help="which of neural, dot (%(default)s)")
    parser.add_argument("--batches", type=numbers, default=[64, 1024, 8192], help="global batch sizes (64,1024,8192)")
    parser.add_argument("--processes", type=numbers, default=[1, 2], help="numbers of processes (1,2)")
    parser.add_argument("--rounds", type=int, help="how often each contestant runs (5; quick: 1)")
    parser.add_argument("--quick", action="store_true", help="one short round: does it run at all?")
    parser.add_argument("--json", metavar="FILE", help="write every rate there")
    parser.add_argument("--write-docs", metavar="FILE.md", help="write table and machine there, and a plot beside it")
    parser.add_argument("--torch-worker", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds, options.epochs = (1, 4) if options.quick else (4, 12)
    if not options.torch_worker and not options.pytorch_only and not shutil.which(options.ncf):
        parser.error(f"--ncf {options.ncf}: no such program; build it first, or see --pytorch-only")
    if options.write_docs and options.pytorch_only:
        parser.error("--write-docs writes ratios: it needs ncf_dist, so not --pytorch-only")
    if min(options.batches + options.processes) < 1 or max(options.processes) > min(options.batches):
        parser.error("batch sizes and numbers of processes start at 1, and every process needs a sample")
    if max(options.batches) > RATINGS * 4 // 5:
        parser.error(f"a batch has at most the {RATINGS * 4 // 5} ratings that train")
    if not {*options.models.split(",")} <= {"neural", "dot"}:
        parser.error(f"--models {options.models}: there are neural and dot")
    return options


def main():
    options = parse()
    if options.torch_worker:
        return torch_worker(options.torch_worker)
    plan = [("neural", batch, processes) for processes in options.processes for batch in options.batches]
    plan.append(("dot", min(options.batches), min(options.processes)))
    head = ["model", "batch", "processes", "PyTorch, samples/s"]
    if not options.pytorch_only:
        head += ["ncf_dist dense", "ratio", "ncf_dist lazy", "ratio"]
    table = ["| " + " | ".join(head) + " |", "| --- " + "| ---: " * (len(head) - 1) + "|"]
    print("\n".join(table), flush=True)
    report = {"machine": machine(), "rounds": options.rounds, "rows": []}
    for one in plan:
        if one[0] in options.models.split(","):
            report["rows"].append(measure(*one, options))
            table.append(cells(report["rows"][-1]))
            print(table[-1], flush=True)
            if options.json:  # after every row: a run that is stopped keeps what it has
                with open(options.json, "w", encoding="utf-8") as file:
                    json.dump(report, file, indent=1)
    if options.write_docs:
        write_docs(report, options, "\n".join(table))
    return None


if __name__ == "__main__":
    main()
