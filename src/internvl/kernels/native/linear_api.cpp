// What Python calls of the linear layers: plain C, memory by address, 0 for done and 1 for not enough memory.
#include <algorithm>
#include <new>

#include "linear.hpp"
#include "pool.hpp"
#include "simd.hpp"

namespace {

using namespace internvl;

enum Type : int32_t { SINGLE = 0, HALF = 1 };  // float32 and bfloat16 matrices

void read(Activations& to, int threads, const void* x, int type, int64_t stride) {
  if (type == HALF) to.read(threads, static_cast<const uint16_t*>(x), stride);
  else to.read(threads, static_cast<const float*>(x), stride);
}

void write(void* y, int type, int64_t at, const float* values, int count) {
  if (type == SINGLE) {
    std::memcpy(static_cast<float*>(y) + at, values, size_t(count) * 4);
    return;
  }
  uint16_t* to = static_cast<uint16_t*>(y) + at;
  for (int i = 0; i < count; ++i) to[i] = to_bfloat16(values[i]);
}

// Each Python thread keeps its memory, so that a product of one row allocates nothing.
Activations& memory_of_thread() {
  thread_local static Activations activations;
  return activations;
}

}  // namespace

extern "C" {

const char* internvl_instructions() { return instructions(); }

// y[m,n] = x[m,k] W^T + bias. Strides in elements; x_group as in reading().
int32_t internvl_product(const Weight* weight, const void* x, int32_t x_type, int64_t x_stride, int32_t m, int32_t x_group, void* y,
                         int32_t y_type, int64_t y_stride, int32_t threads) {
  try {
    Activations& rows = memory_of_thread();
    rows.prepare(reading(*weight, x_group), m);
    read(rows, threads, x, x_type, x_stride);
    linear(threads, *weight, rows, [=](int row, int column, const float* values, int count) {
      write(y, y_type, row * y_stride + column, values, count);
    });
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

// The 8-bit form of x[m,k]: q int8 [m,padded_k], scales float and sums int32 [m,groups] (sums of q with their own sign).
int32_t internvl_quantise(const Weight* weight, const void* x, int32_t x_type, int64_t x_stride, int32_t m, int32_t x_group, int8_t* q,
                          float* scales, int32_t* sums, int32_t threads) {
  try {
    Activations& rows = memory_of_thread();
    rows.prepare(reading(*weight, x_group), m);
    read(rows, threads, x, x_type, x_stride);
    for (int row = 0; row < m; ++row)
      std::memcpy(q + int64_t(row) * rows.how.padded_k, rows.data + row * rows.how.stride(), size_t(rows.how.padded_k));
    int64_t entries = int64_t(m) * rows.how.groups();
    std::memcpy(scales, rows.scales, size_t(entries) * 4);
    for (int64_t i = 0; i < entries; ++i) sums[i] = -rows.sums[i];
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

// Bytes read in one go, the yardstick of the matrix-vector products.
uint64_t internvl_read_bytes(const uint64_t* from, int64_t words, int32_t threads) {
  constexpr int64_t kPiece = 1 << 15;
  std::atomic<uint64_t> total{0};
  parallel_for(threads, int((words + kPiece - 1) / kPiece), [&](int task) {
    uint64_t sums[32] = {};
    int64_t end = std::min(words, (task + 1) * kPiece), i = task * kPiece;
    for (; i + 32 <= end; i += 32)
      for (int j = 0; j < 32; ++j) sums[j] += from[i + j];
    uint64_t sum = 0;
    for (uint64_t part : sums) sum += part;
    for (; i < end; ++i) sum += from[i];
    total.fetch_add(sum, std::memory_order_relaxed);
  });
  return total.load();
}

}  // extern "C"
