#!/usr/bin/env bash
# MovieLens-100K with configs/ml-100k.yaml at 2 and 8 ranks ends with a validation MSE between 0.83 and 0.88.
set -euo pipefail
program=$1 mpirun=$2 source=$3
for data in "${NCF_DATA:-}/ml-100k" "$source/../shared/data/ml-100k" "$source/data/ml-100k"; do [ -f "$data/u.data" ] && break; done
[ -f "$data/u.data" ] || { echo "skipped: no MovieLens-100K in \$NCF_DATA/ml-100k, ../shared/data/ml-100k or data/ml-100k"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for ranks in 2 8; do
  "$mpirun" -n "$ranks" "$program" --config "$source/configs/ml-100k.yaml" --data.path "$data" --run.dir "$work/$ranks"
  grep '"event":"epoch"' "$work/$ranks/metrics.jsonl" | tail -n 1 | sed -E 's/.*"mse":([0-9.]+).*/\1/' |
    awk -v p="$ranks" '{ print p " ranks: validation MSE " $1; exit !($1 > 0.83 && $1 < 0.88) }'
done
