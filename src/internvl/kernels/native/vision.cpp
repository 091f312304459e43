// The layers of InternViT over all rows of all tiles.
#include "vision.hpp"

#include <time.h>

#include <vector>

#include "vision_rows.hpp"

namespace internvl {
namespace {

class Clock {
 public:
  explicit Clock(std::atomic<int64_t>* times) : times_(times) { last_ = now(); }

  void stop(Part part) {  // what went by since the last stop belongs to `part`
    if (times_ == nullptr) return;
    int64_t here = now();
    times_[part].fetch_add(here - last_, std::memory_order_relaxed);
    last_ = here;
  }

 private:
  int64_t now() const {
    if (times_ == nullptr) return 0;
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return int64_t(time.tv_sec) * 1000000000 + time.tv_nsec;
  }
  std::atomic<int64_t>* times_;
  int64_t last_;
};

class VisionPass {
 public:
  VisionPass(const VisionModel& model, const VisionCall& call) : m_(model), c_(call), rows_(int64_t(call.tiles) * call.tokens) {
    head_width_ = m_.width / m_.heads;
    type_ = m_.layers > 0 ? type_between(m_.layer[0].qkv) : Number::Float32;
    qkv_ = Plane{qkv_room_.bytes(rows_ * 3 * m_.width * size_of(type_)), type_};
    seen_ = Plane{seen_room_.bytes(rows_ * m_.width * size_of(type_)), type_};
    for (int column = 0; column < 3 * m_.width; column += 16)  // heads of q, of k, of v, each [tokens][head width]
      places_.push_back(int64_t(column / head_width_) * c_.tokens * head_width_ + column % head_width_);
  }

  void run() {
    if (m_.layers == 0 || rows_ == 0) return;
    over_rows(c_.threads, rows_, [&](int64_t first, int rows) { start_layer(m_.layer[0], first, rows); });
    for (int index = 0; index < m_.layers; ++index) {
      attend();
      over_rows(c_.threads, rows_, [&](int64_t first, int rows) {
        finish_layer(m_.layer[index], first, rows);
        if (index + 1 < m_.layers) start_layer(m_.layer[index + 1], first, rows);
      });
    }
    if (c_.times != nullptr)
      for (int part = 0; part < PARTS; ++part) c_.times[part] += times_[part];
  }

 private:
  std::atomic<int64_t>* times() { return c_.times == nullptr ? nullptr : times_; }

  float* hidden(int64_t row) const { return c_.hidden + row * m_.width; }

  // Norm, then 8 bits (or whatever the weight takes), of a block of rows.
  void read_normed(const float* weight, const float* bias, const PackedLinear& linear, int64_t first, int rows, RowScratch& scratch) {
    float* row = scratch.row.floats(m_.width);
    scratch.narrow.prepare(reading(linear.weight, linear.x_group), rows);
    for (int r = 0; r < rows; ++r) {
      normalise(hidden(first + r), m_.width, weight, bias, m_.eps, row);
      scratch.narrow.write(r, row);
    }
  }

  // q, k and v of a block of rows, each to its head's place.
  void start_layer(const VisionLayer& layer, int64_t first, int rows) {
    RowScratch& scratch = scratch_of_thread();
    Clock clock(times());
    read_normed(layer.norm1, layer.norm1_bias, layer.qkv, first, rows, scratch);
    clock.stop(QUANTISE);
    if (layer.q_norm != nullptr) {
      normed_qkv(layer, first, rows, scratch);
    } else {
      linear(1, layer.qkv.weight, scratch.narrow, [&](int row, int column, const float* values, int count) {
        place(first + row, column, values, count);
      });
    }
    clock.stop(QKV);
  }

  void place(int64_t row, int column, const float* values, int count) const {
    int64_t tile = row / c_.tokens;
    int64_t base = tile * c_.tokens * 3 * m_.width + (row - tile * c_.tokens) * head_width_;
    for (int i = 0; i < count; i += LANES) {
      int at = column + i;
      qkv_.put(base + places_[at / 16] + at % 16, load(values + i));
    }
  }

  void normed_qkv(const VisionLayer& layer, int64_t first, int rows, RowScratch& scratch) {
    const int64_t width = 3 * int64_t(m_.width);
    float* middle = scratch.middle.floats(rows * width);
    linear(1, layer.qkv.weight, scratch.narrow, [=](int row, int column, const float* values, int count) {
      std::memcpy(middle + row * width + column, values, size_t(count) * 4);
    });
    for (int r = 0; r < rows; ++r) {
      float* row = middle + r * width;
      normalise(row, m_.width, layer.q_norm, nullptr, m_.eps, row);
      normalise(row + m_.width, m_.width, layer.k_norm, nullptr, m_.eps, row + m_.width);
      place(first + r, 0, row, int(width));
    }
  }

  void attend() {
    const int64_t tile_size = int64_t(c_.tokens) * m_.width;
    const size_t size = size_of(type_);
    std::vector<AttentionTask> tasks;
    for (int tile = 0; tile < c_.tiles; ++tile) {
      const char* q = static_cast<const char*>(qkv_.data) + 3 * tile * tile_size * size;
      char* out = static_cast<char*>(seen_.data) + tile * tile_size * size;
      auto part = [&](int index) {
        return Heads{q + index * tile_size * size, type_, ptrdiff_t(c_.tokens) * head_width_, head_width_};
      };
      AttentionTask task{};
      task.q = part(0), task.k = part(1), task.v = part(2);
      task.out = {out, type_, head_width_, m_.width};
      task.query_heads = task.key_heads = m_.heads, task.width = head_width_;
      task.queries = task.keys = c_.tokens, task.causal_offset = -1;
      task.scale = 1.0f / std::sqrt(float(head_width_));
      task.exact = m_.exact != 0, task.in_bytes = m_.in_bytes != 0;
      tasks.push_back(task);
    }
    Clock clock(times());
    attention(tasks.data(), int(tasks.size()), c_.threads);
    clock.stop(ATTENTION);
  }

  // hidden += scale * (rows W^T + bias)
  void add_branch(const Weight& weight, const Activations& x, const float* scale, int64_t first) const {
    linear(1, weight, x, [&](int row, int column, const float* values, int count) {
      float* to = hidden(first + row) + column;
      for (int i = 0; i < count; i += LANES) store(to + i, load(to + i) + load(values + i) * load(scale + column + i));
    });
  }

  void finish_layer(const VisionLayer& layer, int64_t first, int rows) {
    RowScratch& scratch = scratch_of_thread();
    Clock clock(times());
    scratch.narrow.prepare(reading(layer.out.weight, layer.out.x_group), rows);
    for (int r = 0; r < rows; ++r) seen_.read_into(scratch.narrow, r, (first + r) * m_.width);
    clock.stop(QUANTISE);
    add_branch(layer.out.weight, scratch.narrow, layer.scale1, first);
    clock.stop(OUT);
    read_normed(layer.norm2, layer.norm2_bias, layer.up, first, rows, scratch);
    clock.stop(QUANTISE);
    const Plane middle{scratch.middle.bytes(size_t(rows) * m_.mlp_width * size_of(type_)), type_};
    linear(1, layer.up.weight, scratch.narrow, [&](int row, int column, const float* values, int count) {
      int64_t at = int64_t(row) * m_.mlp_width + column;
      for (int i = 0; i < count; i += LANES) middle.put(at + i, activated(load(values + i), m_.silu != 0));
    });
    clock.stop(UP);
    scratch.wide.prepare(reading(layer.down.weight, layer.down.x_group), rows);
    for (int r = 0; r < rows; ++r) middle.read_into(scratch.wide, r, int64_t(r) * m_.mlp_width);
    clock.stop(QUANTISE);
    add_branch(layer.down.weight, scratch.wide, layer.scale2, first);
    clock.stop(DOWN);
  }

  const VisionModel& m_;
  const VisionCall& c_;
  int64_t rows_;
  int head_width_;
  Number type_;
  Room qkv_room_, seen_room_;
  Plane qkv_, seen_;              // [tiles][3 * heads][tokens][head width]; [tiles][tokens][D]
  std::vector<int64_t> places_;   // of every 16th column of q, k and v
  std::atomic<int64_t> times_[PARTS] = {};
};

}  // namespace
}  // namespace internvl

extern "C" int32_t internvl_vision(const internvl::VisionModel* model, const internvl::VisionCall* call) {
  try {
    internvl::VisionPass(*model, *call).run();
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}
