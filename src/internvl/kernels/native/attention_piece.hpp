// What the ways to compute attention share: a thread's share of a task, its rows, and results on their way back to memory.
#pragma once
#include <algorithm>

#include "attention.hpp"
#include "attention_tile.hpp"
#include "room.hpp"

namespace internvl {

// Rows [first, last) of those that read one key head. Row = query * group + head in the group, so that a block of rows holds
// neighbouring queries (tight under a causal mask) and reads each key once for the whole group.
struct Piece {
  const AttentionTask* task;
  int key_head;
  int first, last;

  int group() const { return task->query_heads / task->key_heads; }
  int head_of(int row) const { return key_head * group() + row % group(); }
  int query_of(int row) const { return row / group(); }
};

void attend_in_bytes(const Piece& piece);  // attention_bytes.cpp

inline int rounded_up(int size, int unit) { return (size + unit - 1) / unit * unit; }

inline const char* row_of(const Heads& heads, int head, int row) {
  int size = heads.type == Number::Float32 ? 4 : 2;
  return static_cast<const char*>(heads.data) + (head * heads.head + row * heads.row) * size;
}

inline const char* query_row(const Piece& piece, int row) { return row_of(piece.task->q, piece.head_of(row), piece.query_of(row)); }

inline Lanes load_as_float(const char* row, Number type, int at) {
  if (type == Number::Float32) return load(reinterpret_cast<const float*>(row) + at);
  return load_bfloat16(reinterpret_cast<const uint16_t*>(row) + at);
}

// [BLOCK_LANES][words] -> [words][BLOCK_LANES]; words is a multiple of LANES.
inline void transpose_words(const float* rows, int words, float* columns) {
  for (int lane = 0; lane < BLOCK_LANES; lane += LANES) {
    for (int word = 0; word < words; word += LANES) {
      Whole square[LANES];
      for (int i = 0; i < LANES; ++i) square[i] = Whole(load(rows + ptrdiff_t(lane + i) * words + word));
      transpose(square);
      for (int i = 0; i < LANES; ++i) store(columns + ptrdiff_t(word + i) * BLOCK_LANES + lane, Lanes(square[i]));
    }
  }
}

// O^T [width][BLOCK_LANES], divided by the sum of each lane, to the rows [first, first + count) of the result.
inline void write_output(const Piece& piece, const float* output, const float* sum, int first, int count) {
  const HeadsOut& out = piece.task->out;
  for (int lane = 0; lane < count; lane += LANES) {
    Lanes portion = 1.0f / load(sum + lane);
    for (int column = 0; column < piece.task->width; column += LANES) {
      Whole square[LANES];
      for (int i = 0; i < LANES; ++i) square[i] = Whole(load(output + ptrdiff_t(column + i) * BLOCK_LANES + lane) * portion);
      transpose(square);
      for (int i = 0; i < std::min(LANES, count - lane); ++i) {
        int row = first + lane + i;
        ptrdiff_t at = piece.head_of(row) * out.head + piece.query_of(row) * out.row + column;
        if (out.type == Number::Float32) store(static_cast<float*>(out.data) + at, Lanes(square[i]));
        else store_bfloat16(static_cast<uint16_t*>(out.data) + at, Lanes(square[i]));
      }
    }
  }
}

}  // namespace internvl
