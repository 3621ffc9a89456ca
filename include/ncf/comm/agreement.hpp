#pragma once
/// Phases that can fail on one rank alone: everybody learns of it and everybody throws the same error.

#include <functional>

#include "ncf/comm/communicator.hpp"

namespace ncf {

/// Runs `phase` on every rank and then agrees on the outcome. If it threw anywhere, every rank throws the
/// error of the lowest failing rank, marked Error::agreed() (its message says which rank when that helps).
/// `phase` itself must not communicate. Collective.
void agree(Communicator& comm, const std::function<void()>& phase);

/// The same for a phase that returns something.
template <class F>
auto agreed(Communicator& comm, F&& phase) {
  using Result = decltype(phase());
  std::unique_ptr<Result> result;
  agree(comm, [&] { result = std::make_unique<Result>(phase()); });
  return std::move(*result);
}

}  // namespace ncf
