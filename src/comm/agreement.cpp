#include "ncf/comm/agreement.hpp"

#include <new>

#include "ncf/comm/session.hpp"
#include "ncf/util/error.hpp"

namespace ncf {

void agree(Communicator& comm, const std::function<void()>& phase) {
  int64_t kind = 0;
  std::string message;
  const auto failed = [&](ErrorKind k, std::string text) {
    kind = static_cast<int64_t>(k);
    message = std::move(text);
  };
  try {
    phase();
  } catch (const Error& e) {
    failed(e.kind(), e.what());
  } catch (const std::bad_alloc&) {
    failed(ErrorKind::internal, "out of memory on " + host_name());
  } catch (const std::exception& e) {
    failed(ErrorKind::internal, e.what());
  } catch (...) {
    failed(ErrorKind::internal, "an exception of unknown type");
  }
  const auto kinds = comm.all_gather(kind);
  const auto first = std::ranges::find_if(kinds, [](int64_t k) { return k != 0; });
  if (first == kinds.end()) return;
  const auto messages = comm.all_gather(message);
  const auto rank = static_cast<std::size_t>(first - kinds.begin());
  message = messages[rank];
  // Which rank it was helps unless all ranks say the same. At the end, so that `file:line:` stays in front.
  const bool all_alike = std::ranges::count(kinds, *first) == comm.size() &&
                         std::ranges::count(messages, message) == comm.size();
  if (!all_alike) message += " (on rank " + std::to_string(rank) + ")";
  throw Error(static_cast<ErrorKind>(*first), message, true);
}

}  // namespace ncf
