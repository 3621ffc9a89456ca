#!/usr/bin/env bash
# MovieLens-100K on several numbers of ranks, sums in no fixed order (train.reproducible: run). configs/ml-100k.yaml ends
# with a validation MSE between 0.83 and 0.88, and the number of ranks changes the losses by what rounding does: next to
# nothing in the five epochs of the dot model and in the first of the neural one. In the later ones the network, at the
# peak of its learning rate, amplifies the last bits; on one rank another micro-batch does the same.
set -euo pipefail
program=$1 mpirun=$2 source=$3
for data in "${NCF_DATA:-}/ml-100k" "$source/../shared/data/ml-100k" "$source/data/ml-100k"; do [ -f "$data/u.data" ] && break; done
[ -f "$data/u.data" ] || { echo "skipped: no MovieLens-100K in \$NCF_DATA/ml-100k, ../shared/data/ml-100k or data/ml-100k"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
train() {  # config, ranks
  "$mpirun" -n "$2" "$program" --config "$source/configs/$1.yaml" --data.path "$data" --run.dir "$work/$1.$2" \
    --run.threads 1 --train.reproducible run > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
}
# The losses of a run: epoch, of training, of validation.
losses() { sed -nE 's/^\{"event":"epoch".*"epoch":([0-9]+),.*"train_loss":([0-9.e+-]+),.*"mse":([0-9.e+-]+).*/\1 \2 \3/p' "$work/$1.$2/metrics.jsonl"; }
close() {  # config, ranks, epochs, relative difference
  paste -d ' ' <(losses "$1" 1) <(losses "$1" "$2") | head -n "$3" | awk -v what="$1 at $2 ranks" -v epochs="$3" -v bound="$4" '
    function differ(a, b) { return a > b ? (a - b) / a : (b - a) / a }
    { for (k = 2; k <= 3; k++) if (differ($k, $(k + 3)) > worst) worst = differ($k, $(k + 3)) }
    END { print what ": losses of " NR " epochs within " worst " of those at 1"; exit !(NR == epochs && worst <= bound) }'
}
for ranks in 1 2 8; do
  train ml-100k "$ranks"
  losses ml-100k "$ranks" |
    awk -v p="$ranks" '{ mse = $3 } END { print p " ranks: validation MSE " mse; exit !(NR == 5 && mse > 0.83 && mse < 0.88) }'
  close ml-100k "$ranks" 1 1e-4
done
# What a log is asked for afterwards, and how to load faster.
grep -qE "Open MPI v[0-9.]+, oneDNN [0-9.]+, HDF5 [0-9.]+" "$work/log" && grep -q 'read as text; `ncf_dist prepare`' "$work/log" ||
  { cat "$work/log"; exit 1; }
for ranks in 1 2 3 4 8; do
  train ml-100k-dot "$ranks"
  close ml-100k-dot "$ranks" 5 1e-4
done
