#pragma once
/// One text that stands for all that training gets from its data, whatever file it came from and however many
/// ranks read it.

#include <string>

#include "ncf/comm/communicator.hpp"
#include "ncf/data/ratings.hpp"

namespace ncf {

/// 32 hexadecimal digits over both vocabularies and every sample of both parts in canonical order. The same
/// on every rank. Collective.
std::string data_digest(Communicator& comm, const TrainingData& data);

}  // namespace ncf
