// The inner product of every kind of weight: ROWS rows of x by BLOCKS blocks of 16 rows of W, sums in registers, columns in order.
// One code for many rows and for one, so a row of x gives the same bits in either.
#pragma once

#include "linear.hpp"
#include "simd.hpp"

namespace internvl {

constexpr int kPanel = 4;                 // blocks side by side: 64 columns of the result
constexpr int kPanelColumns = 16 * kPanel;
#if defined(INTERNVL_AVX512)
constexpr int kTileRows = 6;              // 24 sums, 4 weights, 1 word of x: 29 of 32 registers
constexpr int kTileBlocks = 4;
#elif defined(INTERNVL_AVX2)
constexpr int kTileRows = 4;
constexpr int kTileBlocks = 1;
#else
constexpr int kTileRows = 2;
constexpr int kTileBlocks = 1;
#endif
constexpr int kPrefetch = 512;           // bytes ahead in each block when weights come from memory

// What a tile reads and writes. Blocks lie `block_bytes` apart; result row r at out + r * kPanelColumns.
struct Tile {
  const uint8_t* weights;
  int64_t block_bytes;
  const int8_t* x;
  int64_t x_stride;
  int steps;
  // int8 and int4 only:
  int steps_a_group, groups;
  const uint16_t* scales;         // bfloat16 [groups][16] of the first block; all 1 where W is scaled by the row, later
  int64_t scales_a_block, scales_a_group;  // entries from one to the next
  const uint8_t* zeros;           // [groups][16] of the first block
  int64_t zeros_a_block, zeros_a_group;
  const float* x_scales;          // [groups] of the first row
  const int32_t* x_sums;
  int64_t x_groups;               // entries from row to row
  float* out;
};

// Few rows wait for memory: near the end of the blocks, they have the start of the next panel's fetched.
template <int ROWS, int BLOCKS>
INTERNVL_INLINE void load_step(Bytes (&w)[BLOCKS], const uint8_t* weights, int64_t block_bytes, const uint8_t* near_end) {
  const uint8_t* ahead = weights + kPrefetch;
  if (ROWS < kTileRows && weights >= near_end) ahead += (BLOCKS - 1) * block_bytes;
  each<BLOCKS>([&](auto b) INTERNVL_ALWAYS {
    __builtin_prefetch(ahead + b * block_bytes, 0, 3);
    w[b] = load_bytes(weights + b * block_bytes);
  });
}

template <int ROWS, int BLOCKS>
INTERNVL_INLINE void add_step(Ints (&sums)[ROWS][BLOCKS], const Bytes (&w)[BLOCKS], const int8_t* x, int64_t stride) {
  each<ROWS>([&](auto r) INTERNVL_ALWAYS {
    Word word = spread(x + r * stride);
    each<BLOCKS>([&](auto b) INTERNVL_ALWAYS { sums[r][b] = dot_bytes(sums[r][b], w[b], word); });
  });
}

// Steps [begin, end) of bytes into sums. FOUR: two steps share a byte.
template <bool FOUR, int ROWS, int BLOCKS>
INTERNVL_INLINE void add_steps(Ints (&sums)[ROWS][BLOCKS], const Tile& t, int begin, int end) {
  const int64_t block_bytes = t.block_bytes, x_stride = t.x_stride;
  const uint8_t* weights = t.weights + int64_t(begin) * (FOUR ? 32 : 64);
  const uint8_t* near_end = t.weights + block_bytes - kPrefetch;
  const int8_t* x = t.x + int64_t(begin) * 4;
  int s = begin;
  do {  // at least one step: a test before the first would make GCC copy all sums
    Bytes w[BLOCKS];
    load_step<ROWS>(w, weights, block_bytes, near_end);
    if constexpr (FOUR) {
      Bytes half[BLOCKS];
      each<BLOCKS>([&](auto b) INTERNVL_ALWAYS { half[b] = low_halves(w[b]); });
      add_step(sums, half, x, x_stride);
      each<BLOCKS>([&](auto b) INTERNVL_ALWAYS { half[b] = high_halves(w[b]); });
      add_step(sums, half, x + 4, x_stride);
    } else {
      add_step(sums, w, x, x_stride);
    }
    weights += 64;
    x += FOUR ? 8 : 4;
  } while ((s += FOUR ? 2 : 1) < end);
}

// f(r, b, out) for each pair of a row and a block.
template <int ROWS, int BLOCKS, class F>
INTERNVL_INLINE void each_sum(const Tile& t, F&& f) {
  each<BLOCKS>([&](auto b) INTERNVL_ALWAYS { each<ROWS>([&](auto r) INTERNVL_ALWAYS { f(r, b, t.out + r * kPanelColumns + 16 * b); }); });
}

// One scale a row of W and a row of x: integers to the end. -> float(sum - zero * sum of x), not yet scaled.
template <int ROWS, int BLOCKS>
void whole_rows(const Tile& t) {
  Ints sums[ROWS][BLOCKS];
  each<BLOCKS>([&](auto b) INTERNVL_ALWAYS {
    Ints zeros = widen_bytes(t.zeros + b * t.zeros_a_block);
    each<ROWS>([&](auto r) INTERNVL_ALWAYS { sums[r][b] = multiply_ints(zeros, t.x_sums[r * t.x_groups]); });
  });
  add_steps<false>(sums, t, 0, t.steps);
  each_sum<ROWS, BLOCKS>(t, [&](auto r, auto b, float* out) INTERNVL_ALWAYS { store(out, to_floats(sums[r][b])); });
}

// Groups: integers within a group, floats from group to group. -> scaled by x's scales, and by W's where those are per group.
// No branch may stand between the sums and their use: GCC would spill all of them.
template <bool FOUR, int ROWS, int BLOCKS>
void groups(const Tile& t) {
  alignas(64) float out[ROWS * BLOCKS * 16];
  each<ROWS * BLOCKS>([&](auto i) INTERNVL_ALWAYS { store(out + 16 * i, fill(0.0f)); });
  const int64_t scales_a_block = t.scales_a_block, zeros_a_block = t.zeros_a_block, x_groups = t.x_groups;
  const uint16_t* scales = t.scales;
  const uint8_t* zeros = t.zeros;
  int g = 0, begin = 0;
  do {
    const int32_t* x_sums = t.x_sums + g;
    const float* x_scales = t.x_scales + g;
    Ints sums[ROWS][BLOCKS];
    each<BLOCKS>([&](auto b) INTERNVL_ALWAYS {
      Ints wide = widen_bytes(zeros + b * zeros_a_block);
      each<ROWS>([&](auto r) INTERNVL_ALWAYS { sums[r][b] = multiply_small(wide, x_sums[r * x_groups]); });
    });
    int end = begin + t.steps_a_group;
    end = end < t.steps ? end : t.steps;
    add_steps<FOUR>(sums, t, begin, end);
    each<BLOCKS>([&](auto b) INTERNVL_ALWAYS {
      Floats w_scale = widen_bfloat16(scales + b * scales_a_block);
      each<ROWS>([&](auto r) INTERNVL_ALWAYS {
        float* to = out + (r * BLOCKS + b) * 16;
        store(to, multiply_add(to_floats(sums[r][b]), multiply(w_scale, fill(x_scales[r * x_groups])), load_floats(to)));
      });
    });
    begin = end, scales += t.scales_a_group, zeros += t.zeros_a_group;
  } while (++g < t.groups);
  each_sum<ROWS, BLOCKS>(t, [&](auto r, auto b, float* to) INTERNVL_ALWAYS { store(to, load_floats(out + (r * BLOCKS + b) * 16)); });
}

enum class Numbers { SINGLE, HALF, WIDENED };  // float32; bfloat16 on both sides; bfloat16 weights widened, x in float32

template <Numbers NUMBERS, int ROWS, int BLOCKS>
INTERNVL_INLINE void add_floats(Floats (&sums)[ROWS][BLOCKS], const Bytes (&w)[BLOCKS], const int8_t* x, int64_t stride) {
  each<ROWS>([&](auto r) INTERNVL_ALWAYS {
    Word word = spread(x + r * stride);
    each<BLOCKS>([&](auto b) INTERNVL_ALWAYS {
#if defined(INTERNVL_AVX512) && defined(__AVX512BF16__)
      if constexpr (NUMBERS == Numbers::HALF) sums[r][b] = dot_bfloat16(sums[r][b], w[b], word);
      else
#endif
        sums[r][b] = dot_floats(sums[r][b], w[b], word);
    });
  });
}

template <Numbers NUMBERS, int ROWS, int BLOCKS>
void floating(const Tile& t) {
  Floats sums[ROWS][BLOCKS];
  each<ROWS>([&](auto r) INTERNVL_ALWAYS { each<BLOCKS>([&](auto b) INTERNVL_ALWAYS { sums[r][b] = fill(0.0f); }); });
  const int64_t block_bytes = t.block_bytes, x_stride = t.x_stride;
  const uint8_t* weights = t.weights;
  const uint8_t* near_end = weights + block_bytes - kPrefetch;
  const int8_t* x = t.x;
  int s = 0;
  do {
    Bytes w[BLOCKS];
    load_step<ROWS>(w, weights, block_bytes, near_end);
    if constexpr (NUMBERS == Numbers::WIDENED) {
      Bytes half[BLOCKS];
      each<BLOCKS>([&](auto b) INTERNVL_ALWAYS { half[b] = even_floats(w[b]); });
      add_floats<NUMBERS>(sums, half, x, x_stride);
      each<BLOCKS>([&](auto b) INTERNVL_ALWAYS { half[b] = odd_floats(load_bytes(weights + b * block_bytes)); });
      add_floats<NUMBERS>(sums, half, x + 4, x_stride);
    } else {
      add_floats<NUMBERS>(sums, w, x, x_stride);
    }
    weights += 64;
    x += NUMBERS == Numbers::WIDENED ? 8 : 4;
  } while (++s < t.steps);
  each_sum<ROWS, BLOCKS>(t, [&](auto r, auto b, float* out) INTERNVL_ALWAYS { store(out, sums[r][b]); });
}

}  // namespace internvl
