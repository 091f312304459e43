// InternViT and the projector as one call each, on packed weights.
//
//   hidden [tiles][tokens][D] --layers--> hidden, in place          (models/vision/block.py)
//   hidden --pixel shuffle, norm, two linear layers--> visual tokens [tiles][V][language width]   (models/projector.py)
//
// A layer is two parts for the threads: attention, head by head; and everything else, block of rows by block of rows, from the output
// of attention to q, k and v of the next layer, so that a block's intermediate rows never leave the second-level cache.
// kernels/vision.py mirrors these structures; all memory is the caller's.
#pragma once

#include <cstdint>

#include "linear.hpp"

namespace internvl {

struct PackedLinear {
  Weight weight;
  int32_t x_group;  // columns of x that share a scale, 0 for a whole row
};

struct VisionLayer {
  const float *norm1, *norm1_bias;  // [D]; no bias: RMSNorm
  const float *norm2, *norm2_bias;
  const float *q_norm, *k_norm;     // [D] or null: RMSNorm over the whole width, before the heads are split
  const float *scale1, *scale2;     // [D]
  PackedLinear qkv, out, up, down;
};

struct VisionModel {
  const VisionLayer* layer;
  int32_t layers, width, heads, mlp_width;
  int32_t silu;             // 0: GELU by the error function
  int32_t exact, in_bytes;  // of attention, see attention.hpp
  float eps;
};

// Parts whose time is taken: nanoseconds of processor time, summed over the threads; of attention only the calling thread's.
enum Part { QUANTISE, QKV, ATTENTION, OUT, UP, DOWN, PARTS };

struct VisionCall {
  float* hidden;
  int64_t* times;  // [PARTS], added to, or null
  int32_t tiles, tokens, threads;
};

struct ProjectorModel {
  const float *norm, *norm_bias;  // [k * k * D]
  PackedLinear up, out;
  int32_t width;                  // D
  int32_t k, transposed;          // of the pixel shuffle; transposed: version 1
  float eps;
};

struct ProjectorCall {
  const float* hidden;  // [tiles][1 + rows * columns][D], a class token first
  float* visual;        // [tiles][rows / k * columns / k][language width]
  int32_t tiles, rows, columns, threads;
};

}  // namespace internvl

// 0, or 1 when there is no memory.
extern "C" int32_t internvl_vision(const internvl::VisionModel* model, const internvl::VisionCall* call);
extern "C" int32_t internvl_projector(const internvl::ProjectorModel* model, const internvl::ProjectorCall* call);
