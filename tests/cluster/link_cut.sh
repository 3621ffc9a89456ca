# shellcheck shell=bash
# A cable is cut and put back before SLURM misses the node: the ranks find out by comm.timeout_s, name the one that is
# gone, and the job requeues itself.
export NCF=$program CONFIG=$config RUN=$work/run
write_config 'comm: {timeout_s: 4}'
sed -i 's/^SlurmdTimeout=.*/SlurmdTimeout=60/' "$SLURM_CONF"
scontrol reconfigure
scontrol update NodeName=node[3-4] State=DRAIN Reason=test
job=$(sbatch --parsable --nodes=2 --cpus-per-task=4 --output=train.log "$source/slurm/train.sbatch")
wait_until "there are epochs" has_epochs "$RUN" 2
ip link set port2 down
say "the cable of node2 is cut"
wait_until "the job notices" grep -q 'on node2: no answer' train.log
ip link set port2 up
say "noticed: $(grep 'on node2: no answer' train.log | head -n 1)"
epochs=$(($(epochs_done "$RUN") + 4))
finish_after "$epochs"
wait_until "the job is completed" is "$job" COMPLETED
check_log train.log "start 1: requeued: ended before its time"
check_run "$RUN" "$epochs"
