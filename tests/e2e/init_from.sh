#!/usr/bin/env bash
# --init-from: a new run starts where another one ended, with other users and on another number of ranks.
set -euo pipefail
program=$1 mpirun=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/base.yaml" << END
data: {synthetic: {users: 60, items: 80, ratings: 3000}}
model: {hidden: [12, 7], embedding_dim: 6}
END
fail() { echo "$1"; cat "$work/log"; exit 1; }
run() {  # expected exit code, ranks, directory, flags
  local expected=$1 ranks=$2 dir=$3 start=() code=0
  shift 3
  [ "$ranks" = 1 ] || start=("$mpirun" -n "$ranks")
  "${start[@]}" "$program" --config "$work/base.yaml" --run.dir "$work/$dir" "$@" > "$work/log" 2>&1 || code=$?
  [ "$code" = "$expected" ] || fail "$dir $*: exit code $code, expected $expected"
}
says() { grep -qF -- "$1" "$work/log" || fail "the run does not say: $1"; }
loss_of() { grep '"event":"epoch"' "$work/$1/metrics.jsonl" | sed -nE "$2s/.*\"mse\":([0-9.e+-]+).*/\1/p"; }

run 0 2 old --train.epochs 6
# A rate so small that one epoch changes nothing that can be seen: what is evaluated is what was taken over.
still=(--train.epochs 1 --train.lr 1e-12 --train.weight_decay 0)
run 0 3 taken "${still[@]}" --init-from "$work/old"
says "weights of $work/old/checkpoints/step-"
says "60 of 60 users and 80 of 80 items known there"
run 0 3 fresh "${still[@]}"
old=$(loss_of old 6) taken=$(loss_of taken 1) fresh=$(loss_of fresh 1)
echo "validation MSE: old run $old, taken over $taken, fresh $fresh"
awk -v old="$old" -v taken="$taken" -v fresh="$fresh" \
  'BEGIN { d = taken - old; if (d < 0) d = -d; exit !(d < 1e-4 * old && fresh > 1.5 * old) }' ||
  fail "the weights that were taken over do not predict as they did"
[ ! -e "$work/taken/earlier-1" ] || fail "the new run found an earlier one"
grep -q '"resumed_from":null' "$work/taken/metrics.jsonl" || fail "a new run does not resume"

# Other users: those of both keep their rows, and some are new.
run 0 1 more --data.synthetic.users 90 --train.epochs 1 --init-from "$work/old/checkpoints/best"
says "60 of 90 users and 80 of 80 items known there"
run 0 4 fewer --data.synthetic.users 40 --train.epochs 1 --init-from "$work/old/checkpoints/latest"
says "40 of 40 users and 80 of 80 items known there"

# Resuming what has begun comes first.
run 0 2 fewer --data.synthetic.users 40 --train.epochs 1 --init-from "$work/none" --resume
says "resumed"

run 4 2 wrong --init-from "$work/old" --model.hidden '[12, 8]'
says "/mlp/1/weight"
run 4 1 wrong --init-from "$work/old" --model.embedding_dim 5
says "model.h5: /"
run 4 2 wrong --init-from "$work/nowhere"
says "$work/nowhere"
[ ! -e "$work/wrong/checkpoints" ] || fail "a run that could not start has left checkpoints"
run 2 1 wrong --init-from ''
says "--init-from takes the path of a checkpoint"
