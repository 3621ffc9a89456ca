#!/usr/bin/env bash
# run_case.sh CASE PROGRAM MPIRUN SOURCE SECONDS: a private SLURM cluster for one case of this folder.
#
# Everything lives in namespaces of its own: processes (when the first one ends, for whatever reason, the kernel ends
# all others), network (nothing is added to this machine's), mounts, host names. What remains is one directory, removed
# here. Exit code 77: skipped, with the reason.
set -euo pipefail

case_name=$1 program=$(realpath "$2") mpirun=$(command -v "$3") source=$(realpath "$4") seconds=$5
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
PATH=$PATH:/usr/sbin:/sbin

skip() { echo "skipped: $*"; exit 77; }

missing=()
for command in slurmctld slurmd sbatch srun munged ip unshare setpriv h5dump; do
  command -v "$command" > /dev/null || missing+=("$command")
done
[ ${#missing[@]} -eq 0 ] || skip "not installed: ${missing[*]}"
[ "$(id -u)" -eq 0 ] || skip "slurmd starts jobs of users: that needs root"
apart=(unshare --mount --uts --ipc --net --pid --fork --kill-child=KILL --mount-proc)
reason=$("${apart[@]}" ip link add probe type veth peer name probe2 2>&1) ||
  skip "no right to make namespaces or virtual network devices: ${reason:-no reason given}"
"${apart[@]}" ip link add probe type bridge 2> /dev/null || skip "the kernel makes no network bridges"

work=$(mktemp -d "${TMPDIR:-/tmp}/ncf-cluster.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"  # slurmd and munged want to be able to look into it

code=0
# Each dies with the one before it, and the namespaces with unshare.
dies_too=(setpriv --pdeathsig KILL)
"${dies_too[@]}" timeout --signal=KILL "$seconds" "${dies_too[@]}" "${apart[@]}" \
  bash "$here/inside.sh" "$case_name" "$program" "$mpirun" "$source" "$work" < /dev/null || code=$?
[ "$code" -ne 137 ] || echo "the case was ended after $seconds s"
if [ "$code" -ne 0 ]; then
  for log in "$work"/*.log "$work"/log/slurmctld.log; do
    [ -s "$log" ] || continue
    echo "--- $(basename "$log")"
    tail -n 40 "$log"
  done
fi
exit "$code"
