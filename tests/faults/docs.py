"""docs/faults.md: the page about the cases, with a table that cannot be out of step with them."""

ABOUT = {
    "train": "`kill -9` of one rank, or of `mpirun`, in each phase of training",
    "save": "`kill -9` of one rank while a checkpoint is written and committed",
    "prune": "`kill -9` of rank 0 while an old checkpoint is removed",
    "load": "`kill -9` of one rank while a run is resumed (it was stopped after step 21)",
    "stop": "a rank that stops (SIGSTOP) and is not heard of again",
    "throw": "an exception where nobody expects one",
    "exit": "a rank that leaves without a word",
    "disk": "disks that are full, over quota, broken or read-only: single calls that fail, and real file systems",
    "signal": "signals that ask to stop",
    "damage": "what may befall a run directory between two jobs; the run in it was stopped after step 21 and has the "
              "checkpoints 16, 20 and 21",
    "order": "the order in which things reach the disk, as a power cut would find them",
}

HEAD = """# Faults

Made by `tests/faults/harness.py --write-docs docs/faults.md`; `ctest -L faults` runs what it lists: {count} cases, each
one or two real jobs of one to four processes.

A case trains a small model for 30 steps (3 epochs, `train.reproducible: ranks`, a checkpoint every 4 steps and every
epoch), and something happens on the way. Then the run is resumed on another number of ranks, without faults, up to its
end. **"The bits of a straight run"** means: every dataset of the final `model.h5`, moments included, and loss, metrics
and learning rate of every epoch are bit by bit those of a run on one rank that nothing happened to, and each epoch stands
once in `metrics.jsonl`. Beside that, in every case:

- the fault did happen: a case whose fault was never reached fails;
- the job ends by itself within a minute, and leaves no process behind;
- no resume starts from an older checkpoint than the newest that the run had reported as saved, unless that one was
  damaged; where the step is known, it has to be that very step;
- nothing half-written is left behind (`.partial`, `.removed`) once a run is finished.

The program has no hooks for this. Faults come from a library that is loaded before all others (`tests/faults/shim.cpp`)
and stands between the program and libc, MPI and oneDNN; damage is done to files by the harness. "During" is in the middle
of a write or read, half of its bytes done, or while a collective is under way.

Power is not cut; that everything is flushed in the right order is checked (group `order`).

    tests/faults/harness.py --list                 # all cases, with their numbers
    ctest --test-dir build -R faults.save -V       # one group

`tests/faults/soak.py` (also in `ctest -L faults`) ends one training of MovieLens-100K fifty times with `kill -9`, at random
instants and on random ranks, resumes it on 1, 2, 3, 4 or 8 ranks each time, and compares the bits at the end.
"""


def page(groups):
    text = HEAD.format(count=sum(map(len, groups.values())))
    for group, cases in groups.items():
        text += f"\n## {group}: {len(cases)}\n\n{ABOUT[group][0].upper()}{ABOUT[group][1:]}.\n\n"
        text += "| | what happens | to | resumed on | what must come of it |\n| ---: | --- | --- | --- | --- |\n"
        for number, case in enumerate(cases, 1):
            text += f"| {number} | {case.what} | {case.where} | {case.then} | {case.must} |\n"
    return text
