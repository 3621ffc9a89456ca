#!/usr/bin/env bash
# Arguments: program, mpirun, source directory, ranks. `evaluate` at this many ranks prints what training printed at
# its end; and a reader made from docs/formats.md alone, where h5py is installed, computes the same.
set -uo pipefail
program=$1 mpirun=$2 source=$3 ranks=$4
. "$source/tests/app/expect.sh"
cd "$scratch" || exit 1
job=("$mpirun" -n "$ranks" "$program")

field() { sed -nE "s/.*\"$1\":([-0-9.e+]+).*/\1/p"; }
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
# same NAME FILE: FILE, from evaluate, has the metrics of the last epoch of run NAME.
same() {
  for metric in mse rmse mae; do
    local trained evaluated
    trained=$(grep '"event":"epoch"' "$1/metrics.jsonl" | tail -n 1 | field "$metric")
    evaluated=$(field "$metric" < "$2")
    [ -n "$trained" ] && [ "$trained" = "$evaluated" ] || fail "$1: $metric is $trained when trained, $evaluated here"
  done
}
# reader CHECKPOINT DATA_SET all|valid FILE
reader() {
  if /usr/bin/python3 -c 'import h5py' 2>/dev/null; then
    /usr/bin/python3 "$source/tests/e2e/rmse_with_h5py.py" "$@" || fail "a reader made from docs/formats.md: $*"
  else
    echo "not compared with another reader: python3-h5py is not installed"
  fi
}

# Ratings with times of 60 users and 40 items, one user and one item only at the end.
awk 'BEGIN { srand(1); for (u = 1; u <= 60; u++) for (i = 1; i <= 40; i++) if ((u * i + u + i) % 3 != 0)
  print u ",i" i "," (1 + (u * 7 + i * 3) % 9 / 2) "," 1000 + (u * i * 37) % 500 }' > all.csv
awk -F, '{ print > (NR % 5 == 0 ? "valid.csv" : "train.csv") }' all.csv
printf '61,i1,3,5\n1,i41,4,6\n' >> valid.csv
csv=(--data.csv.time 4)
expect 0 out "60 users" "$program" prepare --data.path all.csv "${csv[@]}" --output all.h5
expect 0 out "61 users" "$program" prepare --data.path train.csv "${csv[@]}" --data.split given --data.valid_path valid.csv --output given.h5

train() {  # run, flags
  local run=$1
  shift
  "$mpirun" -n 2 "$program" --run.dir "$run" --train.epochs 3 --model.hidden '[12, 6]' --train.weight_decay 0.1 \
    --checkpoint.keep_last 50 "$@" > "$run.log" 2>&1 || { cat "$run.log"; fail "training $run"; }
}
train random --data.path all.h5 --train.reproducible ranks --model.y_range '[0.5, 5.5]' --checkpoint.every_steps 7
if grep "read as text" random.log; then fail "a prepared data set is called a text"; fi
train given --data.path given.h5 --train.reproducible ranks --data.split given --model.batch_norm true --model.dropout 0.1
train latest --data.path all.h5 --train.reproducible ranks --data.split leave_one_out --model.kind dot --model.embedding_dim 5 --run.seed 12345678901 \
  --train.schedule step --train.lr_step_epochs 1 --train.warmup 0.1 --checkpoint.every_steps 7

train dense --data.path all.h5 --train.embedding_update dense --train.reproducible ranks --checkpoint.every_steps 7
train dense_sgd --data.path all.h5 --train.embedding_update dense --train.reproducible ranks --checkpoint.every_steps 7 \
  --model.kind dot --model.embedding_dim 5 --train.optimizer sgd --train.lr 0.1 --train.schedule cosine

train neumf --data.path all.h5 --train.reproducible ranks --model.kind neumf --model.gmf_dim 3 --model.y_range '[0.5, 5.5]' --checkpoint.every_steps 7
train gmf --data.path all.h5 --train.embedding_update dense --train.reproducible ranks --model.kind gmf --model.embedding_dim 5 \
  --checkpoint.every_steps 7

for run in random given latest dense dense_sgd neumf gmf; do
  expect 0 out '"rmse":' "${job[@]}" evaluate --checkpoint "$run"
  same "$run" out
  cp out "$run.json"
  last=$(readlink -f "$run/checkpoints/latest")
  reader "$last" "$(sed -n 's/^  path: //p' "$run/config.yaml" | tr -d '"')" valid "$run.json"
done
# What a checkpoint holds of a product: tables as tables, weights as parameters.
expect 0 out "model       neumf [12, 6]" "$program" inspect neumf/checkpoints/latest
for text in "/gmf/user                  61 × 3" "/embedding/user            61 × " "/gmf/weight                1 × 3"; do
  grep -qF -- "$text" out || fail "inspect does not say: $text"
done
if grep -qE '/gmf/(user|item)/' out; then fail "inspect takes a table for parameters: $(cat out)"; fi
[ "$(field unknown_rows < given.json)" = 2 ] || fail "rows of a user and an item that did not train: $(cat given.json)"

# Without sums in a fixed order the same number of ranks gives the same digits.
train plain --data.path all.h5 --train.reproducible run
expect 0 out '"rmse":' "$mpirun" -n 2 "$program" evaluate --checkpoint plain
same plain out

# A directory step-…, in the middle of an epoch, with rows that miss what steps do to a row without a gradient.
for run in random latest dense dense_sgd neumf gmf; do
  middle=$run/checkpoints/step-000000007
  expect 0 out "\"checkpoint\":\"$middle\",\"step\":7," "${job[@]}" evaluate --checkpoint "$middle"
  cp out middle.json
  reader "$middle" all.h5 valid middle.json
done

# On given ratings all rows count, in whatever format.
rows() { cat "$@" | grep -c .; }
expect 0 out "\"rows\":$(rows train.csv valid.csv),\"unknown_rows\":2," "${job[@]}" evaluate --checkpoint given --ratings given.h5
cp out ratings.json
reader "$(readlink -f given/checkpoints/latest)" given.h5 all ratings.json
expect 0 out "\"rows\":$(rows train.csv),\"unknown_rows\":0," "${job[@]}" evaluate --checkpoint given --ratings train.csv

# Data and keys may be given anew; what differs is said.
mv all.h5 moved.h5
expect 3 err "all.h5: no such file or folder (nor all.h5.train.rating); this is the data.path that the checkpoint was trained with" \
  "${job[@]}" evaluate --checkpoint random
expect 0 out '"rmse":' "${job[@]}" evaluate --checkpoint random --data.path moved.h5
same random out
expect 0 err "warning: these are not the ratings, or not the split, that random/checkpoints/step-" \
  "${job[@]}" evaluate --checkpoint random --data.path moved.h5 --run.seed 7
expect 0 err "warning: train.epochs (command line) has no effect on an evaluation" \
  "${job[@]}" evaluate --checkpoint random --data.path moved.h5 --train.epochs 7
expect 3 err "error: none.csv: no such file" "${job[@]}" evaluate --checkpoint random --ratings none.csv
expect 2 err "--ratings and --data.path both name ratings" "${job[@]}" evaluate --checkpoint random --ratings train.csv --data.path moved.h5

# No checkpoint there, or one of another model.
expect 2 err "error: command line: evaluate needs --checkpoint PATH" "${job[@]}" evaluate
expect 4 err "error: none: there is no checkpoint" "${job[@]}" evaluate --checkpoint none
expect 4 err "is of another model: its model.hidden is [12, 6], command line asks for [7]" \
  "${job[@]}" evaluate --checkpoint random --model.hidden '[7]'
expect 4 err "is of another model: its model.y_range is [0.5, 5.5], command line asks for [0, 5]" \
  "${job[@]}" evaluate --checkpoint random --model.y_range '[0, 5]'
expect 4 err "error: latest/checkpoints/$(readlink latest/checkpoints/latest): table user has 61 rows of 5 and a bias, expected 61 rows of 4 and a bias" \
  "${job[@]}" evaluate --checkpoint latest --model.embedding_dim 4
newest=$(readlink "random/checkpoints/latest")
truncate -s 100 "random/checkpoints/$newest/model.h5"
expect 0 err "warning: checkpoint passed over: random/checkpoints/$newest/model.h5: has 100 bytes" \
  "${job[@]}" evaluate --checkpoint random --data.path moved.h5
expect 4 err "error: random/checkpoints/$newest/model.h5: has 100 bytes" "${job[@]}" evaluate --checkpoint "random/checkpoints/$newest"
exit "$failures"
