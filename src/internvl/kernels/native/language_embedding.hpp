// One word's vector out of an embedding table: plain float32 or bfloat16 [n][k], or packed with 8 bits (linear.hpp).
#pragma once

#include "language.hpp"
#include "language_math.hpp"

namespace internvl::language {

// Integers of 8 bits: byte j of step s, lane n % 16 is column 4 s + j.
inline void embed_packed(const Weight& table, int64_t word, float* out) {
  int64_t block = word / 16, lane = word % 16, groups = table.group > 0 ? table.padded_k() / table.group : 1;
  const uint8_t* bytes = static_cast<const uint8_t*>(table.data) + block * table.block_bytes() + lane * 4;
  int width = table.group > 0 ? table.group : table.padded_k();
  for (int64_t group = 0; group < groups; ++group) {
    int64_t entry = (block * groups + group) * 16 + lane;
    float scale = table.group > 0 ? from_bfloat16(static_cast<const uint16_t*>(table.scales)[entry])
                                  : static_cast<const float*>(table.scales)[entry];
    int zero = table.zeros[entry], end = std::min<int>(table.k, int(group + 1) * width);
    for (int i = int(group) * width; i < end; ++i) out[i] = scale * float(bytes[i / 4 * 64 + i % 4] - zero);
  }
}

// rounded: vectors are given in bfloat16, as the model's own table does.
inline void embed(const Matrix& table, bool rounded, int64_t word, float* out) {
  if (table.packed) {
    embed_packed(*table.packed, word, out);
    if (rounded)
      for (int i = 0; i < table.k; ++i) out[i] = from_bfloat16(to_bfloat16(out[i]));
    return;
  }
  auto copy = [&](auto* numbers) {
    for (int i = 0; i < table.k; ++i) out[i] = number(numbers[word * table.k + i]);
  };
  if (table.type == Number::BFloat16) copy(static_cast<const uint16_t*>(table.plain));
  else copy(static_cast<const float*>(table.plain));
}

}  // namespace internvl::language
