// The product: which tiles, in which order, by which thread, and the values of a tile finished and handed to the caller.
#include "linear.hpp"

#include <algorithm>
#include <new>

#include "pool.hpp"
#include "tile.hpp"

namespace internvl {
namespace {

constexpr int64_t kRowsBytes = 512 << 10;  // rows of x that stay in the second-level cache while panels of weights pass
constexpr int kUnpackRows = 4 * kTileRows;  // from here on a panel of int4 is unpacked once instead of for each tile

constexpr uint16_t kOne = 0x3f80;  // as a bfloat16
constexpr uint16_t kOnes[16] = {kOne, kOne, kOne, kOne, kOne, kOne, kOne, kOne, kOne, kOne, kOne, kOne, kOne, kOne, kOne, kOne};

enum Form { WHOLE_ROWS, GROUPS, GROUPS_OF_FOUR, HALVES, WIDENED, SINGLES };

using Kernel = void (*)(const Tile&);

template <int ROWS, int BLOCKS>
Kernel kernel_of(Form form) {
  switch (form) {
    case WHOLE_ROWS: return whole_rows<ROWS, BLOCKS>;
    case GROUPS: return groups<false, ROWS, BLOCKS>;
    case GROUPS_OF_FOUR: return groups<true, ROWS, BLOCKS>;
    case HALVES: return floating<Numbers::HALF, ROWS, BLOCKS>;
    case WIDENED: return floating<Numbers::WIDENED, ROWS, BLOCKS>;
    default: return floating<Numbers::SINGLE, ROWS, BLOCKS>;
  }
}

template <int BLOCKS>
Kernel kernel_for(Form form, int rows) {
  switch (rows) {
    case 1: return kernel_of<1, BLOCKS>(form);
    case 2: return kernel_of<2, BLOCKS>(form);
#if defined(INTERNVL_AVX512) || defined(INTERNVL_AVX2)
    case 3: return kernel_of<3, BLOCKS>(form);
    case 4: return kernel_of<4, BLOCKS>(form);
#endif
#if defined(INTERNVL_AVX512)
    case 5: return kernel_of<5, BLOCKS>(form);
    case 6: return kernel_of<6, BLOCKS>(form);
#endif
    default: return nullptr;
  }
}

Form form_of(const Weight& weight, const Reading& how) {
  switch (weight.kind) {
    case INT4: return GROUPS_OF_FOUR;
    case INT8: return how.group > 0 ? GROUPS : WHOLE_ROWS;
    case BFLOAT16: return how.kind == BFLOAT16 ? HALVES : WIDENED;
    default: return SINGLES;
  }
}

// A thread's memory for one panel of unpacked int4 weights.
uint8_t* panel_memory(int64_t bytes) {
  thread_local static struct Memory {
    uint8_t* at = nullptr;
    int64_t size = 0;
    ~Memory() { std::free(at); }
  } memory;
  if (bytes > memory.size) {
    std::free(memory.at);
    memory.at = static_cast<uint8_t*>(std::aligned_alloc(64, size_t(bytes)));
    memory.size = memory.at == nullptr ? 0 : bytes;
    if (memory.at == nullptr) throw std::bad_alloc();
  }
  return memory.at;
}

class Product {
 public:
  Product(const Weight& weight, const Activations& x, Sink sink, void* context) : w_(weight), x_(x), sink_(sink), context_(context) {
    form_ = form_of(weight, x.how);
    groups_of_w_ = w_.group > 0 ? w_.padded_k() / w_.group : 1;
    panels_ = (w_.blocks() + kPanel - 1) / kPanel;
    int most = int(std::max<int64_t>(1, kRowsBytes / std::max<int64_t>(1, x.how.stride()) / kTileRows)) * kTileRows;
    parts_ = std::max(1, (x.rows + most - 1) / most);
    rows_a_part_ = ((x.rows + parts_ - 1) / parts_ + kTileRows - 1) / kTileRows * kTileRows;
    if (x.rows <= kTileRows) rows_a_part_ = x.rows;
  }

  void run(int threads) {
    if (x_.rows == 0) return;
    parallel_for(threads, parts_ * panels_, [this](int task) { part(task / panels_, task % panels_); });
  }

 private:
  // All rows of one part by one panel of W.
  void part(int index, int panel) {
    int begin = index * rows_a_part_, end = std::min(x_.rows, begin + rows_a_part_);
    int first = panel * kPanel, blocks = std::min(kPanel, w_.blocks() - first);
    Form form = form_;
    int64_t block_bytes = w_.block_bytes();
    const uint8_t* weights = static_cast<const uint8_t*>(w_.data) + first * block_bytes;
    if (form == GROUPS_OF_FOUR && end - begin >= kUnpackRows) {
      weights = unpack(weights, blocks);
      block_bytes *= 2;
      form = GROUPS;
    }
    int tiles = (end - begin + kTileRows - 1) / kTileRows;
    for (int tile = 0, row = begin; tile < tiles; ++tile) {
      int rows = (end - row + tiles - tile - 1) / (tiles - tile);  // as even as can be: 7 rows are 4 and 3
      tile_of(form, weights, block_bytes, row, rows, first, blocks);
      row += rows;
    }
  }

  const uint8_t* unpack(const uint8_t* weights, int blocks) {
    int64_t bytes = w_.block_bytes() * blocks;
    uint8_t* to = panel_memory(w_.block_bytes() * kPanel * 2);
    for (int64_t i = 0; i < bytes; i += 64) {
      Bytes both = load_bytes(weights + i);
      store(to + 2 * i, low_halves(both));
      store(to + 2 * i + 64, high_halves(both));
    }
    return to;
  }

  void tile_of(Form form, const uint8_t* weights, int64_t block_bytes, int row, int rows, int first, int blocks) {
    alignas(64) float out[kTileRows * kPanelColumns];
    int width = blocks == kTileBlocks ? kTileBlocks : 1;  // blocks a kernel call takes
    Kernel kernel = width > 1 ? kernel_for<kTileBlocks>(form, rows) : kernel_for<1>(form, rows);
    for (int b = 0; b < blocks; b += width) {
      Tile tile = tile_at(weights + b * block_bytes, block_bytes, row, first + b);
      tile.out = out + 16 * b;
      kernel(tile);
    }
    for (int r = 0; r < rows; ++r) finish(out + r * kPanelColumns, row + r, first, blocks);
  }

  Tile tile_at(const uint8_t* weights, int64_t block_bytes, int row, int block) const {
    Tile t{};
    t.weights = weights, t.block_bytes = block_bytes;
    t.x_stride = x_.how.stride(), t.x = x_.data + row * t.x_stride;
    t.steps = w_.steps();
    t.x_groups = x_.how.groups();
    t.groups = int(t.x_groups);
    t.steps_a_group = x_.how.group > 0 ? x_.how.group / 4 : t.steps;
    if (w_.zeros == nullptr) return t;
    bool grouped = w_.group > 0;
    t.zeros_a_block = 16 * groups_of_w_, t.zeros_a_group = grouped ? 16 : 0;
    t.scales_a_block = grouped ? t.zeros_a_block : 0, t.scales_a_group = t.zeros_a_group;
    t.zeros = w_.zeros + block * t.zeros_a_block;
    t.scales = grouped ? static_cast<const uint16_t*>(w_.scales) + block * t.scales_a_block : kOnes;
    t.x_scales = x_.scales + row * t.x_groups, t.x_sums = x_.sums + row * t.x_groups;
    return t;
  }

  // What is left to scale, the bias, and away.
  void finish(float* values, int row, int first, int blocks) const {
    bool integers = w_.kind == INT8 || w_.kind == INT4;
    const float* scales = integers && w_.group == 0 ? static_cast<const float*>(w_.scales) + 16 * first : nullptr;
    float x_scale = form_ == WHOLE_ROWS ? x_.scales[row] : 1.0f;
    for (int b = 0; b < blocks; ++b) {
      Floats value = load_floats(values + 16 * b);
      Floats bias = w_.bias != nullptr ? load_floats(w_.bias + 16 * (first + b)) : fill(0.0f);
      if (scales != nullptr) value = multiply_add(multiply(value, fill(x_scale)), load_floats(scales + 16 * b), bias);
      else if (w_.bias != nullptr) value = multiply_add(value, fill(1.0f), bias);
      store(values + 16 * b, value);
    }
    int column = 16 * first;
    sink_(context_, row, column, values, std::min(16 * blocks, w_.n - column));
  }

  const Weight& w_;
  const Activations& x_;
  Sink sink_;
  void* context_;
  Form form_;
  int groups_of_w_, panels_, parts_, rows_a_part_;
};

}  // namespace

void product(int threads, const Weight& weight, const Activations& x, Sink sink, void* context) {
  Product(weight, x, sink, context).run(threads);
}

}  // namespace internvl
