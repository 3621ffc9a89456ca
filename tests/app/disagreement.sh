#!/usr/bin/env bash
# Arguments: program, mpirun. What happens to one rank only: agreed on where possible, otherwise the end of the job.
set -uo pipefail
program=$1 mpirun=$2
. "$(dirname "$0")/expect.sh"

# A configuration that one host cannot read: all learn of it, one says so and which rank it was.
expect 2 err "none.yaml: cannot read the configuration: No such file or directory (on rank 1)" \
  "$mpirun" -n 1 "$program" --run.dir "$scratch/run" : -n 1 "$program" --config "$scratch/none.yaml" : \
  -n 1 "$program" --run.dir "$scratch/run"

# A configuration that reads differently elsewhere: rank 0's holds.
printf 'train: {warmup: 0.1}\n' > "$scratch/other.yaml"
expect 0 out "  warmup: 0" "$mpirun" -n 1 "$program" config : -n 1 "$program" config --config "$scratch/other.yaml"

# A failure that nobody else can know of ends the job, named by its rank.
expect 70 err "error on rank 0 of 2" "$mpirun" -n 2 bash -c 'exec "$1" config > /dev/full' bash "$program"
exit "$failures"
