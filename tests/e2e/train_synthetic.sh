#!/usr/bin/env bash
# Synthetic ratings at 1, 2, 3 and 8 ranks, and more ranks than a batch has samples: same rows, close losses, a model.
set -euo pipefail
program=$1 mpirun=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
train() {  # ranks, directory, flags
  local ranks=$1 dir=$2
  shift 2
  "$mpirun" -n "$ranks" "$program" --run.dir "$work/$dir" --data.synthetic.users 100 --data.synthetic.items 150 \
    --data.synthetic.ratings 3000 --train.epochs 2 "$@" > "$work/$dir.log" 2>&1 || { cat "$work/$dir.log"; exit 1; }
}
field() { tail -n 1 <(grep '"event":"epoch"' "$work/$1/metrics.jsonl") | sed -E "s/.*\"$2\":([0-9.e+-]+).*/\1/"; }
for ranks in 1 2 3 8; do
  train "$ranks" "p$ranks"
  [ -f "$work/p$ranks/checkpoints/latest/model.h5" ] || { echo "no model at $ranks ranks"; exit 1; }
  [ "$(grep -c . "$work/p$ranks/metrics.jsonl")" = 6 ] || { echo "metrics.jsonl is not start, 2 epochs, 2 checkpoints, end"; exit 1; }
  awk -v a="$(field p1 train_loss)" -v b="$(field "p$ranks" train_loss)" -v p="$ranks" \
    'BEGIN { d = (a - b) / a; if (d < 0) d = -d; print p " ranks: train loss " b; exit d > 1e-3 }'
done
train 8 few --train.batch_size 3
train 3 repeat --config "$work/p3/config.yaml"
[ "$(field repeat train_loss)" = "$(field p3 train_loss)" ] || { echo "config.yaml does not repeat the run bit by bit"; exit 1; }
# Without mpirun, and where Open MPI can make no directory for its sessions: one process needs none.
OMPI_MCA_orte_tmpdir_base=/dev/null/none "$program" --run.dir "$work/alone" --config "$work/p1/config.yaml" > "$work/alone.log" 2>&1 ||
  { cat "$work/alone.log"; exit 1; }
[ "$(field alone train_loss)" = "$(field p1 train_loss)" ] || { echo "without mpirun a run ends otherwise"; exit 1; }
