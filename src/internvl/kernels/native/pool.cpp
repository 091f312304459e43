// The workers behind parallel_for. A part is open from its first task to the moment the caller has run out of tasks: a worker that the
// system wakes too late finds it closed, so nobody ever waits for a thread that has not begun.
#include "pool.hpp"

namespace internvl {
namespace {

constexpr auto kSpin = std::chrono::microseconds(100);
constexpr int kPausesBetweenClocks = 32;

thread_local bool inside_a_part = false;

}  // namespace

Pool& Pool::shared() {
  static std::atomic<Pool*> pool{nullptr};
  static std::atomic<int64_t> process{0};
  static std::mutex making;
  int64_t here = getpid();
  if (process.load(std::memory_order_acquire) != here) {
    std::lock_guard<std::mutex> lock(making);
    if (process.load() != here) {
      pool.store(new Pool);  // never freed: its threads outlive every static destructor
      process.store(here, std::memory_order_release);
    }
  }
  return *pool.load(std::memory_order_acquire);
}

void Pool::run(int threads, int tasks, void (*call)(void*, int), void* context) {
  std::unique_lock<std::mutex> owner(owner_, std::defer_lock);
  if (inside_a_part || threads <= 1 || tasks <= 1 || !owner.try_lock()) {
    for (int task = 0; task < tasks; ++task) call(context, task);
    return;
  }
  int helpers = (threads < tasks ? threads : tasks) - 1;
  if (helpers > kMostWorkers) helpers = kMostWorkers;
  grow(helpers);
  tasks_ = tasks, call_ = call, context_ = context;
  next_.store(0, std::memory_order_relaxed);
  invited_.store(helpers, std::memory_order_relaxed);
  uint64_t generation = (state_.load(std::memory_order_relaxed) >> 32) + 1;
  state_.store(generation << 32 | kOpen, std::memory_order_seq_cst);
  if (sleeping_.load(std::memory_order_seq_cst) > 0) {
    { std::lock_guard<std::mutex> lock(sleep_); }
    wake_.notify_all();
  }
  take_tasks();
  state_.fetch_and(~kOpen, std::memory_order_acq_rel);
  for (int pauses = 0; (state_.load(std::memory_order_acquire) & (kOpen - 1)) != 0; ++pauses) {
    if (pauses < 4096) relax();
    else std::this_thread::yield();
  }
}

void Pool::take_tasks() {
  inside_a_part = true;
  for (int task; (task = next_.fetch_add(1, std::memory_order_relaxed)) < tasks_;) call_(context_, task);
  inside_a_part = false;
}

void Pool::grow(int workers) {
  for (; workers_ < workers; ++workers_) {
    int index = workers_;
    std::thread([this, index] { worker(index); }).detach();
  }
}

void Pool::worker(int index) {
  uint32_t seen = 0;
  for (;;) {
    uint64_t state = await_part(seen);
    bool open = (state & kOpen) != 0;
    if (open && !state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) continue;
    seen = static_cast<uint32_t>(state >> 32);
    if (!open) continue;
    if (index < invited_.load(std::memory_order_relaxed)) take_tasks();
    state_.fetch_sub(1, std::memory_order_release);
  }
}

uint64_t Pool::await_part(uint32_t seen) {
  auto changed = [this, seen] { return static_cast<uint32_t>(state_.load(std::memory_order_seq_cst) >> 32) != seen; };
  auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int pause = 0; pause < kPausesBetweenClocks; ++pause) {
      if (changed()) return state_.load(std::memory_order_acquire);
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  std::unique_lock<std::mutex> lock(sleep_);
  sleeping_.fetch_add(1, std::memory_order_seq_cst);
  wake_.wait(lock, changed);
  sleeping_.fetch_sub(1, std::memory_order_seq_cst);
  return state_.load(std::memory_order_acquire);
}

}  // namespace internvl
