# shellcheck shell=bash
# A node is back before SLURM misses it, without the ranks it had: the others wait for them until comm.timeout_s is over,
# and the job requeues itself.
export NCF=$program CONFIG=$config RUN=$work/run
write_config 'comm: {timeout_s: 5}'
scontrol update NodeName=node[3-4] State=DRAIN Reason=test
job=$(sbatch --parsable --nodes=2 --cpus-per-task=4 --output=train.log "$source/slurm/train.sbatch")
wait_until "there are epochs" has_epochs "$RUN" 2
kill_node 2
start_node 2
say "node2 was lost and is back"
epochs=$(($(epochs_done "$RUN") + 4))
finish_after "$epochs"
wait_until "the job is completed" is "$job" COMPLETED
check_run "$RUN" "$epochs"
