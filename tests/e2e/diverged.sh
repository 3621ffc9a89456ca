#!/usr/bin/env bash
# Values that are not finite: exit code 6, one message that names the step and what was hit first, nothing of it in
# latest or best, and the run can go on from before.
set -uo pipefail
program=$1 mpirun=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
fail() { echo "FAILED at $ranks ranks: $*"; cat log; exit 1; }
awk 'BEGIN { for (u = 1; u <= 40; u++) for (i = 1; i <= 20; i++) print u "," i "," (u + i) % 5 + 1 }' > ratings.csv
train() {  # expected exit code, ranks, flags; 10 steps an epoch
  local expected=$1 code=0
  "$mpirun" -n "$2" "$program" --data.path ratings.csv --run.dir "run-$ranks" --train.schedule constant --model.hidden '[8]' \
    --checkpoint.every_steps 7 --checkpoint.keep_last 3 "${@:3}" > log 2>&1 || code=$?
  [ "$code" = "$expected" ] || fail "exit code $code, not $expected"
}
saved() { (cd "run-$ranks/checkpoints" && readlink latest best && cksum step-*/*); }
for ranks in 1 3; do
  train 0 "$ranks" --train.epochs 4
  before=$(saved)
  train 6 "$ranks" --train.epochs 20 --train.lr 1e20 --resume
  grep 'error: ' log
  [ "$(grep -c 'error: ' log)" = 1 ] || fail "not one error"
  grep -qE 'error: .*/(mlp|embedding)/.*\(step 4[1-9]\)' log || fail "the message names no parameter, or not the step"
  grep -q "The last checkpoint is from before" log || fail "it does not say what is left"
  [ "$(saved)" = "$before" ] || fail "checkpoints have changed: $(saved), before $before"
  train 0 2 --train.epochs 5 --resume
  grep -q "resumed .*step-000000040" log || fail "it went on from elsewhere"
done
