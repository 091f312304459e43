// Rows of x as products take them: 8 bits with a scale (and minus their sum) for each group, or converted.
#include <algorithm>
#include <cmath>
#include <new>

#include "linear.hpp"
#include "pool.hpp"
#include "simd.hpp"

namespace internvl {
namespace {

constexpr float kLargest = 127.0f;
constexpr float kSmallest = 1e-30f;  // below it 127 / magnitude may not be a number; such a group counts as zeros
constexpr int kRowsATask = 8;

// Magnitude as bits, so that infinities and NaN win over every number and reach the scale.
float largest_magnitude(const float* x, int count) {
  uint32_t largest = 0;
  int i = 0;
#if defined(INTERNVL_AVX512)
  const __m512i mask = _mm512_set1_epi32(0x7fffffff);
  __m512i wide = _mm512_setzero_si512();
  for (; i + 16 <= count; i += 16) wide = _mm512_max_epu32(wide, _mm512_and_si512(_mm512_loadu_si512(x + i), mask));
  largest = _mm512_reduce_max_epu32(wide);
#endif
  for (; i < count; ++i) largest = std::max(largest, uint32_t(load_word(x + i)) & 0x7fffffffu);
  return load_float(&largest);
}

// q = round(x * factor), ties to even; -> sum of q.
int32_t quantise(const float* x, int count, float factor, int8_t* q) {
  int32_t sum = 0;
  int i = 0;
#if defined(INTERNVL_AVX512)
  const __m512 scale = _mm512_set1_ps(factor);
  __m512i sums = _mm512_setzero_si512();
  for (; i + 16 <= count; i += 16) {
    __m512i wide = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + i), scale));
    __m128i bytes = _mm512_cvtsepi32_epi8(wide);
    _mm_storeu_si128((__m128i*)(q + i), bytes);
    sums = _mm512_add_epi32(sums, wide);
  }
  sum = _mm512_reduce_add_epi32(sums);
#endif
  for (; i < count; ++i) {
    float value = std::nearbyintf(x[i] * factor);
    q[i] = int8_t(value >= -kLargest && value <= kLargest ? value : 0.0f);
    sum += q[i];
  }
  return sum;
}

void narrow(const float* x, int count, uint16_t* to) {
  for (int i = 0; i < count; ++i) to[i] = to_bfloat16(x[i]);
}

template <class T>
void read_rows(Activations& to, int threads, const T* x, int64_t stride) {
  int tasks = (to.rows + kRowsATask - 1) / kRowsATask;
  parallel_for(threads, tasks, [&](int task) {
    int end = std::min(to.rows, (task + 1) * kRowsATask);
    for (int row = task * kRowsATask; row < end; ++row) to.write(row, x + row * stride);
  });
}

}  // namespace

Reading reading(const Weight& weight, int x_group) {
  Reading how{};
  how.kind = weight.kind == INT4 ? int32_t(INT8) : weight.kind;
  if (weight.kind == BFLOAT16 && !multiplies_bfloat16()) how.kind = FLOAT32;
  how.k = weight.k, how.padded_k = weight.padded_k();
  if (how.kind == INT8) {
    how.group = weight.group > 0 ? weight.group : x_group;
    how.row_scale = x_group == 0;
  }
  return how;
}

void Activations::prepare(const Reading& reading, int count) {
  how = reading, rows = count;
  auto aligned = [](size_t bytes) { return (bytes + 63) / 64 * 64; };
  size_t data_bytes = aligned(size_t(rows) * how.stride());
  size_t table = aligned(size_t(rows) * how.groups() * 4);
  size_t size = data_bytes + 2 * table + 64;
  if (size > size_) {
    std::free(memory_);
    memory_ = std::aligned_alloc(64, aligned(size + size / 4));
    if (memory_ == nullptr) throw std::bad_alloc();
    size_ = size + size / 4;
  }
  data = static_cast<int8_t*>(memory_);
  scales = reinterpret_cast<float*>(data + data_bytes);
  sums = reinterpret_cast<int32_t*>(data + data_bytes + table);
}

void Activations::write(int row, const float* x) {
  int8_t* to = data + row * how.stride();
  int size = how.kind == FLOAT32 ? 4 : how.kind == BFLOAT16 ? 2 : 1;
  std::memset(to + int64_t(how.k) * size, 0, int64_t(how.padded_k - how.k) * size);
  if (how.kind == FLOAT32) std::memcpy(to, x, size_t(how.k) * 4);
  if (how.kind == BFLOAT16) narrow(x, how.k, reinterpret_cast<uint16_t*>(to));
  if (how.kind != INT8) return;
  int groups = how.groups(), width = how.group > 0 ? how.group : how.padded_k;
  float magnitude = how.row_scale ? largest_magnitude(x, how.k) : 0.0f;
  for (int g = 0; g < groups; ++g) {
    int begin = g * width, count = std::max(0, std::min(width, how.k - begin));
    if (!how.row_scale) magnitude = largest_magnitude(x + begin, count);
    float factor = magnitude > kSmallest ? kLargest / magnitude : 0.0f;
    scales[int64_t(row) * groups + g] = magnitude / kLargest;
    sums[int64_t(row) * groups + g] = -quantise(x + begin, count, factor, to + begin);
  }
}

void Activations::write(int row, const uint16_t* x) {
  thread_local static float* wide = nullptr;
  thread_local static int size = 0;
  if (how.kind == BFLOAT16) {  // as it is
    uint16_t* to = reinterpret_cast<uint16_t*>(data + row * how.stride());
    std::memcpy(to, x, size_t(how.k) * 2);
    std::memset(to + how.k, 0, size_t(how.padded_k - how.k) * 2);
    return;
  }
  if (how.k > size) {
    std::free(wide);
    size = how.k;
    wide = static_cast<float*>(std::malloc(size_t(size) * 4));
    if (wide == nullptr) throw std::bad_alloc();
  }
  for (int i = 0; i < how.k; ++i) wide[i] = from_bfloat16(x[i]);
  write(row, wide);
}

void Activations::read(int threads, const float* x, int64_t stride) { read_rows(*this, threads, x, stride); }
void Activations::read(int threads, const uint16_t* x, int64_t stride) { read_rows(*this, threads, x, stride); }

}  // namespace internvl
