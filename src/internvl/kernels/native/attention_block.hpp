// One block of queries over all keys that it may see, with the softmax carried along (FlashAttention, Dao et al. 2022).
//
// Queries lie in the vector lanes and keys run down, so that a maximum or a sum over keys is never one over lanes:
//
//   scores  S [keys][lanes]  = K (its words one by one, each spread over the lanes) x Q^T [words][lanes]
//   weights P [keys][lanes]  = 2^(S * scale - largest), in place
//   output  O^T [width][lanes] = O^T * shrink + V^T x P
//
// A word is 32 bits: one float, or two bfloat16 that one instruction multiplies and adds; `Products` says which.
#pragma once
#include <algorithm>
#include <cstddef>

#include "attention_tile.hpp"

namespace internvl {

struct FloatProducts {
  static constexpr int PAIR = 1;  // numbers in a word
  static Lanes step(Lanes sum, Whole a, uint32_t b) { return sum + Lanes(a) * Lanes(splat_whole(int32_t(b))); }
  static Whole pack(Lanes first, Lanes) { return Whole(first); }
  static Lanes add(Lanes sum, Whole weights) { return sum + Lanes(weights); }
  static Lanes exp2(Lanes x) { return exp2_of<5>(x); }
};

#if defined(__AVX512BF16__) && defined(__AVX512BW__)
struct BFloat16Products {
  static constexpr int PAIR = 2;
  static Lanes step(Lanes sum, Whole a, uint32_t b) {
    return Lanes(_mm512_dpbf16_ps(__m512(sum), __m512bh(a), __m512bh(splat_whole(int32_t(b)))));
  }
  // Cut, not rounded: `add` sums what is left, so that the weights of a query still add up to 1 and no bias remains.
  static Whole pack(Lanes first, Lanes second) {
    __m512i low = _mm512_srli_epi32(__m512i(first), 16);
    return Whole(_mm512_mask_blend_epi16(0xaaaaaaaau, low, __m512i(second)));
  }
  static Lanes add(Lanes sum, Whole weights) {
    return Lanes(_mm512_dpbf16_ps(__m512(sum), __m512bh(weights), __m512bh(splat_whole(0x3f803f80))));
  }
  static Lanes exp2(Lanes x) { return exp2_of<3>(x); }
};
#endif

constexpr int BLOCK_KEYS = 64;

// What a block works on; matrices have rows of BLOCK_LANES.
struct Block {
  const float* queries;  // words of Q^T
  float* scores;         // [BLOCK_KEYS]
  float* output;         // [width]
  int width, seen;       // keys that the block may see
  int first_limit;       // the smallest of last_key
  float scale;           // of scores, for powers of 2
  alignas(64) int32_t last_key[BLOCK_LANES];  // that a query may see
  alignas(64) float largest[BLOCK_LANES];     // scaled score so far
  alignas(64) float shrink[BLOCK_LANES];
  alignas(64) float sum[BLOCK_LANES];
};

// Keys as words, `row` bytes from one to the next. Whole tiles lie in `data`; the keys after them in `tail`, the last one repeated
// until the tile is full.
struct KeyRows {
  const char* data;
  ptrdiff_t row;
  const char* tail;
  ptrdiff_t tail_row;
  int whole;  // keys in whole tiles
};

inline Lanes hidden_after(const Block& block, int v, int key, Lanes score) {
  Whole last;
  std::memcpy(&last, block.last_key + v * LANES, sizeof last);
  return last >= splat_whole(key) ? score : splat(LOWEST);
}

// Scores of `count` keys from `first` on, and the largest of each lane.
template <class Products, int VECTORS, bool MASKED>
void score(const Block& block, const KeyRows& keys, int first, int count, Lanes (&largest)[VECTORS]) {
  for (int v = 0; v < VECTORS; ++v) largest[v] = splat(LOWEST);
  for (int key = 0; key < count; key += TILE_ROWS) {
    bool whole = first + key < keys.whole;
    const char* data = whole ? keys.data + (first + key) * keys.row : keys.tail;
    Lanes sums[TILE_ROWS][VECTORS] = {};
    tile<Products, VECTORS>(sums, block.queries, data, whole ? keys.row : keys.tail_row, 4, block.width / Products::PAIR);
    for (int r = 0; r < TILE_ROWS; ++r) {
      for (int v = 0; v < VECTORS; ++v) {
        Lanes seen = MASKED ? hidden_after(block, v, first + key + r, sums[r][v]) : sums[r][v];
        largest[v] = larger(seen, largest[v]);
        store(block.scores + (key + r) * BLOCK_LANES + v * LANES, seen);
      }
    }
  }
}

// Scores to weights; what was summed for a smaller maximum has to shrink.
template <class Products, int VECTORS>
void weigh(Block& block, int count, const Lanes (&found)[VECTORS]) {
  Lanes largest[VECTORS], sum[VECTORS];
  for (int v = 0; v < VECTORS; ++v) {
    Lanes before = load(block.largest + v * LANES);
    largest[v] = larger(found[v] * block.scale, before);
    Lanes shrink = Products::exp2(before - largest[v]);
    sum[v] = load(block.sum + v * LANES) * shrink;
    store(block.largest + v * LANES, largest[v]);
    store(block.shrink + v * LANES, shrink);
  }
  auto weight = [&](int key, int v) {
    return Products::exp2(load(block.scores + key * BLOCK_LANES + v * LANES) * block.scale - largest[v]);
  };
  for (int key = 0; key < count; key += Products::PAIR) {
    for (int v = 0; v < VECTORS; ++v) {
      Lanes first = weight(key, v);
      Lanes second = Products::PAIR == 2 && key + 1 < count ? weight(key + 1, v) : Lanes{};
      Whole words = Products::pack(first, second);
      sum[v] = Products::add(sum[v], words);
      store(block.scores + key / Products::PAIR * BLOCK_LANES + v * LANES, Lanes(words));  // its scores were read
    }
  }
  for (int v = 0; v < VECTORS; ++v) store(block.sum + v * LANES, sum[v]);
}

// values: words [keys / PAIR][width].
template <class Products, int VECTORS>
void add_values(const Block& block, const float* values, int steps) {
  for (int column = 0; column < block.width; column += TILE_ROWS) {
    Lanes sums[TILE_ROWS][VECTORS];
    float* output = block.output + column * BLOCK_LANES;
    for (int r = 0; r < TILE_ROWS; ++r)
      for (int v = 0; v < VECTORS; ++v) sums[r][v] = load(output + r * BLOCK_LANES + v * LANES) * load(block.shrink + v * LANES);
    tile<Products, VECTORS>(sums, block.scores, reinterpret_cast<const char*>(values + column), 4, 4 * ptrdiff_t(block.width), steps);
    for (int r = 0; r < TILE_ROWS; ++r)
      for (int v = 0; v < VECTORS; ++v) store(output + r * BLOCK_LANES + v * LANES, sums[r][v]);
  }
}

// Softmax over all keys; leaves O^T, not yet divided by `sum`.
template <class Products, int VECTORS>
void attend_block(Block& block, const KeyRows& keys, const float* values) {
  std::fill(block.output, block.output + ptrdiff_t(block.width) * BLOCK_LANES, 0.0f);
  std::fill(block.largest, block.largest + BLOCK_LANES, LOWEST);
  std::fill(block.sum, block.sum + BLOCK_LANES, 0.0f);
  for (int first = 0; first < block.seen; first += BLOCK_KEYS) {
    int count = std::min(BLOCK_KEYS, block.seen - first);
    Lanes largest[VECTORS];
    if (first + count - 1 > block.first_limit) score<Products, VECTORS, true>(block, keys, first, count, largest);
    else score<Products, VECTORS, false>(block, keys, first, count, largest);
    weigh<Products, VECTORS>(block, count, largest);
    int steps = (count + Products::PAIR - 1) / Products::PAIR;
    add_values<Products, VECTORS>(block, values + ptrdiff_t(first / Products::PAIR) * block.width, steps);
  }
}

}  // namespace internvl
