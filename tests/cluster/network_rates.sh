# shellcheck shell=bash
# Not a test: what bench/network.sh measures, on the hosts of the tests.
eval "flags=($NETWORK_FLAGS)"
hosts=
for ((k = 1; k <= HOSTS; k++)); do hosts+=${hosts:+,}node$k:$RANKS; done
echo "$HOSTS hosts, $RANKS ranks each: ${flags[*]}"
for rate in $RATES; do
  shape_network "$rate"
  if [ -n "$OVERLAP" ]; then
    on_hosts --host "$hosts" "$program" bench --overlap --json "${flags[@]}" > "$rate.json" 2> "$rate.log" ||
      fail "$rate: exit code $?"
    continue
  fi
  on_hosts --host "$hosts" "$program" --run.dir "$work/$rate" "${flags[@]}" > "$rate.log" 2>&1 || fail "$rate: exit code $?"
done
table=network_table.py
[ -z "$OVERLAP" ] || table=overlap_table.py
# shellcheck disable=SC2086
/usr/bin/python3 "$source/bench/$table" $RATES
