# Language level, warnings, sanitizers, coverage: everything that applies to all targets of the project.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

option(NCF_WERROR "Treat warnings as errors" OFF)
option(NCF_COVERAGE "Instrument for gcov" OFF)
set(NCF_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize takes them: address,undefined or thread")

add_library(ncf_options INTERFACE)
target_compile_options(ncf_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
# g++ 12 warns of overlapping copies inside std::string's own operator+ (GCC bug 105651).
target_compile_options(ncf_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# -fopenmp-simd: honours `#pragma omp simd` (vectorised sums) without any OpenMP runtime.
target_compile_options(ncf_options INTERFACE -fopenmp-simd -fno-math-errno -fno-trapping-math)
target_include_directories(ncf_options INTERFACE "${PROJECT_SOURCE_DIR}/include")
if(NCF_WERROR)
  target_compile_options(ncf_options INTERFACE -Werror)
endif()
if(NCF_SANITIZE)
  target_compile_options(ncf_options INTERFACE -fsanitize=${NCF_SANITIZE} -fno-omit-frame-pointer -g)
  target_link_options(ncf_options INTERFACE -fsanitize=${NCF_SANITIZE})
  # Function multiversioning resolves before the sanitizer runtime is up.
  target_compile_definitions(ncf_options INTERFACE NCF_NO_TARGET_CLONES)
endif()
if(NCF_COVERAGE)
  target_compile_options(ncf_options INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(ncf_options INTERFACE --coverage)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()
