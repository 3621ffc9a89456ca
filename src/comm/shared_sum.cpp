#include "ncf/comm/shared_sum.hpp"

#include <algorithm>
#include <array>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

NCF_MULTIARCH void add(std::size_t n, const float* a, const float* b, float* __restrict to) {
  for (std::size_t i = 0; i < n; ++i) to[i] = a[i] + b[i];
}

}  // namespace

std::unique_ptr<SharedSum> SharedSum::open(Communicator& comm) {
  if (comm.size() != 2) return nullptr;
  auto mail = Mailbox::open(comm, 1);
  return mail == nullptr ? nullptr : std::unique_ptr<SharedSum>(new SharedSum(std::move(mail)));
}

void SharedSum::sum(Communicator& comm, std::span<float> values) {
  std::array<const float*, 2> terms{};
  std::ranges::copy(values, mail_->room(0, std::ssize(values)));
  mail_->show(comm, 0, values.size_bytes(), terms);
  add(values.size(), terms[0], terms[1], values.data());
}

}  // namespace ncf
