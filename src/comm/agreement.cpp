#include "ncf/comm/agreement.hpp"

#include <new>

#include "ncf/util/error.hpp"

namespace ncf {

void agree(Communicator& comm, const std::function<void()>& phase) {
  int64_t kind = 0;
  std::string message;
  try {
    phase();
  } catch (const Error& e) {
    kind = e.exit_code();
    message = e.what();
  } catch (const std::bad_alloc&) {
    kind = static_cast<int64_t>(ErrorKind::internal);
    message = "out of memory";
  } catch (const std::exception& e) {
    kind = static_cast<int64_t>(ErrorKind::internal);
    message = e.what();
  }
  const auto kinds = comm.all_gather(kind);
  const auto first = std::ranges::find_if(kinds, [](int64_t k) { return k != 0; });
  if (first == kinds.end()) return;
  const bool all_failed = std::ranges::none_of(kinds, [](int64_t k) { return k == 0; });
  const int root = static_cast<int>(first - kinds.begin());
  message = comm.broadcast(std::move(message), root);
  if (!all_failed && comm.size() > 1) message += " (on rank " + std::to_string(root) + ")";
  throw Error(static_cast<ErrorKind>(*first), message, true);
}

}  // namespace ncf
