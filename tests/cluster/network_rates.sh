# shellcheck shell=bash
# Not a test: what bench/network.sh measures, on the hosts of the tests.
eval "flags=($NETWORK_FLAGS)"
hosts=
for ((k = 1; k <= HOSTS; k++)); do hosts+=${hosts:+,}node$k:$RANKS; done
echo "$HOSTS hosts, $RANKS ranks each: ${flags[*]}"
for rate in $RATES; do
  shape_network "$rate"
  on_hosts --host "$hosts" "$program" --run.dir "$work/$rate" "${flags[@]}" > "$rate.log" 2>&1 || fail "$rate: exit code $?"
done
# shellcheck disable=SC2086
/usr/bin/python3 "$source/bench/network_table.py" $RATES
