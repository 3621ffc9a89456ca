# shellcheck shell=bash
# The time limit comes near: saved, requeued, resumed on half of the nodes.
export NCF=$program CONFIG=$config RUN=$work/run
write_config
# The limit is a minute, SLURM's smallest; it signals up to a minute earlier than it is told to.
job=$(sbatch --parsable --nodes=1-2 --cpus-per-task=4 --time=1 --signal=B:USR1@50 \
  --output=train.log "$source/slurm/train.sbatch")
wait_until "there are epochs" has_epochs "$RUN" 2
wait_until "the job is requeued" is "$job" PENDING
say "requeued"
[ "$(end_reasons "$RUN")" = "signal " ] || fail "ended with: $(end_reasons "$RUN")"
check_log train.log "start 1: requeued: stopped on request after saving"
epochs=$(($(epochs_done "$RUN") + 2))
finish_after "$epochs"
scontrol update NodeName=node[2-4] State=DRAIN Reason=test
wait_until "the job is completed" is "$job" COMPLETED
check_log train.log "start 2: finished"
[ "$(ranks_of_starts "$RUN")" = "4 2 " ] || fail "ranks: $(ranks_of_starts "$RUN")"
check_run "$RUN" "$epochs"
