// What happens to rows between the linear layers: norms, activations, residuals, and the memory that a block of rows needs.
#pragma once
#include <algorithm>
#include <atomic>
#include <cmath>
#include <new>

#include "attention.hpp"
#include "lanes.hpp"
#include "linear.hpp"
#include "pool.hpp"
#include "room.hpp"
#include "vision.hpp"

namespace internvl {

constexpr int MOST_BLOCK_ROWS = 132;  // with a hidden vector of 4096 as bfloat16: 1 MB

// A matrix of float32 or bfloat16 numbers.
struct Plane {
  void* data;
  Number type;

  void put(int64_t at, Lanes lanes) const {
    if (type == Number::Float32) store(static_cast<float*>(data) + at, lanes);
    else store_bfloat16(static_cast<uint16_t*>(data) + at, lanes);
  }
  void read_into(Activations& to, int row, int64_t at) const {
    if (type == Number::Float32) to.write(row, static_cast<const float*>(data) + at);
    else to.write(row, static_cast<const uint16_t*>(data) + at);
  }
};

inline size_t size_of(Number type) { return type == Number::Float32 ? 4 : 2; }

// Whatever is not float32 already is kept in half the memory between the layers.
inline Number type_between(const PackedLinear& linear) {
  return linear.weight.kind == FLOAT32 ? Number::Float32 : Number::BFloat16;
}

struct RowScratch {
  Activations narrow, wide;
  Room row, middle;
};

inline RowScratch& scratch_of_thread() {
  static thread_local RowScratch scratch;
  return scratch;
}

// sum over i of f(i, x[i]), in lanes and then across them. Widths here are multiples of 16.
template <class F>
float sum_over(const float* x, int width, F&& f) {
  Lanes sum = {};
  for (int i = 0; i < width; i += LANES) sum += f(load(x + i));
  return sum_of(sum);
}

// LayerNorm, or RMSNorm where there is no bias. y may be x.
inline void normalise(const float* x, int width, const float* weight, const float* bias, float eps, float* y) {
  float mean = bias == nullptr ? 0.0f : sum_over(x, width, [](Lanes v) { return v; }) / float(width);
  float squares = sum_over(x, width, [mean](Lanes v) { return (v - mean) * (v - mean); });
  float factor = 1.0f / std::sqrt(squares / float(width) + eps);
  for (int i = 0; i < width; i += LANES) {
    Lanes value = (load(x + i) - mean) * factor * load(weight + i);
    store(y + i, bias == nullptr ? value : value + load(bias + i));
  }
}

inline Lanes activated(Lanes x, bool with_silu) { return with_silu ? silu(x) : gelu(x); }

// Rows in blocks of about equal size, as many as keep `threads` busy to the end; f(first row, rows).
template <class F>
void over_rows(int threads, int64_t rows, F&& f) {
  int64_t rounds = (rows + int64_t(threads) * MOST_BLOCK_ROWS - 1) / (int64_t(threads) * MOST_BLOCK_ROWS);
  int64_t blocks = std::min(rows, rounds * threads);
  std::atomic<bool> failed{false};
  parallel_for(threads, int(blocks), [&](int block) {
    int64_t begin = rows * block / blocks, end = rows * (block + 1) / blocks;
    try {
      f(begin, int(end - begin));
    } catch (const std::bad_alloc&) {  // must not leave a worker
      failed = true;
    }
  });
  if (failed) throw std::bad_alloc();
}

}  // namespace internvl
