# shellcheck shell=bash
# A node of a job loses its power, not the one with the job script: requeued, resumed on the nodes that are left, with as
# many ranks of these as a fixed order of sums allows.
export NCF=$program CONFIG=$config RUN=$work/run
write_config
job=$(sbatch --parsable --nodes=1-4 --cpus-per-task=8 --output=train.log "$source/slurm/train.sbatch")
wait_until "there are epochs" has_epochs "$RUN" 2
kill_node 2
say "node2 is lost"
epochs=$(($(epochs_done "$RUN") + 4))
finish_after "$epochs"
wait_until "the job is completed" is "$job" COMPLETED
[ "$(ranks_of_starts "$RUN")" = "4 2 " ] || fail "ranks: $(ranks_of_starts "$RUN")"
check_run "$RUN" "$epochs"
