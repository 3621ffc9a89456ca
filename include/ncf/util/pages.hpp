#pragma once
/// Memory for large arrays: 64-byte aligned, and from a few megabytes up on huge pages where the kernel has
/// them. Rows of a table or ratings of an epoch are read in no order: on pages of 4 KiB nearly every read
/// would first miss in the translation buffer.

#include <cstddef>
#include <memory>
#include <vector>

namespace ncf {

/// Throws std::bad_alloc. Freed with the same number of bytes.
void* allocate_pages(std::size_t bytes);
void free_pages(void* memory, std::size_t bytes) noexcept;

template <class T>
struct PagesAllocator {
  using value_type = T;
  PagesAllocator() = default;
  template <class U>
  PagesAllocator(const PagesAllocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(allocate_pages(n * sizeof(T))); }
  void deallocate(T* p, std::size_t n) { free_pages(p, n * sizeof(T)); }
  bool operator==(const PagesAllocator&) const { return true; }
};

template <class T>
using AlignedVector = std::vector<T, PagesAllocator<T>>;

}  // namespace ncf
