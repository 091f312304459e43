// Threads of our own, for parts that are too short for starting threads or waking sleeping ones.
//
//   parallel_for(threads, tasks, f): f(task) for every task in [0, tasks), on the caller and up to threads - 1 workers
//
// Workers spin for a moment after a part, since the next one usually follows at once, and then sleep. A call from inside a part, or
// while another Python thread has the workers, runs on the caller alone: never a deadlock, always progress.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace internvl {

inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class Pool {
 public:
  // The one pool of the process; a forked child gets a new one, because its parent's threads are not in it.
  static Pool& shared();

  // call(context, task) for every task; returns when all are done.
  void run(int threads, int tasks, void (*call)(void*, int), void* context);

 private:
  static constexpr uint64_t kOpen = 1u << 31;          // state: generation << 32 | open | workers inside
  static constexpr int kMostWorkers = 255;

  void grow(int workers);
  void worker(int index);
  void take_tasks();
  uint64_t await_part(uint32_t seen);

  std::mutex owner_;
  int workers_ = 0;
  std::atomic<uint64_t> state_{0};
  std::atomic<int> invited_{0}, next_{0}, sleeping_{0};
  int tasks_ = 0;
  void (*call_)(void*, int) = nullptr;
  void* context_ = nullptr;
  std::mutex sleep_;
  std::condition_variable wake_;
};

template <class F>
void parallel_for(int threads, int tasks, F&& f) {
  using Function = std::remove_reference_t<F>;
  if (threads <= 1 || tasks <= 1) {
    for (int task = 0; task < tasks; ++task) f(task);
    return;
  }
  auto call = [](void* context, int task) { (*static_cast<Function*>(context))(task); };
  Pool::shared().run(threads, tasks, call, const_cast<void*>(static_cast<const void*>(&f)));
}

}  // namespace internvl
