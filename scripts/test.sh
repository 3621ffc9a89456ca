#!/usr/bin/env bash
# scripts/test.sh [CTEST_ARGUMENT...]: installs missing packages, builds everything with warnings as errors and runs
# every test. Arguments go to ctest: `scripts/test.sh -R comm` runs the tests whose name has "comm".
#
# Tests on real ratings look for them in $NCF_DATA, else in ../shared/data, and are skipped without. The tests labelled
# cluster start a SLURM cluster in namespaces of its own, which only root can; for others they are skipped.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

case ${1:-} in
  -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
esac

groups=(test)
[ "$(id -u)" -ne 0 ] || groups+=(cluster)  # only root can start a SLURM cluster
"$root/scripts/setup.sh" "${groups[@]}"
cd "$root"
echo "test: building in build/ci"
cmake --preset ci --log-level=WARNING >/dev/null
cmake --build --preset ci

# A test of several ranks counts as two processors: on two cores it runs alone, and times out for no other's sake.
exec ctest --preset ci --parallel "$(nproc)" "$@"
