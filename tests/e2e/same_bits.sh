#!/usr/bin/env bash
# train.reproducible ranks: 1, 2, 4 and 8 ranks end with the same bits in every dataset of the model and in every
# number of every epoch, for each kind of model, update and batch.
set -euo pipefail
program=$1 mpirun=$2 source=$3
/usr/bin/python3 -c 'import h5py' 2> /dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/base.yaml" << END
data: {synthetic: {users: 60, items: 80, ratings: 800}}
model: {hidden: [12, 7]}
train: {epochs: 2, reproducible: ranks}
checkpoint: {every_epochs: 0}
END
train() {  # ranks, directory, flags
  local ranks=$1 dir=$2 start=()
  shift 2
  # Each has its own directory for Open MPI's session: where one job clears a common one away as it ends, another may
  # fail to start.
  [ "$ranks" = 1 ] || start=(env OMPI_MCA_orte_tmpdir_base="$work/sessions/$dir" "$mpirun" -n "$ranks")
  "${start[@]}" "$program" --config "$work/base.yaml" --run.dir "$work/$dir" "$@" > "$work/$dir.log" 2>&1 ||
    { echo "$dir failed:"; cat "$work/$dir.log"; exit 1; }
}
most=8
same() { /usr/bin/python3 "$source/tests/e2e/same_runs.py" "${@/#/$work/}"; }
case_of() {  # name, flags
  local name=$1 runs=() jobs=()
  shift
  # Side by side: most of the time of so short a run is starting and ending it.
  for ranks in 1 2 4 8; do
    [ "$ranks" -le "$most" ] || continue
    train "$ranks" "$name.$ranks" "$@" &
    jobs+=($!) runs+=("$name.$ranks")
  done
  for job in "${jobs[@]}"; do wait "$job"; done
  same "${runs[@]}" || { echo "$name: the number of ranks changes the bits"; exit 1; }
  echo "$name: the same bits at ${runs[*]}"
}
case_of lazy
case_of dense --train.embedding_update dense --model.batch_norm true --model.dropout 0.2 --model.embedding_dropout 0.1
case_of dot --model.kind dot
case_of gmf --model.kind gmf --model.embedding_dim 10
case_of neumf --model.kind neumf --train.micro_batch 9
case_of neumf_samples --model.kind neumf --model.gmf_dim 16 --train.first_layer samples --train.embedding_update dense
case_of sgd --train.optimizer sgd --train.lr 0.05 --train.schedule cosine
case_of micro_batch --train.granules 8 --train.micro_batch 5 --model.batch_norm true --model.dropout 0.3
case_of uneven --train.batch_size 51 --train.granules 16
# Fewer granules than eight ranks.
most=2
case_of few_granules --train.granules 2 --model.batch_norm true
most=8
# Large batches take other ways through the first layer and the products.
case_of large_batch --data.synthetic.ratings 4000 --train.batch_size 1024 --model.dropout 0.2
case_of no_hidden_layer --model.hidden '[]'
# Threads change nothing either: a batch this large is shared out to them.
wide=(--data.synthetic.users 200 --data.synthetic.items 100 --data.synthetic.ratings 10000 --train.batch_size 4096)
for threads in 1 2 3; do train 2 "threads.$threads" --run.threads "$threads" "${wide[@]}"; done
train 1 threads.alone --run.threads 4 "${wide[@]}"
grep -q '1 rank × 4 threads' "$work/threads.alone.log"
same threads.1 threads.2 threads.3 threads.alone
# The comparison sees a difference where there is one.
train 1 other_seed --run.seed 43
if same lazy.1 other_seed > "$work/differences"; then echo "another seed makes no difference"; exit 1; fi
grep -q '^epoch 1' "$work/differences" && grep -q '^embedding/item/weight:' "$work/differences"
# Three ranks cannot share eight granules equally.
code=0
"$mpirun" -n 3 "$program" --config "$work/base.yaml" --run.dir "$work/three" > "$work/three.log" 2>&1 || code=$?
if [ $code -ne 2 ] || ! grep -q 'divides train.granules, 8, and 3 does not; start 2 ranks' "$work/three.log"; then
  echo "3 ranks and 8 granules: exit code $code, and"
  cat "$work/three.log"
  exit 1
fi
