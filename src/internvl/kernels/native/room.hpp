// Memory that grows when it must and is kept; its content is lost when it grows.
#pragma once
#include <cstdlib>
#include <new>

namespace internvl {

class Room {
 public:
  Room() = default;
  ~Room() { std::free(memory_); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  void* bytes(size_t wanted) {
    if (wanted > size_) {
      std::free(memory_);
      size_ = 0;
      memory_ = std::aligned_alloc(64, (wanted + 63) / 64 * 64);
      if (memory_ == nullptr) throw std::bad_alloc();
      size_ = wanted;
    }
    return memory_;
  }
  float* floats(size_t wanted) { return static_cast<float*>(bytes(4 * wanted)); }

 private:
  void* memory_ = nullptr;
  size_t size_ = 0;
};

}  // namespace internvl
