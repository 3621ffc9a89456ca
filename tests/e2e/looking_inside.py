#!/usr/bin/env python3
"""Arguments: program, mpirun, ranks. Looking into a run: its trace, and `top` while it runs, when it has ended, and when
it was killed; a rank that is slowed is named."""
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

program, mpirun, ranks = sys.argv[1], sys.argv[2], int(sys.argv[3])
work = Path(tempfile.mkdtemp(prefix="ncf-looking-"))
STEPS = 40


def check(right, *what):
    if not right:
        sys.exit("FAILED: " + " ".join(str(w) for w in what))


def command(run, *flags):
    # Each rank leaves its process number.
    small = [] if "--model.hidden" in flags else ["--model.hidden", "[16]", "--model.embedding_dim", "8", "--data.synthetic",
                                                  "{users: 100, items: 150, ratings: 6000}"]
    shell = f'echo $$ > {work}/pid-${{OMPI_COMM_WORLD_RANK}}; exec "$0" "$@"'
    return [mpirun, "-n", str(ranks), "bash", "-c", shell, program, "--run.dir", str(work / run), *small, *flags]


def train(run, *flags):
    done = subprocess.run(command(run, *flags), capture_output=True, text=True, timeout=120, check=False)
    check(done.returncode == 0, done.returncode, done.stdout, done.stderr)
    return done


def top(run, *flags):
    return subprocess.run([program, "top", str(work / run), *flags], capture_output=True, text=True, timeout=60, check=False)


def wait_for(what, found, seconds=60):
    end = time.monotonic() + seconds
    while not found():
        check(time.monotonic() < end, "waited in vain for", what)
        time.sleep(0.05)


# The trace: every rank's lane has its steps, in each all phases of a step, and its collectives with bytes.
trace_file = work / "trace.json"
train("traced", "--train.epochs", "2", "--trace", str(trace_file), "--run.trace_steps", str(STEPS))
trace = json.loads(trace_file.read_text())
check(trace["otherData"]["ranks"] == ranks, trace["otherData"])
first_steps, last_steps = [], []
for rank in range(ranks):
    events = [e for e in trace["traceEvents"] if e["pid"] == rank]
    names = [e["args"]["name"] for e in events if e["name"] == "process_name"]
    check(len(names) == 1 and names[0].startswith(f"rank {rank} on "), names)
    spans = [e for e in events if e["ph"] == "X"]
    check(all(e["dur"] >= 0 and e["ts"] >= 0 for e in spans), "times of rank", rank)
    steps = [e for e in spans if e["cat"] == "step"]
    check([e["args"]["step"] for e in steps] == list(range(1, STEPS + 1)), "steps of rank", rank)
    within = lambda e, outer: outer["ts"] - 0.01 <= e["ts"] and e["ts"] + e["dur"] <= outer["ts"] + outer["dur"] + 0.01
    phases = [e for e in spans if e["cat"] == "phase"]
    collectives = [e for e in spans if e["cat"] == "collective"]
    for step in steps:
        have = {e["name"] for e in phases if within(e, step)}
        check({"plan", "gather", "compute", "synchronise", "update"} <= have, "phases of a step:", have)
        sent = sum(e["args"]["bytes"] for e in collectives if within(e, step))
        check((sent > 0) == (ranks > 1), "bytes of a step:", sent)
    check(bool(collectives) == (ranks > 1), "collectives of rank", rank)
    # A viewer stacks what lies within each other; nothing may lie across a border.
    borders = []
    for e in sorted(spans, key=lambda e: (round(e["ts"], 3), -e["dur"])):
        while borders and borders[-1] <= e["ts"] + 0.0015:
            borders.pop()
        check(not borders or e["ts"] + e["dur"] <= borders[-1] + 0.0015, "lies across a border:", e)
        borders.append(e["ts"] + e["dur"])
    first_steps.append(steps[0])
    last_steps.append(steps[-1])
# Nobody leaves a step's exchange before all have come: with one clock, steps of the same number overlap.
check(max(e["ts"] for e in first_steps) < min(e["ts"] + e["dur"] for e in first_steps), first_steps)
check(max(e["ts"] for e in last_steps) < min(e["ts"] + e["dur"] for e in last_steps), last_steps)
check(trace_file.stat().st_size < ranks * STEPS * 6000, "the trace has", trace_file.stat().st_size, "bytes")

# Fewer steps than asked for: what there is. A file that cannot be written is an error before training.
train("short", "--train.epochs", "1", "--train.batch_size", "2400", "--trace", str(trace_file))
trace = json.loads(trace_file.read_text())
check(sum(e.get("cat") == "step" and e["pid"] == 0 for e in trace["traceEvents"]) == 2, "steps of a short run")
check(any(e["name"] == "evaluate" for e in trace["traceEvents"]), "no evaluation in the trace")
refused = subprocess.run(command("refused", "--trace", str(work / "none" / "x")), capture_output=True, text=True, timeout=60,
                         check=False)
check(refused.returncode == 2 and "run.trace: cannot write" in refused.stderr, refused.returncode, refused.stderr)

# Ended, and nothing there.
seen = top("traced")
check(seen.returncode == 0 and "  finished\n" in seen.stdout and " 100 %" in seen.stdout, seen)
seen = top("nowhere")
check(seen.returncode == 2 and "nowhere: neither progress.json" in seen.stderr, seen)

# Running. SIGSTOP for four fifths of the time makes the last rank up to five times as slow: in proportion to the time in
# which it computes rather than waits, so that has to be most of it.
busy = ["--model.hidden", "[256, 128]", "--data.synthetic", "{users: 1000, items: 1500, ratings: 100000}", "--train.batch_size",
        "4096", "--checkpoint.every_epochs", "0", "--eval.every_epochs", "1000"]
log = open(work / "log", "w+", encoding="utf-8")
job = subprocess.Popen(command("long", *busy, "--train.epochs", "1000000", "--comm.slow_rank_s", "3", "--run.stop_before", "00:05:00"),
                       stdout=log, stderr=subprocess.STDOUT)
try:
    wait_for("ranks in progress.json", lambda: "busy" in top("long").stdout)
    seen = top("long").stdout
    check(re.search(r"^\S+/long  (training|evaluating|saving), epoch \d+ of 1000000\n", seen), seen)
    check(re.search(r"speed +[1-9]\d* samples/s\n +time +\d+:\d\d since its start, about [\d:]+ left; \d+:\d\d until run.stop_before "
                    r"00:05:00: it will not fit\n", seen), seen)
    check(len(re.findall(r"^ +\d+  \S+ +\d+ % +\d+\.\d MiB$", seen, re.M)) == ranks, seen)
    check(("slowest   rank" in seen) == (ranks > 1), seen)

    # On a terminal it is renewed, and stays.
    watched = b""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(program, [program, "top", str(work / "long")])
    end = time.monotonic() + 30
    while watched.count(b"training, epoch") + watched.count(b"saving, epoch") + watched.count(b"evaluating, epoch") < 3:
        check(time.monotonic() < end, "not renewed:", watched)
        watched += os.read(terminal, 4096)
    check(os.waitpid(child, os.WNOHANG) == (0, 0), "top has ended before the run")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(terminal)

    if ranks > 1:
        slow = int((work / f"pid-{ranks - 1}").read_text())
        named = lambda: re.search(rf"warning: rank {ranks - 1} on \S+ is slow: it took [\d.]+ times", (work / "log").read_text())
        end = time.monotonic() + 60
        while not named():
            check(time.monotonic() < end, "the slow rank is not named:", (work / "log").read_text())
            os.kill(slow, signal.SIGSTOP)
            time.sleep(0.08)
            os.kill(slow, signal.SIGCONT)
            time.sleep(0.02)
        check(job.poll() is None, "a slow rank has ended the job")
    wait_for("word of the time limit", lambda: "it will not fit" in (work / "log").read_text())
finally:
    # mpirun's own end takes the ranks with it.
    job.kill()
    job.wait()

# Killed: it looks as if it were running until its file is old.
check(top("long").stdout.split("  ")[1].startswith(("training", "evaluating", "saving")), top("long").stdout)
wait_for("the ranks are gone", lambda: not any(Path(f"/proc/{(work / f'pid-{r}').read_text().strip()}").exists() for r in range(ranks)))
old = time.time() - 1000
os.utime(work / "long" / "progress.json", (old, old))
check("  stale: nothing heard for 16:" in top("long").stdout, top("long").stdout)
subprocess.run(["rm", "-rf", str(work)], check=True)
