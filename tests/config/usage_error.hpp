#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "ncf/util/error.hpp"

namespace ncf {

/// `action` must throw Error{usage}, in one line that contains each of these texts.
inline void expect_usage_error(const std::function<void()>& action,
                               std::initializer_list<std::string_view> texts) {
  try {
    action();
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_EQ(e.kind(), ErrorKind::usage) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const auto text : texts)
      EXPECT_NE(message.find(text), std::string::npos) << message << "\ndoes not contain: " << text;
  }
}

}  // namespace ncf
