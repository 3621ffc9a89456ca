#!/usr/bin/env bash
# The first process of a node's namespaces (nodes.sh): a machine with its own name, address, /tmp and /dev/shm.
set -euo pipefail
number=$1 work=$2
# shellcheck source=tests/cluster/own_tmp.sh
. "$(dirname "${BASH_SOURCE[0]}")/own_tmp.sh"
hostname "node$number"
for _ in $(seq 1200); do ip link show eth0 > /dev/null 2>&1 && break; sleep 0.05; done
ip link set lo up
ip addr add "10.77.0.$number/24" dev eth0
ip link set eth0 up
own_tmp "${@:2}"
slurmd -D -N "node$number" -f "$work/slurm.conf" > "$work/log/slurmd$number.out" 2>&1 &
wait $!
