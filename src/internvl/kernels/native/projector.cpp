// The projector: squares of patches joined (pixel shuffle), LayerNorm, linear, GELU, linear; a block of visual tokens after the other.
#include "vision_rows.hpp"

namespace internvl {
namespace {

class ProjectorPass {
 public:
  ProjectorPass(const ProjectorModel& model, const ProjectorCall& call) : m_(model), c_(call) {
    down_ = c_.rows / m_.k, across_ = c_.columns / m_.k;
    wide_ = m_.k * m_.k * m_.width;
  }

  void run() {
    int64_t tokens = int64_t(c_.tiles) * down_ * across_;
    if (tokens > 0) over_rows(c_.threads, tokens, [&](int64_t first, int rows) { project(first, rows); });
  }

 private:
  // The k x k patches of a visual token, row by row.
  void gather(int64_t token, float* to) const {
    int64_t tile = token / (down_ * across_), place = token % (down_ * across_);
    int64_t row = m_.transposed ? place % down_ : place / across_, column = m_.transposed ? place / down_ : place % across_;
    const float* cells = c_.hidden + (tile * (1 + c_.rows * c_.columns) + 1) * m_.width;
    size_t line = size_t(m_.k) * m_.width;
    for (int i = 0; i < m_.k; ++i)
      std::memcpy(to + i * line, cells + ((row * m_.k + i) * c_.columns + column * m_.k) * m_.width, 4 * line);
  }

  void project(int64_t first, int rows) const {
    RowScratch& scratch = scratch_of_thread();
    float* row = scratch.row.floats(wide_);
    scratch.narrow.prepare(reading(m_.up.weight, m_.up.x_group), rows);
    for (int r = 0; r < rows; ++r) {
      gather(first + r, row);
      normalise(row, wide_, m_.norm, m_.norm_bias, m_.eps, row);
      scratch.narrow.write(r, row);
    }
    const int width = m_.up.weight.n;
    const Number type = type_between(m_.up);
    const Plane middle{scratch.middle.bytes(size_t(rows) * width * size_of(type)), type};
    linear(1, m_.up.weight, scratch.narrow, [&](int row, int column, const float* values, int count) {
      for (int i = 0; i < count; i += LANES) middle.put(int64_t(row) * width + column + i, gelu(load(values + i)));
    });
    scratch.wide.prepare(reading(m_.out.weight, m_.out.x_group), rows);
    for (int r = 0; r < rows; ++r) middle.read_into(scratch.wide, r, int64_t(r) * width);
    float* visual = c_.visual + first * m_.out.weight.n;
    linear(1, m_.out.weight, scratch.wide, [&](int row, int column, const float* values, int count) {
      std::memcpy(visual + int64_t(row) * m_.out.weight.n + column, values, size_t(count) * 4);
    });
  }

  const ProjectorModel& m_;
  const ProjectorCall& c_;
  int64_t down_, across_;
  int wide_;
};

}  // namespace
}  // namespace internvl

extern "C" int32_t internvl_projector(const internvl::ProjectorModel* model, const internvl::ProjectorCall* call) {
  try {
    internvl::ProjectorPass(*model, *call).run();
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}
