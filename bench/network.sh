#!/usr/bin/env bash
# bench/network.sh [OPTIONS] [FLAGS OF ncf_dist]: trains across hosts joined by networks of several rates, and prints where
# the time of a step goes.
#
#   --rates "none 10gbit 1gbit 100mbit"   what a host may send; none: as fast as this machine copies
#   --hosts 2  --ranks 1                  how many, at most 4, and how many ranks on each
#   --overlap                             what is gained by communicating beside the computation instead (comm.overlap),
#                                         and the bytes of a step beside those that `plan` says
#   --program FILE                        default: build/release/bin/ncf_dist
#
# The hosts are namespaces of this machine (tests/cluster), so they share its cores: with more ranks than cores the times of
# computing are those of a crowd. Without FLAGS: as many users and items as MovieLens-1M, [256, 128], batch 8,192. Needs root.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export RATES="none 1gbit 100mbit" HOSTS=2 RANKS=1 OVERLAP=
program=$root/build/release/bin/ncf_dist
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    --rates) RATES=$2; shift 2 ;;
    --hosts) HOSTS=$2; shift 2 ;;
    --ranks) RANKS=$2; shift 2 ;;
    --overlap) OVERLAP=yes; shift ;;
    --program) program=$2; shift 2 ;;
    *) break ;;
  esac
done
[ -x "$program" ] || { echo "network.sh: no $program; build it, or give --program" >&2; exit 2; }
if ! [[ $HOSTS =~ ^[1-4]$ ]]; then echo "network.sh: --hosts takes 1 to 4, not $HOSTS" >&2; exit 2; fi
[ $# -gt 0 ] || set -- --data.synthetic '{users: 6040, items: 3700, ratings: 400000}' --model.hidden '[256, 128]' \
  --train.batch_size 8192 --train.epochs 3
[ -n "$OVERLAP" ] || set -- "$@" --checkpoint.every_epochs 0 --eval.every_epochs 1000000
NETWORK_FLAGS=$(printf '%q ' "$@" --run.threads 1)
export NETWORK_FLAGS
exec bash "$root/tests/cluster/run_case.sh" network_rates "$program" mpirun "$root" 3600
