# shellcheck shell=bash
# An array of runs, some of them preempted, then all: each is a run of its own and ends as if it had been alone.
export NCF=$program CONFIG=$config RUNS=$work/runs
write_config
# As a user does: a copy with other lines at the top.
awk '/^TASKS=/ { print "TASKS=(\"--train.lr 1e-2\" \"--run.seed 2\" \"--run.seed 3 --model.hidden [8]\")"; skip = 1 }
     !skip { print }
     /^\)/ { skip = 0 }' "$source/slurm/array.sbatch" > mine.sbatch
array=$(sbatch --parsable --array=0-2 --ntasks=2 --mem-per-cpu=100M --output=%a.log mine.sbatch)
state_of() { squeue --noheader --jobs="${array}_$1" --states=all --format=%T; }
is_task() { [ "$(state_of "$1")" = "$2" ]; }

for task in 0 1 2; do wait_until "task $task has epochs" has_epochs "runs/$task" 1; done
scancel --signal=USR1 --batch "${array}_0"
scontrol requeue "${array}_1"
for task in 0 1; do wait_until "task $task goes on" has_starts "runs/$task" 2; done
[ "$(ranks_of_starts runs/2)" = "2 " ] || fail "task 2 was disturbed: ranks $(ranks_of_starts runs/2)"
say "preempted and resumed: tasks 0 and 1, not task 2"
scancel --signal=USR1 --batch "$array"
for task in 0 1 2; do wait_until "task $task is requeued" is_task "$task" PENDING; done
epochs=$(($(printf '%s\n' "$(epochs_done runs/0)" "$(epochs_done runs/1)" "$(epochs_done runs/2)" | sort -n | tail -n 1) + 2))
finish_after "$epochs"
for task in 0 1 2; do wait_until "task $task is completed" is_task "$task" COMPLETED; done
check_run "$work/runs/0" "$epochs" --train.lr 1e-2
check_run "$work/runs/1" "$epochs" --run.seed 2
check_run "$work/runs/2" "$epochs" --run.seed 3 --model.hidden '[8]'
