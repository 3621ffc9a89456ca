#include "ncf/comm/watchdog.hpp"

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "comm/mpi_call.hpp"
#include "ncf/comm/session.hpp"
#include "ncf/util/clock.hpp"

namespace ncf {
namespace {

constexpr double poll_s = 0.25;
constexpr double roll_call_s = 2.0;  // how long the others have to answer
constexpr int ask_tag = 1, answer_tag = 2;

/// What a rank says of itself.
struct Answer {
  uint64_t sequence;
  double waiting_s;  // in its collective; 0: computing
  char verb[32];
};

Answer my_answer() {
  Whereabouts& w = whereabouts();
  const double since = w.since.load(std::memory_order_acquire);
  Answer a{w.sequence.load(), since > 0 ? now_s() - since : 0, {}};
  std::snprintf(a.verb, sizeof a.verb, "%s", w.verb.load());
  return a;
}

}  // namespace

struct Watchdog::Impl {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0, size = 1;
  double timeout_s = 0;
  std::vector<std::string> hosts;
  std::mutex mutex;
  std::condition_variable wake;
  bool stop = false;
  std::thread thread;

  void run() {
    std::unique_lock lock(mutex);
    while (!wake.wait_for(lock, std::chrono::duration<double>(poll_s), [&] { return stop; })) {
      answer_questions();
      const double since = whereabouts().since.load(std::memory_order_acquire);
      if (since > 0 && now_s() - since > timeout_s) call_the_roll();
    }
  }

  void answer_questions() {
    int asked = 1;
    while (true) {
      MPI_Status status;
      MPI_Iprobe(MPI_ANY_SOURCE, ask_tag, comm, &asked, &status);
      if (!asked) return;
      MPI_Recv(nullptr, 0, MPI_BYTE, status.MPI_SOURCE, ask_tag, comm, MPI_STATUS_IGNORE);
      const Answer mine = my_answer();
      MPI_Request sent;
      MPI_Isend(&mine, sizeof mine, MPI_BYTE, status.MPI_SOURCE, answer_tag, comm, &sent);
      MPI_Wait(&sent, MPI_STATUS_IGNORE);  // small enough to leave at once, whoever listens
    }
  }

  /// Asks every rank where it is, reports, and ends the job.
  [[noreturn]] void call_the_roll() {
    // Should MPI itself be stuck, the process still ends.
    std::thread([] {
      std::this_thread::sleep_for(std::chrono::seconds(10));
      std::_Exit(5);
    }).detach();
    std::vector<Answer> answers(static_cast<std::size_t>(size));
    std::vector<bool> here(static_cast<std::size_t>(size));
    for (int r = 0; r < size; ++r) {
      MPI_Request sent;
      if (r != rank) MPI_Isend(nullptr, 0, MPI_BYTE, r, ask_tag, comm, &sent), MPI_Request_free(&sent);
    }
    const double until = now_s() + roll_call_s;
    while (now_s() < until) {
      answer_questions();
      MPI_Status status;
      int arrived = 0;
      MPI_Iprobe(MPI_ANY_SOURCE, answer_tag, comm, &arrived, &status);
      if (arrived) {
        const auto from = static_cast<std::size_t>(status.MPI_SOURCE);
        MPI_Recv(&answers[from], sizeof(Answer), MPI_BYTE, status.MPI_SOURCE, answer_tag, comm,
                 MPI_STATUS_IGNORE);
        here[from] = true;
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
    }
    report(answers, here);
    MPI_Abort(comm, 5);
    std::_Exit(5);
  }

  void report(const std::vector<Answer>& answers, const std::vector<bool>& here) const {
    const Answer mine = my_answer();
    std::string text = "ncf_dist: error: rank " + std::to_string(rank) + " waited " +
                       std::to_string(static_cast<int64_t>(mine.waiting_s)) + " s in " + mine.verb +
                       " (collective " + std::to_string(mine.sequence) + ", limit comm.timeout_s)";
    for (int r = 0; r < size; ++r) {
      const auto k = static_cast<std::size_t>(r);
      const std::string who = "\n  rank " + std::to_string(r) + " on " + hosts[k];
      if (r == rank) continue;
      if (!here[k])
        text += who + " does not answer: stopped or dead";
      else if (answers[k].sequence < mine.sequence || answers[k].waiting_s == 0)
        text += who + " is behind: " + (answers[k].waiting_s > 0 ? "waiting in " : "computing after ") +
                answers[k].verb + " (collective " + std::to_string(answers[k].sequence) + ")";
    }
    std::fprintf(stderr, "%s\n", text.c_str());
    std::fflush(stderr);
  }
};

Watchdog::Watchdog(Communicator& comm, double timeout_s) {
  int provided = 0;
  MPI_Query_thread(&provided);
  if (comm.size() == 1 || provided < MPI_THREAD_MULTIPLE) return;
  impl_ = std::make_unique<Impl>();
  impl_->timeout_s = timeout_s;
  impl_->rank = comm.rank();
  impl_->size = comm.size();
  impl_->hosts = comm.all_gather(host_name());
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &impl_->comm), "MPI_Comm_dup");
  impl_->thread = std::thread([this] { impl_->run(); });
}

Watchdog::~Watchdog() {
  if (!impl_) return;
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->wake.notify_one();
  impl_->thread.join();
}

}  // namespace ncf
