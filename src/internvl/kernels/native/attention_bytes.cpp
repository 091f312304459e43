// Attention with 8-bit products: queries, keys and values to bytes, then block by block.
#include "attention_bytes.hpp"

#include "attention_piece.hpp"

namespace internvl {

#if defined(__AVX512VNNI__) && defined(__AVX512BW__)

namespace {

struct Scratch {
  Room keys, key_scales, key_starts, mean, values, value_scales, queries, staging, scores, output;
};

// Magnitudes as bits: NaN and infinities win over numbers and reach the scale.
Whole magnitude_bits(Lanes x) { return Whole(x) & 0x7fffffff; }

Whole larger_bits(Whole a, Whole b) { return Whole(_mm512_max_epu32(__m512i(a), __m512i(b))); }

float largest_of(Whole bits) {
  uint32_t largest = _mm512_reduce_max_epu32(__m512i(bits));
  float value;
  std::memcpy(&value, &largest, 4);
  return value;
}

float byte_factor(float magnitude) { return magnitude > 1e-30f ? 127.0f / magnitude : 0.0f; }

Whole to_whole(Lanes x) { return Whole(_mm512_cvtps_epi32(__m512(x))); }  // nearest, ties to even

void store_bytes(void* to, Whole whole) { _mm_storeu_si128(static_cast<__m128i*>(to), _mm512_cvtepi32_epi8(__m512i(whole))); }

// A row less `mean` as bytes plus `shift` -> its scale; the sum of the bytes, without the shift, is added to *sum.
float row_to_bytes(const char* row, Number type, const float* mean, int width, int shift, void* to, int32_t* sum) {
  Whole bits = {}, sums = {};
  auto value = [&](int i) { return mean == nullptr ? load_as_float(row, type, i) : load_as_float(row, type, i) - load(mean + i); };
  for (int i = 0; i < width; i += LANES) bits = larger_bits(bits, magnitude_bits(value(i)));
  const float magnitude = largest_of(bits), factor = byte_factor(magnitude);
  for (int i = 0; i < width; i += LANES) {
    Whole whole = to_whole(value(i) * factor);
    sums += whole;
    store_bytes(static_cast<char*>(to) + i, whole + shift);
  }
  *sum += _mm512_reduce_add_epi32(__m512i(sums));
  return magnitude / 127.0f;
}

const float* mean_of_keys(const AttentionTask& task, int head, Scratch& scratch) {
  float* mean = scratch.mean.floats(size_t(task.width));
  std::fill(mean, mean + task.width, 0.0f);
  for (int key = 0; key < task.keys; ++key) {
    const char* row = row_of(task.k, head, key);
    for (int i = 0; i < task.width; i += LANES) store(mean + i, load(mean + i) + load_as_float(row, task.k.type, i));
  }
  for (int i = 0; i < task.width; i += LANES) store(mean + i, load(mean + i) / float(task.keys));
  return mean;
}

ByteKeys byte_keys(const AttentionTask& task, int head, Scratch& scratch) {
  const int rows = rounded_up(task.keys, TILE_ROWS), width = task.width;
  const float* mean = mean_of_keys(task, head, scratch);
  int8_t* data = static_cast<int8_t*>(scratch.keys.bytes(size_t(rows) * width));
  float* scale = scratch.key_scales.floats(size_t(rows));
  int32_t* start = static_cast<int32_t*>(scratch.key_starts.bytes(4 * size_t(rows)));
  for (int key = 0; key < rows; ++key) {
    int32_t sum = 0;
    const char* row = row_of(task.k, head, std::min(key, task.keys - 1));
    scale[key] = row_to_bytes(row, task.k.type, mean, width, 0, data + ptrdiff_t(key) * width, &sum);
    start[key] = -128 * sum;
  }
  return {data, scale, start, task.keys};
}

// The values of up to BYTE_KEYS keys, LANES columns of them.
void values_to_bytes(const AttentionTask& task, int head, int first, int column, float* words, float* scale) {
  const int count = std::min(BYTE_KEYS, task.keys - first);
  auto value = [&](int key) { return load_as_float(row_of(task.v, head, first + key), task.v.type, column); };
  Whole bits = {};
  for (int key = 0; key < count; ++key) bits = larger_bits(bits, magnitude_bits(value(key)));
  alignas(64) float factor[LANES];
  Lanes magnitude = Lanes(bits);
  store(scale, magnitude / 127.0f);
  for (int lane = 0; lane < LANES; ++lane) factor[lane] = byte_factor(magnitude[lane]);
  for (int key = 0; key < count; key += 4) {
    Whole joined = {};
    for (int i = 0; i < std::min(4, count - key); ++i) joined |= (to_whole(value(key + i) * load(factor)) & 255) << (8 * i);
    store(words + ptrdiff_t(key / 4) * task.width, Lanes(joined));
  }
}

ByteValues byte_values(const AttentionTask& task, int head, Scratch& scratch) {
  const int blocks = (task.keys + BYTE_KEYS - 1) / BYTE_KEYS;
  float* words = scratch.values.floats(size_t(blocks) * (BYTE_KEYS / 4) * task.width);
  float* scale = scratch.value_scales.floats(size_t(blocks) * task.width);
  for (int block = 0; block < blocks; ++block) {
    float* to = words + ptrdiff_t(block) * (BYTE_KEYS / 4) * task.width;
    for (int column = 0; column < task.width; column += LANES)
      values_to_bytes(task, head, block * BYTE_KEYS, column, to + column, scale + ptrdiff_t(block) * task.width + column);
  }
  return {words, scale};
}

void set_queries(const Piece& piece, int first, int count, ByteBlock& block, Scratch& scratch) {
  const AttentionTask& task = *piece.task;
  const int words = rounded_up(task.width / 4, LANES);
  float* staging = scratch.staging.floats(size_t(BLOCK_LANES) * words);
  float* queries = scratch.queries.floats(size_t(BLOCK_LANES) * words);
  for (int lane = 0; lane < BLOCK_LANES; ++lane) {
    int32_t unused = 0;
    const char* row = query_row(piece, first + std::min(lane, count - 1));
    float scale = row_to_bytes(row, task.q.type, nullptr, task.width, 128, staging + ptrdiff_t(lane) * words, &unused);
    block.query_scale[lane] = scale * task.scale * LOG2_E;
  }
  transpose_words(staging, words, queries);
  block.queries = queries;
}

}  // namespace

bool attention_has_bytes() { return true; }

void attend_in_bytes(const Piece& piece) {
  static thread_local Scratch scratch;
  const AttentionTask& task = *piece.task;
  const ByteKeys keys = byte_keys(task, piece.key_head, scratch);
  const ByteValues values = byte_values(task, piece.key_head, scratch);
  ByteBlock block;
  block.width = task.width;
  block.scores = scratch.scores.floats(size_t(BYTE_KEYS) * BLOCK_LANES);
  block.output = scratch.output.floats(size_t(task.width) * BLOCK_LANES);
  for (int first = piece.first; first < piece.last; first += BLOCK_LANES) {
    int count = std::min(BLOCK_LANES, piece.last - first);
    set_queries(piece, first, count, block, scratch);
    if (count > 2 * LANES) attend_byte_block<3>(block, keys, values);
    else if (count > LANES) attend_byte_block<2>(block, keys, values);
    else attend_byte_block<1>(block, keys, values);
    write_output(piece, block.output, block.sum, first, count);
  }
}

#else

bool attention_has_bytes() { return false; }

void attend_in_bytes(const Piece&) {}

#endif

}  // namespace internvl
