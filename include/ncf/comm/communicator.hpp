#pragma once
/// The ranks of a job and what they can say to each other. The only way to MPI: no other header names it.
///
/// Every member function but the getters is collective: all ranks call it, in the same order. Verbs keep
/// MPI's names. Counts are in elements. T is trivially copyable; reductions take float, double, int64_t and
/// uint64_t. While a rank is inside a collective the watchdog (watchdog.hpp) measures how long it has waited.
/// Errors: a failing MPI call throws Error{peer} with MPI's own text and the verb; a count that MPI's int
/// cannot hold throws Error{internal}.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "ncf/util/trace.hpp"

namespace ncf {

struct ClockOffset;

/// What all_to_all_v delivers: values of rank r at [offsets[r], offsets[r + 1]).
template <class T>
struct Received {
  std::vector<T> values;
  std::vector<int64_t> offsets;  // [ranks + 1]
};

class Communicator {
 public:
  /// All ranks of the job, on a private duplicate of MPI_COMM_WORLD. Needs a live MpiSession (session.hpp).
  static Communicator world();
  /// This rank alone, with or without MPI. For comparisons of one rank with many. Not collective.
  static Communicator self();
  Communicator(Communicator&&) noexcept;
  Communicator& operator=(Communicator&&) noexcept;
  ~Communicator();

  // The getters are not collective.
  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_root() const { return rank_ == 0; }
  /// Bytes this rank has handed to other ranks so far: what the verbs' best algorithms must send, nothing to
  /// oneself.
  uint64_t bytes_sent() const { return bytes_sent_; }
  /// Ranks on this rank's node, and this rank's number among them.
  int node_size() const { return node_size_; }
  int node_rank() const { return node_rank_; }
  /// Seconds this rank has spent inside of collectives so far: waiting for others, and communicating. Of
  /// those that a courier carries out, only the time that this rank then did nothing but wait for them.
  double waited_s() const { return waited_s_; }
  /// The same with all of the courier's time.
  double communicated_s() const { return communicated_s_; }
  /// Notes every collective in this trace from now on, with the bytes this rank sends; null: in none. It must
  /// outlive that. Not collective.
  void set_trace(TraceSpans* trace) { trace_ = trace; }
  /// What this rank is doing ("epoch 3 step 17"), for the watchdog's report. Cheap. Not collective.
  void set_phase(std::string_view phase);

  void barrier();
  /// What others read in this rank's memory (mailbox.hpp) counts as sent: so many bytes, before the
  /// collective that they read after. Not collective.
  void count_as_sent(uint64_t bytes) { read_by_others_ += bytes; }
  void all_reduce_sum(std::span<float> values);
  void all_reduce_sum(std::span<double> values);
  void all_reduce_sum(std::span<int64_t> values);
  void all_reduce_sum(std::span<uint64_t> values);
  void all_reduce_max(std::span<int64_t> values);
  void all_reduce_max(std::span<double> values);
  void all_reduce_min(std::span<int64_t> values);
  /// One value summed over ranks, or its largest, or its smallest.
  int64_t sum(int64_t value) {
    all_reduce_sum(std::span(&value, 1));
    return value;
  }
  double sum(double value) {
    all_reduce_sum(std::span(&value, 1));
    return value;
  }
  int64_t max(int64_t value) {
    all_reduce_max(std::span(&value, 1));
    return value;
  }
  int64_t min(int64_t value) {
    all_reduce_min(std::span(&value, 1));
    return value;
  }
  double max(double value) {
    all_reduce_max(std::span(&value, 1));
    return value;
  }
  /// The sum of `value` over the ranks before this one; 0 on rank 0.
  int64_t exclusive_sum(int64_t value) {
    exclusive_sum(std::span(&value, 1));
    return value;
  }
  /// The same, in place, for each of several values.
  void exclusive_sum(std::span<int64_t> values);

  template <class T>
  void broadcast(std::span<T> values, int root) {
    check_type<T>();
    broadcast_bytes(values.data(), values.size_bytes(), root);
  }
  /// The root's string on every rank.
  std::string broadcast(std::string text, int root);

  /// Equal parts: `all` has size() * mine.size() elements, rank r's at r * mine.size().
  template <class T>
  void all_gather(std::span<const T> mine, std::span<T> all) {
    check_type<T>();
    check_parts(all.size() == mine.size() * static_cast<std::size_t>(size_), "all_gather");
    all_gather_bytes(mine.data(), mine.size(), all.data(), sizeof(T));
  }
  template <class T>
  std::vector<T> all_gather(const T& mine) {
    std::vector<T> all(static_cast<std::size_t>(size_));
    all_gather(std::span<const T>(&mine, 1), std::span<T>(all));
    return all;
  }
  /// Parts of any length, in rank order.
  template <class T>
  Received<T> all_gather_v(std::span<const T> mine) {
    check_type<T>();
    Received<T> out;
    out.offsets = all_gather_offsets(mine.size());
    out.values.resize(static_cast<std::size_t>(out.offsets.back()));
    all_gather_v_bytes(mine.data(), mine.size(), out.values.data(), out.offsets, sizeof(T));
    return out;
  }
  /// One string a rank, in rank order.
  std::vector<std::string> all_gather(const std::string& mine);

  /// Equal parts: element block r of `send` goes to rank r; both spans have size() * block elements.
  template <class T>
  void all_to_all(std::span<const T> send, std::span<T> receive) {
    check_type<T>();
    check_parts(send.size() == receive.size() && send.size() % static_cast<std::size_t>(size_) == 0,
                "all_to_all");
    all_to_all_bytes(send.data(), receive.data(), send.size() / static_cast<std::size_t>(size_), sizeof(T));
  }
  /// Parts of any length with both counts known: part r of `send` (send_counts[r] elements, in rank order)
  /// goes to rank r; `receive` holds receive_counts[r] elements from rank r, in rank order.
  template <class T>
  void all_to_all_v(std::span<const T> send, std::span<const int64_t> send_counts, std::span<T> receive,
                    std::span<const int64_t> receive_counts) {
    check_type<T>();
    check_counts(send_counts, send.size());
    check_counts(receive_counts, receive.size());
    all_to_all_v_bytes(send.data(), send_counts, receive.data(), receive_counts, sizeof(T));
  }
  /// The same when the receivers do not know the counts yet (costs one small exchange more).
  template <class T>
  Received<T> all_to_all_v(std::span<const T> send, std::span<const int64_t> send_counts) {
    check_type<T>();
    Received<T> out;
    std::vector<int64_t> counts(static_cast<std::size_t>(size_));
    all_to_all(send_counts, std::span<int64_t>(counts));
    out.offsets.assign(1, 0);
    for (int64_t c : counts) out.offsets.push_back(out.offsets.back() + c);
    out.values.resize(static_cast<std::size_t>(out.offsets.back()));
    all_to_all_v(send, send_counts, std::span<T>(out.values), std::span<const int64_t>(counts));
    return out;
  }

  /// Ends the whole job at once with this exit code, after flushing what was printed. Not collective.
  [[noreturn]] void abort(int exit_code);

 private:
  friend class Watchdog;
  friend class Courier;
  friend class Mailbox;
  friend ClockOffset clock_offset(Communicator& comm, const std::function<double()>& clock);
  struct Impl;
  class Inside;
  class Carried;
  explicit Communicator(std::unique_ptr<Impl> impl);

  template <class T>
  static constexpr void check_type() {
    static_assert(std::is_trivially_copyable_v<T>, "only trivially copyable types travel");
  }
  static void check_parts(bool fit, const char* verb);
  void check_counts(std::span<const int64_t> counts, std::size_t total) const;
  enum class Reduction { sum, max, min };
  template <class T>
  void all_reduce(std::span<T> values, Reduction reduction);
  void broadcast_bytes(void* data, std::size_t bytes, int root);
  void all_gather_bytes(const void* mine, std::size_t count, void* all, std::size_t size_of);
  std::vector<int64_t> all_gather_offsets(std::size_t count);
  void all_gather_v_bytes(const void* mine, std::size_t count, void* all, const std::vector<int64_t>& offsets,
                          std::size_t size_of);
  void all_to_all_bytes(const void* send, void* receive, std::size_t block, std::size_t size_of);
  void all_to_all_v_bytes(const void* send, std::span<const int64_t> send_counts, void* receive,
                          std::span<const int64_t> receive_counts, std::size_t size_of);

  std::unique_ptr<Impl> impl_;
  int rank_ = 0;
  int size_ = 1;
  int node_size_ = 1;
  int node_rank_ = 0;
  uint64_t bytes_sent_ = 0, read_by_others_ = 0;
  double waited_s_ = 0, communicated_s_ = 0;
  TraceSpans* trace_ = nullptr;
};

}  // namespace ncf
