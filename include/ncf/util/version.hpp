#pragma once

namespace ncf {

/// "0.1.0", from CMake's project().
const char* version();

}  // namespace ncf
