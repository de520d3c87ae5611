// SPDX-License-Identifier: BSD-3-Clause
//
// relay.hpp: buffers that go round between a thread that fills them and one that empties them.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace common {

/// Threads  next_empty, filled and finish are the filling thread's, next_filled and emptied the emptying one's;
///          give_up is anybody's
template <class T>
class relay {
public:
    explicit relay(std::vector<T> buffers) : buffers_(std::move(buffers)) {
        for (T& buffer : buffers_) empty_.push_back(&buffer);
    }
    relay(const relay&) = delete;
    relay& operator=(const relay&) = delete;

    /// Waits for a buffer to fill; none once somebody has given up.
    T* next_empty() { return next(empty_); }
    void filled(T* buffer) { hand_over(full_, buffer); }
    /// No buffer will be filled any more.
    void finish() {
        const std::lock_guard lock(mutex_);
        finished_ = true;
        changed_.notify_all();
    }

    /// Waits for a buffer to empty, in the order they were filled; none once the last is through, or somebody has
    /// given up.
    T* next_filled() { return next(full_); }
    void emptied(T* buffer) { hand_over(empty_, buffer); }

    /// Whoever waits, now or later, gets nothing.
    void give_up() {
        const std::lock_guard lock(mutex_);
        given_up_ = true;
        changed_.notify_all();
    }

private:
    T* next(std::deque<T*>& queue) {
        std::unique_lock lock(mutex_);
        const bool ends = &queue == &full_;
        changed_.wait(lock, [&] { return !queue.empty() || given_up_ || (ends && finished_); });
        if (given_up_ || queue.empty()) return nullptr;
        T* const buffer = queue.front();
        queue.pop_front();
        return buffer;
    }
    void hand_over(std::deque<T*>& queue, T* buffer) {
        const std::lock_guard lock(mutex_);
        queue.push_back(buffer);
        changed_.notify_all();
    }

    std::vector<T> buffers_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<T*> empty_, full_;
    bool finished_ = false, given_up_ = false;
};

} // namespace common
