# shellcheck shell=bash
# Submit, run to the end: by srun over two nodes, by mpirun over two nodes, by hand. The model is that of mpirun.
export NCF=$program CONFIG=$config
write_config
finish_after 4

for launcher in srun mpirun; do
  run=$work/$launcher log=$work/$launcher.log
  job=$(LAUNCHER=$launcher RUN=$run sbatch --parsable --nodes=2 --cpus-per-task=4 --output="$log" \
    "$source/slurm/train.sbatch")
  wait_until "job $job ends" is "$job" COMPLETED
  check_log "$log" "$launcher on 2 nodes"
  check_log "$log" "start 1: finished"
  [ "$(ranks_of_starts "$run")" = "4 " ] || fail "ranks: $(ranks_of_starts "$run")"
  grep -q '"hosts":\["node1","node2"\]' "$run/metrics.jsonl" || fail "hosts: $(head -n 1 "$run/metrics.jsonl")"
  check_run "$run" 4
done
