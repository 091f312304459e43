// Softmax attention of one or several sequences: softmax(q k^T * scale) v, whole or causal, with grouped key heads.
//
//   q [query heads][queries][width]   k, v [key heads][keys][width]   ->   out [query heads][queries][width]
//
// Each operand says where its heads and rows lie, so that slices of a wider matrix ([rows][3 * heads * width]) or of a cache with
// room to grow ([heads][capacity][width]) are read in place. Products are bfloat16 with float32 sums where the processor has fast
// instructions for them, unless `exact` asks for float32; softmax is float32 always.
#pragma once
#include <cstddef>
#include <cstdint>

namespace internvl {

enum class Number : int32_t { Float32 = 0, BFloat16 = 1 };

// [head][row][width]: strides in elements, `width` numbers of a row side by side.
struct Heads {
  const void* data;
  Number type;
  ptrdiff_t head;
  ptrdiff_t row;
};

struct HeadsOut {
  void* data;
  Number type;
  ptrdiff_t head;
  ptrdiff_t row;
};

// One sequence. Query head h reads key head h / (query_heads / key_heads), as in models/attention.py.
struct AttentionTask {
  Heads q, k, v;
  HeadsOut out;
  int32_t query_heads, key_heads;
  int32_t width;             // of a head; a multiple of 16
  int32_t queries, keys;     // keys >= 1
  int32_t causal_offset;     // negative: every query sees every key; else query i sees keys 0 ... causal_offset + i
  float scale;               // of the products, usually width^-1/2
  bool exact;                // float32 products even where bfloat16 ones are faster
  bool narrow;               // bfloat16 products, where there are any, even where float32 ones are faster
  bool in_bytes;             // 8-bit products where there are any, see attention_bytes.hpp; whole attention only, not causal
};

// Computes all tasks with up to `threads` threads of the pool; std::bad_alloc when there is no memory. Tasks may differ in every size.
// Few queries (decoding) work too: the query heads of a group fill the vector lanes together, so that keys and values are read once a
// group.
void attention(const AttentionTask* tasks, int count, int threads);

// Whether products are bfloat16 when `exact` is false: the processor has instructions for them, faster than its float32 ones.
bool attention_has_bfloat16();

// Whether `in_bytes` is heeded.
bool attention_has_bytes();

}  // namespace internvl
