# shellcheck shell=bash
# Rows that travel beside the computation, between hosts joined by 1 Gbit/s: the bits are those of one host, the cable
# carries what a rank counts, a rank sends what `plan` says, and a step takes no longer than without.
write_config
samples=(--data.synthetic '{users: 943, items: 1682, ratings: 60000}' --model.hidden '[100, 50]')
large=("${samples[@]}" --train.batch_size 8192)
shape_network 1gbit

# What node 1 has sent so far, as the bridge received it.
sent() { ip -s link show port1 | awk '/RX:/ { getline; print $1 }'; }
counted() { sed -nE 's/^\{"event":"epoch".*"bytes_sent":([0-9]+).*/\1/p' "$1/metrics.jsonl" | awk '{ s += $1 / 2 } END { print s }'; }
train() {  # run, epochs, flags...
  finish_after "$2"
  on_hosts --host node1:1,node2:1 "$program" --config "$config" --run.dir "$work/$1" "${large[@]}" "${@:3}" > "$1.log" 2>&1 ||
    fail "$1: exit code $?"
}
start=$(sent)
train short 2
middle=$(sent)
train long 12
end=$(sent)
# Ten epochs more. The bridge counts a header for each packet as the kernel hands it down, 32 kB.
awk -v cable=$((end - middle - (middle - start))) -v counted="$(counted long)" -v before="$(counted short)" 'BEGIN {
    printf "%.2f MB on the cable, %.2f MB counted\n", cable / 1e6, (counted - before) / 1e6
    exit !(cable > counted - before && cable < 1.05 * (counted - before)) }' || fail "other bytes than are counted"
check_run "$work/long" 12 "${large[@]}"

for overlap in always never; do
  train $overlap 3 --comm.overlap $overlap --trace "$work/$overlap.json"
  check_run "$work/$overlap" 3 "${large[@]}"
done
grep -q '"name":"courier"' always.json || fail "nothing is carried out beside the computation"
if grep -q '"name":"courier"' never.json; then fail "something is carried out beside the computation"; fi
train by-itself 16 --trace "$work/by-itself.json"  # 96 steps: the trial and what comes after
grep -q '"name":"courier"' by-itself.json || fail "auto does not try to overlap between hosts"
check_run "$work/by-itself" 16 "${large[@]}"
large=("${samples[@]:0:2}")
train small-batches 1 --trace "$work/small-batches.json"
if grep -q '"name":"courier"' small-batches.json; then fail "auto overlaps small batches"; fi

on_hosts --host node1:1,node2:1 "$program" bench --overlap --json --seconds 1.5 "${samples[@]}" --train.batch_size 8192 --run.threads 1 > bench.json 2> bench.log ||
  fail "bench: exit code $?"
/usr/bin/python3 - bench.json << 'CHECK' || fail "see above"
import json
import sys

with open(sys.argv[1]) as file:
    result = json.load(file)
sent, planned = result["bytes_sent_a_rank"], result["bytes_planned_a_rank"]
least, parts = result["overlap"]["minimum"], result["overlap"]["parts"]
print(f"{sent:,.0f} bytes a step, {planned:,.0f} planned; never {1e3 * least['never_s']:.2f} ms, always "
      f"{1e3 * least['always_s']:.2f} ms at the least, rows in {parts} parts, {100 * least['hidden']:.0f} % hidden")
if abs(sent - planned) > 0.02 * planned:
    sys.exit("a rank does not send what is planned")
if parts < 2:
    sys.exit("rows do not come in parts")
# On an idle machine a step takes little more than the cable needs for its bytes. Where even the quickest of all steps takes
# three times that, ranks wait for a processor, and which way is the quicker is chance.
if least["never_s"] > 3 * sent / 125e6:
    print("this machine is busy: its steps are not compared")
elif least["always_s"] > 1.1 * least["never_s"]:
    sys.exit("a step takes longer when rows travel beside the computation")
CHECK
