// Preloaded into the ranks of a job (LD_PRELOAD), it stands between the program and libc, MPI and oneDNN, and
// does one thing wrong at one call. The program itself knows nothing of it.
//
//   NCF_FAULT="rank=1 call=fsync path=model.h5 nth=1 when=before do=kill"
//
// - rank: which, or "all".
// - call: which function, by the names below. Those of both sizes of off_t go by the plain one.
// - path: a part of the path that the call concerns, or with $ behind, its end. Descriptors are looked up.
// - arm: "MPI_Alltoall:12" for calls that count only after the twelfth MPI_Alltoall has returned.
// - nth: which of these calls, from 1.
// - when: before, after, or during: in the middle of a write or read, or while a collective is under way.
// - do: a signal: kill, stop, term, usr1 or int, with a 2 behind for twice, with "mpirun-" in front to the
//   launcher; an errno such as ENOSPC, with which the call fails; exit; throw.
// - from: "always" for all calls from that one on.
//
// NCF_FAULT=trace is no fault: all ranks write the calls that concern files, a line each with function and
// path, into the file "trace": an fsync once it is done, all else before.
//
// NCF_FAULT_DIR: where that file is. There every rank leaves rank-R.pid, and a fault, once it has happened,
// the file "fired".
#include "rule.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <mpi.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <string>
#include <thread>

namespace {

using ncf::faults::Fault;
using ncf::faults::fault;

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

std::string path_of(int fd) {
  char text[4096];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t n = readlink(link.c_str(), text, sizeof text);
  return n < 0 ? "" : std::string(text, static_cast<std::size_t>(n));
}

/// The call, with the fault before or after it if its turn has come. `failed`: what a call that fails
/// returns.
template <class Path, class Real>
auto with_fault(const char* call, Path path, Real real, decltype(real()) failed) {
  Fault& f = fault();
  if (f.traces()) return f.traced(call, path(), real);
  if (!f.concerns(call) || !f.due(call, path())) return real();
  if (f.after()) {
    const auto result = real();
    f.act();
    return result;
  }
  return f.act() ? real() : failed;
}

/// A call that moves bytes: "during" is after half of them.
template <class Move>
ssize_t with_fault_in_bytes(const char* call, int fd, std::size_t size, Move move) {
  Fault& f = fault();
  if (f.traces()) return f.traced(call, path_of(fd), [&] { return move(size); });
  if (!f.concerns(call) || !f.due(call, path_of(fd))) return move(size);
  if (f.during()) {
    const ssize_t half = move(size / 2);
    return f.act() ? half : -1;
  }
  if (!f.after()) return f.act() ? move(size) : -1;
  const ssize_t n = move(size);
  f.act();
  return n;
}

/// A collective: "during" is from another thread, once this one is inside.
template <class Real>
int with_fault_in_collective(const char* call, Real real) {
  Fault& f = fault();
  if (!f.concerns(call)) return real();
  int result = MPI_SUCCESS;
  if (!f.due(call, "")) {
    result = real();
  } else if (f.during()) {
    std::atomic<bool> entered = false;
    std::thread other([&] {
      while (!entered) std::this_thread::yield();
      f.act();
    });
    entered = true;
    result = real();
    other.join();
  } else if (f.after()) {
    result = real();
    f.act();
  } else {
    result = f.act() ? real() : MPI_ERR_OTHER;
  }
  f.returned(call);
  return result;
}

mode_t mode_of(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

extern "C" {

#define NCF_OPEN(name)                                                                              \
  int name(const char* path, int flags, ...) {                                                      \
    va_list rest;                                                                                   \
    va_start(rest, flags);                                                                          \
    const mode_t mode = mode_of(flags, rest);                                                       \
    va_end(rest);                                                                                   \
    static const auto real = next<int (*)(const char*, int, ...)>(#name);                           \
    const char* call =                                                                              \
        (flags & O_DIRECTORY) != 0 || (flags & O_ACCMODE) == O_RDONLY ? "open-read" : "open-write"; \
    return with_fault(                                                                              \
        call, [&] { return std::string(path); }, [&] { return real(path, flags, mode); }, -1);      \
  }
NCF_OPEN(open)
NCF_OPEN(open64)
#undef NCF_OPEN

#define NCF_FOPEN(name)                                                               \
  FILE* name(const char* path, const char* mode) {                                    \
    static const auto real = next<FILE* (*)(const char*, const char*)>(#name);        \
    return with_fault(                                                                \
        "fopen", [&] { return std::string(path); }, [&] { return real(path, mode); }, \
        static_cast<FILE*>(nullptr));                                                 \
  }
NCF_FOPEN(fopen)
NCF_FOPEN(fopen64)
#undef NCF_FOPEN

ssize_t write(int fd, const void* data, size_t size) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  return with_fault_in_bytes("write", fd, size, [&](std::size_t n) { return real(fd, data, n); });
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  static const auto real = next<ssize_t (*)(int, const struct iovec*, int)>("writev");
  return with_fault(
      "write", [&] { return path_of(fd); }, [&] { return real(fd, parts, count); }, -1);
}

ssize_t read(int fd, void* data, size_t size) {
  static const auto real = next<ssize_t (*)(int, void*, size_t)>("read");
  return with_fault_in_bytes("read", fd, size, [&](std::size_t n) { return real(fd, data, n); });
}

#define NCF_AT(name, call, pointer, offset)                                                           \
  ssize_t name(int fd, pointer data, size_t size, offset at) {                                        \
    static const auto real = next<ssize_t (*)(int, pointer, size_t, offset)>(#name);                  \
    return with_fault_in_bytes(call, fd, size, [&](std::size_t n) { return real(fd, data, n, at); }); \
  }
NCF_AT(pwrite, "pwrite", const void*, off_t)
NCF_AT(pwrite64, "pwrite", const void*, off64_t)
NCF_AT(pread, "pread", void*, off_t)
NCF_AT(pread64, "pread", void*, off64_t)
#undef NCF_AT

int ftruncate(int fd, off_t size) noexcept {
  static const auto real = next<int (*)(int, off_t)>("ftruncate");
  return with_fault(
      "ftruncate", [&] { return path_of(fd); }, [&] { return real(fd, size); }, -1);
}

int fsync(int fd) {
  static const auto real = next<int (*)(int)>("fsync");
  return with_fault(
      "fsync", [&] { return path_of(fd); }, [&] { return real(fd); }, -1);
}

int mkdir(const char* path, mode_t mode) noexcept {
  static const auto real = next<int (*)(const char*, mode_t)>("mkdir");
  return with_fault(
      "mkdir", [&] { return std::string(path); }, [&] { return real(path, mode); }, -1);
}

int rename(const char* from, const char* to) noexcept {
  static const auto real = next<int (*)(const char*, const char*)>("rename");
  return with_fault(
      "rename", [&] { return std::string(from) + "->" + to; }, [&] { return real(from, to); }, -1);
}

int renameat2(int from_at, const char* from, int to_at, const char* to, unsigned flags) noexcept {
  static const auto real = next<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
  return with_fault(
      "renameat2", [&] { return std::string(from) + "->" + to; },
      [&] { return real(from_at, from, to_at, to, flags); }, -1);
}

int symlink(const char* target, const char* link) noexcept {
  static const auto real = next<int (*)(const char*, const char*)>("symlink");
  return with_fault(
      "symlink", [&] { return std::string(link); }, [&] { return real(target, link); }, -1);
}

int unlinkat(int directory, const char* path, int flags) noexcept {
  static const auto real = next<int (*)(int, const char*, int)>("unlinkat");
  const auto whole = [&] { return (directory == AT_FDCWD ? "" : path_of(directory) + "/") + path; };
  return with_fault(
      "unlink", whole, [&] { return real(directory, path, flags); }, -1);
}

int remove(const char* path) noexcept {
  static const auto real = next<int (*)(const char*)>("remove");
  return with_fault(
      "remove", [&] { return std::string(path); }, [&] { return real(path); }, -1);
}

/// oneDNN's matrix product, by its C name: the middle of a forward or backward pass.
int dnnl_sgemm(char op_a, char op_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a,
               int64_t lda, const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  static const auto real = next<decltype(&dnnl_sgemm)>("dnnl_sgemm");
  return with_fault(
      "compute", [] { return std::string(); },
      [&] { return real(op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc); }, 1);
}

#define NCF_COLLECTIVE(name, declared, passed)                              \
  int name declared {                                                       \
    return with_fault_in_collective(#name, [&] { return P##name passed; }); \
  }
NCF_COLLECTIVE(MPI_Barrier, (MPI_Comm c), (c))
NCF_COLLECTIVE(MPI_Bcast, (void* b, int n, MPI_Datatype t, int root, MPI_Comm c), (b, n, t, root, c))
NCF_COLLECTIVE(MPI_Allreduce, (const void* s, void* r, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c),
               (s, r, n, t, o, c))
NCF_COLLECTIVE(MPI_Allgather,
               (const void* s, int n, MPI_Datatype t, void* r, int m, MPI_Datatype u, MPI_Comm c),
               (s, n, t, r, m, u, c))
NCF_COLLECTIVE(MPI_Allgatherv,
               (const void* s, int n, MPI_Datatype t, void* r, const int m[], const int d[], MPI_Datatype u,
                MPI_Comm c),
               (s, n, t, r, m, d, u, c))
NCF_COLLECTIVE(MPI_Alltoall,
               (const void* s, int n, MPI_Datatype t, void* r, int m, MPI_Datatype u, MPI_Comm c),
               (s, n, t, r, m, u, c))
NCF_COLLECTIVE(MPI_Alltoallv,
               (const void* s, const int n[], const int e[], MPI_Datatype t, void* r, const int m[],
                const int d[], MPI_Datatype u, MPI_Comm c),
               (s, n, e, t, r, m, d, u, c))
NCF_COLLECTIVE(MPI_Finalize, (), ())
/// What the program tells tools as it enters a barrier of its own.
NCF_COLLECTIVE(MPI_Pcontrol, (const int level, ...), (level))
#undef NCF_COLLECTIVE

}  // extern "C"
