// A vector of floats as wide as the processor's registers, and the functions of it that attention and activations need.
//
// Written with the compilers' own vector types, so that one text serves AVX-512 (16 lanes), AVX2 (8) and whatever else (4).
#pragma once
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace internvl {

#if defined(__AVX512F__) && defined(__AVX512BW__)
constexpr int LANES = 16;
#elif defined(__AVX2__)
constexpr int LANES = 8;
#else
constexpr int LANES = 4;
#endif

typedef float Lanes __attribute__((vector_size(4 * LANES)));
typedef int32_t Whole __attribute__((vector_size(4 * LANES)));

inline Lanes load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

inline void store(float* to, Lanes lanes) { std::memcpy(to, &lanes, sizeof lanes); }

inline Lanes splat(float value) { return value - Lanes{}; }

inline Whole splat_whole(int32_t value) { return value - Whole{}; }

inline Lanes load_bfloat16(const uint16_t* from) {
  uint16_t narrow __attribute__((vector_size(2 * LANES)));
  std::memcpy(&narrow, from, sizeof narrow);
  return Lanes(__builtin_convertvector(narrow, Whole) << 16);
}

// To the nearest, ties to even, as torch does. NaN keeps its sign and stays NaN unless only its lowest bits say so.
inline void store_bfloat16(uint16_t* to, Lanes lanes) {
#if defined(__AVX512BF16__) && defined(__AVX512F__)
  __m256bh narrow = _mm512_cvtneps_pbh(__m512(lanes));
  std::memcpy(to, &narrow, sizeof narrow);
#else
  Whole bits = Whole(lanes);
  bits = ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) & 0xffff;
  typedef uint16_t Narrow __attribute__((vector_size(2 * LANES)));
  Narrow narrow = __builtin_convertvector(bits, Narrow);
  std::memcpy(to, &narrow, sizeof narrow);
#endif
}

// The second where either is NaN.
inline Lanes larger(Lanes a, Lanes b) {
#if defined(__AVX512F__) && defined(__AVX512BW__)
  return Lanes(_mm512_max_ps(__m512(a), __m512(b)));
#elif defined(__AVX2__)
  return Lanes(_mm256_max_ps(__m256(a), __m256(b)));
#else
  return a > b ? a : b;
#endif
}

inline Lanes smaller(Lanes a, Lanes b) {
#if defined(__AVX512F__) && defined(__AVX512BW__)
  return Lanes(_mm512_min_ps(__m512(a), __m512(b)));
#elif defined(__AVX2__)
  return Lanes(_mm256_min_ps(__m256(a), __m256(b)));
#else
  return a < b ? a : b;
#endif
}

inline float sum_of(Lanes lanes) {
  float sum = 0.0f;
  for (int lane = 0; lane < LANES; ++lane) sum += lanes[lane];
  return sum;
}

// 2^x for x in [-126, 127); below, 2^-126. Relative error 8e-5 with 3 terms (less than half a bfloat16's), 8e-8 with 5.
template <int TERMS>
inline Lanes exp2_of(Lanes x) {
  static_assert(TERMS == 3 || TERMS == 5, "coefficients are for 3 or 5 terms");
  const float rounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number, which stands in the lowest bits
  x = larger(splat(-126.0f), x);
  Lanes shifted = x + rounder;
  Lanes rest = x - (shifted - rounder);
  Lanes power;
  if (TERMS == 3) {
    power = rest * 0.0551716577f + 0.242611121f;
    power = power * rest + 0.693260988f;
    power = power * rest + 0.999928074f;
  } else {
    power = rest * 0.00132764707f + 0.00967554132f;
    power = power * rest + 0.0555071328f;
    power = power * rest + 0.240221197f;
    power = power * rest + 0.693146967f;
    power = power * rest + 1.00000007f;
  }
  return Lanes(Whole(power) + (Whole(shifted) << 23));
}

constexpr float LOG2_E = 1.44269504f;

// x * Phi(x), GELU by the error function: Phi - 1/2 = x p(x^2) up to |x| = 5, beyond which it is 1/2 in float32. Error below 2e-6.
inline Lanes gelu(Lanes x) {
  Lanes near = smaller(splat(5.0f), larger(splat(-5.0f), x));
  Lanes u = near * near * 0.08f - 1.0f;
  Lanes p = u * 0.000608728402f - 0.00161326576f;
  p = p * u + 0.00172279658f;
  p = p * u - 0.00268557359f;
  p = p * u + 0.0064105131f;
  p = p * u - 0.0111643405f;
  p = p * u + 0.0164021733f;
  p = p * u - 0.0232686522f;
  p = p * u + 0.0314421726f;
  p = p * u - 0.0404426074f;
  p = p * u + 0.0515205223f;
  p = p * u - 0.0702962806f;
  p = p * u + 0.141363788f;
  return x * (p * near + 0.5f);
}

// x / (1 + e^-x)
inline Lanes silu(Lanes x) {
  Lanes falling = exp2_of<5>(smaller(splat(126.0f), x * -LOG2_E));
  return x / (falling + 1.0f);
}

namespace lanes_detail {

constexpr int swapped(int lane, int half, bool second) {  // which of 2 * LANES inputs one lane of a swap takes
  bool upper = (lane & half) != 0;
  if (second) return upper ? LANES + lane : lane + half;
  return upper ? LANES + lane - half : lane;
}

template <int HALF, bool SECOND, int... LANE>
inline Whole swap(Whole a, Whole b, std::integer_sequence<int, LANE...>) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, swapped(LANE, HALF, SECOND)...);
#else
  return __builtin_shuffle(a, b, Whole{swapped(LANE, HALF, SECOND)...});
#endif
}

template <int HALF>
inline void transpose_from(Whole* rows) {
  auto order = std::make_integer_sequence<int, LANES>{};
  for (int row = 0; row < LANES; ++row) {
    if (row & HALF) continue;
    Whole a = rows[row], b = rows[row + HALF];
    rows[row] = swap<HALF, false>(a, b, order);
    rows[row + HALF] = swap<HALF, true>(a, b, order);
  }
  if constexpr (HALF > 1) transpose_from<HALF / 2>(rows);
}

}  // namespace lanes_detail

// LANES x LANES words, in place.
inline void transpose(Whole* rows) { lanes_detail::transpose_from<LANES / 2>(rows); }

}  // namespace internvl
