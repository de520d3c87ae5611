// SPDX-License-Identifier: BSD-3-Clause
//
// progress.hpp: what a person at a terminal sees while the work goes on, and where the time went.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace common {

/// One line that is rewritten in place: "reconstruct  32 of 128 slices  11.8 slices/s". Silent where
/// standard error is no terminal.
class progress {
public:
    progress(std::string what, std::string unit, std::size_t total);
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    ~progress();

    void advance(std::size_t done);
    /// The same, with a word on how it goes at the end of the line: "residual 2.1e-05".
    void advance(std::size_t done, const std::string& note);

private:
    std::string what_, unit_, note_;
    std::size_t total_, done_ = 0;
    bool shown_;
    std::chrono::steady_clock::time_point start_, last_;
};

/// Seconds spent in each stage, in the order the stages were first entered.
class stage_times {
public:
    /// Calls f() and adds its time to the stage's.
    template <class F>
    decltype(auto) time(const std::string& stage, F&& f) {
        const timer t{*this, stage, std::chrono::steady_clock::now()};
        return f();
    }
    stage_times& operator+=(const stage_times& other);
    double seconds(const std::string& stage) const;
    std::string text() const; // one line a stage

private:
    struct timer {
        stage_times& times;
        const std::string& stage;
        std::chrono::steady_clock::time_point start;
        ~timer() { times.add(stage, std::chrono::steady_clock::now() - start); }
    };
    void add(const std::string& stage, std::chrono::duration<double> spent);

    std::vector<std::pair<std::string, double>> seconds_;
};

} // namespace common
