#!/usr/bin/env bash
# scripts/setup.sh [--check] [GROUP...]: installs the Debian packages that the project needs and that are missing.
#
#   GROUP    build (to build and run; the default), test (adds what the tests use), cluster (what tests/cluster uses
#            besides), bench, dev (lint, coverage)
#   --check  installs nothing; names what is missing and fails if there is anything
#
# Safe to run again: when nothing is missing it asks dpkg once and is done. Where there is no apt-get, or
# NCF_NO_INSTALL=1 is set, it names the packages and goes on if the commands exist; CMake then looks for the libraries.
set -euo pipefail

# GROUP | package | why
readonly PACKAGES='
build | g++                          | the C++20 compiler
build | cmake                        | the build, 3.25 or newer
build | ninja-build                  | the build
build | openmpi-bin                  | mpirun
build | libopenmpi-dev               | MPI
build | openssh-client               | mpirun wants ssh in PATH, even on one machine
build | libhdf5-openmpi-dev          | HDF5: data sets and checkpoints
build | libdnnl-dev                  | oneDNN: matrix products
build | libboost-dev                 | Boost.Math: initial values
build | libboost-program-options-dev | the command line
build | libboost-iostreams-dev       | reading .gz and .xz
build | libyaml-cpp-dev              | configuration files
build | libspdlog-dev                | the log, and fmt
build | nlohmann-json3-dev           | metrics.jsonl, manifest.json
build | librandom123-dev             | Philox, the random numbers
build | libxxhash-dev                | digests of checkpoint files
test  | libgtest-dev                 | GoogleTest
test  | libgmock-dev                 | its matchers
test  | hdf5-tools                   | h5dump, an independent reader of checkpoints
test  | python3-h5py                 | h5py, another one
test  | qemu-user                    | processors without AVX-512 or AVX2
cluster | slurmctld                  | a SLURM cluster on this machine
cluster | slurmd                     | its nodes
cluster | slurm-client               | sbatch, srun
cluster | slurm-wlm-basic-plugins    | PMIx, among others
cluster | munge                      | who is who in SLURM
cluster | iproute2                   | the network of the nodes
bench | libbenchmark-dev             | Google Benchmark
bench | python3-torch                | the yardstick
bench | libopenblas0-pthread         | its matrix products, ten times as fast as with the reference BLAS
dev   | clang-format                 | scripts/lint.sh
dev   | clang-tidy                   | scripts/lint.sh
dev   | shellcheck                   | scripts/lint.sh
dev   | gcovr                        | scripts/coverage.sh
'

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }

# The lines "package | why" of the groups asked for. build is always among them.
wanted_packages() {
  local pattern
  pattern=$(IFS='|'; printf '%s' "$*")
  sed -nE "s/^(build|$pattern) *\| *([^ ]+) *\| */\2|/p" <<<"$PACKAGES"
}

# Of the lines on standard input, those whose package is not installed.
missing_packages() {
  local lines installed package why
  lines=$(cat)
  # dpkg-query fails when it does not know a package; that is an answer here.
  # shellcheck disable=SC2046
  installed=$(dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' $(cut -d'|' -f1 <<<"$lines") \
                2>/dev/null | sed -n 's/^installed //p') || true
  while IFS='|' read -r package why; do
    grep -qxF "$package" <<<"$installed" || printf '%s|%s\n' "$package" "$why"
  done <<<"$lines"
}

has_apt() { command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

# Runs apt-get as root. Without a terminal sudo must not wait for a password.
apt_get() {
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
    [ -t 0 ] || as_root+=(--non-interactive)
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq --yes -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# Package lists may be absent (a container image) or stale (a mirror that moved on): update them only when an
# installation without that fails.
install_packages() {
  local log
  log=$(mktemp)
  # shellcheck disable=SC2064
  trap "rm -f '$log'" EXIT
  if ! apt_get install --no-install-recommends "$@" >"$log" 2>&1; then
    say "updating the package lists"
    apt_get update >>"$log" 2>&1 || true
    if ! apt_get install --no-install-recommends "$@" >>"$log" 2>&1; then
      tail -n 20 "$log" >&2
      fail "apt-get could not install: $*"
    fi
  fi
}

# For systems whose packages have other names: the commands tell whether it is worth going on.
require_commands() {
  local command absent=()
  for command in "${CXX:-g++}" cmake ninja mpirun; do
    command -v "$command" >/dev/null || absent+=("$command")
  done
  [ ${#absent[@]} -eq 0 ] || fail "not found: ${absent[*]}. Install what the packages above hold, then run this again"
  say "the commands are there; going on, CMake looks for the libraries"
}

main() {
  local check=0 groups=()
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help) usage; return ;;
      --check) check=1 ;;
      build | test | cluster | bench | dev) groups+=("$1") ;;
      *) fail "unknown argument '$1'; it takes --check and the groups build, test, cluster, bench, dev" ;;
    esac
    shift
  done

  local wanted missing
  wanted=$(wanted_packages "${groups[@]:-build}")
  if has_apt; then missing=$(missing_packages <<<"$wanted"); else missing=$wanted; fi
  if [ -z "$missing" ]; then
    say "every package is installed"
    return
  fi

  if has_apt; then say "missing Debian packages:"; else say "no apt-get here; on Debian 12 the packages would be:"; fi
  while IFS='|' read -r package why; do printf '  %-30s %s\n' "$package" "$why"; done <<<"$missing"
  [ $check -eq 0 ] || exit 1
  if ! has_apt || [ "${NCF_NO_INSTALL:-0}" = 1 ]; then
    require_commands
    return
  fi
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    fail "installing needs root or sudo, and there is neither. As root: apt-get install --no-install-recommends" \
         "$(cut -d'|' -f1 <<<"$missing" | tr '\n' ' ')"
  fi
  say "installing; on a fresh system this takes some minutes"
  local packages
  mapfile -t packages < <(cut -d'|' -f1 <<<"$missing")
  install_packages "${packages[@]}"
  say "done"
}

main "$@"
