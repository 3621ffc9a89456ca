#!/usr/bin/env bash
# scripts/sanitize.sh [asan|tsan] [CTEST_ARGUMENT...]: builds with sanitizers and runs the tests under them.
#
#   asan (the default)  addresses, leaks, undefined behaviour
#   tsan                races between threads: those in the program itself; Open MPI, oneDNN and HDF5 are not looked into.
#                       scripts/sanitize.sh tsan -LE 'e2e|cluster' leaves out what takes long
set -euo pipefail

case ${1:-} in
  -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=asan
case ${1:-} in
  asan | tsan) preset=$1; shift ;;
esac

"$root/scripts/setup.sh" test
cd "$root"
echo "sanitize: building in build/$preset"
cmake --preset "$preset" --log-level=WARNING >/dev/null
cmake --build --preset "$preset"

# CMakePresets.json has the options of the sanitizers: leaks inside Open MPI are known by the libraries in their stack,
# which only the slow unwinder finds; and a race is one between two places of ours, since libraries that are not
# instrumented show the thread sanitizer their copies but not their locks.
exec ctest --preset "$preset" --parallel "$(nproc)" "$@"
