#include "ncf/util/version.hpp"

namespace ncf {

const char* version() {
  return NCF_VERSION;
}

}  // namespace ncf
