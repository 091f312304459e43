// Attention of single tokens over a cache: the query heads of one key head look at a stretch of at most 128 cached tokens.
//
//   q [heads][width], keys and values [tokens][width]  ->  one Share: sum of e^score * value, sum of e^score, largest score
//
// Stretches are counted from the first token, so which ones there are depends on the position alone; merging them in their order gives
// the same bits for any number of threads and any company. Several threads can work at one head, which keeps long contexts fast.
#pragma once

#include <algorithm>
#include <limits>
#include <type_traits>

#include "language_math.hpp"

namespace internvl::language {

constexpr int kStretch = 128;  // tokens; their scores stay in the first-level cache
constexpr int kShared = 8;     // query heads that share one reading of the keys
constexpr int kWidest = 256;   // of a head, for the fast way

// Where the result of a stretch goes; out is [heads][width].
struct Share {
  float* out;
  float* most;
  float* sum;
};

template <class T>
struct Stretch {
  const float* q;  // [heads][width], scaled
  int heads, width;
  const T* keys;    // [tokens][width]
  const T* values;
  int tokens;       // at most kStretch
};

// One lane a token: numbers (float32) or pairs (bfloat16) of LANES tokens' keys, mirrored, meet the queries' numbers one by one.
inline Lanes meet(Lanes sum, Whole column, const float* q, int i, float) { return sum + Lanes(column) * q[i]; }

inline Lanes meet(Lanes sum, Whole column, const float* q, int i, uint16_t) {
  Lanes even = Lanes(column << 16), odd = Lanes(column & int32_t(0xffff0000u));
  return sum + even * q[2 * i] + odd * q[2 * i + 1];
}

#if defined(__AVX512BF16__) && defined(__AVX512BW__)
inline Lanes meet(Lanes sum, Whole column, const uint16_t* q, int i, uint16_t) {  // the queries in bfloat16 too
  int32_t pair;
  std::memcpy(&pair, q + 2 * i, sizeof pair);
  return Lanes(_mm512_dpbf16_ps(__m512(sum), (__m512bh)column, (__m512bh)_mm512_set1_epi32(pair)));
}
using Rounded = uint16_t;
#else
using Rounded = float;
#endif

// What queries are kept as to meet keys of type T.
template <class T>
using Query = std::conditional_t<sizeof(T) == 2, Rounded, float>;

template <int Heads, class T>
inline void scores_of_square(const Query<T>* q, int width, const T* keys, int tokens, float* scores) {
  constexpr int kWidth = 4 * LANES / sizeof(T);  // numbers in a register
  Lanes sums[Heads] = {};
  for (int i = 0; i < width; i += kWidth) {
    Whole square[LANES];
    for (int t = 0; t < LANES; ++t) std::memcpy(&square[t], keys + int64_t(std::min(t, tokens - 1)) * width + i, sizeof square[t]);
    transpose(square);
#pragma GCC unroll 16
    for (int j = 0; j < LANES; ++j)
#pragma GCC unroll 8
      for (int head = 0; head < Heads; ++head) sums[head] = meet(sums[head], square[j], q + head * width + i, j, T{});
  }
  for (int head = 0; head < Heads; ++head) store(scores + head * kStretch, sums[head]);
}

template <class T>
inline bool fits_squares(const Stretch<T>& at) {
  return at.width % int(4 * LANES / sizeof(T)) == 0 && at.width <= kWidest;
}

template <int Heads, class T>
inline void scores_in_squares(const Stretch<T>& at, int head, float (*scores)[kStretch]) {
  Query<T> q[Heads * kWidest];
  for (int i = 0; i < Heads * at.width; ++i) put(q + i, at.q[head * at.width + i]);
  for (int t = 0; t < at.tokens; t += LANES)
    scores_of_square<Heads>(q, at.width, at.keys + int64_t(t) * at.width, at.tokens - t, &scores[0][t]);
}

template <int Heads, class T>
inline void scores_one_by_one(const Stretch<T>& at, int head, float (*scores)[kStretch]) {
  int whole = at.width / LANES * LANES;
  for (int t = 0; t < at.tokens; ++t) {
    const T* key = at.keys + int64_t(t) * at.width;
    Lanes sums[Heads] = {};
    for (int i = 0; i < whole; i += LANES) {
      Lanes numbers = load(key + i);
      for (int h = 0; h < Heads; ++h) sums[h] += numbers * load(at.q + (head + h) * at.width + i);
    }
    for (int h = 0; h < Heads; ++h) {
      float sum = sum_of(sums[h]);
      for (int i = whole; i < at.width; ++i) sum += number(key[i]) * at.q[(head + h) * at.width + i];
      scores[h][t] = sum;
    }
  }
}

// Scores become e^(score - largest).
inline void soften(float* scores, int tokens, float* most, float* sum) {
  int whole = (tokens + LANES - 1) / LANES * LANES;
  for (int t = tokens; t < whole; ++t) scores[t] = -std::numeric_limits<float>::infinity();
  Lanes large = load(scores);
  for (int t = LANES; t < whole; t += LANES) large = larger(large, load(scores + t));
  float largest = large[0];
  for (int lane = 1; lane < LANES; ++lane) largest = std::max(largest, large[lane]);
  Lanes total = {};
  for (int t = 0; t < whole; t += LANES) {
    Lanes weight = exp2_of<5>((load(scores + t) - largest) * LOG2_E);
    store(scores + t, weight);
    total += weight;
  }
  *most = largest;
  *sum = sum_of(total);
}

// out[head][from ... from + Parts * 16) = sum over tokens of weight * value.
template <int Heads, int Parts, class T>
inline void weighted(const Stretch<T>& at, int from, float (*weights)[kStretch], float* out) {
  Lanes sums[Heads][Parts] = {};
  const T* value = at.values + from;
  for (int t = 0; t < at.tokens; ++t, value += at.width) {
    Lanes numbers[Parts];
    for (int part = 0; part < Parts; ++part) numbers[part] = load(value + part * LANES);
    for (int h = 0; h < Heads; ++h) {
      Lanes weight = splat(weights[h][t]);
      for (int part = 0; part < Parts; ++part) sums[h][part] += weight * numbers[part];
    }
  }
  for (int h = 0; h < Heads; ++h)
    for (int part = 0; part < Parts; ++part) store(out + h * at.width + from + part * LANES, sums[h][part]);
}

template <int Heads, class T>
inline void attend_heads(const Stretch<T>& at, int head, const Share& to) {
  float scores[Heads][kStretch];
  if (fits_squares(at)) scores_in_squares<Heads>(at, head, scores);
  else scores_one_by_one<Heads>(at, head, scores);
  for (int h = 0; h < Heads; ++h) soften(scores[h], at.tokens, to.most + head + h, to.sum + head + h);
  float* out = to.out + head * at.width;
  int i = 0;
  for (; i + 2 * LANES <= at.width; i += 2 * LANES) weighted<Heads, 2>(at, i, scores, out);
  for (; i + LANES <= at.width; i += LANES) weighted<Heads, 1>(at, i, scores, out);
  for (; i < at.width; ++i)
    for (int h = 0; h < Heads; ++h) {
      float sum = 0;
      for (int t = 0; t < at.tokens; ++t) sum += scores[h][t] * number(at.values[int64_t(t) * at.width + i]);
      out[h * at.width + i] = sum;
    }
}

template <class T>
void attend_stretch(const Stretch<T>& at, const Share& to) {
  for (int head = 0; head < at.heads; head += kShared) {
    switch (std::min(kShared, at.heads - head)) {
#define INTERNVL_HEADS(count) \
  case count: attend_heads<count>(at, head, to); break;
      INTERNVL_HEADS(1) INTERNVL_HEADS(2) INTERNVL_HEADS(3) INTERNVL_HEADS(4)
      INTERNVL_HEADS(5) INTERNVL_HEADS(6) INTERNVL_HEADS(7) INTERNVL_HEADS(8)
#undef INTERNVL_HEADS
    }
  }
}

// out[width] of one head from the shares of its stretches, which lie `step` numbers apart.
inline void merge(const Share& first, int shares, int64_t step, int width, float* out) {
  float largest = first.most[0];
  for (int i = 1; i < shares; ++i) largest = std::max(largest, first.most[i * step]);
  float total = 0;
  for (int i = 0; i < width; ++i) out[i] = 0;
  for (int share = 0; share < shares; ++share) {
    float factor = std::exp(first.most[share * step] - largest);
    total += factor * first.sum[share * step];
    const float* values = first.out + share * step;
    for (int i = 0; i < width; ++i) out[i] += factor * values[i];
  }
  float whole = 1.0f / total;
  for (int i = 0; i < width; ++i) out[i] *= whole;
}

}  // namespace internvl::language
