#pragma once
/// The HDF5 file driver behind every file that is written. HDF5 cannot close a file it cannot flush: on a
/// full disk H5Fclose fails, leaks the descriptor (and with it the disk space) and leaves an id that crashes
/// the process when the library ends. So this driver never tells HDF5 of a failed write. It remembers the
/// first one, lets everything after it fall into the void, and whoever owns the WriteStatus asks it after
/// each call.

#include <hdf5.h>

#include <string>

namespace ncf::detail {

/// What became of the writes to one file; outlives the file.
struct WriteStatus {
  int error = 0;         // errno of the first failure, 0: none
  bool abandon = false;  // set by the owner: write nothing more
};

/// Makes files opened with the access property list `fapl` use the driver and report to `status`.
void use_checked_driver(hid_t fapl, WriteStatus& status);

}  // namespace ncf::detail
