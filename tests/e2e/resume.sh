#!/usr/bin/env bash
# Stopping and going on: by a signal to one rank, by a time limit, after the end, with other keys; and that a run which
# was interrupted ends in the same bits as one that was not.
set -euo pipefail
program=$1 mpirun=$2 source=$3
/usr/bin/python3 -c 'import h5py' 2> /dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
work=$(mktemp -d)
job=
trap '[ -z "$job" ] || kill -9 "$job" 2> /dev/null || true; rm -rf "$work"' EXIT
fail() { echo "$1"; [ ! -f "$work/log" ] || tail -n 20 "$work/log"; exit 1; }
cat > "$work/small.yaml" << END
data: {synthetic: {users: 60, items: 80, ratings: 800}}  # 10 steps an epoch
model: {hidden: [12, 7], dropout: 0.2, batch_norm: true}
train: {epochs: 2}
checkpoint: {keep_last: 1000}
END
cat > "$work/long.yaml" << END
data: {synthetic: {ratings: 4000}}  # 400 steps an epoch
model: {hidden: [8], embedding_dim: 4}
train: {batch_size: 8, reproducible: ranks, schedule: constant}
checkpoint: {every_epochs: 0, keep_last: 1}
END
small=(--config "$work/small.yaml") long=(--config "$work/long.yaml")
run() {  # expected exit code, ranks, directory, flags
  local expected=$1 ranks=$2 dir=$3 start=() code=0
  shift 3
  [ "$ranks" = 1 ] || start=("$mpirun" -n "$ranks")
  "${start[@]}" "$program" --run.dir "$work/$dir" "$@" > "$work/log" 2>&1 || code=$?
  [ "$code" = "$expected" ] || fail "$dir $*: exit code $code, expected $expected"
}
same() { /usr/bin/python3 "$source/tests/e2e/same_runs.py" "${@/#/$work/}" || fail "$*: not the same bits"; }
says() { grep -qF -- "$1" "$work/log" || fail "the run does not say: $1"; }
steps() { (cd "$work/$1/checkpoints" && echo step-*) | sed 's/step-0*//g'; }
last_event() { tail -n 1 "$work/$1/metrics.jsonl"; }
cut_at() {  # from, to, step: the copy of a run that was killed after this checkpoint
  cp -r "$work/$1" "$work/$2"
  for c in "$work/$2"/checkpoints/step-*; do [[ "$c" > "$work/$2/checkpoints/step-$(printf %09d "$3")" ]] && rm -r "$c"; done
  ln -sfn "step-$(printf %09d "$3")" "$work/$2/checkpoints/latest"
}

# A signal to one rank while the first epochs are trained; then no more epochs than have begun.
"$mpirun" -n 4 "$program" --run.dir "$work/signal" "${long[@]}" --checkpoint.every_steps 100 --train.epochs 100000 > "$work/log" 2>&1 &
job=$!
for _ in $(seq 3000); do
  grep -qs '"event":"checkpoint"' "$work/signal/metrics.jsonl" && break
  kill -0 "$job" 2> /dev/null || break
  sleep 0.02
done
read -ra children < "/proc/$job/task/$job/children" || true  # no line end
[ "${#children[@]}" = 4 ] || fail "mpirun has the children ${children[*]}, expected 4 ranks"
kill -USR1 "${children[2]}"
code=0
wait "$job" || code=$?
job=
[ "$code" = 75 ] || fail "stopped by SIGUSR1: exit code $code, expected 75"
says "by SIGUSR1 on rank"
last_event signal | grep -q '"event":"end".*"reason":"signal"' || fail "metrics.jsonl does not end with the signal"
stopped=$(steps signal | sed 's/.* //')
[ "$stopped" -ge 100 ] || fail "stopped at step '$stopped'"
long+=(--train.epochs $((stopped / 400 + 1)))
run 0 1 straight "${long[@]}"
run 0 2 signal "${long[@]}" --resume
says "resumed"
grep -q "\"resumed_from\":${stopped}[,}]" "$work/signal/metrics.jsonl" || fail "metrics.jsonl lacks resumed_from $stopped"
same straight signal
echo "stopped by a signal at step $stopped on 4 ranks, resumed on 2: the same bits as without a stop on 1"

# Nothing is left to do.
before=$(cd "$work/signal/checkpoints" && ls -lR --time-style=full-iso)
run 0 2 signal "${long[@]}" --resume
[ "$before" = "$(cd "$work/signal/checkpoints" && ls -lR --time-style=full-iso)" ] || fail "a finished run was saved again"
same straight signal

# Killed after a checkpoint, at any step; the same number of ranks where only that gives the same bits.
run 0 2 run_mode "${small[@]}" --checkpoint.every_steps 3
[ "$(steps run_mode)" = "3 6 9 10 12 15 18 20" ] || fail "checkpoints at $(steps run_mode)"
for step in 6 10; do
  cut_at run_mode "run_mode.$step" "$step"
  run 0 2 "run_mode.$step" "${small[@]}" --checkpoint.every_steps 3 --resume
done
same run_mode run_mode.6 run_mode.10
# Samples that are computed in an order of their own, by the weights of the step: 4 steps an epoch.
sorted=(--data.synthetic '{users: 400, items: 300, ratings: 10000}' --model.hidden '[256, 12]' --train.first_layer samples
  --train.batch_size 2048 --train.micro_batch 64 --train.epochs 2 --checkpoint.every_steps 3 --checkpoint.keep_last 1000 --run.threads 1)
run 0 2 sorted "${sorted[@]}"
cut_at sorted sorted.3 3
run 0 2 sorted.3 "${sorted[@]}" --resume
same sorted sorted.3
for update in lazy dense neumf; do
  flags=("${small[@]}" --checkpoint.every_steps 4 --train.reproducible ranks)
  if [ "$update" = neumf ]; then flags+=(--model.kind neumf); else flags+=(--train.embedding_update "$update"); fi
  run 0 2 "$update" "${flags[@]}"
  cut_at "$update" "$update.8" 8
  cut_at "$update" "$update.16" 16
  run 0 1 "$update.8" "${flags[@]}" --resume
  run 0 4 "$update.16" "${flags[@]}" --resume
  same "$update" "$update.8" "$update.16"
done
echo "killed after a checkpoint and resumed: the same bits"

# A checkpoint that is due with the last step of an epoch.
run 0 1 coincide "${small[@]}" --train.epochs 3 --checkpoint.every_epochs 0 --checkpoint.every_steps 10
[ "$(steps coincide)" = "10 20 30" ] || fail "every 10 steps, 10 steps an epoch: checkpoints at $(steps coincide)"

# More epochs than were planned.
run 0 1 three "${small[@]}" --train.epochs 3 --train.schedule constant
run 0 2 more "${small[@]}" --train.epochs 1 --train.schedule constant --train.reproducible ranks
run 0 1 three "${small[@]}" --train.epochs 3 --train.schedule constant --train.reproducible ranks
[ -f "$work/three/earlier-1/checkpoints/latest/model.h5" ] || fail "the first run was not moved to earlier-1"
[ "$(grep -c '"event":"epoch"' "$work/three/metrics.jsonl")" = 3 ] || fail "metrics of two runs are mixed"
run 0 8 more "${small[@]}" --train.epochs 3 --train.schedule constant --train.reproducible ranks --resume
same three more

# What a run cannot change and go on.
refused() {  # words of the message, flags
  local words=$1
  shift
  run 4 1 more "${small[@]}" --train.schedule constant --resume "$@"
  says "$words"
}
refused "train.epochs is 2, and"
refused "model.hidden is [9], and was [12, 7]" --model.hidden '[9]' --train.epochs 3
refused "run.seed is 43, and was 42" --run.seed 43 --train.epochs 3
refused "train.batch_size is 65, and was 64" --train.batch_size 65 --train.epochs 3
refused "trained on other ratings" --data.synthetic.ratings 801 --train.epochs 3
same three more

# A time limit.
run 75 2 limit "${small[@]}" --train.epochs 1000000 --checkpoint.every_epochs 0 --run.stop_before 00:00:01
says "by run.stop_before 00:00:01"
last_event limit | grep -q '"reason":"time_limit"' || fail "metrics.jsonl does not end with the time limit"
[ -f "$work/limit/checkpoints/latest/manifest.json" ] || fail "nothing was saved at the time limit"
SLURM_JOB_END_TIME=$(($(date +%s) + 1)) run 75 1 limit "${small[@]}" --train.epochs 1000000 --resume
says "by the end of the SLURM job"
