#!/usr/bin/env bash
# kill -9 of one rank in the middle of training ends the whole job at once, not by a watchdog, with an exit code that says so.
set -uo pipefail
program=$1 mpirun=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$mpirun" -n 3 "$program" --run.dir "$work/run" --train.epochs 100000 > "$work/log" 2>&1 &
job=$!
for _ in $(seq 600); do grep -q '"event":"epoch"' "$work/run/metrics.jsonl" 2>/dev/null && break; sleep 0.1; done
read -ra children < "/proc/$job/task/$job/children"  # not pgrep: a bare system has none
victim=${children[-1]:-}
[ -n "$victim" ] || { echo "no rank to kill"; cat "$work/log"; exit 1; }
kill -9 "$victim"
started=$SECONDS
wait "$job"
code=$?
echo "exit code $code after $((SECONDS - started)) s"
[ "$code" -ne 0 ] && [ $((SECONDS - started)) -le 60 ]
