#include "ncf/checkpoint/background_save.hpp"

#include <atomic>
#include <functional>

#include "ncf/checkpoint/layout.hpp"
#include "ncf/comm/agreement.hpp"
#include "ncf/util/clock.hpp"
#include "ncf/util/error.hpp"

namespace ncf {

/// The thread writes the fields below `done`, then sets it; the owner reads them after join().
struct BackgroundSave::Work {
  std::thread thread;
  std::atomic<bool> done = false;
  std::exception_ptr failure;
  std::vector<FileRecord> files;
  WrittenCheckpoint written;
  std::string complaint;

  explicit Work(std::function<void(Work&)> task) {
    thread = std::thread([this, task = std::move(task)] {
      try {
        task(*this);
      } catch (...) {
        failure = std::current_exception();
      }
      done.store(true, std::memory_order_release);
    });
  }
  ~Work() { join(); }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  void join() {
    if (thread.joinable()) thread.join();
  }
  void rethrow() const {
    if (failure) std::rethrow_exception(failure);
  }
};

BackgroundSave::BackgroundSave(std::string checkpoints, Keep keep)
    : checkpoints_(std::move(checkpoints)), keep_(std::move(keep)) {}

BackgroundSave::~BackgroundSave() = default;

std::optional<SaveOutcome> BackgroundSave::start(Communicator& comm, const Snapshot& snapshot, bool last) {
  if (under_way()) throw Error(ErrorKind::internal, "a checkpoint is begun while another is under way");
  started_ = now_s();
  last ? held_.look_at(snapshot) : held_.hold(snapshot);
  try {
    partial_ = begin_checkpoint(comm, checkpoints_, snapshot.progress.step);
  } catch (const Error& e) {
    if (!e.agreed()) throw;
    return outcome(e.what());
  }
  turn_ = Turn::writing;
  work_ = std::make_unique<Work>([this, rank = comm.rank(), world = comm.size()](Work& work) {
    work.files = write_pieces(partial_, rank, world, held_.snapshot());
  });
  return {};
}

uint64_t BackgroundSave::notes() const {
  return work_ && !work_->done.load(std::memory_order_acquire) ? 1 : 0;
}

std::optional<SaveOutcome> BackgroundSave::advance(Communicator& comm, uint64_t united) {
  if (turn_ == Turn::idle || (united & 1) != 0) return {};
  return turn_ == Turn::writing ? commit(comm) : conclude(comm);
}

std::optional<SaveOutcome> BackgroundSave::finish(Communicator& comm) {
  if (turn_ == Turn::writing)
    if (auto outcome = commit(comm)) return outcome;
  if (turn_ == Turn::committing) return conclude(comm);
  return {};
}

std::optional<SaveOutcome> BackgroundSave::commit(Communicator& comm) {
  work_->join();
  try {
    agree(comm, [&] { work_->rethrow(); });
    manifest_ = join_pieces(comm, held_.snapshot(), work_->files);
  } catch (const Error& e) {
    if (!e.agreed()) throw;
    return give_up(comm, e.what());
  }
  turn_ = Turn::committing;
  work_.reset();
  if (comm.is_root())
    work_ = std::make_unique<Work>([this](Work& work) {
      work.written = commit_checkpoint(partial_, manifest_);
      try {
        prune_checkpoints(checkpoints_, manifest_.progress.step, keep_);
      } catch (const std::exception& e) {
        work.complaint = e.what();
      }
    });
  return {};
}

SaveOutcome BackgroundSave::conclude(Communicator& comm) {
  if (work_) work_->join();
  try {
    agree(comm, [&] {
      if (work_) work_->rethrow();
    });
  } catch (const Error& e) {
    if (!e.agreed()) throw;
    return give_up(comm, e.what());
  }
  SaveOutcome out = outcome("");
  out.complaint = comm.broadcast(work_ ? work_->complaint : std::string(), 0);
  out.written = {checkpoints_ + "/" + checkpoint_name(out.step), manifest_.bytes()};
  work_.reset();
  turn_ = Turn::idle;
  return out;
}

SaveOutcome BackgroundSave::give_up(Communicator& comm, const std::string& problem) {
  work_.reset();
  turn_ = Turn::idle;
  abandon_checkpoint(comm, partial_);
  return outcome(problem);
}

SaveOutcome BackgroundSave::outcome(const std::string& problem) const {
  SaveOutcome out;
  out.step = held_.snapshot().progress.step;
  out.problem = problem;
  out.seconds = now_s() - started_;
  return out;
}

}  // namespace ncf
