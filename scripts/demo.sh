#!/usr/bin/env bash
# scripts/demo.sh [DATA]: from a fresh clone to a trained model with one command.
#
# Installs missing packages, builds a release and trains with two ranks: on ratings that it draws itself
# (configs/demo.yaml), or with DATA on the MovieLens 100K files in that directory (configs/ml-100k.yaml).
# NCF_RANKS=N changes the number of ranks. The exit code is the program's.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
ranks=${NCF_RANKS:-2}

case ${1:-} in
  -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
esac
if [ $# -gt 1 ]; then
  echo "demo: it takes one argument at most, the directory of the ratings" >&2
  exit 2
fi
if [ $# -eq 1 ]; then
  if [ ! -e "$1" ]; then
    echo "demo: '$1': no such file or directory" >&2
    exit 3
  fi
  run=runs/ml-100k
  input=(--config configs/ml-100k.yaml --data.path "$(realpath "$1")")
else
  run=runs/demo
  input=(--config configs/demo.yaml)
fi

"$root/scripts/setup.sh" build
cd "$root"
echo "demo: building in build/release (the first time takes some minutes)"
cmake --preset release --log-level=WARNING >/dev/null
cmake --build --preset release --target ncf_dist

# shellcheck source=scripts/mpi_environment.sh
. "$root/scripts/mpi_environment.sh"
program=build/release/bin/ncf_dist
shown=$(printf '%q ' "$program" "${input[@]}")
printf 'demo: mpirun -n %s %s--run.dir %s\n\n' "$ranks" "$shown" "$run"
code=0
mpirun -n "$ranks" "$program" "${input[@]}" --run.dir "$run" || code=$?
if [ $code -ne 0 ]; then
  echo "demo: ncf_dist ended with exit code $code; docs/errors.md says what each means" >&2
  exit $code
fi

cat <<MESSAGE

Results, in $root/$run:
  config.yaml                    the configuration in full; --config with it repeats the run
  metrics.jsonl                  one JSON object a line: start, every epoch, end
  checkpoints/latest/model.h5    the model, for h5py, h5dump or any other HDF5 reader

To try next, in $root:
  . scripts/mpi_environment.sh   # Open MPI's settings for this shell, explained in docs/install.md
  mpirun -n 4 $shown--run.dir runs/wider --model.hidden '[200, 100]'
  $program inspect $run
  $program --help
MESSAGE
[ $# -eq 1 ] || echo "  scripts/demo.sh DATA           # with the MovieLens 100K files in the directory DATA"
