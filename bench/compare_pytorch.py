#!/usr/bin/env python3
"""Training speed beside PyTorch: the same model, batch size, optimiser and number of cores, in turn on this machine.

    apt-get install python3-torch libopenblas0-pthread
    bench/compare_pytorch.py [--only neural-64,dot-1024] [--processes 1,2] [--rounds 3] [--quick]
    bench/compare_pytorch.py --json rates.json --write-docs docs/performance.md

The works (WORKS below) are models at the shapes of MovieLens-100K and -20M, mean squared error on a rating range; the
batch is the global one, several processes share it. pytorch_worker.py says what the PyTorch side is. ncf_dist runs whole
epochs on synthetic ratings of the same shape, with `dense` row updates (the same arithmetic as PyTorch's AdamW), with
`lazy` ones (its default), and in bf16 where it has that (key train.precision). One thread a process everywhere. PyTorch
runs without OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE, which would force its OpenBLAS to another machine's kernels.

Every round runs each contestant once, so that a busy machine is busy for all. The table on standard output has the
medians of the rates, and the median of the rounds' own ratios. --json FILE keeps every rate; a later run adds to it, so
the whole can be measured in parts, and --write-docs writes all that the file has.
"""
import argparse
import importlib.util
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile

import performance_page as page

# Debian's PyTorch belongs to Debian's Python, which need not be the first in PATH.
PYTHON = sys.executable if importlib.util.find_spec("torch") else "/usr/bin/python3"
Y_HIGH = 5.5
ML_100K = {"users": 943, "items": 1634, "ratings": 100_000}
ML_20M = {"users": 138_493, "items": 26_744, "ratings": 2_000_000}
NEURAL = {"model": "neural", **ML_100K, "widths": [74, 101], "hidden": [100, 50], "update": "dense"}
# `targets`: at 1 process and at 2, the ratio to reach; where there is none it is only reported.
WORKS = {
    "neural-64": {**NEURAL, "batch": 64, "ours": ["dense", "lazy"], "targets": {"lazy": [20, 60], "dense": [12, 40]}},
    "neural-1024": {**NEURAL, "batch": 1024, "ours": ["dense", "lazy"], "targets": {"lazy": [3.5, 12]}},
    "neural-8192": {**NEURAL, "batch": 8192, "ours": ["dense", "lazy", "bf16"],
                    "targets": {"lazy": [5, 8], "bf16": [6, 10]}},
    "ml-20m-8192": {**NEURAL, **ML_20M, "widths": [64, 64], "hidden": [256, 128, 64], "update": "sparse", "batch": 8192,
                    "ours": ["lazy", "bf16"], "targets": {"lazy": [2.5, None], "bf16": [4, None]}},
    "neumf-65536": {**NEURAL, **ML_20M, "model": "neumf", "widths": [128, 128], "factors": 64, "hidden": [256, 128, 64],
                    "update": "sparse", "batch": 65536, "ours": ["lazy", "bf16"],
                    "targets": {"lazy": [3, None], "bf16": [5, None]}},
    "dot-64": {**NEURAL, "model": "dot", "widths": [50, 50], "batch": 64, "ours": ["dense", "lazy"], "targets": {}},
    "dot-1024": {**NEURAL, "model": "dot", "widths": [50, 50], "batch": 1024, "ours": ["dense", "lazy"],
                 "targets": {"lazy": [5, None]}},
}


def environment(torch):
    """Ours, one thread a process."""
    forced = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if torch else ()
    ours = {k: v for k, v in os.environ.items() if k not in forced}
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


def start(command, torch=False):
    return subprocess.Popen(command, env=environment(torch), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_torch(name, processes, options):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meet = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    job = {**WORKS[name], "processes": processes, "meet": meet, "seconds": options.seconds, "y_high": Y_HIGH}
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch_worker.py")
    workers = [start([PYTHON, program, json.dumps({**job, "rank": rank})], torch=True)
               for rank in range(processes)]
    try:
        return json.loads([finished(w, f"PyTorch, {name}, {processes} processes", 120 + 40 * options.seconds)
                           for w in workers][0])
    finally:
        for worker in workers:
            worker.kill()  # those that wait for one that failed; nothing to those that have ended


def run_ncf(name, processes, kind, options):
    """Samples a second while training, and while evaluating."""
    work = WORKS[name]
    launcher = ["mpirun", "-n", str(processes)] if processes > 1 else []
    with tempfile.TemporaryDirectory() as run:
        flags = {"data.synthetic": "{{users: {users}, items: {items}, ratings: {ratings}}}".format(**work),
                 "model.kind": work["model"], "model.hidden": work["hidden"], "model.y_range": [0, Y_HIGH],
                 "model.embedding_dim": work["widths"][0] if work["model"] == "dot"
                 else "{{user: {}, item: {}}}".format(*work["widths"]),
                 "train.batch_size": work["batch"], "train.weight_decay": 0.1,
                 "train.embedding_update": "dense" if kind == "dense" else "lazy",
                 "train.epochs": options.epochs if work["ratings"] <= 100_000 else 3,
                 "checkpoint.every_epochs": 0, "run.threads": 1, "run.dir": run}
        if kind == "bf16":
            flags["train.precision"] = "bf16"
        if work["model"] == "dot":
            del flags["model.hidden"]
        if work["model"] == "neumf":
            flags["model.gmf_dim"] = work["factors"]
        command = [*launcher, options.ncf, "train"]
        for key, value in flags.items():
            command += ["--" + key, str(value)]
        finished(start(command), f"ncf_dist, {name}, {processes} ranks, {kind}", 1800)
        with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as lines:
            events = [json.loads(line) for line in lines]
    epochs = [event for event in events if event["event"] == "epoch"]
    late = epochs[len(epochs) // 3:]  # the first ones warm up
    valid_rows = next(event["valid_rows"] for event in events if event["event"] == "start")
    return {"train": statistics.median(e["samples_per_s"] for e in late),
            "evaluate": statistics.median(valid_rows / e["phases"]["evaluate"]["slowest"] for e in late)}


def has_bf16(program):
    reference = subprocess.run([program, "config", "--reference"], capture_output=True, text=True, check=True).stdout
    return "train.precision" in reference


def measure(name, processes, options):
    """One row: a list of rates a contestant, one a round."""
    work = WORKS[name]
    kinds = [] if options.pytorch_only else [k for k in work["ours"] if k != "bf16" or options.bf16]
    row = {"work": name, "model": work["model"], "batch": work["batch"], "processes": processes,
           "users": work["users"], "items": work["items"], "update": work["update"], "pytorch": [],
           "targets": {kind: bounds[processes - 1] if processes <= len(bounds) else None
                       for kind, bounds in work["targets"].items()},
           "ours": {kind: [] for kind in kinds}, "evaluate": {kind: [] for kind in kinds}}
    for _ in range(options.rounds):
        result = run_torch(name, processes, options)
        row["pytorch"].append(result["rate"])
        row["software"] = {key: result[key] for key in ("torch", "blas")}
        if not any("openblas" in library for library in result["blas"]):
            sys.exit(f"PyTorch runs on {', '.join(result['blas'])}, not on OpenBLAS, which is ten times as fast; "
                     "install libopenblas0-pthread (scripts/setup.sh bench)")
        for kind in kinds:
            rates = run_ncf(name, processes, kind, options)
            row["ours"][kind].append(rates["train"])
            row["evaluate"][kind].append(rates["evaluate"])
    return row


def earlier(options):
    """The rows of a measurement that --json holds already."""
    if not options.json or not os.path.exists(options.json):
        return []
    with open(options.json, encoding="utf-8") as file:
        report = json.load(file)
    if report["machine"]["cpu"] != page.machine()["cpu"]:
        sys.exit(f"--json {options.json}: holds the rates of another machine, {report['machine']['cpu']}")
    return report["rows"]


def parse():
    def names(text):
        return text.split(",")

    def numbers(text):
        return [int(number) for number in text.split(",")]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ncf", default="build/release/bin/ncf_dist", help="the program (%(default)s)")
    parser.add_argument("--pytorch-only", action="store_true", help="do not run ncf_dist")
    parser.add_argument("--only", type=names, default=list(WORKS), help=f"which works ({','.join(WORKS)})")
    parser.add_argument("--processes", type=numbers, default=[1, 2], help="numbers of processes (1,2)")
    parser.add_argument("--rounds", type=int, help="how often each contestant runs (3; quick: 1)")
    parser.add_argument("--quick", action="store_true", help="one short round: does it run at all?")
    parser.add_argument("--json", metavar="FILE", help="keep every rate there, beside those it has")
    parser.add_argument("--write-docs", metavar="FILE.md", help="write table and machine there, and a plot beside it")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds, options.epochs = (1, 4) if options.quick else (4, 12)
    if not options.pytorch_only and not shutil.which(options.ncf):
        parser.error(f"--ncf {options.ncf}: no such program; build it first, or see --pytorch-only")
    if options.write_docs and options.pytorch_only:
        parser.error("--write-docs writes ratios: it needs ncf_dist, so not --pytorch-only")
    if min(options.processes) < 1 or max(options.processes) > 64:
        parser.error("--processes: from 1 to 64, so that every process has a sample")
    if unknown := [name for name in options.only if name and name not in WORKS]:
        parser.error(f"--only {unknown[0]}: there are {', '.join(WORKS)}")
    options.bf16 = not options.pytorch_only and has_bf16(options.ncf)
    return options


def main():
    options = parse()
    rows = {(row["work"], row["processes"]): row for row in earlier(options)}
    print("\n".join(page.HEAD), flush=True)
    for processes in options.processes:
        for name in filter(None, options.only):
            row = measure(name, processes, options)
            rows[name, processes] = row
            print(page.cells(row), flush=True)
            if options.json:  # after every row: a run that is stopped keeps what it has
                with open(options.json, "w", encoding="utf-8") as file:
                    json.dump({"machine": page.machine(), "rows": list(rows.values())}, file, indent=1)
    order = list(WORKS)
    done = sorted(rows.values(), key=lambda row: (order.index(row["work"]), row["processes"]))
    print("\n" + page.further(done))
    if options.write_docs:
        page.write(done, options.write_docs, options.ncf)


if __name__ == "__main__":
    main()
