#!/usr/bin/env python3
"""Prints, from RATE.json of `ncf_dist bench --overlap --json`, what communicating beside the computation gains, in ms a
step, by the medians over steps and by the least; and the bytes a rank sends in a step beside what is planned."""
import json
import sys
from pathlib import Path

print("| network | | never | always | communication | computation | hidden | parts | bytes sent | planned |")
print("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
for rate in sys.argv[1:]:
    result = json.loads(Path(rate + ".json").read_text())
    overlap = result["overlap"]
    for which in ("median", "minimum"):
        o = overlap[which]
        times = [o[f"{name}_s"] for name in ("never", "always", "communication", "computation")]
        print(f"| {rate} | {which} | " + " | ".join(f"{1e3 * t:.2f}" for t in times) + f" | {100 * o['hidden']:.0f} % | "
              f"{overlap['parts']} | {result['bytes_sent_a_rank']:,.0f} | {result['bytes_planned_a_rank']:,.0f} |")
