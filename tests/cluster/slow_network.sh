# shellcheck shell=bash
# Hosts joined by slow networks: the bits are those of one rank, and no faster than the cable. Then one is cut in the
# middle of a step: the ranks give up by comm.timeout_s and say who is missing, and the run goes on from what it had.
write_config 'comm: {timeout_s: 4}'
sed -i 's/hidden: \[16\]/hidden: [256, 128]/' "$config"
finish_after 2

for rate in 1gbit:125000000 100mbit:12500000; do
  shape_network "${rate%:*}"
  run=$work/${rate%:*}
  on_hosts --host node1:1,node2:1 "$program" --config "$config" --run.dir "$run" > "$run.log" 2>&1 || fail "exit code $?"
  check_run "$run" 2
  # Each of the two sends half of it, in both directions at once; a burst is free.
  grep '"event":"epoch"' "$run/metrics.jsonl" | sed -E 's/.*"seconds":([0-9.e+-]+),.*"bytes_sent":([0-9]+).*/\1 \2/' |
    awk -v rate="${rate#*:}" '{ s += $1; b += $2 / 2 }
      END { printf "%.1f MB from each in %.2f s, %.1f MB/s\n", b / 1e6, s, b / s / 1e6; exit !(b > 4e6 && b - 1e6 < 1.05 * rate * s) }' ||
    fail "faster than the network"
done

finish_after 1000000
# Each rank's own exit code, whatever mpirun makes of it.
cat > noting_code << 'NOTING'
#!/usr/bin/env bash
code=0
"$@" || code=$?
echo $code > "$(dirname "$0")/code-$OMPI_COMM_WORLD_RANK"
exit $code
NOTING
chmod +x noting_code
# mpirun wants to tell the host that is cut off, and tries for as long as TCP does: here not a quarter of an hour.
echo 4 > /proc/sys/net/ipv4/tcp_retries2
on_hosts --host node1:1,node2:1 "$work/noting_code" "$program" --config "$config" --run.dir "$work/cut" > cut.log 2>&1 &
job=$!
wait_until "there are epochs" has_epochs "$work/cut" 2
sleep 0.1  # into the next epoch; nearly all of a step is communication here
ip link set port2 down
cut=$(date +%s%3N)
wait_until "rank 0 has ended" test -s code-0
# The limit, and at most 3 s for an answer to the roll call; the rest is for a machine that does other things, too.
waited_ms=$(($(date +%s%3N) - cut))
say "rank 0 ended after $waited_ms ms: $(grep -A 2 'no progress' cut.log | tr '\n' ' ')"
[ "$waited_ms" -lt 15000 ] || fail "rank 0 gave up after $waited_ms ms"
[ "$(cat code-0)" = 5 ] || fail "rank 0 ended with $(cat code-0)"
grep -qE 'ncf_dist: error on rank 0 of 2 \(node1\): no progress for [0-9.]+ s, comm.timeout_s is 4 s' cut.log || fail "$(cat cut.log)"
grep -qE '^  rank 1 on node2: no answer: ' cut.log || fail "$(cat cut.log)"
grep -qE '^  rank 0: waiting in MPI_[A-Z][a-z]+ \(collective [0-9]+\), epoch [0-9]+ ' cut.log || fail "$(cat cut.log)"
code=0
wait $job || code=$?
say "mpirun ended after $(($(date +%s%3N) - cut)) ms"
[ "$code" = 5 ] || fail "mpirun's exit code $code, not 5"
wait_until "rank 1 has ended, too" test -s code-1
[ "$(cat code-1)" = 5 ] || fail "rank 1 ended with $(cat code-1)"

ip link set port2 up
"$program" inspect "$work/cut" --verify > inspected.log || fail "$(cat inspected.log)"
epochs=$(($(epochs_done "$work/cut") + 2))
finish_after "$epochs"
on_hosts --host node3:2,node2:2 "$program" --config "$config" --run.dir "$work/cut" --resume > resumed.log 2>&1 ||
  fail "exit code $?: $(cat resumed.log)"
check_run "$work/cut" "$epochs"
