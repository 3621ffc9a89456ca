#!/usr/bin/env bash
# Final validation MSE of a configuration over many seeds: mean, deviation, range, and every epoch's mean.
#
#   bench/seeds.sh CONFIG [SEEDS [FLAGS...]]      e.g. bench/seeds.sh configs/fastbook.yaml 20 --data.path data/ml-100k
#
# NCF_DIST names the program (default: build/release/bin/ncf_dist). Split, initialisation and order all follow the seed.
set -euo pipefail
cd "$(dirname "$0")/.."
config=${1:?usage: bench/seeds.sh CONFIG [SEEDS [FLAGS...]]}
seeds=${2:-20}
shift $(($# > 1 ? 2 : 1))
program=${NCF_DIST:-build/release/bin/ncf_dist}
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT

# One run a core at a time; each is one rank with one thread.
seq 1 "$seeds" | xargs -P "$(nproc)" -I{} "$program" train --config "$config" --run.seed {} --run.threads 1 \
  --run.dir "$runs/{}" "$@" > /dev/null

for seed in $(seq 1 "$seeds"); do
  grep -o '"event":"epoch".*' "$runs/$seed/metrics.jsonl" |
    sed -E 's/.*"epoch":([0-9]+).*"mse":([0-9.e+-]+).*/\1 \2/'
done | awk -v name="$(basename "$config")" '
  { n[$1]++; sum[$1] += $2; square[$1] += $2 * $2; last = $1 > last ? $1 : last
    if (!($1 in low) || $2 < low[$1]) low[$1] = $2; if ($2 > high[$1]) high[$1] = $2 }
  END {
    print "| " name " | seeds | mean | sd | min | max |"; print "| --- | ---: | ---: | ---: | ---: | ---: |"
    for (e = 1; e <= last; e++) { m = sum[e] / n[e]; v = square[e] / n[e] - m * m
      sd = (n[e] > 1 && v > 0) ? sqrt(v * n[e] / (n[e] - 1)) : 0
      printf "| epoch %d | %d | %.4f | %.4f | %.4f | %.4f |\n", e, n[e], m, sd, low[e], high[e] }
  }'
