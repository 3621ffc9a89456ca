# shellcheck shell=bash
# Preempted at inconvenient moments, each time in another way: in the middle of an epoch, of a checkpoint, of evaluation.
export NCF=$program CONFIG=$config RUN=$work/run
# Most of the ratings are for validation, and there is a checkpoint at every second step.
write_config 'checkpoint: {every_steps: 2}'
sed -i 's/users: 60, items: 80, ratings: 2000}/users: 200, items: 300, ratings: 20000}, valid_fraction: 0.95/' "$config"

is_saving() { compgen -G "$RUN/checkpoints/*.partial"; }
is_evaluating() { [ "$(tail -n 1 "$RUN/metrics.jsonl" | grep -c '"event":"checkpoint"')" = 1 ]; }

job=$(sbatch --parsable --nodes=1 --cpus-per-task=4 --output=train.log "$source/slurm/train.sbatch")
round=0
preempt() {  # when, command...
  local when=$1 epochs
  shift
  round=$((round + 1))
  wait_until "start $round" has_starts "$RUN" $round
  epochs=$(epochs_done "$RUN")
  wait_until "epochs are done in start $round" has_epochs "$RUN" $((epochs + 1))
  wait_until "$when" "$when"
  "$@" || fail "$*"
  wait_until "the job is requeued for the ${round}th time" eval "[ \$(restarts $job) = $round ]"
  say "$when: $*"
}
preempt true scancel --signal=USR1 "$job"            # to the ranks themselves
preempt is_saving scontrol requeue "$job"            # as SLURM preempts: SIGTERM, and SIGKILL later
preempt is_evaluating scancel --signal=USR1 --batch "$job"

epochs=$(($(epochs_done "$RUN") + 2))
finish_after "$epochs"
wait_until "the job is completed" is "$job" COMPLETED
check_log train.log "start 4: finished"
[ "$(grep -c '^resumed ' train.log)" = 3 ] || fail "resumed $(grep -c '^resumed ' train.log) times, not 3"
check_run "$RUN" "$epochs"

# Who cancels a job does not want it back.
finish_after 1000000
RUN=$work/unwanted
job=$(sbatch --parsable --nodes=1 --cpus-per-task=8 --output=unwanted.log "$source/slurm/train.sbatch")
wait_until "there are epochs" has_epochs "$RUN" 1
scancel "$job"
wait_until "the job is cancelled" is "$job" CANCELLED
check_log unwanted.log "not requeued from here"
[ "$(end_reasons "$RUN")" = "signal " ] || fail "the cancelled run ended with: $(end_reasons "$RUN")"
