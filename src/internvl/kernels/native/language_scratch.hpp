// What a pass keeps while it runs, and from call to call: rows and what they belong to, and memory that grows when it must.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "language.hpp"

namespace internvl::language {

// A token on its way: where it belongs and by what angles it turns.
struct Row {
  const Sequence* sequence;
  const float *cosines, *sines;
  int position;
};

// Neighbouring rows of one sequence; the last `wanted` get logits.
struct Piece {
  int first, rows, wanted;
};

// One key head of a row and one stretch of the cache.
struct Look {
  int row, key_head, stretch;
};

// Numbers that are written before they are read; grows when it must and keeps its memory.
class Numbers {
 public:
  float* of(size_t count) {
    if (count > numbers_.size()) {
      numbers_.clear();
      numbers_.resize(count);
    }
    return numbers_.data();
  }

 private:
  std::vector<float> numbers_;
};

struct Scratch {
  Numbers hidden, normed, qkv, seen, wide, shares;
  Activations narrow_x, seen_x, wide_x;
  std::vector<Row> rows;
  std::vector<Piece> pieces;
  std::vector<Look> looks;
  std::vector<AttentionTask> blocks;
};

// Rows of a packed weight from `first` (a multiple of 16) as a weight of their own.
inline Weight rows_of(const Weight& whole, int first, int count) {
  Weight part = whole;
  int64_t block = first / 16, scales = whole.group > 0 ? whole.padded_k() / whole.group : 1;
  part.n = count;
  part.data = static_cast<const char*>(whole.data) + block * whole.block_bytes();
  if (whole.scales) part.scales = static_cast<const char*>(whole.scales) + block * scales * 16 * (whole.group > 0 ? 2 : 4);
  if (whole.zeros) part.zeros = whole.zeros + block * scales * 16;
  if (whole.bias) part.bias = whole.bias + first;
  return part;
}

}  // namespace internvl::language
