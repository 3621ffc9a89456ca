#pragma once
/// Files that survive a crash: what is written is flushed to disk, and becomes visible under its name by one
/// rename. Every function throws Error of the kind asked for, with the path and the system's own text.

#include <string>

#include "ncf/util/error.hpp"

namespace ncf {

/// What a thing is called until it is whole: `path` + ".partial".
std::string partial_path(const std::string& path);

/// Returns when the contents (of a directory: the names in it) are on disk.
void sync_path(const std::string& path, ErrorKind kind);

/// Writes a small file and syncs it.
void write_file(const std::string& path, const std::string& text, ErrorKind kind);
/// The whole of a small file.
std::string read_file(const std::string& path, ErrorKind kind);

void make_directories(const std::string& path, ErrorKind kind);
/// Makes `path` an empty directory, whatever was there before.
void make_empty_directory(const std::string& path, ErrorKind kind);
/// Removes a file or a directory with all in it; does nothing when there is none.
void remove_all(const std::string& path, ErrorKind kind);

/// Renames the file or directory `from` to `to` in one step and syncs the directory above. Something there
/// before is replaced: there is no moment without one of the two under the name, except for directories on
/// file systems that cannot exchange names.
void replace(const std::string& from, const std::string& to, ErrorKind kind);

/// Makes `link` a symbolic link to `target`, replacing an older link in one step.
void replace_link(const std::string& target, const std::string& link, ErrorKind kind);

/// "cannot VERB PATH: text of errno"
[[noreturn]] void throw_system_error(ErrorKind kind, const std::string& verb, const std::string& path,
                                     int error);

}  // namespace ncf
