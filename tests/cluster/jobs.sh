# shellcheck shell=bash
# What the cases do with jobs and runs, and how they look at them. Sourced by inside.sh.

started_ms=$(date +%s%3N)
say() {
  local ms=$(($(date +%s%3N) - started_ms))
  printf '%3d.%03d s  %s\n' $((ms / 1000)) $((ms % 1000)) "$*"
}

fail() {
  say "FAILED: $*"
  squeue --all --format '%i %T %r %D nodes %N' || true
  exit 1
}

# Until the command succeeds. The limit only ends a wait that is in vain, on the busiest machine.
wait_until() {  # what, command...
  local limit=$(($(date +%s) + 120)) what=$1
  shift
  until "$@" > /dev/null 2>&1; do
    [ "$(date +%s)" -le "$limit" ] || fail "waited in vain until $what"
    sleep 0.1
  done
}

# A run whose end does not depend on when it is: the rate of learning is constant, the sums have a fixed order. So
# finish_after may shorten it between two starts, and at any number of ranks it ends in the same bits.
write_config() {  # more sections of YAML...
  {
    printf 'data: {synthetic: {users: 60, items: 80, ratings: 2000}}\n'
    printf 'model: {hidden: [16], embedding_dim: 8}\n'
    printf 'train: {schedule: constant, reproducible: ranks, epochs: 1000000}\n'
    [ $# -eq 0 ] || printf '%s\n' "$@"
  } > "$config"
}
config=$work/config.yaml
finish_after() { sed -i -E "s/epochs: [0-9]+\}/epochs: $1}/" "$config"; }

events() { grep -c "\"event\":\"$2\"" "$1/metrics.jsonl" 2> /dev/null; }  # run, event
epochs_done() { events "$1" epoch || true; }
has_starts() { [ "$(events "$1" start)" -ge "$2" ]; }  # run, number
has_epochs() { [ "$(events "$1" epoch)" -ge "$2" ]; }  # run, number
state() { scontrol show job "$1" | sed -nE 's/.*JobState=([A-Z_]+).*/\1/p' | head -n 1; }
is() { [ "$(state "$1")" = "$2" ]; }  # job, state
restarts() { scontrol show job "$1" | sed -nE 's/.*Restarts=([0-9]+).*/\1/p'; }
ranks_of_starts() { sed -nE 's/^\{"event":"start".*"ranks":([0-9]+).*/\1/p' "$1/metrics.jsonl" | tr '\n' ' '; }
end_reasons() { sed -nE 's/^\{"event":"end".*"reason":"([a-z_]+)".*/\1/p' "$1/metrics.jsonl" | tr '\n' ' '; }

# Every value of the model, to the last bit.
model_bits() {
  local values
  values=$(h5dump -A 0 -m %.9g "$1/checkpoints/latest/model.h5" | tail -n +2) || fail "h5dump $1"
  grep -q 'DATASET "weight"' <<< "$values" || fail "no weights in $1"
  cksum <<< "$values"
}

# The run has every epoch once, says that it is finished, and is what one rank alone makes, which on a busy machine
# waits for no other.
check_run() {  # run, epochs
  local epochs bits
  epochs=$(sed -nE 's/^\{"event":"epoch".*"epoch":([0-9]+),.*/\1/p' "$1/metrics.jsonl" | tr '\n' ' ')
  [ "$epochs" = "$(seq -s ' ' "$2") " ] || fail "$1 has the epochs $epochs, not 1 to $2"
  [[ "$(end_reasons "$1")" == *"finished " ]] || fail "$1 ended with: $(end_reasons "$1")"
  finish_after "$2"
  "$program" --config "$config" --run.dir "$1-reference" \
    --checkpoint.every_epochs 0 --checkpoint.every_steps 0 "${@:3}" > reference.out 2>&1 ||
    { cat reference.out; fail "the reference run failed"; }
  bits=$(model_bits "$1") || exit 1
  [ "$bits" = "$(model_bits "$1-reference")" ] || fail "$1 has not the bits of $1-reference"
  say "$(basename "$1"): $2 epochs, ranks $(ranks_of_starts "$1")- the bits of one rank"
}

check_log() { grep -qF -- "$2" "$1" || fail "$1 does not say: $2"; }  # file, text
