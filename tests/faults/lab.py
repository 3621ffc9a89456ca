"""Jobs of the program: started, watched, ended if need be, and judged. Plain Python 3."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

# A training that takes well under a second: 3 epochs of 10 steps, checkpoints after 4, 8, 10, 12, 16, 20, 24, 28, 30.
FLAGS = {
    "data.synthetic.users": "60", "data.synthetic.items": "40", "data.synthetic.ratings": "800",
    "model.embedding_dim": "8", "model.hidden": "[16, 8]", "model.batch_norm": "true", "model.dropout": "0.1",
    "train.batch_size": "64", "train.epochs": "3", "train.reproducible": "ranks", "run.seed": "7",
    "checkpoint.every_steps": "4", "checkpoint.keep_last": "3", "comm.timeout_s": "20",
}
EPOCH_STEPS = 10
STEPS = 3 * EPOCH_STEPS


class Failure(Exception):
    """A case did not go as it must."""


class Skip(Exception):
    """This machine does not allow the case."""


def check(condition, message):
    if not condition:
        raise Failure(message)


@dataclass
class Ended:
    """A job that is over."""
    code: int
    output: str
    fired: bool  # whether the fault has happened
    trace: list = field(default_factory=list)  # calls and paths, if asked for

    def lines(self, kind):
        return [line for line in self.output.splitlines() if line.startswith(f"ncf_dist: {kind}")]


def alive(pid, mark):
    """Whether the process still runs; `mark` stands in its environment, so a process id used anew is no other's."""
    try:
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return False
        return mark.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def end_all(pids, mark):
    for pid in pids:
        if alive(pid, mark):
            os.kill(pid, signal.SIGKILL)


def add_options(parser):
    for program in ("--program", "--shim", "--hdf5-tool"):
        parser.add_argument(program, metavar="FILE", help="as CMake has built it")
    parser.add_argument("--mpirun", default="mpirun")


class Lab:
    """Where everything is, and the runs that cases are compared with or start from."""

    def __init__(self, options, scratch, flags=None, limit_s=180):
        """`options`: the words of add_options(). `flags`: the settings of all runs. A job that takes longer than
        `limit_s` hangs."""
        self.program, self.shim, self.hdf5_tool = options.program, options.shim, options.hdf5_tool
        self.mpirun = options.mpirun
        self.flags, self.limit_s = flags or FLAGS, limit_s
        self.scratch = Path(scratch)
        self._lock = threading.Lock()
        self._straight = None
        self._stopped = {}
        self._others = {}

    def arguments(self, run, flags=()):
        """`flags`: a dictionary of keys, with None for a word of its own such as --resume."""
        merged = self.flags | {"run.dir": str(run)} | dict(flags)
        words = []
        for key, value in merged.items():
            words += [f"--{key}"] if value is None else [f"--{key}", value]
        return words

    def command(self, ranks, arguments):
        """One rank runs without mpirun, as users start it."""
        if ranks == 1:
            return ["env", f"LD_PRELOAD={self.shim}", self.program, *arguments]
        names = ["-x", f"LD_PRELOAD={self.shim}", "-x", "NCF_FAULT", "-x", "NCF_FAULT_DIR"]
        return [self.mpirun, "-n", str(ranks), *names, self.program, *arguments]

    def train(self, run, ranks, flags=(), fault=None, limits=None, meanwhile=None, trace=False):
        """Runs a job to its end. `fault`: a dictionary as shim.cpp explains it. `meanwhile(process, notes)` runs beside
        it in a thread; Lab.pids(notes) are its ranks."""
        return self.run(self.command(ranks, self.arguments(run, flags)), fault, limits, meanwhile, trace)

    def run(self, command, fault=None, limits=None, meanwhile=None, trace=False):
        # mpirun gives ranks that it ends a second to heed SIGTERM. Where a rank has died, the others only note that
        # signal, and the second would make most of a case's time: only jobs of four ranks have it. Where mpirun
        # itself was told to end, they save, for which a busy machine needs longer.
        grace = "1" if "-n" in command and command[command.index("-n") + 1] == "4" else "0"
        if (fault or {}).get("do") == "mpirun-term":
            grace = "3"
        notes = tempfile.mkdtemp(prefix="notes-", dir=self.scratch)
        # Cases run side by side, and where one job clears a common session directory away, another may fail to start.
        session = tempfile.mkdtemp(prefix="mpi-", dir=self.scratch)
        words = "trace" if trace else " ".join(f"{key}={value}" for key, value in (fault or {}).items())
        # oneDNN is made to multiply, whose calls the shim sees; what other processors have would be called unseen.
        environment = os.environ | {"NCF_FAULT": words, "NCF_FAULT_DIR": notes, "OMP_NUM_THREADS": "1",
                                    "ONEDNN_MAX_CPU_ISA": "AVX2",
                                    "OMPI_MCA_orte_tmpdir_base": session,
                                    "OMPI_MCA_odls_base_sigkill_timeout": grace}
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=limits)
        hangs = False
        if meanwhile:
            beside = threading.Thread(target=meanwhile, args=(process, notes))
            beside.start()
        try:
            output, _ = process.communicate(timeout=self.limit_s)
        except subprocess.TimeoutExpired:
            hangs = True
            end_all([*self.pids(notes), process.pid], notes)
            output, _ = process.communicate()
        if meanwhile:
            beside.join()
        output = output.decode(errors="replace").replace("\r\n", "\n")
        left = self.wait_until_gone(notes)
        fired = (Path(notes) / "fired").exists()
        calls = (Path(notes) / "trace").read_text().splitlines() if trace else []
        check(not (Path(notes) / "misspelt").exists(), f"the fault is misspelt: {words}")
        shutil.rmtree(notes)
        shutil.rmtree(session, ignore_errors=True)  # mpirun may have been killed
        code = 128 - process.returncode if process.returncode < 0 else process.returncode
        ended = Ended(code, output, fired, [tuple(call.split(" ", 1)) for call in calls])
        check(not hangs, f"the job hung for {self.limit_s} s\n{output}")
        check(not left, f"processes were left behind: {left}\n{output}")
        check(fault is None or fired, f"the fault never happened: {words}\n{output}")
        return ended

    @staticmethod
    def pids(notes):
        return [int(pid) for path in Path(notes).glob("rank-*.pid") for pid in path.read_text().split()]

    def wait_until_gone(self, notes):
        """The processes of a job that are still there some seconds after it; they are ended."""
        until = time.monotonic() + 10
        while left := [pid for pid in self.pids(notes) if alive(pid, notes)]:
            if time.monotonic() > until:
                end_all(left, notes)
                return left
            time.sleep(0.02)
        return []

    def tool(self, *arguments, **more):
        return subprocess.run([self.hdf5_tool, *map(str, arguments)], check=True, capture_output=True, **more).stdout

    def straight(self):
        """The state of a run that nothing happened to."""
        with self._lock:
            if self._straight is None:
                run = self.scratch / "straight"
                ended = self.train(run, 1)
                check(ended.code == 0, f"a run without faults fails\n{ended.output}")
                self._straight = State(self, run)
            return self._straight

    def other(self, flags, ranks):
        """The directory of a finished run with other settings. Not to be changed."""
        with self._lock:
            key = (*flags.items(), ranks)
            if key not in self._others:
                run = self.scratch / f"other-{len(self._others)}"
                ended = self.train(run, ranks, flags)
                check(ended.code == 0, f"a run without faults fails\n{ended.output}")
                self._others[key] = run
            return self._others[key]

    def stopped(self, ranks, to):
        """Copies a run that was stopped after step 21, on so many ranks: it has the checkpoints 16, 20 and 21."""
        with self._lock:
            if ranks not in self._stopped:
                run = self.scratch / f"stopped-{ranks}"
                # A signal while step 20 is being saved is heeded after the next step.
                fault = {"rank": 0, "call": "mkdir", "path": name(20) + ".partial", "when": "before", "do": "usr1"}
                ended = self.train(run, ranks, fault=fault)
                found = [p.name for p in checkpoints(run)]
                check(ended.code == 75 and found == [name(16), name(20), name(21)],
                      f"a run stopped by a signal ends otherwise: {found}\n{ended.output}")
                self._stopped[ranks] = run
        shutil.copytree(self._stopped[ranks], to, symlinks=True)


def name(step):
    return f"step-{step:09}"


def checkpoints(run):
    """Everything in the folder but the links, sorted."""
    folder = Path(run) / "checkpoints"
    return sorted(p for p in folder.iterdir() if not p.is_symlink()) if folder.is_dir() else []


def events(run, kind):
    path = Path(run) / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if line["event"] == kind]


def newest_reported(run):
    """The last checkpoint that the run itself has said to be durable, or 0."""
    return max((event["step"] for event in events(run, "checkpoint")), default=0)


class State:
    """What a finished run leaves: every value of its model in bits, and what it printed of its epochs."""

    def __init__(self, lab, run, steps=STEPS):
        latest = Path(run) / "checkpoints" / "latest"
        check(latest.is_symlink() and os.readlink(latest) == name(steps), f"latest leads to {latest.resolve()}")
        self.values = lab.tool("values", latest / "model.h5").decode()
        check("unreadable" not in self.values and self.values.count("\n") > 30, f"the model is not whole:\n{self.values}")
        self.epochs = {}
        for event in events(run, "epoch"):
            check(event["epoch"] not in self.epochs, f"epoch {event['epoch']} is twice in metrics.jsonl")
            self.epochs[event["epoch"]] = (event["step"], event["train_loss"], event["valid"], event["lr"])

    def compare(self, other, epochs=None):
        """`epochs`: those that metrics.jsonl must hold; all by default."""
        for mine, theirs in zip(self.values.splitlines(), other.values.splitlines()):
            check(mine == theirs, f"the bits differ: {mine}, expected {theirs}")
        check(self.values == other.values, "the model has other datasets")
        expected = {e: v for e, v in other.epochs.items() if epochs is None or e in epochs}
        check(self.epochs == expected, f"metrics.jsonl has the epochs {self.epochs}, expected {expected}")
