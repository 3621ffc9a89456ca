# shellcheck shell=bash
# A run directory that only one of two nodes has is refused before training starts; ranks that share a CPU are a
# warning.
export NCF=$program CONFIG=$config
write_config
finish_after 1
# /tmp of a node is its own.
job=$(RUN=/tmp/run sbatch --parsable --nodes=2 --cpus-per-task=4 --output=apart.log "$source/slurm/train.sbatch")
wait_until "the job fails" is "$job" FAILED
grep -qE 'error: run.dir on node2: /tmp/run is not the directory of that name on node1' apart.log || fail "$(cat apart.log)"
check_log apart.log "start 1: exit code 2"
if grep -q samples/s apart.log; then fail "it trained"; fi

srun --mpi=pmix --nodes=1 --ntasks=2 taskset --cpu-list 0 "$program" --config "$config" --run.dir "$work/crowded" \
  > crowded.log 2>&1 || fail "exit code $?"
[ "$(grep -c 'warning: node1: 2 ranks with 2 threads on 1 CPU,' crowded.log)" = 1 ] || fail "$(cat crowded.log)"
