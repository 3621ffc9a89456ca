# shellcheck shell=bash
# A node of a job loses its power, not the one with the job script: requeued, resumed on the nodes that are left.
export NCF=$program CONFIG=$config RUN=$work/run
write_config
scontrol update NodeName=node4 State=DRAIN Reason=test
job=$(sbatch --parsable --nodes=1-4 --cpus-per-task=4 --output=train.log "$source/slurm/train.sbatch")
wait_until 20 "there are epochs" has_epochs "$RUN" 2
kill_node 2
say "node2 is lost"
epochs=$(($(epochs_done "$RUN") + 4))
finish_after "$epochs"
wait_until 90 "the job is completed" is "$job" COMPLETED
[ "$(ranks_of_starts "$RUN")" = "6 4 " ] || fail "ranks: $(ranks_of_starts "$RUN")"
check_run "$RUN" "$epochs"
