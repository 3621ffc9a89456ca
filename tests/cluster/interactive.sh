# shellcheck shell=bash
# interactive.sh trains in the foreground and ends with the exit code of the training; told to stop, it can go on.
export NCF=$program CONFIG=$config RUN=$work/run
write_config
sed 's/--ntasks=8/--ntasks=2/; s/--mem-per-cpu=2G/--mem-per-cpu=100M/' "$source/slurm/interactive.sh" > mine.sh
bash mine.sh > first.log 2>&1 &
first=$!
wait_until "there are epochs" has_epochs "$RUN" 1
scancel --signal=USR1 "$(squeue --noheader --format=%i)"
code=0
wait $first || code=$?
[ "$code" = 75 ] || fail "exit code $code, not 75"
epochs=$(($(epochs_done "$RUN") + 2))
finish_after "$epochs"
bash mine.sh > second.log 2>&1 || fail "exit code $?"
grep -q '^resumed ' second.log || fail "not resumed"
check_run "$RUN" "$epochs"
