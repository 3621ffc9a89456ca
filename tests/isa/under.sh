#!/usr/bin/env bash
# under.sh CPU LEVEL NCF_DIST PROGRAM...: runs test programs on an emulated processor that has no more than LEVEL, so
# that the code for lesser processors is tested where a better one builds it.
set -euo pipefail
cpu=$1 level=$2 ncf_dist=$3
shift 3

command -v qemu-x86_64 >/dev/null || { echo "skipped: qemu-x86_64 (package qemu-user) is not installed"; exit 77; }
emulated() { qemu-x86_64 -cpu "$cpu" "$@" 2> >(grep -v "TCG doesn't support requested feature" >&2); }

version=$(emulated "$ncf_dist" --version)
grep -qx "instruction set: $level" <<<"$version" ||
  { echo "the emulated $cpu is not taken for $level:"; echo "$version"; exit 1; }
for program in "$@"; do
  echo "$cpu: ${program##*/}"
  # But the reference by itself, which takes long and has nothing of the program in it.
  emulated "$program" --gtest_brief=1 --gtest_filter='-*ReferenceIsTheSlopeOfItsLoss*'
done
