#!/usr/bin/env bash
# scripts/coverage.sh [CTEST_ARGUMENT...]: which lines of src/ and include/ the tests run.
#
# Prints a table, a line a file, and leaves the lines themselves in build/coverage/report/index.html.
# Ranks that a test kills leave no counts: what only they ran is shown as not run.
set -euo pipefail

case ${1:-} in
  -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/scripts/setup.sh" test dev
cd "$root"
cmake --preset coverage --log-level=WARNING >/dev/null
cmake --build --preset coverage
find build/coverage -name '*.gcda' -delete  # counts of an earlier run

code=0
ctest --preset coverage --parallel "$(nproc)" "$@" || code=$?

mkdir -p build/coverage/report
gcovr --root . --object-directory build/coverage --filter src/ --filter include/ --exclude-unreachable-branches \
  --exclude-throw-branches --html-details build/coverage/report/index.html --txt --sort-uncovered
echo "coverage: $root/build/coverage/report/index.html"
exit $code
