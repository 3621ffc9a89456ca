#!/usr/bin/env bash
# Arguments: program, mpirun, source directory, ranks. `inspect` at this many ranks on what is intact and on what is
# damaged: the report once on standard output, in words or JSON, one line on standard error, and the exit code.
set -uo pipefail
program=$1 mpirun=$2 source=$3 ranks=$4
. "$source/tests/app/expect.sh"
cd "$scratch" || exit 1
inspect=("$mpirun" -n "$ranks" "$program" inspect)

# reports CODE TEXT COMMAND...: ends with CODE, says TEXT in one line of standard output, and, if CODE is not 0, one error.
reports() {
  local code=$1 text=$2 actual=0 problem=
  shift 2
  timeout 60 "$@" > out 2> err || actual=$?
  [ "$actual" = "$code" ] || problem="exit code $actual, not $code"
  [ "$(grep -cF -- "$text" out)" = 1 ] || problem="$problem; $(grep -cF -- "$text" out) lines have the text"
  [ "$(grep -c '^ncf_dist: error: ' err)" = $((code != 0)) ] || problem="$problem; not one error"
  [ -z "$problem" ] && return
  failures=$((failures + 1))
  echo "FAILED: $* : expected: $text : $problem"
  cat out err
}
also() { grep -qF -- "$1" out || { failures=$((failures + 1)); echo "FAILED: the report lacks: $1"; cat out; }; }
# flip FILE PART: another byte in FILE, at PART of 100 of its length.
flip() {
  local at=$(($(stat -c %s "$1") * $2 / 100))
  local byte
  byte=$(od -An -tu1 -j "$at" -N 1 "$1")
  printf "%b" "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}
json() { /usr/bin/python3 -c 'import json, sys; d = json.load(sys.stdin); sys.exit(not eval(sys.argv[1]))' "$1" < out ||
  { failures=$((failures + 1)); echo "FAILED: not so: $1"; cat out; }; }

"$mpirun" -n 3 "$program" --run.dir run --data.synthetic '{users: 100, items: 80, ratings: 2000}' --data.vocabulary all \
  --train.epochs 3 --model.hidden '[12, 6]' --checkpoint.keep_last 5 > log 2>&1 || { cat log; exit 1; }
all=run/checkpoints
newest=$all/$(readlink $all/latest) before=$all/step-000000050 first=$all/step-000000025
shard1=shard-0001-of-0003.h5 shard2=shard-0002-of-0003.h5
fresh() { rm -rf run && cp -a intact run; }
cp -a run intact

# Intact: the run, its checkpoints, one of them, by its link too.
reports 0 "run: run, 3 checkpoints" "${inspect[@]}" run
also "--resume would go on after step 75, 3 epochs done, if its digests are right (--verify)"
reports 0 "run: run, 3 checkpoints" "${inspect[@]}" run/ --verify
also "intact, latest"
reports 0 "$all: directory of checkpoints, 3 checkpoints" "${inspect[@]}" "$all"
reports 0 "$newest: checkpoint, format 1" "${inspect[@]}" "$all/latest" --verify
for text in "/embedding/user            101 × " "/mlp/2/weight              1 × 6" "vocabulary  100 users, " "moments     adam_m, adam_v" \
  "progress    step 75, 3 epochs done" "ranks       3" "intact: every file fits its digest"; do also "$text"; done
reports 0 '"kind": "checkpoint"' "${inspect[@]}" "$newest" --json
json 'd["intact"] and d["step"] == 75 and d["ranks"] == 3 and d["seed"] == 42 and len(d["files"]) == 4 and d["checked"] == "sizes"'
reports 0 '"kind": "run"' "${inspect[@]}" run --json --verify
json 'd["intact"] and [c["step"] for c in d["checkpoints"]] == [75, 50, 25] and d["resume_from"] == "'$newest'"'

# Damage of every kind, each to a fresh copy.
flip $newest/$shard1 90
reports 0 "intact as far as sizes tell" "${inspect[@]}" $newest
reports 4 "$shard1 is damaged: its size is right, but its contents do not fit their digest" "${inspect[@]}" $newest --verify
also "→ the checkpoint before it, step-000000050, is intact"
reports 4 "→ without $shard1 there are no rows 1, 4, … (34 of 101 rows of user, " "${inspect[@]}" run --verify
also "--resume would go on after step 50, 2 epochs done"
reports 4 '"kind": "checkpoint"' "${inspect[@]}" $newest --verify --json
json 'not d["intact"] and d["problems"][0]["file"] == "'$shard1'" and len(d["problems"][0]["found"]) == 32 and d["intact_sibling"] == "'$before'"'
fresh
truncate -s 1000 $newest/model.h5
reports 4 "model.h5 is cut short" "${inspect[@]}" $newest
also "found     1,000 bytes"
fresh
rm $newest/$shard2
reports 4 "$shard2 is missing" "${inspect[@]}" $newest --verify
fresh
mv $newest/$shard1 x && mv $newest/$shard2 $newest/$shard1 && mv x $newest/$shard2
reports 4 "$shard1 holds what should be in $shard2" "${inspect[@]}" $newest --verify
also "→ the contents are whole, only under wrong names"
fresh
cp $first/$shard1 $newest/$shard1
reports 4 "found     rank 1 of 3, step 25, seed 42" "${inspect[@]}" $newest
fresh
flip $newest/manifest.json 60
reports 4 "manifest.json is damaged: its text does not fit the digest in its first line" "${inspect[@]}" $newest
fresh
rm $newest/manifest.json
reports 4 "manifest.json is missing" "${inspect[@]}" $newest --verify
reports 4 "step-000000075 is damaged" "${inspect[@]}" run
fresh
if command -v xxhsum > /dev/null; then  # a manifest of a later program fits its digest
  tail -n +2 $newest/manifest.json | sed 's/"format_version": 1,/"format_version": 2,/' > below
  { echo "{\"xxh3_128_of_the_lines_below\": \"$(xxhsum -q -H2 below | cut -d ' ' -f 1)\","; cat below; } > $newest/manifest.json
  reports 4 "manifest.json has format version 2; this program reads versions up to 1" "${inspect[@]}" $newest
  also "→ a later ncf_dist wrote it, and reads it"
  fresh
else
  echo "a later format version is not tried here: xxhsum is not installed"
fi
mkdir $all/step-000000099.partial
reports 0 "step-000000099.partial is left of a save or removal that was cut short" "${inspect[@]}" run
expect 4 err "step-000000099.partial: is left of a save" "${inspect[@]}" $all/step-000000099.partial
fresh
for step in $newest $before $first; do truncate -s 0 $step/$shard1; done
reports 4 "there is nothing to resume from" "${inspect[@]}" run
reports 4 "→ there is no other intact checkpoint beside it" "${inspect[@]}" $newest
rm -r $newest
reports 4 "the link latest leads to step-000000075, which is not there" "${inspect[@]}" run
reports 4 "the directory is not there" "${inspect[@]}" $all/latest
rm -r $all
reports 0 "--resume would start from the beginning" "${inspect[@]}" run
fresh

# A data set.
awk 'BEGIN { for (u = 1; u <= 30; u++) for (i = 1; i <= 20; i++) print u ",i" i "," (u + i) % 5 + 0.5 }' > r.csv
"$program" prepare --data.path r.csv --output r.h5 > /dev/null || exit 1
reports 0 "r.h5: data set, format 1" "${inspect[@]}" r.h5
also "ratings     600, from 0.5 to 4.5"
reports 0 "intact: everything fits its digest" "${inspect[@]}" r.h5 --verify
reports 0 '"kind": "data set"' "${inspect[@]}" r.h5 --verify --json
json 'd["intact"] and d["users"] == 30 and d["items"] == 20 and d["checked"] == "digests" and d["rating_max"] == 4.5'
command -v h5dump > /dev/null || echo "flipped bits are not compared with what h5dump sees: it is not installed"
for part in $(command -v h5dump > /dev/null && echo 0 10 25 50 70 99); do  # some are in HDF5's own structures, some in ratings, some in room that nothing uses
  cp r.h5 bad.h5 && flip bad.h5 $part
  timeout 60 "${inspect[@]}" bad.h5 --verify > out 2> err
  code=$?
  same=$(cmp -s <(h5dump r.h5 2>&1 | tail -n +2) <(h5dump bad.h5 2>&1 | tail -n +2) && echo yes || echo no)
  [ "$code" = 3 ] || { [ "$code" = 0 ] && [ "$same" = yes ]; } ||
    { failures=$((failures + 1)); echo "FAILED: a flipped bit at $part %: exit code $code, contents the same: $same"; cat out err; }
done
truncate -s 3000 r.h5
reports 3 "→ prepare it again" "${inspect[@]}" r.h5
: > r.h5
reports 3 "→ prepare it again" "${inspect[@]}" r.h5

# What cannot be inspected.
expect 2 err "error: command line: inspect needs PATH" "${inspect[@]}"
expect 2 err "none: no such file or directory; inspect takes a data set that" "${inspect[@]}" none
expect 2 err "r.csv: is neither; inspect takes a data set that" "${inspect[@]}" r.csv
mkdir empty
expect 2 err "empty: is a directory without checkpoints; inspect takes" "${inspect[@]}" empty
expect 2 err "is a part of the checkpoint" "${inspect[@]}" $newest/model.h5
expect 2 err "unknown flag --train.epochs" "${inspect[@]}" run --train.epochs 3
exit "$failures"
