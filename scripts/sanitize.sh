#!/usr/bin/env bash
# scripts/sanitize.sh [asan|tsan] [CTEST_ARGUMENT...]: builds with sanitizers and runs the tests under them.
#
#   asan (the default)  addresses, leaks, undefined behaviour
#   tsan                races between threads; of use to tests that have any: scripts/sanitize.sh tsan -R comm
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

# Leaks inside Open MPI are known by the libraries in their stack, which only the slow unwinder finds.
support=$root/tests/support
export ASAN_OPTIONS=fast_unwind_on_malloc=0:strict_string_checks=1:detect_stack_use_after_return=1
export LSAN_OPTIONS=suppressions=$support/lsan.supp:print_suppressions=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=suppressions=$support/tsan.supp:ignore_noninstrumented_modules=1:halt_on_error=1
exec ctest --preset "$preset" --parallel "$(nproc)" "$@"
