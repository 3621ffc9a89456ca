#include "ncf/comm/mailbox.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>

#include "comm/communicator_impl.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

/// Addresses set aside for a box, so that it can grow where it is; memory is taken as it is written.
constexpr std::size_t reserve = std::size_t{1} << 34;
constexpr std::size_t page = 4096;

std::size_t pages(std::size_t bytes) {
  return (bytes + page - 1) / page * page;
}

void* map(int file, int access) {
  void* at = mmap(nullptr, reserve, access, MAP_SHARED | MAP_NORESERVE, file, 0);
  return at == MAP_FAILED ? nullptr : at;
}

constexpr int most_spins = 1000;   // some ten microseconds; then others may have the core
constexpr int never_sent = 32767;  // a tag

void pause() {
#ifdef __x86_64__
  __builtin_ia32_pause();
#endif
}

/// What a rank tells the others of one of its boxes.
struct Address {
  int64_t process = 0, file = -1;
  uint64_t proof = 0;  // stands at the box's beginning: the number of a file may mean another elsewhere
};

}  // namespace

/// A box's memory: the proof, and from the next page on the values.
class Mailbox::Box {
 public:
  explicit Box(int ranks) : theirs_(static_cast<std::size_t>(ranks), nullptr) {
    file_ = memfd_create("ncf_rows", MFD_CLOEXEC);
    if (file_ < 0 || !grow(head)) return;
    mine_ = static_cast<char*>(map(file_, PROT_READ | PROT_WRITE));
    if (mine_ == nullptr) return;
    std::random_device random;
    proof_ = uint64_t{random()} << 32 | random();
    std::memcpy(mine_, &proof_, sizeof proof_);
  }
  ~Box() {
    if (mine_ != nullptr) munmap(mine_, reserve);
    for (const char* at : theirs_)
      if (at != nullptr && at != mine_) munmap(const_cast<char*>(at), reserve);
    if (file_ >= 0) close(file_);
  }
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  Address address() const { return {getpid(), mine_ == nullptr ? -1 : file_, proof_}; }

  bool see(std::size_t rank, const Address& address) {
    if (address.file < 0) return false;
    const std::string path =
        "/proc/" + std::to_string(address.process) + "/fd/" + std::to_string(address.file);
    // Not to wait, should it be a pipe of another process: in a container that number may mean anything.
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return false;
    struct stat status {};
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
        static_cast<std::size_t>(status.st_size) >= head)
      theirs_[rank] = static_cast<const char*>(map(file, PROT_READ));
    close(file);
    uint64_t proof = 0;
    if (theirs_[rank] != nullptr) std::memcpy(&proof, theirs_[rank], sizeof proof);
    return theirs_[rank] != nullptr && proof == address.proof;
  }

  char* room(std::size_t bytes) {
    const std::size_t needed = head + bytes;
    if (needed > reserve || !grow(needed))
      throw Error(ErrorKind::internal, "no memory for " + std::to_string(needed) +
                                           " bytes that the ranks of this host share: " +
                                           std::strerror(needed > reserve ? ENOMEM : errno) +
                                           "; comm.shared_memory: false does without");
    return mine_ + head;
  }

  const char* values(std::size_t of_rank) const { return theirs_[of_rank] + head; }

 private:
  static constexpr std::size_t head = page;  // the proof stands there

  bool grow(std::size_t bytes) {
    if (bytes <= size_) return true;
    const std::size_t size = pages(bytes + bytes / 4);  // the next batch may have a few rows more
    if (ftruncate(file_, static_cast<off_t>(size)) != 0) return false;
    size_ = size;
    return true;
  }

  int file_ = -1;
  std::size_t size_ = 0;
  uint64_t proof_ = 0;
  char* mine_ = nullptr;
  std::vector<const char*> theirs_;  // [ranks], this one's too
};

Mailbox::Mailbox(int boxes, bool crowded)
    : boxes_(static_cast<std::size_t>(boxes) + 1), spins_(crowded ? 0 : most_spins) {}
Mailbox::~Mailbox() = default;

std::unique_ptr<Mailbox> Mailbox::open(Communicator& comm, int boxes) {
  if (comm.size() == 1 || comm.min(comm.node_size() == comm.size() ? 1 : 0) == 0) return nullptr;
  std::unique_ptr<Mailbox> out(new Mailbox(boxes, comm.size() > sysconf(_SC_NPROCESSORS_ONLN)));
  int64_t all_seen = 1;
  for (auto& box : out->boxes_) {
    box = std::make_unique<Box>(comm.size());
    const std::vector<Address> addresses = comm.all_gather(box->address());
    for (std::size_t r = 0; r < addresses.size(); ++r)
      if (!box->see(r, addresses[r])) all_seen = 0;
  }
  return comm.min(all_seen) == 1 ? std::move(out) : nullptr;
}

char* Mailbox::grow(int box, std::size_t bytes) {
  return boxes_[static_cast<std::size_t>(box)]->room(bytes);
}

const char* Mailbox::see(std::size_t rank, int box) const {
  return boxes_[static_cast<std::size_t>(box)]->values(rank);
}

bool Mailbox::has_come(std::size_t rank) const {
  const auto* const sign = reinterpret_cast<const uint64_t*>(boxes_.back()->values(rank));
  return __atomic_load_n(sign, __ATOMIC_ACQUIRE) >= meetings_;
}

void Mailbox::wait_for(Communicator& comm, std::size_t rank) const {
  for (int spins = 0; spins < spins_; ++spins, pause())
    if (has_come(rank)) return;
  while (!has_come(rank)) {
    // Others may wait for what this rank has in MPI's buffers: it goes on while this one waits.
    int arrived = 0;
    check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, never_sent, comm.impl_->comm, &arrived, MPI_STATUS_IGNORE),
              "MPI_Iprobe");
    sched_yield();
  }
}

/// Each rank gives a sign, the number of the meeting, and looks for those of all others.
void Mailbox::meet(Communicator& comm, uint64_t bytes) {
  comm.count_as_sent(bytes);
  const Communicator::Inside mark(comm, "shared-memory barrier");
  MPI_Pcontrol(1, "shared-memory barrier");  // which tools that watch MPI would else not see
  ++meetings_;
  auto* const sign = reinterpret_cast<uint64_t*>(boxes_.back()->room(sizeof(uint64_t)));
  __atomic_store_n(sign, meetings_, __ATOMIC_RELEASE);
  for (std::size_t r = 0; r < static_cast<std::size_t>(comm.size()); ++r) wait_for(comm, r);
}

}  // namespace ncf
