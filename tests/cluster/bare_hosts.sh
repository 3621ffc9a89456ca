# shellcheck shell=bash
# Hosts without SLURM: mpirun --host over TCP. Then the cable of one is cut in the middle of training.
write_config
finish_after 3
on_hosts --host node1:2,node2:1,node3:1 "$program" --config "$config" --run.dir "$work/run" > bare.log 2>&1 ||
  fail "exit code $?"
grep -q '"hosts":\["node1","node2","node3"\]' run/metrics.jsonl || fail "hosts: $(head -n 1 run/metrics.jsonl)"
check_run "$work/run" 3

# By itself mpirun waits for a host that is cut off for as long as TCP tries, even after the ranks have given up.
finish_after 1000000
on_hosts --mca oob_tcp_keepalive_time 2 --mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 3 \
  --host node1:1,node2:1 "$program" --config "$config" --run.dir "$work/cut" > cut.log 2>&1 &
job=$!
wait_until "there are epochs" has_epochs "$work/cut" 2
ip link set port2 down
cut=$(date +%s)
code=0
wait $job || code=$?
say "exit code $code $(($(date +%s) - cut)) s after the cable was cut"
[ "$code" = 205 ] || fail "exit code $code, not 205"
check_log cut.log "lost communication with a remote daemon"
ip link set port2 up
epochs=$(($(epochs_done "$work/cut") + 2))
finish_after "$epochs"
on_hosts --host node3:2,node2:2 "$program" --config "$config" --run.dir "$work/cut" --resume > resumed.log 2>&1 ||
  fail "exit code $?"
check_run "$work/cut" "$epochs"
