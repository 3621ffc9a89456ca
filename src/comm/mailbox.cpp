#include "ncf/comm/mailbox.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>

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

/// What a rank tells the others of one of its boxes.
struct Address {
  int64_t process = 0, file = -1;
  uint64_t proof = 0;  // stands at the box's beginning: the number of a file may mean another elsewhere
};

}  // namespace

/// A box's memory: the proof, where each rank's part begins, the values.
class Mailbox::Box {
 public:
  explicit Box(int ranks) : ranks_(ranks), theirs_(static_cast<std::size_t>(ranks), nullptr) {
    file_ = memfd_create("ncf_rows", MFD_CLOEXEC);
    if (file_ < 0 || !grow(head())) return;
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
        static_cast<std::size_t>(status.st_size) >= head())
      theirs_[rank] = static_cast<const char*>(map(file, PROT_READ));
    close(file);
    uint64_t proof = 0;
    if (theirs_[rank] != nullptr) std::memcpy(&proof, theirs_[rank], sizeof proof);
    return theirs_[rank] != nullptr && proof == address.proof;
  }

  float* room(int64_t values) {
    const std::size_t needed = head() + static_cast<std::size_t>(values) * sizeof(float);
    if (needed > reserve || !grow(needed))
      throw Error(ErrorKind::internal, "no memory for " + std::to_string(needed) +
                                           " bytes that the ranks of this host share: " +
                                           std::strerror(needed > reserve ? ENOMEM : errno) +
                                           "; comm.shared_memory: false does without");
    return reinterpret_cast<float*>(mine_ + head());
  }

  void set_parts(std::span<const int64_t> counts) {
    auto* begins = reinterpret_cast<int64_t*>(mine_ + sizeof proof_);
    int64_t at = 0;
    for (const int64_t count : counts) {
      *begins++ = at;
      at += count;
    }
  }

  const float* part(std::size_t of_rank, int for_rank) const {
    const char* box = theirs_[of_rank];
    int64_t begin = 0;
    std::memcpy(&begin, box + sizeof proof_ + sizeof begin * static_cast<std::size_t>(for_rank),
                sizeof begin);
    return reinterpret_cast<const float*>(box + head()) + begin;
  }

 private:
  std::size_t head() const {
    return pages(sizeof proof_ + sizeof(int64_t) * static_cast<std::size_t>(ranks_));
  }

  bool grow(std::size_t bytes) {
    if (bytes <= size_) return true;
    const std::size_t size = pages(bytes + bytes / 4);  // the next batch may have a few rows more
    if (ftruncate(file_, static_cast<off_t>(size)) != 0) return false;
    size_ = size;
    return true;
  }

  int ranks_ = 0, file_ = -1;
  std::size_t size_ = 0;
  uint64_t proof_ = 0;
  char* mine_ = nullptr;
  std::vector<const char*> theirs_;  // [ranks], this one's too
};

Mailbox::Mailbox(int boxes) : boxes_(static_cast<std::size_t>(boxes)) {}
Mailbox::~Mailbox() = default;

std::unique_ptr<Mailbox> Mailbox::open(Communicator& comm, int boxes) {
  if (comm.size() == 1 || comm.min(comm.node_size() == comm.size() ? 1 : 0) == 0) return nullptr;
  std::unique_ptr<Mailbox> out(new Mailbox(boxes));
  int64_t all_seen = 1;
  for (auto& box : out->boxes_) {
    box = std::make_unique<Box>(comm.size());
    const std::vector<Address> addresses = comm.all_gather(box->address());
    for (std::size_t r = 0; r < addresses.size(); ++r)
      if (!box->see(r, addresses[r])) all_seen = 0;
  }
  return comm.min(all_seen) == 1 ? std::move(out) : nullptr;
}

float* Mailbox::room(int box, int64_t values) {
  return boxes_[static_cast<std::size_t>(box)]->room(values);
}

void Mailbox::deliver(Communicator& comm, int box, std::span<const int64_t> counts,
                      std::span<const float*> from) {
  uint64_t values = 0;
  for (std::size_t r = 0; r < counts.size(); ++r)
    if (static_cast<int>(r) != comm.rank()) values += static_cast<uint64_t>(counts[r]);
  boxes_[static_cast<std::size_t>(box)]->set_parts(counts);
  open_all(comm, box, values * sizeof(float), from);
}

void Mailbox::show(Communicator& comm, int box, uint64_t bytes, std::span<const float*> from) {
  const std::vector<int64_t> whole(from.size(), 0);  // every rank's part begins at the beginning
  boxes_[static_cast<std::size_t>(box)]->set_parts(whole);
  open_all(comm, box, bytes, from);
}

void Mailbox::open_all(Communicator& comm, int box, uint64_t bytes, std::span<const float*> from) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  comm.barrier_for(bytes);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const Box& b = *boxes_[static_cast<std::size_t>(box)];
  for (std::size_t r = 0; r < from.size(); ++r) from[r] = b.part(r, comm.rank());
}

}  // namespace ncf
