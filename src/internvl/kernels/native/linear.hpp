// Linear layers on packed weights: y[m,n] = x[m,k] W[n,k]^T + bias, for one row (decoding) as for thousands (reading, tiles).
//
// Layout of a Weight. Rows n in blocks of 16, columns k in steps, 64 bytes a (block, step), so that one vector instruction takes a whole
// step of 16 rows, and both the matrix product and the matrix-vector product read the same copy straight through:
//   INT8      uint8    [blocks][steps][16][4]   4 columns a step; value = scale * (byte - zero)
//   INT4      uint8    [blocks][steps/2][16][4] two steps share a byte: low half = even step, high half = odd step
//   BFLOAT16  bfloat16 [blocks][steps][16][2]
//   FLOAT32   float    [blocks][steps][16]
// Columns are padded to a multiple of `group` or, without groups, of 4 steps; rows to 16.
//   group == 0: scales float    [blocks][16],         zeros uint8 [blocks][16]
//   group  > 0: scales bfloat16 [blocks][groups][16], zeros uint8 [blocks][groups][16]   group: 32, 64, 96 ... 256
//   bias float [blocks][16] or null
//
// INT8 and INT4 multiply unsigned weights by signed activations (8 bits, scale = largest magnitude / 127, of a row or of each group of a
// row): y = sum over groups of xscale * wscale * (sum of w q - zero * sum of q). Everything within a group is exact in int32; groups are
// added in float32 in the order of the columns. So a row gives the same bits alone and among thousands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <type_traits>

namespace internvl {

enum Kind : int32_t { INT8 = 0, INT4 = 1, BFLOAT16 = 2, FLOAT32 = 3 };

struct Weight {  // mirrored by kernels/linear.py; the tensors stay the caller's
  int32_t kind, n, k, group;
  const void* data;
  const void* scales;
  const uint8_t* zeros;
  const float* bias;

  int blocks() const { return (n + 15) / 16; }
  int columns_a_step() const { return kind == FLOAT32 ? 1 : kind == BFLOAT16 ? 2 : 4; }
  int padded_k() const {
    int unit = group > 0 ? group : 4 * columns_a_step();
    return (k + unit - 1) / unit * unit;
  }
  int steps() const { return padded_k() / columns_a_step(); }
  int64_t block_bytes() const { return int64_t(steps()) * (kind == INT4 ? 32 : 64); }
};

// How rows of x have to be written for a weight. Weights with the same reading can share one `Activations` (q, k and v; gate and up).
struct Reading {
  int32_t kind;        // INT8 for INT4 too; FLOAT32 for BFLOAT16 where float32 products are faster
  int32_t k, padded_k;
  int32_t group;       // columns summed in int32 before they are scaled; 0: the whole row
  int32_t row_scale;   // 1: one scale a row, though sums may be per group; 0: one scale a group

  int groups() const { return group > 0 ? (padded_k + group - 1) / group : 1; }
  // Bytes from row to row: one cache line more than the data, since rows at a power of two fall into the same lines of the cache.
  int64_t stride() const { return (int64_t(padded_k) * (kind == FLOAT32 ? 4 : kind == BFLOAT16 ? 2 : 1) + 127) / 64 * 64; }
};

// x_group: 0 for one scale a row, else one for each `x_group` columns: the weight's own group where it has one, otherwise a multiple of
// 16 up to 256.
Reading reading(const Weight& weight, int x_group);

// Rows of x as products take them. It grows when it must and keeps its memory: hold one for each place in a pass.
class Activations {
 public:
  Activations() = default;
  ~Activations() { std::free(memory_); }
  Activations(const Activations&) = delete;
  Activations& operator=(const Activations&) = delete;

  void prepare(const Reading& how, int rows);          // before rows are written, from one thread
  void write(int row, const float* x);                 // quantise or convert x[k]; different rows from different threads at will
  void write(int row, const uint16_t* x);              // the same from bfloat16
  // All rows of a matrix in memory, in parallel. stride in elements.
  void read(int threads, const float* x, int64_t stride);
  void read(int threads, const uint16_t* x, int64_t stride);

  Reading how{};
  int rows = 0;
  int8_t* data = nullptr;      // [rows][how.stride()] bytes; int8 in [-127, 127], bfloat16 or float; zeros after k
  float* scales = nullptr;     // [rows][how.groups()]; with row_scale all groups of a row hold the same
  int32_t* sums = nullptr;     // [rows][how.groups()]: MINUS the sum of the group's int8 values

 private:
  void* memory_ = nullptr;
  size_t size_ = 0;
};

// Where finished values go: values[0..count) are columns column.. of a row, scaled and with the bias added; column is a multiple of 64
// and count is 64 except at the end of the row. Each value comes once, from some thread, in no order. What is done with them (an
// activation, a product of gate and up, a residual, a conversion) is the caller's; interleave weight rows so that what belongs together
// comes together.
using Sink = void (*)(void* context, int row, int column, const float* values, int count);
void product(int threads, const Weight& weight, const Activations& x, Sink sink, void* context);

// The same for a function object: epilogue(row, column, values, count).
template <class Epilogue>
void linear(int threads, const Weight& weight, const Activations& x, Epilogue&& epilogue) {
  using Function = std::remove_reference_t<Epilogue>;
  auto sink = [](void* context, int row, int column, const float* values, int count) {
    (*static_cast<Function*>(context))(row, column, values, count);
  };
  product(threads, weight, x, sink, const_cast<void*>(static_cast<const void*>(&epilogue)));
}

inline float from_bfloat16(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  __builtin_memcpy(&value, &wide, 4);
  return value;
}

inline uint16_t to_bfloat16(float value) {  // to the nearest, ties to even, as torch does; NaN stays NaN
  uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return uint16_t(bits >> 16 | 0x40u);
  return uint16_t((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace internvl
