# expect CODE STREAM TEXT COMMAND...: COMMAND ends with CODE, and one line of its STREAM (out or err), not more, has TEXT.
# The other stream of a failing command is its own affair, but a command that succeeds says nothing on standard error,
# unless that is where TEXT is looked for. Failures are counted in $failures.
failures=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

expect() {
  local code=$1 stream=$2 text=$3 actual=0 lines problem=
  shift 3
  timeout 60 "$@" > "$scratch/out" 2> "$scratch/err" || actual=$?
  lines=$(grep -cF -- "$text" "$scratch/$stream")
  [ "$actual" = "$code" ] || problem="exit code $actual, not $code"
  [ "$lines" = 1 ] || problem="$problem; $lines lines have the text"
  [ "$code" = 0 ] || [ ! -s "$scratch/out" ] || problem="$problem; it failed and wrote to standard output"
  [ "$code" != 0 ] || [ "$stream" = err ] || [ ! -s "$scratch/err" ] || problem="$problem; standard error is not empty"
  [ -z "$problem" ] && return
  failures=$((failures + 1))
  echo "FAILED: $* : expected on $stream: $text : $problem"
  cat "$scratch/out" "$scratch/err"
}
