#include "ncf/comm/shared_sum.hpp"

namespace ncf {

std::unique_ptr<SharedSum> SharedSum::open(Communicator& comm) {
  if (comm.size() != 2) return nullptr;
  auto mail = Mailbox::open(comm, 1);
  return mail == nullptr ? nullptr : std::unique_ptr<SharedSum>(new SharedSum(std::move(mail)));
}

std::span<float> SharedSum::terms(int64_t count) {
  return {mail_->room<float>(0, count), static_cast<std::size_t>(count)};
}

std::array<const float*, 2> SharedSum::exchange(Communicator& comm, int64_t count) {
  mail_->meet(comm, static_cast<uint64_t>(count) * sizeof(float));
  return {mail_->of<float>(0, 0), mail_->of<float>(1, 0)};
}

}  // namespace ncf
