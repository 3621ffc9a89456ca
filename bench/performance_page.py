"""What compare_pytorch.py says of its rates: the table, what follows from it, the page with the plot."""
import os
import statistics
import subprocess
import time

HEAD = ["| work | batch | processes | PyTorch, samples/s | ncf_dist dense | ratio | lazy | ratio | bf16 | ratio | target |",
        "| --- " + "| ---: " * 9 + "| --- |"]
COLORS = {"dense": "#7a9cc6", "lazy": "#2f5d92", "bf16": "#173a63"}

PAGE = """# Speed beside PyTorch

Made by `bench/compare_pytorch.py --write-docs docs/performance.md`: {rounds} rounds, each contestant in turn, medians; one
thread a process; several processes share the global batch (PyTorch: DistributedDataParallel over gloo). The heads of the
script and of `bench/pytorch_worker.py` say what each side does.

| | |
| --- | --- |
| processor | {cpu}, {cores} cores, {isa} |
| PyTorch | {torch}, {blas} |
| this program | {version} |
| date | {date} |

{table}

![ratios to PyTorch](performance.svg)

`neural` and `dot` have MovieLens-100K's shape (943 × 1,634; widths 74 + 101, hidden [100, 50]; 50 factors and biases),
`ml-20m` MovieLens-20M's (138,493 × 26,744; widths 64 + 64, hidden [256, 128, 64]), `neumf` the same with widths 128 + 128 and 64
factors that are multiplied (MLPerf's NeuMF). PyTorch moves every row at every step (AdamW), for `ml-20m` and `neumf` only those of the
batch (SparseAdam). `dense` moves every row of the tables at every step, as PyTorch's
AdamW does; `lazy`, the default, only those of the batch, with the weight decay that a row missed made up for when it is
next used. `bf16` is `lazy` with `train.precision: bf16`. Ratios are to PyTorch in the same row.

{further}
"""


def machine():
    names = {line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if "model name" in line}
    return {"cpu": sorted(names), "cores": os.cpu_count()}


def ratio(row, kind):
    return statistics.median(ours / theirs for ours, theirs in zip(row["ours"][kind], row["pytorch"]))


def verdicts(row):
    """The targets of a row, each reached or not."""
    out = []
    for kind, bound in row["targets"].items():
        if bound is not None and row["ours"].get(kind):
            out.append(f"{kind} ≥ {bound:g}: " + ("reached" if ratio(row, kind) >= bound else "not reached"))
    return "; ".join(out) or "–"


def cells(row):
    found = [row["work"].rsplit("-", 1)[0], f"{row['batch']:,}", str(row["processes"]),
             f"{statistics.median(row['pytorch']):,.0f}"]
    for kind in ("dense", "lazy", "bf16"):
        rates = row["ours"].get(kind)
        found += [f"{statistics.median(rates):,.0f}", f"{ratio(row, kind):.1f}"] if rates else ["–", "–"]
    return "| " + " | ".join([*found, verdicts(row)]) + " |"


def judged(text, value, bound):
    return f"{text} {value:.2f} (target ≥ {bound:g}: {'reached' if value >= bound else 'not reached'})"


def further(rows):
    """What follows from several rows: scaling from one rank to two, evaluation beside training."""
    medians = {(row["work"], row["processes"], kind): statistics.median(rates)
               for row in rows for kind, rates in row["ours"].items() if rates}
    lines = []
    for (work, processes, kind), rate in medians.items():
        alone = medians.get((work, 1, kind))
        if processes == 2 and alone:
            batch = int(work.rsplit("-", 1)[1])
            bound = 1.9 if batch >= 8192 else 1.3 if batch == 64 else None
            text = f"- {work}, {kind}: 2 ranks ÷ 1 rank"
            lines.append(judged(text, rate / alone, bound) if bound else f"{text} {rate / alone:.2f}")
    for row in rows:
        for kind, rates in row["evaluate"].items():
            if rates and kind != "dense":
                text = f"- {row['work']}, {kind}, {row['processes']} process{'es' * (row['processes'] > 1)}: " \
                       "evaluation ÷ training"
                lines.append(judged(text, statistics.median(rates) / statistics.median(row["ours"][kind]), 3))
    return "\n".join(lines)


def own_versions(program):
    lines = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()
    isa = [line.split(": ", 1)[1] for line in lines if line.startswith("instruction set")]
    return lines[0], isa[0] if isa else "?"


def plot(rows, path):
    """Bars of the ratios, those of a row together; a line across a bar is its target."""
    longest = max(ratio(row, kind) for row in rows for kind in row["ours"])
    height, left, width, y = 18, 210, 420, 24
    body = []
    for row in rows:
        plural = "" if row["processes"] == 1 else "es"
        label = f"{row['work'].rsplit('-', 1)[0]}, batch {row['batch']:,}, {row['processes']} process{plural}"
        body.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{label}</text>')
        for kind in row["ours"]:
            value, bound = ratio(row, kind), row["targets"].get(kind)
            length = max(1, round(width * value / longest))
            body.append(f'<rect x="{left}" y="{y}" width="{length}" height="{height - 3}" fill="{COLORS[kind]}"/>')
            at = left + length + 5
            if bound is not None and bound <= 1.2 * longest:
                x = left + round(width * bound / longest)
                body.append(f'<path d="M{x} {y - 1}v{height - 1}" stroke="#c33" stroke-width="2"/>')
                at = max(at, x + 5)
            body.append(f'<text x="{at}" y="{y + 12}">{value:.1f} {kind}</text>')
            y += height
        y += 8
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + int(1.2 * width) + 90}" height="{y}" '
                   'font-family="sans-serif" font-size="11">\n'
                   f'<text x="{left}" y="14" font-weight="bold">samples/s, as a multiple of PyTorch; red: target</text>\n'
                   + "\n".join(body) + "\n</svg>\n")


def write(rows, path, program):
    version, isa = own_versions(program)
    rows = [row for row in rows if row["ours"]]
    software = rows[0]["software"]
    counts = sorted({len(row["pytorch"]) for row in rows})
    text = PAGE.format(rounds=" to ".join(map(str, {counts[0]: 0, counts[-1]: 0})), cpu=", ".join(machine()["cpu"]),
                       cores=machine()["cores"], isa=isa, torch=software["torch"],
                       blas=", ".join(map(os.path.basename, software["blas"])), version=version,
                       date=time.strftime("%Y-%m-%d"), table="\n".join([*HEAD, *map(cells, rows)]), further=further(rows))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    plot(rows, os.path.splitext(path)[0] + ".svg")
