#!/usr/bin/env bash
# The first process of a case's namespaces (run_case.sh): starts the cluster, then runs the case.
set -euo pipefail
case_name=$1 program=$2 mpirun=$3 source=$4 work=$5
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
export PATH=$PATH:/usr/sbin:/sbin
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1  # slurmd passes them on to jobs

# shellcheck source=tests/cluster/own_tmp.sh
. "$here/own_tmp.sh"
# shellcheck source=tests/cluster/nodes.sh
. "$here/nodes.sh"
# shellcheck source=tests/cluster/jobs.sh
. "$here/jobs.sh"
own_tmp "$work" "$source" "$(dirname "$program")"
start_cluster 4
cd "$work"
# shellcheck disable=SC1090
. "$here/$case_name.sh"
