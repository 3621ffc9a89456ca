# shellcheck shell=bash
# The node of the job script loses its power: nothing is left that could requeue the job but SLURM.
export NCF=$program CONFIG=$config RUN=$work/run
write_config
job=$(sbatch --parsable --nodes=1-4 --cpus-per-task=8 --output=train.log "$source/slurm/train.sbatch")
wait_until "there are epochs" has_epochs "$RUN" 2
kill_node 1
say "node1 is lost, with the job script"
epochs=$(($(epochs_done "$RUN") + 4))
finish_after "$epochs"
wait_until "the job is completed" is "$job" COMPLETED
[ "$(ranks_of_starts "$RUN")" = "4 2 " ] || fail "ranks: $(ranks_of_starts "$RUN")"
check_run "$RUN" "$epochs"
