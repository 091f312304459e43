// Cuts attention into tasks for the threads, and brings operands into the layout of a block and back.
#include "attention.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <new>
#include <vector>

#include "attention_block.hpp"
#include "attention_piece.hpp"
#include "pool.hpp"

namespace internvl {
namespace {

constexpr int TASKS_A_THREAD = 4;         // so that threads end together
constexpr int MOST_BLOCKS_CAUSAL = 4;     // later rows see more keys: long stretches would end apart

struct Scratch {
  Room keys, tail, values, queries, staging, scores, output;
};

// One row as words: numbers of the type that Products multiply.
template <class Products>
void copy_row(float* words, const char* row, Number type, int width) {
  bool narrow = Products::PAIR == 2;
  if ((type == Number::BFloat16) == narrow) {
    std::memcpy(words, row, width * (narrow ? 2 : 4));
    return;
  }
  for (int i = 0; i < width; i += LANES) {
    if (narrow) store_bfloat16(reinterpret_cast<uint16_t*>(words) + i, load(reinterpret_cast<const float*>(row) + i));
    else store(words + i, load_bfloat16(reinterpret_cast<const uint16_t*>(row) + i));
  }
}

template <class Products>
KeyRows key_rows(const AttentionTask& task, int head, int seen, Scratch& scratch) {
  const bool narrow = Products::PAIR == 2;
  const int words = task.width / Products::PAIR;
  const int size = narrow ? 2 : 4;
  KeyRows keys{row_of(task.k, head, 0), task.k.row * size, nullptr, ptrdiff_t(words) * 4, seen / TILE_ROWS * TILE_ROWS};
  if ((task.k.type == Number::BFloat16) != narrow) {
    float* copy = scratch.keys.floats(size_t(keys.whole) * words + 1);
    for (int key = 0; key < keys.whole; ++key)
      copy_row<Products>(copy + ptrdiff_t(key) * words, row_of(task.k, head, key), task.k.type, task.width);
    keys.data = reinterpret_cast<const char*>(copy);
    keys.row = ptrdiff_t(words) * 4;
  }
  float* tail = scratch.tail.floats(size_t(TILE_ROWS) * words);
  for (int r = 0; r < TILE_ROWS; ++r) {
    int key = std::min(keys.whole + r, seen - 1);
    copy_row<Products>(tail + r * words, row_of(task.k, head, key), task.k.type, task.width);
  }
  keys.tail = reinterpret_cast<const char*>(tail);
  return keys;
}

// Values as words [keys / PAIR][width]: a word joins the same column of PAIR keys.
template <class Products>
const float* value_words(const AttentionTask& task, int head, int seen, Scratch& scratch) {
  const int width = task.width;
  float* values = scratch.values.floats(size_t(rounded_up(seen, 2)) / Products::PAIR * width);
  if (Products::PAIR == 1) {
    for (int key = 0; key < seen; ++key)
      copy_row<Products>(values + ptrdiff_t(key) * width, row_of(task.v, head, key), task.v.type, width);
    return values;
  }
  typedef uint16_t Narrow __attribute__((vector_size(2 * LANES)));
  float* rows = scratch.staging.floats(size_t(width));  // two rows of bfloat16
  uint16_t* both[2] = {reinterpret_cast<uint16_t*>(rows), reinterpret_cast<uint16_t*>(rows) + width};
  for (int key = 0; key < seen; key += 2) {
    copy_row<Products>(rows, row_of(task.v, head, key), task.v.type, width);
    if (key + 1 < seen) copy_row<Products>(reinterpret_cast<float*>(both[1]), row_of(task.v, head, key + 1), task.v.type, width);
    else std::fill(both[1], both[1] + width, uint16_t(0));
    for (int i = 0; i < width; i += LANES) {
      Narrow first, second;
      std::memcpy(&first, both[0] + i, sizeof first);
      std::memcpy(&second, both[1] + i, sizeof second);
      Whole words = __builtin_convertvector(first, Whole) | (__builtin_convertvector(second, Whole) << 16);
      store(values + ptrdiff_t(key / 2) * width + i, Lanes(words));
    }
  }
  return values;
}

// Rows [first, first + count) of a group as words of Q^T; lanes without a row repeat the last one.
template <class Products>
const float* query_words(const Piece& piece, int first, int count, Scratch& scratch) {
  const AttentionTask& task = *piece.task;
  const int words = rounded_up(task.width / Products::PAIR, LANES);
  float* staging = scratch.staging.floats(size_t(BLOCK_LANES) * words);
  float* queries = scratch.queries.floats(size_t(BLOCK_LANES) * words);
  for (int lane = 0; lane < BLOCK_LANES; ++lane) {
    const char* query = query_row(piece, first + std::min(lane, count - 1));
    copy_row<Products>(staging + ptrdiff_t(lane) * words, query, task.q.type, task.width);
  }
  transpose_words(staging, words, queries);
  return queries;
}

int limit_of(const AttentionTask& task, int query) {  // the last key that a query may see
  return task.causal_offset < 0 ? task.keys - 1 : std::min(task.keys - 1, task.causal_offset + query);
}

void set_limits(Block& block, const AttentionTask& task, int first, int count) {
  const int group = task.query_heads / task.key_heads;
  for (int lane = 0; lane < BLOCK_LANES; ++lane) block.last_key[lane] = limit_of(task, (first + std::min(lane, count - 1)) / group);
  block.first_limit = block.last_key[0];
  block.seen = block.last_key[BLOCK_LANES - 1] + 1;
}

template <class Products>
void attend_with(const Piece& piece, Scratch& scratch) {
  const AttentionTask& task = *piece.task;
  const int group = task.query_heads / task.key_heads;
  const int seen = limit_of(task, (piece.last - 1) / group) + 1;
  const KeyRows keys = key_rows<Products>(task, piece.key_head, seen, scratch);
  const float* values = value_words<Products>(task, piece.key_head, seen, scratch);
  Block block;
  block.width = task.width;
  block.scale = task.scale * LOG2_E;
  block.scores = scratch.scores.floats(size_t(BLOCK_KEYS) * BLOCK_LANES);
  block.output = scratch.output.floats(size_t(task.width) * BLOCK_LANES);
  for (int first = piece.first; first < piece.last; first += BLOCK_LANES) {
    int count = std::min(BLOCK_LANES, piece.last - first);
    block.queries = query_words<Products>(piece, first, count, scratch);
    set_limits(block, task, first, count);
    if (count > 2 * LANES) attend_block<Products, 3>(block, keys, values);
    else if (count > LANES) attend_block<Products, 2>(block, keys, values);
    else attend_block<Products, 1>(block, keys, values);
    write_output(piece, block.output, block.sum, first, count);
  }
}

void attend_piece(const Piece& piece, Scratch& scratch) {
  if (piece.task->in_bytes && attention_has_bytes()) return attend_in_bytes(piece);
#if defined(__AVX512BF16__) && defined(__AVX512BW__)
  if (piece.task->narrow || (!piece.task->exact && attention_has_bfloat16())) return attend_with<BFloat16Products>(piece, scratch);
#endif
  attend_with<FloatProducts>(piece, scratch);
}

// The longest pieces first: what is left at the end is short.
std::vector<Piece> cut(const AttentionTask* tasks, int count, int threads) {
  int units = 0;
  for (int i = 0; i < count; ++i) units += tasks[i].key_heads;
  int wanted = threads > 1 ? (TASKS_A_THREAD * threads + units - 1) / std::max(units, 1) : 1;
  std::vector<Piece> pieces;
  for (int i = 0; i < count; ++i) {
    const AttentionTask& task = tasks[i];
    int rows = task.queries * (task.query_heads / task.key_heads);
    int blocks = (rows + BLOCK_LANES - 1) / BLOCK_LANES;
    bool uneven = task.causal_offset >= 0 && threads > 1;
    int parts = uneven ? std::max(wanted, (blocks + MOST_BLOCKS_CAUSAL - 1) / MOST_BLOCKS_CAUSAL) : wanted;
    int length = (blocks + std::min(parts, blocks) - 1) / std::max(std::min(parts, blocks), 1) * BLOCK_LANES;
    for (int start = rows > 0 ? (rows - 1) / length * length : -1; start >= 0; start -= length)
      for (int head = 0; head < task.key_heads; ++head) pieces.push_back({&task, head, start, std::min(rows, start + length)});
  }
  return pieces;
}

#if defined(__AVX512BF16__) && defined(__AVX512BW__)
template <class Products>
double seconds_of_products() {
  constexpr int STEPS = 128, PASSES = 8;
  alignas(64) static float columns[STEPS * BLOCK_LANES], rows[TILE_ROWS];
  double best = 1.0;
  for (int attempt = 0; attempt < 7; ++attempt) {
    Lanes sums[TILE_ROWS][BLOCK_VECTORS] = {};
    auto begin = std::chrono::steady_clock::now();
    for (int pass = 0; pass < PASSES; ++pass)
      tile<Products, BLOCK_VECTORS>(sums, columns, reinterpret_cast<const char*>(rows), 4, 0, STEPS);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    for (auto& row : sums)
      for (Lanes& lanes : row) asm volatile("" ::"v"(lanes));
  }
  return best;
}

// One bfloat16 product does the work of two float32 ones. AMD's processors start as many of either, so it is twice as fast there;
// Intel's (Sapphire Rapids) start four float32 ones in the time of one. No flag tells, so it is measured, once, in 0.1 ms.
bool bfloat16_is_faster() { return seconds_of_products<BFloat16Products>() < 2.0 * seconds_of_products<FloatProducts>(); }
#endif

}  // namespace

bool attention_has_bfloat16() {
#if defined(__AVX512BF16__) && defined(__AVX512BW__)
  static const bool faster = bfloat16_is_faster();
  return faster;
#else
  return false;
#endif
}

void attention(const AttentionTask* tasks, int count, int threads) {
  const std::vector<Piece> pieces = cut(tasks, count, threads);
  std::atomic<bool> failed{false};  // an exception must not leave a worker
  parallel_for(threads, int(pieces.size()), [&](int index) {
    static thread_local Scratch scratch;
    try {
      attend_piece(pieces[index], scratch);
    } catch (const std::bad_alloc&) {
      failed = true;
    }
  });
  if (failed) throw std::bad_alloc();
}

}  // namespace internvl

extern "C" {

// 0, or 1 when there is no memory.
int32_t internvl_attention(const internvl::AttentionTask* tasks, int32_t count, int32_t threads) {
  try {
    internvl::attention(tasks, count, threads);
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

int32_t internvl_attention_has_bfloat16() { return internvl::attention_has_bfloat16(); }
int32_t internvl_attention_has_bytes() { return internvl::attention_has_bytes(); }
}
