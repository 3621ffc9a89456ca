#include "ncf/util/pages.hpp"

#include <sys/mman.h>

#include <new>

namespace ncf {
namespace {

constexpr std::size_t huge_page = std::size_t{1} << 21;
constexpr std::size_t large = 4 * huge_page;  // at most a quarter is lost to rounding up
constexpr std::align_val_t line{64}, page{huge_page};

}  // namespace

void* allocate_pages(std::size_t bytes) {
  if (bytes < large) return ::operator new(bytes, line);
  void* memory = ::operator new(bytes, page);
#ifdef MADV_HUGEPAGE
  // Advice: kernels without huge pages, or told to keep them, refuse it and nothing is lost.
  ::madvise(memory, bytes / huge_page * huge_page, MADV_HUGEPAGE);
#endif
  return memory;
}

void free_pages(void* memory, std::size_t bytes) noexcept {
  ::operator delete(memory, bytes < large ? line : page);
}

}  // namespace ncf
