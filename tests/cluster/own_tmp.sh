# shellcheck shell=bash
# A /tmp and a /dev/shm of this mount namespace's own, since Open MPI names its files there by host and process, and those
# names come again on every cluster. Of the /tmp before it shows the directories given, nothing else.
own_tmp() {
  local path
  mount --rbind /tmp /mnt
  mount -t tmpfs tmpfs /tmp
  for path in "$@"; do
    [[ $path == /tmp/* ]] || continue
    mkdir -p "$path"
    mount --bind "/mnt/${path#/tmp/}" "$path"
  done
  mount -t tmpfs tmpfs /dev/shm
}
