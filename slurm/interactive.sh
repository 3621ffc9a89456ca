#!/usr/bin/env bash
# Trains at once, on nodes of its own, with the output on this terminal. Copy this file, edit down to the line of dashes,
# then
#
#     bash interactive.sh [FLAGS OF ncf_dist]
#
# It ends with the exit code of the training. To end it early and save: scancel --signal=USR1 JOB; the same command again
# goes on from there.
set -euo pipefail

NCF=${NCF:-ncf_dist}               # the program
CONFIG=${CONFIG:-ml.yaml}          # what to train
RUN=${RUN:-runs/ml}                # the run directory, on a file system that all nodes share
WANTED=(                           # what SLURM is asked for
  --job-name=ncf
  # --partition=compute
  --nodes=1
  --ntasks=8                       # ranks
  --cpus-per-task=1                # CPUs a rank
  --mem-per-cpu=2G
  --time=00:30:00
)
# module load openmpi              # what a site asks for

# ----------------------------------------------------------------------------------------------------------------------
run=("$NCF" train --config "$CONFIG" --run.dir "$RUN" --resume "$@")
if srun --mpi=list 2>&1 | grep -q pmix; then
  exec srun "${WANTED[@]}" --signal=USR1@120 --mpi=pmix "${run[@]}"
fi
exec salloc "${WANTED[@]}" mpirun --bind-to none "${run[@]}"
