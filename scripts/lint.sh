#!/usr/bin/env bash
# scripts/lint.sh [FILE...]: what reads the code without running it. Files: all that git tracks, or those given.
#
#   every C++ file looks as .clang-format says
#   the sources of the program pass the checks of .clang-tidy
#   the scripts that users start pass shellcheck
set -euo pipefail

case ${1:-} in
  -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/scripts/setup.sh" build test dev
cd "$root"
mapfile -t files < <(if [ $# -gt 0 ]; then printf '%s\n' "$@"; else git ls-files --cached; fi)

# The files whose name matches the pattern, each ended by a zero byte.
matching() { printf '%s\n' "${files[@]}" | { grep -E "$1" || true; } | tr '\n' '\0'; }

failed=()

echo "lint: clang-format"
matching '\.[ch]pp$' | xargs -0 -r clang-format --dry-run -Werror || failed+=(clang-format)

echo "lint: shellcheck"
matching '^(scripts|slurm|bench)/.*\.(sh|sbatch)$|^\.ci/run$' | xargs -0 -r shellcheck --external-sources --source-path "$root" \
  || failed+=(shellcheck)

echo "lint: clang-tidy"
cmake --preset ci --log-level=WARNING >/dev/null  # compile_commands.json
# GCC's -fno-trapping-math and the like are no concern of clang's.
matching '^src/.*\.cpp$' | xargs -0 -r -n 1 -P "$(nproc)" \
  clang-tidy -p build/ci --quiet --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-optimization-argument \
  2> >(grep -v 'warnings\? generated\.$' >&2) || failed+=(clang-tidy)

if [ ${#failed[@]} -gt 0 ]; then
  echo "lint: failed: ${failed[*]}" >&2
  exit 1
fi
echo "lint: nothing to complain about"
