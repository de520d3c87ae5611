// SPDX-License-Identifier: BSD-3-Clause
#include "common/progress.hpp"

#include <algorithm>
#include <cstdio>

#include <unistd.h>

namespace common {
namespace {

using clock = std::chrono::steady_clock;

double seconds_between(clock::time_point from, clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
}

} // namespace

progress::progress(std::string what, std::string unit, std::size_t total)
    : what_(std::move(what)), unit_(std::move(unit)), total_(total), shown_(isatty(STDERR_FILENO) == 1),
      start_(clock::now()), last_(start_) {
    advance(0);
}

progress::~progress() {
    if (shown_) std::fputs("\r\033[K", stderr); // the line goes, what was printed before stays
}

void progress::advance(std::size_t done) {
    done_ += done;
    const clock::time_point now = clock::now();
    const bool first_or_last = done_ == 0 || done_ == total_;
    if (!shown_ || (!first_or_last && seconds_between(last_, now) < 0.1)) return;
    last_ = now;
    const double rate = static_cast<double>(done_) / std::max(seconds_between(start_, now), 1e-9);
    std::fprintf(stderr, "\r\033[K%s  %zu of %zu %s", what_.c_str(), done_, total_, unit_.c_str());
    if (done_ > 0) std::fprintf(stderr, "  %.3g %s/s", rate, unit_.c_str());
    if (!note_.empty()) std::fprintf(stderr, "  %s", note_.c_str());
    std::fflush(stderr);
}

void progress::advance(std::size_t done, const std::string& note) {
    note_ = note;
    advance(done);
}

stage_times& stage_times::operator+=(const stage_times& other) {
    for (const auto& [name, spent] : other.seconds_) add(name, std::chrono::duration<double>(spent));
    return *this;
}

double stage_times::seconds(const std::string& stage) const {
    for (const auto& [name, spent] : seconds_) {
        if (name == stage) return spent;
    }
    return 0;
}

std::string stage_times::text() const {
    std::string text;
    for (const auto& [name, spent] : seconds_) {
        char line[80];
        std::snprintf(line, sizeof line, "  %-14s %9.3f s\n", name.c_str(), spent);
        text += line;
    }
    return text;
}

void stage_times::add(const std::string& stage, std::chrono::duration<double> spent) {
    for (auto& [name, sum] : seconds_) {
        if (name == stage) {
            sum += spent.count();
            return;
        }
    }
    seconds_.emplace_back(stage, spent.count());
}

} // namespace common
