// Products of a few rows with a weight that lies as torch keeps it: [n][k], float32 or bfloat16, read in place and never copied.
//
//   y[row][n] = sum over k of x[row][k] W[n][k], in float32: bfloat16 weights are widened, activations are not rounded
//
// It is bound by memory, which is read once however many rows there are. Each sum has its own lanes, so a row gives the same bits
// alone and among others.
#pragma once

#include <algorithm>

#include "language_math.hpp"
#include "pool.hpp"

namespace internvl::language {

constexpr int kPlainRows = 8;      // rows of x that share one reading of the weight
constexpr int kPlainColumns = 64;  // what an epilogue gets at once

// out[row][0..count) for `Outs` (2 or 4) neighbouring rows of the weight at a time.
template <int Rows, int Outs, class T>
inline void plain_sums(const float* x, int64_t stride, const T* weight, int k, float (*out)[kPlainColumns]) {
  Lanes sums[Outs][Rows] = {};
  int i = 0;
  for (; i + LANES <= k; i += LANES) {
    Lanes w[Outs];
    for (int n = 0; n < Outs; ++n) {
      w[n] = load(weight + int64_t(n) * k + i);
      __builtin_prefetch(weight + int64_t(n + Outs) * k + i);  // the next rows' part: their streams are short
    }
    for (int row = 0; row < Rows; ++row) {
      Lanes values = load(x + row * stride + i);
      for (int n = 0; n < Outs; ++n) sums[n][row] += w[n] * values;
    }
  }
  for (int n = 0; n < Outs; ++n)
    for (int row = 0; row < Rows; ++row) {
      float sum = sum_of(sums[n][row]);
      for (int rest = i; rest < k; ++rest) sum += number(weight[int64_t(n) * k + rest]) * x[row * stride + rest];
      out[row][n] = sum;
    }
}

template <int Rows, class T, class Epilogue>
inline void plain_columns(const float* x, int64_t stride, int first_row, const T* weight, const float* bias, int n, int k, int column,
                          Epilogue& epilogue) {
  constexpr int kOuts = Rows > 4 ? 2 : 4;
  float out[Rows][kPlainColumns];
  int count = std::min(kPlainColumns, n - column), done = 0;
  auto from = [&](int i) { return weight + int64_t(column + i) * k; };
  auto to = [&](int i) { return reinterpret_cast<float(*)[kPlainColumns]>(&out[0][i]); };
  for (; done + kOuts <= count; done += kOuts) plain_sums<Rows, kOuts>(x, stride, from(done), k, to(done));
  for (; done < count; ++done) plain_sums<Rows, 1>(x, stride, from(done), k, to(done));
  for (int row = 0; row < Rows; ++row) {
    if (bias != nullptr)
      for (int i = 0; i < count; ++i) out[row][i] += bias[column + i];
    epilogue(first_row + row, column, out[row], count);
  }
}

// x[rows][k], rows `stride` apart; epilogue(row, column, values, count) as in linear.hpp.
template <class T, class Epilogue>
void plain_product(int threads, const T* weight, const float* bias, int n, int k, const float* x, int64_t stride, int rows,
                   Epilogue&& epilogue) {
  // More rows than share a reading come by again while the columns' weights are still in the cache.
  parallel_for(threads, (n + kPlainColumns - 1) / kPlainColumns, [&](int part) {
    for (int first = 0; first < rows; first += kPlainRows) {
      const float* from = x + first * stride;
      int column = part * kPlainColumns;
      switch (std::min(kPlainRows, rows - first)) {
#define INTERNVL_ROWS(count) \
  case count: plain_columns<count>(from, stride, first, weight, bias, n, k, column, epilogue); break;
        INTERNVL_ROWS(1) INTERNVL_ROWS(2) INTERNVL_ROWS(3) INTERNVL_ROWS(4)
        INTERNVL_ROWS(5) INTERNVL_ROWS(6) INTERNVL_ROWS(7) INTERNVL_ROWS(8)
#undef INTERNVL_ROWS
      }
    }
  });
}

}  // namespace internvl::language
