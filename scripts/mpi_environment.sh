# shellcheck shell=sh
# Sourced by the scripts, and by whoever starts mpirun by hand on one machine: what mpirun itself has to be told so
# that any number of ranks runs there, as root or in a container too. What can be set from inside (yielding when idle,
# ROMIO) the program sets itself. Nothing that is set already is changed; docs/install.md says why each is needed.

if [ "$(id -u)" -eq 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT="${OMPI_ALLOW_RUN_AS_ROOT-1}"  # mpirun asks for both
  export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="${OMPI_ALLOW_RUN_AS_ROOT_CONFIRM-1}"
fi
# More ranks than cores is no error.
export OMPI_MCA_rmaps_base_oversubscribe="${OMPI_MCA_rmaps_base_oversubscribe-1}"
# Else two ranks are tied to one core each, with all their threads.
export OMPI_MCA_hwloc_base_binding_policy="${OMPI_MCA_hwloc_base_binding_policy-none}"
# mpirun looks for ssh even when it starts nothing elsewhere.
if ! command -v ssh >/dev/null && ! command -v rsh >/dev/null; then
  export OMPI_MCA_plm_rsh_agent="${OMPI_MCA_plm_rsh_agent-true}"
fi
