// Sixteen lanes of float or int32, by whatever vectors this build has: one AVX-512 register, two AVX2 ones, or plain arrays that the
// compiler vectorises. Kernels are written once, on these.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && defined(__AVX512VNNI__)
#define INTERNVL_AVX512 1
#elif defined(__AVX2__) && defined(__FMA__)
#define INTERNVL_AVX2 1
#endif

#if defined(INTERNVL_AVX512) || defined(INTERNVL_AVX2)
#include <immintrin.h>
#endif

#define INTERNVL_ALWAYS __attribute__((always_inline))  // of a lambda
#define INTERNVL_INLINE inline __attribute__((always_inline))

namespace internvl {

// f(0), f(1) ... with constants: compilers keep arrays that are indexed so in registers, which they don't for a loop unrolled late.
template <class F, int... I>
INTERNVL_INLINE void each_of(F&& f, std::integer_sequence<int, I...>) {
  (f(std::integral_constant<int, I>{}), ...);
}
template <int COUNT, class F>
INTERNVL_INLINE void each(F&& f) {
  each_of(f, std::make_integer_sequence<int, COUNT>{});
}

INTERNVL_INLINE int32_t load_word(const void* at) {
  int32_t word;
  std::memcpy(&word, at, 4);
  return word;
}

INTERNVL_INLINE float load_float(const void* at) {
  float value;
  std::memcpy(&value, at, 4);
  return value;
}

#if defined(INTERNVL_AVX512)

struct Floats { __m512 v; };
struct Ints { __m512i v; };
struct Bytes { __m512i v; };   // 16 lanes of 4 bytes, or of 2 bfloat16, or of 1 float
struct Word { __m512i v; };    // 4 bytes of a row of x, in every lane

INTERNVL_INLINE Floats fill(float x) { return {_mm512_set1_ps(x)}; }
INTERNVL_INLINE Floats load_floats(const float* at) { return {_mm512_loadu_ps(at)}; }
INTERNVL_INLINE void store(float* at, Floats x) { _mm512_storeu_ps(at, x.v); }
INTERNVL_INLINE Floats widen_bfloat16(const uint16_t* at) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)at)), 16))};
}
INTERNVL_INLINE Floats multiply(Floats a, Floats b) { return {_mm512_mul_ps(a.v, b.v)}; }
INTERNVL_INLINE Floats multiply_add(Floats a, Floats b, Floats c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
INTERNVL_INLINE Floats to_floats(Ints x) { return {_mm512_cvtepi32_ps(x.v)}; }
INTERNVL_INLINE Ints no_ints() { return {_mm512_setzero_si512()}; }
INTERNVL_INLINE Ints widen_bytes(const uint8_t* at) { return {_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)at))}; }
// small: |x| < 2^15 and bytes in a; else any.
INTERNVL_INLINE Ints multiply_small(Ints a, int32_t x) { return {_mm512_madd_epi16(a.v, _mm512_set1_epi32(x))}; }
INTERNVL_INLINE Ints multiply_ints(Ints a, int32_t x) { return {_mm512_mullo_epi32(a.v, _mm512_set1_epi32(x))}; }

INTERNVL_INLINE Bytes load_bytes(const void* at) { return {_mm512_loadu_si512(at)}; }
INTERNVL_INLINE Bytes low_halves(Bytes x) { return {_mm512_and_si512(x.v, _mm512_set1_epi8(15))}; }
INTERNVL_INLINE Bytes high_halves(Bytes x) { return {_mm512_and_si512(_mm512_srli_epi16(x.v, 4), _mm512_set1_epi8(15))}; }
INTERNVL_INLINE void store(void* at, Bytes x) { _mm512_storeu_si512(at, x.v); }
INTERNVL_INLINE Word spread(const void* at) { return {_mm512_set1_epi32(load_word(at))}; }
// In assembly because GCC gives the intrinsic's result another register than its sum, and copies and spills all sums of a tile.
INTERNVL_INLINE Ints dot_bytes(Ints sum, Bytes w, Word x) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.v) : "v"(w.v), "v"(x.v));
  return sum;
}
INTERNVL_INLINE Floats dot_floats(Floats sum, Bytes w, Word x) {
  return {_mm512_fmadd_ps(_mm512_castsi512_ps(w.v), _mm512_castsi512_ps(x.v), sum.v)};
}
#if defined(__AVX512BF16__)
INTERNVL_INLINE Floats dot_bfloat16(Floats sum, Bytes w, Word x) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum.v) : "v"(w.v), "v"(x.v));
  return sum;
}
#endif
// The first, or second, of each lane's two bfloat16 as a float.
INTERNVL_INLINE Bytes even_floats(Bytes x) { return {_mm512_slli_epi32(x.v, 16)}; }
INTERNVL_INLINE Bytes odd_floats(Bytes x) { return {_mm512_and_si512(x.v, _mm512_set1_epi32(int32_t(0xffff0000u)))}; }

#elif defined(INTERNVL_AVX2)

struct Floats { __m256 a, b; };
struct Ints { __m256i a, b; };
struct Bytes { __m256i a, b; };
struct Word { __m256i v; };

INTERNVL_INLINE Floats fill(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
INTERNVL_INLINE Floats load_floats(const float* at) { return {_mm256_loadu_ps(at), _mm256_loadu_ps(at + 8)}; }
INTERNVL_INLINE void store(float* at, Floats x) { _mm256_storeu_ps(at, x.a), _mm256_storeu_ps(at + 8, x.b); }
INTERNVL_INLINE __m256 widen_eight(const uint16_t* at) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)at)), 16));
}
INTERNVL_INLINE Floats widen_bfloat16(const uint16_t* at) { return {widen_eight(at), widen_eight(at + 8)}; }
INTERNVL_INLINE Floats multiply(Floats x, Floats y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
INTERNVL_INLINE Floats multiply_add(Floats x, Floats y, Floats z) {
  return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
INTERNVL_INLINE Floats to_floats(Ints x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
INTERNVL_INLINE Ints no_ints() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
INTERNVL_INLINE Ints widen_bytes(const uint8_t* at) {
  return {_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)at)), _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)(at + 8)))};
}
INTERNVL_INLINE Ints multiply_small(Ints a, int32_t x) {
  return {_mm256_madd_epi16(a.a, _mm256_set1_epi32(x)), _mm256_madd_epi16(a.b, _mm256_set1_epi32(x))};
}
INTERNVL_INLINE Ints multiply_ints(Ints a, int32_t x) {
  return {_mm256_mullo_epi32(a.a, _mm256_set1_epi32(x)), _mm256_mullo_epi32(a.b, _mm256_set1_epi32(x))};
}

INTERNVL_INLINE Bytes load_bytes(const void* at) {
  auto p = (const __m256i*)at;
  return {_mm256_loadu_si256(p), _mm256_loadu_si256(p + 1)};
}
INTERNVL_INLINE Bytes low_halves(Bytes x) {
  const __m256i mask = _mm256_set1_epi8(15);
  return {_mm256_and_si256(x.a, mask), _mm256_and_si256(x.b, mask)};
}
INTERNVL_INLINE Bytes high_halves(Bytes x) { return low_halves({_mm256_srli_epi16(x.a, 4), _mm256_srli_epi16(x.b, 4)}); }
INTERNVL_INLINE void store(void* at, Bytes x) {
  _mm256_storeu_si256((__m256i*)at, x.a), _mm256_storeu_si256((__m256i*)at + 1, x.b);
}
INTERNVL_INLINE Word spread(const void* at) { return {_mm256_set1_epi32(load_word(at))}; }
// Bytes 0 and 2, then 1 and 3, as int16: unlike maddubs this can't saturate.
INTERNVL_INLINE __m256i dot_eight(__m256i sum, __m256i w, __m256i x) {
#if defined(__AVXVNNI__)
  return _mm256_dpbusd_avx_epi32(sum, w, x);
#else
  __m256i even = _mm256_madd_epi16(_mm256_and_si256(w, _mm256_set1_epi16(255)), _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8));
  __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(w, 8), _mm256_srai_epi16(x, 8));
  return _mm256_add_epi32(sum, _mm256_add_epi32(even, odd));
#endif
}
INTERNVL_INLINE Ints dot_bytes(Ints sum, Bytes w, Word x) { return {dot_eight(sum.a, w.a, x.v), dot_eight(sum.b, w.b, x.v)}; }
INTERNVL_INLINE Floats dot_floats(Floats sum, Bytes w, Word x) {
  __m256 y = _mm256_castsi256_ps(x.v);
  return {_mm256_fmadd_ps(_mm256_castsi256_ps(w.a), y, sum.a), _mm256_fmadd_ps(_mm256_castsi256_ps(w.b), y, sum.b)};
}
INTERNVL_INLINE Bytes even_floats(Bytes x) { return {_mm256_slli_epi32(x.a, 16), _mm256_slli_epi32(x.b, 16)}; }
INTERNVL_INLINE Bytes odd_floats(Bytes x) {
  const __m256i high = _mm256_set1_epi32(int32_t(0xffff0000u));
  return {_mm256_and_si256(x.a, high), _mm256_and_si256(x.b, high)};
}

#else

struct Floats { float v[16]; };
struct Ints { int32_t v[16]; };
struct Bytes { uint8_t v[64]; };
struct Word { uint8_t v[4]; };

// Every lane alike, in a loop the compiler can see through.
#define INTERNVL_LANES(type, expression)            \
  type result;                                      \
  for (int i = 0; i < 16; ++i) result.v[i] = expression; \
  return result

INTERNVL_INLINE float half_float(const uint8_t* two) {
  uint32_t bits = uint32_t(two[0]) << 16 | uint32_t(two[1]) << 24;
  return load_float(&bits);
}
INTERNVL_INLINE Floats fill(float x) { INTERNVL_LANES(Floats, x); }
INTERNVL_INLINE Floats load_floats(const float* at) { INTERNVL_LANES(Floats, at[i]); }
INTERNVL_INLINE void store(float* at, Floats x) { std::memcpy(at, x.v, 64); }
INTERNVL_INLINE Floats widen_bfloat16(const uint16_t* at) { INTERNVL_LANES(Floats, half_float((const uint8_t*)(at + i))); }
INTERNVL_INLINE Floats multiply(Floats x, Floats y) { INTERNVL_LANES(Floats, x.v[i] * y.v[i]); }
INTERNVL_INLINE Floats multiply_add(Floats x, Floats y, Floats z) { INTERNVL_LANES(Floats, x.v[i] * y.v[i] + z.v[i]); }
INTERNVL_INLINE Floats to_floats(Ints x) { INTERNVL_LANES(Floats, float(x.v[i])); }
INTERNVL_INLINE Ints no_ints() { INTERNVL_LANES(Ints, 0); }
INTERNVL_INLINE Ints widen_bytes(const uint8_t* at) { INTERNVL_LANES(Ints, at[i]); }
INTERNVL_INLINE Ints multiply_ints(Ints a, int32_t x) { INTERNVL_LANES(Ints, a.v[i] * x); }
INTERNVL_INLINE Ints multiply_small(Ints a, int32_t x) { return multiply_ints(a, x); }

INTERNVL_INLINE Bytes load_bytes(const void* at) {
  Bytes result;
  std::memcpy(result.v, at, 64);
  return result;
}
INTERNVL_INLINE Bytes low_halves(Bytes x) {
  for (uint8_t& byte : x.v) byte &= 15;
  return x;
}
INTERNVL_INLINE Bytes high_halves(Bytes x) {
  for (uint8_t& byte : x.v) byte >>= 4;
  return x;
}
INTERNVL_INLINE void store(void* at, Bytes x) { std::memcpy(at, x.v, 64); }
INTERNVL_INLINE Word spread(const void* at) {
  Word result;
  std::memcpy(result.v, at, 4);
  return result;
}
INTERNVL_INLINE Ints dot_bytes(Ints sum, Bytes w, Word x) {
  int16_t y[4];
  for (int c = 0; c < 4; ++c) y[c] = int8_t(x.v[c]);
  for (int i = 0; i < 16; ++i)
    sum.v[i] += int32_t(w.v[4 * i]) * y[0] + int32_t(w.v[4 * i + 1]) * y[1] + int32_t(w.v[4 * i + 2]) * y[2] +
                int32_t(w.v[4 * i + 3]) * y[3];
  return sum;
}
INTERNVL_INLINE Floats dot_floats(Floats sum, Bytes w, Word x) {
  float y = load_float(x.v);
  INTERNVL_LANES(Floats, sum.v[i] + load_float(w.v + 4 * i) * y);
}
INTERNVL_INLINE Bytes even_floats(Bytes x) {
  for (int i = 0; i < 64; i += 4) x.v[i + 3] = x.v[i + 1], x.v[i + 2] = x.v[i], x.v[i] = x.v[i + 1] = 0;
  return x;
}
INTERNVL_INLINE Bytes odd_floats(Bytes x) {
  for (int i = 0; i < 64; i += 4) x.v[i] = x.v[i + 1] = 0;
  return x;
}
#undef INTERNVL_LANES

#endif

// Whether two bfloat16 products in one instruction are worth having: Intel's cores without matrix tiles take four cycles where two
// float32 products take two.
inline bool multiplies_bfloat16() {
#if defined(INTERNVL_AVX512) && defined(__AVX512BF16__)
  return __builtin_cpu_is("amd");
#else
  return false;
#endif
}

inline const char* instructions() {
#if defined(INTERNVL_AVX512) && defined(__AVX512BF16__)
  return "AVX-512 VNNI BF16";
#elif defined(INTERNVL_AVX512)
  return "AVX-512 VNNI";
#elif defined(INTERNVL_AVX2) && defined(__AVXVNNI__)
  return "AVX2 VNNI";
#elif defined(INTERNVL_AVX2)
  return "AVX2";
#else
  return "plain";
#endif
}

}  // namespace internvl
