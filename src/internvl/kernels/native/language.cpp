// The steps of a layer, for a few rows (decoding) as for a chunk of a prompt. Between two products there is little to do, so for a few
// rows the caller's thread does it alone while the workers spin: four parts a layer that wait for each other.
#include "language.hpp"

#include <algorithm>
#include <cmath>
#include <new>
#include <vector>

#include "language_attention.hpp"
#include "language_embedding.hpp"
#include "language_math.hpp"
#include "language_plain.hpp"
#include "language_scratch.hpp"
#include "pool.hpp"

namespace internvl::language {
namespace {

// Rows that go through all layers together: what lies between two products stays in the second-level cache.
constexpr int kChunk = 96;
constexpr int kAlone = 4;       // rows below which one thread is as fast as several, apart from products
constexpr int kBlockRows = 16;  // rows from which work on blocks of them pays

class Pass {
 public:
  Pass(const LanguageModel& model, const LanguageCall& call, Scratch& scratch)
      : model_(model), call_(call), scratch_(scratch), threads_(call.threads) {}

  // Whether all words are words.
  bool run() {
    float* hidden = call_.hidden ? call_.hidden : looked_up();
    if (!hidden) return false;
    float* logits = call_.logits;
    for (int sequence = 0; sequence < call_.count; ++sequence) {
      const Sequence& from = call_.sequences[sequence];
      for (int done = 0; done < from.rows;) {
        int room = kChunk - int(scratch_.rows.size());
        if (room == 0) {
          chunk(hidden, logits);
          continue;
        }
        int taken = std::min(room, from.rows - done);
        take(from, done, taken);
        done += taken;
      }
    }
    chunk(hidden, logits);
    return true;
  }

 private:
  float* looked_up() {
    int64_t count = 0, width = model_.width;
    for (int sequence = 0; sequence < call_.count; ++sequence) count += call_.sequences[sequence].rows;
    if (std::any_of(call_.words, call_.words + count, [&](int64_t word) { return word < 0 || word >= model_.embedding.n; }))
      return nullptr;
    float* hidden = scratch_.hidden.of(count * width);
    for (int64_t row = 0; row < count; ++row)
      embed(model_.embedding, model_.embeds_rounded, call_.words[row], hidden + row * width);
    return hidden;
  }

  void take(const Sequence& from, int done, int count) {
    int wanted = !call_.last_only ? count : done + count == from.rows ? 1 : 0, half = model_.head_width / 2;
    scratch_.pieces.push_back({int(scratch_.rows.size()), count, wanted});
    for (int i = done; i < done + count; ++i)
      scratch_.rows.push_back({&from, from.cosines + int64_t(i) * half, from.sines + int64_t(i) * half, from.start + i});
  }

  // The rows that were taken go through; hidden and logits move on behind them.
  void chunk(float*& hidden, float*& logits) {
    auto& rows = scratch_.rows;
    if (rows.empty()) return;
    hidden_ = hidden;
    hidden += int64_t(rows.size()) * model_.width;
    plan();
    for (int layer = 0; layer < model_.layers; ++layer) pass(layer);
    if (!rows.empty()) {
      predict(logits);
      logits += int64_t(rows.size()) * model_.head.n;
    }
    rows.clear();
    scratch_.pieces.clear();
  }

  void pass(int index) {
    const LanguageLayer& layer = model_.layer[index];
    project(layer);
    remember(layer, index);
    if (index + 1 == model_.layers) keep_wanted();
    if (scratch_.rows.empty()) return;
    attend(index);
    int64_t width = model_.width;
    auto add = [&](int row, int column, const float* values, int count) {
      float* to = hidden_ + row * width + column;
      for (int i = 0; i < count; ++i) to[i] += values[i];
    };
    multiply(layer.out, seen_, seen_width(), scratch_.seen_x, add);
    expand(layer);
    multiply(layer.down, wide_, wide_stride_, scratch_.wide_x, add);
  }

  // hidden -> norm -> queries, keys and values side by side.
  void project(const LanguageLayer& layer) {
    int64_t width = layer.qkv.n;
    qkv_ = scratch_.qkv.of(rows() * width);
    multiply(layer.qkv, norm(layer.norm1), model_.width, scratch_.narrow_x,
             [&](int row, int column, const float* values, int count) { std::copy_n(values, count, qkv_ + row * width + column); });
  }

  // Heads are normalised (Qwen3) and turned; keys and values go into the cache.
  void remember(const LanguageLayer& layer, int index) {
    each_row([&](int row) {
      const Row& at = scratch_.rows[row];
      const LayerCache& cache = at.sequence->cache[index];
      float* heads = qkv_ + row * int64_t(layer.qkv.n);
      for (int head = 0; head < model_.heads + model_.key_heads; ++head) {
        const float* weight = head < model_.heads ? layer.q_norm : layer.k_norm;
        float* own = heads + head * model_.head_width;
        if (weight) rms_norm(own, weight, model_.eps, own, model_.head_width);
      }
      for (int head = 0; head < model_.heads; ++head) {
        float* q = heads + head * model_.head_width;
        rotate(q, at.cosines, at.sines, q, model_.head_width);
      }
      if (at.sequence->type == Number::BFloat16) append<uint16_t>(at, cache, heads);
      else append<float>(at, cache, heads);
    });
  }

  template <class T>
  void append(const Row& at, const LayerCache& cache, const float* heads) {
    int width = model_.head_width;
    const float* key = heads + model_.heads * width;
    const float* value = key + model_.key_heads * width;
    int64_t token = int64_t(at.position) * width;
    for (int head = 0; head < model_.key_heads; ++head) {
      rotate(key + head * width, at.cosines, at.sines, static_cast<T*>(cache.keys) + head * cache.key_head + token, width);
      T* to = static_cast<T*>(cache.values) + head * cache.value_head + token;
      for (int i = 0; i < width; ++i) put(to + i, value[head * width + i]);
    }
  }

  // Behind the last layer's keys only the rows that get logits matter: they move to the front.
  void keep_wanted() {
    std::vector<Row>& all = scratch_.rows;
    int kept = 0, qkv = model_.layer[model_.layers - 1].qkv.n;
    for (Piece& piece : scratch_.pieces) {
      int from = piece.first + piece.rows - piece.wanted;
      piece = {kept, piece.wanted, piece.wanted};
      for (int i = 0; i < piece.wanted; ++i, ++from, ++kept) {
        if (from == kept) continue;
        all[kept] = all[from];
        std::copy_n(hidden_ + int64_t(from) * model_.width, model_.width, hidden_ + int64_t(kept) * model_.width);
        std::copy_n(qkv_ + int64_t(from) * qkv, qkv, qkv_ + int64_t(kept) * qkv);
      }
    }
    if (kept == int(all.size())) return;
    all.resize(kept);
    plan();
  }

  // Prompts only: where every token gets logits, an answer is checked against what its tokens would give one by one, bit for bit.
  bool in_blocks(const Piece& piece) const { return call_.last_only && piece.rows >= kBlockRows && model_.head_width % 16 == 0; }

  void plan() {
    scratch_.looks.clear();
    for (const Piece& piece : scratch_.pieces) {
      if (in_blocks(piece)) continue;
      for (int row = piece.first; row < piece.first + piece.rows; ++row)
        for (int head = 0; head < model_.key_heads; ++head)
          for (int stretch = 0; stretch * kStretch <= scratch_.rows[row].position; ++stretch)
            scratch_.looks.push_back({row, head, stretch});
    }
  }

  // Queries -> what they saw, [rows][heads * width].
  void attend(int index) {
    seen_ = scratch_.seen.of(rows() * seen_width());
    attend_blocks(index);
    if (scratch_.looks.empty()) return;
    look(index);
    merge_looks();
  }

  void attend_blocks(int index) {
    int64_t width = model_.layer[index].qkv.n, head = model_.head_width;
    scratch_.blocks.clear();
    for (const Piece& piece : scratch_.pieces) {
      if (!in_blocks(piece)) continue;
      const Row& at = scratch_.rows[piece.first];
      const LayerCache& cache = at.sequence->cache[index];
      Number type = at.sequence->type;
      AttentionTask task{};
      task.q = {qkv_ + piece.first * width, Number::Float32, head, width};
      task.k = {cache.keys, type, cache.key_head, head};
      task.v = {cache.values, type, cache.value_head, head};
      task.out = {seen_ + piece.first * seen_width(), Number::Float32, head, seen_width()};
      task.query_heads = model_.heads, task.key_heads = model_.key_heads, task.width = int(head);
      task.queries = piece.rows, task.keys = at.position + piece.rows, task.causal_offset = at.position;
      task.scale = scale(), task.exact = type == Number::Float32;
      scratch_.blocks.push_back(task);
    }
    if (!scratch_.blocks.empty()) attention(scratch_.blocks.data(), int(scratch_.blocks.size()), threads_);
  }

  void look(int index) {
    int group = model_.heads / model_.key_heads, width = model_.head_width, share = group * (width + 2);
    float* shares = scratch_.shares.of(scratch_.looks.size() * share);
    int64_t qkv = model_.layer[index].qkv.n;
    each_row([&](int row) {
      float* q = qkv_ + row * qkv;
      for (int i = 0; i < model_.heads * width; ++i) q[i] *= scale();
    });
    parallel_for(threads_, int(scratch_.looks.size()), [&](int task) {
      const Look& look = scratch_.looks[task];
      const Row& at = scratch_.rows[look.row];
      const LayerCache& cache = at.sequence->cache[index];
      const float* q = qkv_ + look.row * qkv + look.key_head * group * width;
      if (at.sequence->type == Number::BFloat16) attend_stretch(stretch<uint16_t>(look, at, cache, q), share_at(shares + task * share));
      else attend_stretch(stretch<float>(look, at, cache, q), share_at(shares + task * share));
    });
  }

  template <class T>
  Stretch<T> stretch(const Look& look, const Row& at, const LayerCache& cache, const float* q) const {
    int first = look.stretch * kStretch, width = model_.head_width;
    const T* keys = static_cast<const T*>(cache.keys) + look.key_head * cache.key_head + int64_t(first) * width;
    const T* values = static_cast<const T*>(cache.values) + look.key_head * cache.value_head + int64_t(first) * width;
    return {q, model_.heads / model_.key_heads, width, keys, values, std::min(kStretch, at.position + 1 - first)};
  }

  Share share_at(float* from) const {
    int group = model_.heads / model_.key_heads;
    return {from + 2 * group, from, from + group};
  }

  void merge_looks() {
    const std::vector<Look>& looks = scratch_.looks;
    int group = model_.heads / model_.key_heads, width = model_.head_width, share = group * (width + 2);
    for (size_t first = 0, next; first < looks.size(); first = next) {
      for (next = first + 1; next < looks.size() && looks[next].stretch > 0;) ++next;
      Share from = share_at(scratch_.shares.of(0) + first * share);
      float* to = seen_ + looks[first].row * seen_width() + looks[first].key_head * group * width;
      for (int head = 0; head < group; ++head)
        merge({from.out + head * width, from.most + head, from.sum + head}, int(next - first), share, width, to + head * width);
    }
  }

  // hidden -> norm -> silu(gate) * up, [rows][mlp width]. Many rows take gate and up one after the other, which halves what lies between.
  void expand(const LanguageLayer& layer) {
    const float* x = norm(layer.norm2);
    int64_t width = model_.mlp_width;
    bool apart = layer.gate_up.packed && rows() >= kBlockRows && width % 16 == 0;
    wide_stride_ = apart ? width : 2 * width;
    wide_ = scratch_.wide.of(rows() * wide_stride_);
    if (apart) return expand_apart(layer.gate_up, x);
    multiply(layer.gate_up, x, model_.width, scratch_.narrow_x, [&](int row, int column, const float* values, int count) {
      std::copy_n(values, count, wide_ + row * 2 * width + column);
    });
    each_row([&](int row) {
      float* both = wide_ + row * 2 * width;
      gated(both, both + width, both, int(width));
    });
  }

  void expand_apart(const Matrix& gate_up, const float* x) {
    int width = model_.mlp_width;
    Weight gate = rows_of(*gate_up.packed, 0, width), up = rows_of(*gate_up.packed, width, width);
    write(gate_up, x, model_.width, scratch_.narrow_x);
    linear(threads_, gate, scratch_.narrow_x, [&](int row, int column, const float* values, int count) {
      std::copy_n(values, count, wide_ + int64_t(row) * width + column);
    });
    linear(threads_, up, scratch_.narrow_x, [&](int row, int column, const float* values, int count) {
      float* own = wide_ + int64_t(row) * width + column;
      gated(own, values, own, count);
    });
  }

  // The last norm and the head, for the rows that are left.
  void predict(float* logits) {
    int64_t words = model_.head.n;
    multiply(model_.head, norm(model_.norm), model_.width, scratch_.narrow_x,
             [&](int row, int column, const float* values, int count) { std::copy_n(values, count, logits + row * words + column); });
  }

  const float* norm(const float* weight) {
    int64_t width = model_.width;
    float* normed = scratch_.normed.of(rows() * width);
    each_row([&](int row) { rms_norm(hidden_ + row * width, weight, model_.eps, normed + row * width, int(width)); });
    return normed;
  }

  void write(const Matrix& matrix, const float* x, int64_t stride, Activations& place) {
    place.prepare(reading(*matrix.packed, matrix.x_group), int(rows()));
    each_row([&](int row) { place.write(row, x + row * stride); });
  }

  template <class Epilogue>
  void multiply(const Matrix& matrix, const float* x, int64_t stride, Activations& place, Epilogue&& epilogue) {
    int count = int(rows());
    if (matrix.packed) {
      write(matrix, x, stride, place);
      linear(threads_, *matrix.packed, place, epilogue);
    } else if (matrix.type == Number::BFloat16) {
      auto weight = static_cast<const uint16_t*>(matrix.plain);
      plain_product(threads_, weight, matrix.bias, matrix.n, matrix.k, x, stride, count, epilogue);
    } else {
      auto weight = static_cast<const float*>(matrix.plain);
      plain_product(threads_, weight, matrix.bias, matrix.n, matrix.k, x, stride, count, epilogue);
    }
  }

  template <class F>
  void each_row(F&& f) {
    int count = int(rows()), parts = count < kAlone ? 1 : std::min(count, 4 * threads_);
    parallel_for(threads_, parts, [&](int part) {
      for (int row = part * count / parts; row < (part + 1) * count / parts; ++row) f(row);
    });
  }

  int64_t rows() const { return int64_t(scratch_.rows.size()); }
  int64_t seen_width() const { return int64_t(model_.heads) * model_.head_width; }
  float scale() const { return 1.0f / std::sqrt(float(model_.head_width)); }

  const LanguageModel& model_;
  const LanguageCall& call_;
  Scratch& scratch_;
  int threads_;
  float* hidden_ = nullptr;
  float* qkv_ = nullptr;
  float* seen_ = nullptr;
  float* wide_ = nullptr;
  int64_t wide_stride_ = 0;
};

}  // namespace
}  // namespace internvl::language

extern "C" int internvl_language(const internvl::LanguageModel* model, const internvl::LanguageCall* call) {
  static thread_local internvl::language::Scratch scratch;
  try {
    scratch.rows.clear();
    scratch.pieces.clear();
    return internvl::language::Pass(*model, *call, scratch).run() ? 0 : 2;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}
