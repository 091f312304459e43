// The inner product of attention: TILE_ROWS words, each spread over the lanes, times some vectors of lanes, sums in registers.
#pragma once
#include <cstddef>

#include "lanes.hpp"

namespace internvl {

typedef uint32_t Word __attribute__((may_alias, aligned(2)));

#if defined(__AVX512F__) && defined(__AVX512BW__)
constexpr int TILE_ROWS = 8;  // 8 x 3 sums, 3 vectors and a spread word: 28 of 32 registers
#else
constexpr int TILE_ROWS = 4;  // 4 x 3, 3 and 1: all of 16
#endif
constexpr int BLOCK_VECTORS = 3;
constexpr int BLOCK_LANES = BLOCK_VECTORS * LANES;
constexpr float LOWEST = -1e30f;

// sums[r][v] += over steps: (word of row r, spread) x columns[step][v]; the word is at data + r * row + step * next, in bytes.
template <class Products, int VECTORS, class Sum>
inline __attribute__((always_inline)) void tile(Sum (&sums)[TILE_ROWS][VECTORS], const float* columns, const char* data,
                                                ptrdiff_t row, ptrdiff_t next, int steps) {
  for (int step = 0; step < steps; ++step, columns += BLOCK_LANES, data += next) {
    Whole column[VECTORS];
    for (int v = 0; v < VECTORS; ++v) column[v] = Whole(load(columns + v * LANES));
    for (int r = 0; r < TILE_ROWS; ++r) {
      uint32_t word = *reinterpret_cast<const Word*>(data + r * row);
      for (int v = 0; v < VECTORS; ++v) sums[r][v] = Products::step(sums[r][v], column[v], word);
    }
  }
}

}  // namespace internvl
