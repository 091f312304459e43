// One block of queries over all keys with 8-bit products (after SageAttention, Zhang et al. 2024), for models that are 8-bit anyway.
//
//   scores  S [keys][lanes] = K int8 (scale of its key, mean of all keys taken off) x Q^T uint8 (scale of its lane, 128 added)
//   weights P [keys][lanes] = 255 * 2^(S - largest of these BYTE_KEYS keys), uint8
//   output  O^T [width][lanes] = O^T * shrink + (V^T int8 x P) * (grow * scale of these keys and this column)
//
// Taking the mean off the keys moves all scores of a query alike, which softmax doesn't see. Scales of P and V are those of BYTE_KEYS
// keys: one outlier spoils its neighbours only. All sums of products are exact.
#pragma once
#include <algorithm>

#include "attention_tile.hpp"

#if defined(__AVX512VNNI__) && defined(__AVX512BW__)

namespace internvl {

constexpr int BYTE_KEYS = 64;

struct ByteProducts {
  static Whole step(Whole sum, Whole a, uint32_t b) {  // a unsigned, b signed
    return Whole(_mm512_dpbusd_epi32(__m512i(sum), __m512i(a), __m512i(splat_whole(int32_t(b)))));
  }
};

struct ByteKeys {
  const int8_t* data;    // [keys, rounded up to tiles][width]; the last key repeated
  const float* scale;    // of each
  const int32_t* start;  // -128 * sum of its bytes: what 128 in every query adds
  int count;
};

struct ByteValues {
  const float* words;  // [keys / 4][width]: four keys of a column in a word
  const float* scale;  // [keys / BYTE_KEYS][width]
};

struct ByteBlock {
  const float* queries;  // words of Q^T
  float* scores;         // [BYTE_KEYS][BLOCK_LANES]
  float* output;         // [width][BLOCK_LANES]
  int width;
  alignas(64) float query_scale[BLOCK_LANES];  // times the scale of scores, for powers of 2
  alignas(64) float largest[BLOCK_LANES];
  alignas(64) float shrink[BLOCK_LANES];
  alignas(64) float grow[BLOCK_LANES];
  alignas(64) float sum[BLOCK_LANES];
};

// Scores of `count` keys from `first` on without the lane's scale, and the largest of each lane.
template <int VECTORS>
void score_bytes(const ByteBlock& block, const ByteKeys& keys, int first, int count, Lanes (&largest)[VECTORS]) {
  for (int v = 0; v < VECTORS; ++v) largest[v] = splat(LOWEST);
  for (int key = 0; key < count; key += TILE_ROWS) {
    Whole sums[TILE_ROWS][VECTORS];
    for (int r = 0; r < TILE_ROWS; ++r)
      for (int v = 0; v < VECTORS; ++v) sums[r][v] = splat_whole(keys.start[first + key + r]);
    const char* data = reinterpret_cast<const char*>(keys.data) + ptrdiff_t(first + key) * block.width;
    tile<ByteProducts, VECTORS>(sums, block.queries, data, block.width, 4, block.width / 4);
    for (int r = 0; r < TILE_ROWS; ++r) {
      for (int v = 0; v < VECTORS; ++v) {
        Lanes score = __builtin_convertvector(sums[r][v], Lanes) * keys.scale[first + key + r];
        largest[v] = larger(score, largest[v]);
        store(block.scores + (key + r) * BLOCK_LANES + v * LANES, score);
      }
    }
  }
}

// How the sums so far, and those of the next keys, have to be scaled to meet; -> the largest of the next keys, scaled, barely raised so
// that no weight exceeds 1 by rounding.
template <int VECTORS>
void meet_largest(ByteBlock& block, const Lanes (&found)[VECTORS], Lanes (&here)[VECTORS]) {
  for (int v = 0; v < VECTORS; ++v) {
    Lanes before = load(block.largest + v * LANES);
    here[v] = found[v] * load(block.query_scale + v * LANES);
    here[v] = here[v] + larger(here[v], -here[v]) * 2.4e-7f;
    Lanes largest = larger(here[v], before);
    store(block.largest + v * LANES, largest);
    store(block.shrink + v * LANES, exp2_of<5>(before - largest));
    store(block.grow + v * LANES, exp2_of<5>(here[v] - largest));
  }
}

// 255 * 2^x in the lowest byte; with any shift to the left, nothing else remains.
inline Whole byte_weight(Lanes score, Lanes scale, Lanes largest) {
  return Whole(exp2_of<3>(score * scale - largest) * 255.0f + 8388608.0f);  // 2^23: rounds to a whole number
}

// Scores to weights, four keys a word, in place; adds them up.
template <int VECTORS>
void weigh_bytes(ByteBlock& block, int count, const Lanes (&here)[VECTORS]) {
  for (int v = 0; v < VECTORS; ++v) {
    const Lanes scale = load(block.query_scale + v * LANES), largest = here[v];
    const Whole ones = splat_whole(0x01010101);
    Whole sum = {};
    float* scores = block.scores + v * LANES;
    for (int key = 0; key < count; key += 4) {
      auto weight = [&](int i) { return byte_weight(load(scores + (key + i) * BLOCK_LANES), scale, largest); };
      Whole words = weight(0) & 255;
      if (key + 4 <= count) {
        words |= (weight(1) << 8) | (weight(2) << 16) | (weight(3) << 24);
      } else {
        for (int i = 1; i < count - key; ++i) words |= weight(i) << (8 * i);
      }
      sum = Whole(_mm512_dpbusd_epi32(__m512i(sum), __m512i(words), __m512i(ones)));
      store(scores + key / 4 * BLOCK_LANES, Lanes(words));
    }
    Lanes total = load(block.sum + v * LANES) * load(block.shrink + v * LANES);
    store(block.sum + v * LANES, total + __builtin_convertvector(sum, Lanes) * load(block.grow + v * LANES));
  }
}

template <int VECTORS>
void add_byte_values(const ByteBlock& block, const float* words, const float* scale, int steps) {
  for (int column = 0; column < block.width; column += TILE_ROWS) {
    Whole sums[TILE_ROWS][VECTORS] = {};
    const char* data = reinterpret_cast<const char*>(words + column);
    tile<ByteProducts, VECTORS>(sums, block.scores, data, 4, 4 * ptrdiff_t(block.width), steps);
    float* output = block.output + column * BLOCK_LANES;
    for (int v = 0; v < VECTORS; ++v) {
      Lanes shrink = load(block.shrink + v * LANES), grow = load(block.grow + v * LANES);
      for (int r = 0; r < TILE_ROWS; ++r) {
        float* to = output + r * BLOCK_LANES + v * LANES;
        store(to, load(to) * shrink + __builtin_convertvector(sums[r][v], Lanes) * (grow * scale[column + r]));
      }
    }
  }
}

// Softmax over all keys; leaves O^T, not yet divided by `sum`.
template <int VECTORS>
void attend_byte_block(ByteBlock& block, const ByteKeys& keys, const ByteValues& values) {
  std::fill(block.output, block.output + ptrdiff_t(block.width) * BLOCK_LANES, 0.0f);
  std::fill(block.largest, block.largest + BLOCK_LANES, LOWEST);
  std::fill(block.sum, block.sum + BLOCK_LANES, 0.0f);
  for (int first = 0; first < keys.count; first += BYTE_KEYS) {
    int count = std::min(BYTE_KEYS, keys.count - first);
    Lanes found[VECTORS], here[VECTORS];
    score_bytes<VECTORS>(block, keys, first, count, found);
    meet_largest<VECTORS>(block, found, here);
    weigh_bytes<VECTORS>(block, count, here);
    const float* scale = values.scale + ptrdiff_t(first / BYTE_KEYS) * block.width;
    add_byte_values<VECTORS>(block, values.words + ptrdiff_t(first / 4) * block.width, scale, (count + 3) / 4);
  }
}

}  // namespace internvl

#endif
