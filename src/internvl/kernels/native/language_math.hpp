// Arithmetic of one row of a language model: RMSNorm, the gate of an MLP, and the rotation of a head.
//
// Sums of a row are always taken in the same order, so that a token gives the same bits alone and among others.
#pragma once

#include <cmath>
#include <cstdint>

#include "lanes.hpp"
#include "linear.hpp"

namespace internvl::language {

using internvl::load;

inline Lanes load(const uint16_t* from) {
#if defined(__AVX512F__) && defined(__AVX512BW__)
  // Written out: g++ 12 makes five instructions of what load_bfloat16 says.
  return Lanes(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))), 16));
#else
  return load_bfloat16(from);
#endif
}

inline float number(float value) { return value; }
inline float number(uint16_t value) { return from_bfloat16(value); }
inline void put(float* to, float value) { *to = value; }
inline void put(uint16_t* to, float value) { *to = to_bfloat16(value); }

// out = silu(gate) * up, `count` numbers; out may be gate.
inline void gated(const float* gate, const float* up, float* out, int count) {
  int i = 0;
  for (; i + LANES <= count; i += LANES) store(out + i, silu(load(gate + i)) * load(up + i));
  for (; i < count; ++i) out[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
}

// out = x / sqrt(mean(x^2) + eps) * weight; out may be x.
inline void rms_norm(const float* x, const float* weight, float eps, float* out, int count) {
  Lanes squares = {};
  int i = 0;
  for (; i + LANES <= count; i += LANES) squares += load(x + i) * load(x + i);
  float sum = sum_of(squares);
  for (; i < count; ++i) sum += x[i] * x[i];
  float factor = 1.0f / std::sqrt(sum / float(count) + eps);
  for (i = 0; i + LANES <= count; i += LANES) store(out + i, load(x + i) * factor * load(weight + i));
  for (; i < count; ++i) out[i] = x[i] * factor * weight[i];
}

// Pairs (i, i + width/2) of a head turn by the angles whose cosines and sines are given, [width/2] each. out may be x.
template <class T>
inline void rotate(const float* x, const float* cosines, const float* sines, T* out, int width) {
  int half = width / 2;
  for (int i = 0; i < half; ++i) {
    float first = x[i], second = x[i + half];
    put(out + i, first * cosines[i] - second * sines[i]);
    put(out + i + half, second * cosines[i] + first * sines[i]);
  }
}

}  // namespace internvl::language
