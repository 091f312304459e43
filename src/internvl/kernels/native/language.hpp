// A whole language model as one call: new tokens of one or several sequences go through every layer, into their caches, to logits.
//
//   hidden [rows][D] --layers: keys and values into the caches--> [rows][D] --norm, head, where asked for--> logits [wanted][vocabulary]
//
// Decoding is a few rows of several sequences, reading a prompt many rows of one; both take the same steps. kernels/language.py mirrors
// these structures; all memory is the caller's.
#pragma once

#include <cstdint>

#include "attention.hpp"
#include "linear.hpp"

namespace internvl {

// A linear layer: a packed weight, or one that lies as torch keeps it, [n][k].
struct Matrix {
  const Weight* packed;  // or null
  const void* plain;
  const float* bias;     // of a plain weight, or null
  Number type;           // of a plain weight
  int32_t n, k;
  int32_t x_group;       // of a packed weight: columns of x that share a scale, 0 for a whole row
};

struct LanguageLayer {
  const float* norm1;    // [D]
  const float* norm2;
  const float* q_norm;   // [head width], or null
  const float* k_norm;
  Matrix qkv, out, gate_up, down;  // rows Q, K, V; rows gate, up
};

struct LanguageModel {
  const LanguageLayer* layer;
  const float* norm;     // [D]
  Matrix head;
  Matrix embedding;      // a packed one has 8 bits; without either, calls bring embeddings
  int32_t embeds_rounded;  // packed embeddings are rounded to bfloat16
  int32_t layers, width, heads, key_heads, head_width, mlp_width;
  float eps;
};

// Keys and values of one layer: [key heads][capacity][head width], heads `key_head` and `value_head` elements apart.
struct LayerCache {
  void* keys;
  void* values;
  int64_t key_head, value_head;
};

struct Sequence {
  const LayerCache* cache;  // [layers], with room for the new tokens
  const float* cosines;     // [rows][head width / 2], of the new tokens
  const float* sines;
  Number type;              // of the cache
  int32_t start;            // tokens in the cache already
  int32_t rows;             // new ones
};

struct LanguageCall {
  float* hidden;            // [rows of all sequences][D], embeddings, overwritten; or null, then
  const int64_t* words;     // [rows of all sequences], which to look up
  const Sequence* sequences;
  float* logits;            // [rows][vocabulary], or with last_only [sequences][vocabulary]
  int32_t count;            // of sequences
  int32_t last_only;        // logits after the last token of each sequence only
  int32_t threads;
};

}  // namespace internvl

// 0; 1 when there is no memory (then the caches hold something beyond `start`, which counts for nothing); 2 when a word is not one.
extern "C" int internvl_language(const internvl::LanguageModel* model, const internvl::LanguageCall* call);
