# shellcheck shell=bash
# The machines of the cluster: a controller (here) and nodes node1, node2, …, joined by a bridge. Uses $work, $source,
# $program, $mpirun, $here. Sourced by inside.sh.

declare -A node_process

slurm_configuration() {  # number of nodes
  cat << CONF
ClusterName=test
SlurmctldHost=control(10.77.0.254)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# cred_expire is also how long a requeued job waits before it may start again.
AuthInfo=socket=$work/munge/socket,cred_expire=5
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool/%n
SlurmctldPidFile=$work/run/slurmctld.pid
SlurmdPidFile=$work/run/%n.pid
SlurmctldLogFile=$work/log/slurmctld.log
SlurmdLogFile=$work/log/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=0
MpiDefault=none
SwitchType=switch/none
MailProg=/bin/true
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=3
InactiveLimit=0
KillWait=3
MinJobAge=3600
JobRequeue=1
MessageTimeout=2
TCPTimeout=1
# Eight CPUs a node, whatever this machine has.
SlurmdParameters=config_overrides
NodeName=node[1-$1] NodeAddr=10.77.0.[1-$1] CPUs=8 Boards=1 SocketsPerBoard=1 CoresPerSocket=8 ThreadsPerCore=1 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
CONF
}

start_cluster() {  # number of nodes
  local k
  hostname control
  ip link set lo up
  ip link add hub type bridge
  ip addr add 10.77.0.254/24 dev hub
  ip link set hub up
  {
    echo "127.0.0.1 localhost"
    echo "10.77.0.254 control"
    for ((k = 1; k <= $1; k++)); do echo "10.77.0.$k node$k"; done
  } > "$work/hosts"
  mount --bind "$work/hosts" /etc/hosts
  mkdir -p "$work"/{run,log,state,spool,munge}
  slurm_configuration "$1" > "$work/slurm.conf"
  # slurmd starts a cgroup plugin, used or not; this one asks nothing of the system as long as it is not used.
  echo CgroupPlugin=cgroup/v1 > "$work/cgroup.conf"
  export SLURM_CONF=$work/slurm.conf

  (umask 077 && head -c 1024 /dev/urandom > "$work/munge/key")
  # --force: a key below a temporary directory is not to munge's taste.
  munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" --num-threads=2 \
    --pid-file="$work/run/munged.pid" --log-file="$work/log/munged.log" --seed-file="$work/munge/seed" \
    > "$work/log/munged.out" 2>&1 &
  wait_until "munged answers" test -S "$work/munge/socket"
  slurmctld -D -i -f "$work/slurm.conf" > "$work/log/slurmctld.out" 2>&1 &
  wait_until "slurmctld answers" eval 'scontrol ping | grep -q UP'
  for ((k = 1; k <= $1; k++)); do start_node "$k"; done
  wait_until "all nodes are idle" eval "[ \$(sinfo -h -N -t idle -o %N | wc -l) = $1 ]"
}

start_node() {  # number
  local k=$1 p
  ip link del "port$k" 2> /dev/null || true
  unshare --mount --uts --ipc --net --pid --fork --kill-child=KILL --mount-proc \
    bash "$here/node.sh" "$k" "$work" "$source" "$(dirname "$program")" > "$work/log/node$k.out" 2>&1 &
  p=$!
  node_process[$k]=$p
  wait_until "node$k has its own network" eval "[ \$(readlink /proc/$p/ns/net) != $(readlink /proc/self/ns/net) ]"
  # A machine keeps the address of its network card. With a new one the others would go on sending to the old one for a
  # minute: they take no change of an address that they learned less than a second ago.
  ip link add "port$k" type veth peer name eth0 address "02:00:0a:4d:00:$(printf %02x "$k")" netns "$p"
  ip link set "port$k" master hub up
}

# As by a power cut: slurmd, the jobs and all their processes are gone at once, without a word on the network.
kill_node() {  # number
  kill -KILL "${node_process[$1]}"
  wait "${node_process[$1]}" 2> /dev/null || true
}

# What each node sends is held to this rate from now on, as by a network card; "none": as fast as this machine copies.
# A card sends nothing faster after a pause, so what may pass at once is little: one packet as the kernel hands them
# down, which is therefore made small. Above 1 Gbit/s it is what passes in a tenth of a millisecond.
shape_network() {  # 100mbit, 1gbit, …, none
  local p burst=34000 packet=32000
  case $1 in
    none) packet=65536 ;;
    *gbit) [ "${1%gbit}" -le 1 ] || { burst=$((${1%gbit} * 12500 + 65536)) packet=65536; } ;;
  esac
  for p in "${node_process[@]}"; do
    nsenter --target "$p" --net tc qdisc del dev eth0 root 2> /dev/null || true
    nsenter --target "$p" --net ip link set dev eth0 gso_max_size "$packet"
    [ "$1" = none ] || nsenter --target "$p" --net tc qdisc add dev eth0 root tbf rate "$1" burst "$burst" limit 4mb
  done
}

# mpirun over the nodes by TCP, without SLURM. For `ssh` it has a command that enters a node's namespaces.
on_hosts() {  # arguments of mpirun...
  local k
  for k in "${!node_process[@]}"; do
    cat "/proc/${node_process[$k]}/task/${node_process[$k]}/children" > "$work/node$k.pid"
  done
  cat > "$work/agent" << 'AGENT'
#!/usr/bin/env bash
read -r process < "$(dirname "$0")/$1.pid"
exec nsenter --target "$process" --all -- sh -c "${*:2}"
AGENT
  chmod +x "$work/agent"
  "$mpirun" --mca plm rsh --mca plm_rsh_agent "$work/agent" --bind-to none \
    --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24 "$@"
}
