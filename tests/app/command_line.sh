#!/usr/bin/env bash
# Arguments: program, mpirun, ranks (0: without mpirun), source directory.
# Every answer and every message appears once, whatever the number of ranks, with its exit code.
set -uo pipefail
program=$1 mpirun=$2 ranks=$3 source=$4
. "$(dirname "$0")/expect.sh"
run=("$program")
[ "$ranks" = 0 ] || run=("$mpirun" -n "$ranks" "$program")

expect 0 out "usage: ncf_dist [COMMAND] [FLAGS]" "${run[@]}" --help
expect 0 out "instruction set: " "${run[@]}" --version
expect 0 out "  hidden: [8, 4]" "${run[@]}" config --config "$source/configs/ml-100k.yaml" --model.hidden '[8, 4]'
expect 0 err "train.warmup (command line) has no effect: train.schedule is one_cycle" "${run[@]}" config --train.warmup 0.1

printf 'train:\n  epochs: 3\n  epochs: 4\n' > "$scratch/twice.yaml"
expect 2 err "error: $scratch/twice.yaml:3: train.epochs is given twice, before at $scratch/twice.yaml:2" \
  "${run[@]}" --config "$scratch/twice.yaml"
expect 2 err "error: command line: unknown flag --train.epoch, the nearest is --train.epochs" "${run[@]}" --train.epoch 3
expect 2 err "error: command line: prepare needs --output FILE.h5" "${run[@]}" prepare
expect 3 err "error: $scratch/no-data" "${run[@]}" --data.path "$scratch/no-data" --run.dir "$scratch/run"

# docs/reference.md is what the program says it is.
expect 0 out "# Configuration keys" "${run[@]}" config --reference
diff "$scratch/out" "$source/docs/reference.md" || failures=$((failures + 1))

# What says the same at any number of ranks is looked at once.
[ "$ranks" = 0 ] || exit "$failures"

expect 0 out "usage: ncf_dist train [FLAGS]" "${run[@]}" train -h
expect 0 out "usage: ncf_dist prepare [FLAGS]" "${run[@]}" prepare --help
expect 0 out "  --reference  " "${run[@]}" config --help
expect 0 out "usage: ncf_dist bench [FLAGS]" "${run[@]}" bench --help
expect 0 out "  compute  " "${run[@]}" bench --seconds 0.1 --run.threads 1
expect 0 out '"gemm_gflop_per_s": ' "${run[@]}" bench --seconds 0.1 --run.threads 1 --json
expect 2 err "error: command line: --seconds takes a number of seconds above 0, not '-1'" "${run[@]}" bench --seconds=-1
expect 0 out "usage: ncf_dist plan [FLAGS]" "${run[@]}" plan --help
expect 0 out "network  3.0 µs a message, 10.00 Gbit/s out of a rank (as given)" \
  "${run[@]}" plan --ranks 1,64 --seconds 0.05 --latency-us 3 --gbit-per-s 10
expect 0 out '"sent_bytes": ' "${run[@]}" plan --ranks 2 --seconds 0.05 --json
expect 2 err "error: command line: --ranks takes numbers of ranks such as 1,2,8, each from 1 to 1000000, not '2,x'" \
  "${run[@]}" plan --ranks 2,x
expect 0 out "usage: ncf_dist evaluate [FLAGS]" "${run[@]}" evaluate --help
expect 0 out "usage: ncf_dist inspect PATH [FLAGS]" "${run[@]}" inspect --help
expect 0 out "usage: ncf_dist top RUN [FLAGS]" "${run[@]}" top --help
expect 2 err "error: command line: top needs RUN" "${run[@]}" top
expect 2 err "error: $scratch/none: neither progress.json nor metrics.jsonl" "${run[@]}" top "$scratch/none"
expect 0 out '  trace: t.json' "${run[@]}" config --run.trace t.json
expect 0 out "oneDNN: " "${run[@]}" --version
printf 'train:\n  epoch: 3\n' > "$scratch/unknown.yaml"
expect 2 err "error: $scratch/unknown.yaml:2: unknown key train.epoch, the nearest is train.epochs" \
  "${run[@]}" config --config "$scratch/unknown.yaml"
expect 2 err "error: $scratch/none.yaml: cannot read the configuration: No such file or directory" \
  "${run[@]}" --config "$scratch/none.yaml"
expect 2 err "error: command line: --config takes the name of a file" "${run[@]}" --config ''
expect 2 err "error: command line: train.lr: 'fast' is not a number; it takes a number above 0" "${run[@]}" --train.lr fast
expect 2 err "error: command line: unknown flag --reference" "${run[@]}" train --reference
expect 2 err "error: command line: unknown command trian, the nearest is train" "${run[@]}" trian
expect 2 err "a configuration is given as --config ml.yaml" "${run[@]}" ml.yaml

# A configuration printed and read again is the same.
expect 0 out "kind: dot" "${run[@]}" config --config "$source/configs/ml-100k-dot.yaml"
cp "$scratch/out" "$scratch/echo.yaml"
expect 0 out "kind: dot" "${run[@]}" config --config "$scratch/echo.yaml"
diff "$scratch/out" "$scratch/echo.yaml" || failures=$((failures + 1))

expect 70 err "error: cannot write to standard output" bash -c 'exec "$1" config > /dev/full' bash "$program"
exit "$failures"
