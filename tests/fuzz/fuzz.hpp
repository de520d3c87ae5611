// SPDX-License-Identifier: BSD-3-Clause
//
// fuzz.hpp: what the fuzz targets share.
//
// A target makes choices of the bytes that libFuzzer gives it. When there are no more, the first choice is
// taken, which is the ordinary one: an empty input is a sound file, or a plan that people make.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

#include <fuzzer/FuzzedDataProvider.h>

namespace fuzz {

using choices = FuzzedDataProvider;

/// An index below n.
inline std::size_t below(choices& from, std::size_t n) {
    return from.ConsumeIntegralInRange<std::size_t>(0, n - 1);
}

/// True now and then.
inline bool rarely(choices& from) { return below(from, 8) == 7; }

/// A number of the kind that readers and plans forget.
inline double odd_number(choices& from) {
    using limits = std::numeric_limits<double>;
    constexpr std::array numbers{0.0,
                                 -1.0,
                                 0.5,
                                 1e-300,
                                 -1e300,
                                 1e19,
                                 limits::max(),
                                 limits::denorm_min(),
                                 -0.0,
                                 2.0,
                                 1e-30,
                                 limits::infinity(),
                                 -limits::infinity(),
                                 limits::quiet_NaN()};
    return numbers[below(from, numbers.size())];
}

/// Mostly a size that is quickly run, now and then an absurd one: what lies between takes memory and time alone.
inline std::size_t some_size(choices& from, std::size_t few) {
    constexpr std::size_t whole = std::numeric_limits<std::size_t>::max();
    constexpr std::array absurd{std::size_t{0}, std::size_t{1} << 40, (std::size_t{1} << 40) + 1,
                                whole / 2, whole};
    const std::size_t size = below(from, few + absurd.size());
    return size < few ? size + 1 : absurd[size - few];
}

/// Mostly 1 or 2; 0 is all threads.
inline int some_threads(choices& from) {
    constexpr std::array threads{1, 2, 1, 2, 3, 0, -1};
    return threads[below(from, threads.size())];
}

inline std::vector<double> some_numbers(choices& from, std::size_t count) {
    std::vector<double> numbers(count);
    for (std::size_t i = 0; i < count; ++i)
        numbers[i] = rarely(from) ? odd_number(from)
                                  : 0.25 * static_cast<double>(i) + from.ConsumeProbability<double>();
    return numbers;
}

/// Calls make(), which makes plans and runs them; arguments may be refused, as is what no memory is enough for.
template <class F>
void expect_made_or_refused(F&& make) {
    try {
        make();
    } catch (const std::invalid_argument&) {
    } catch (const std::bad_alloc&) {
    } catch (const std::exception& thrown) {
        std::fprintf(stderr, "no clear refusal of arguments: %s: %s\n", typeid(thrown).name(),
                     thrown.what());
        std::abort();
    }
}

/// A file in memory if there is a place for such, which goes when the program ends.
class file {
public:
    explicit file(const char* suffix) {
        const std::filesystem::path memory = "/dev/shm";
        std::string name =
            (std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path()) /
            "destrier-fuzz-XXXXXX";
        const char* const directory = mkdtemp(name.data());
        if (!directory) std::abort();
        directory_ = directory;
        path_ = directory_ / (std::string("made") + suffix);
    }
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    ~file() { std::filesystem::remove_all(directory_); }

    const std::filesystem::path& path() const noexcept { return path_; }
    const std::filesystem::path& directory() const noexcept { return directory_; }

private:
    std::filesystem::path directory_, path_;
};

/// Calls read(), which may take the file or refuse it, as the programs' readers do: with a message that names the
/// file. What else it throws, such as std::bad_alloc, is a finding.
template <class F>
void expect_read_or_refused(const file& what, F&& read) {
    try {
        read();
    } catch (const std::exception& thrown) {
        if (std::string(thrown.what()).find(what.path().stem()) != std::string::npos) return;
        std::fprintf(stderr, "no clear refusal of a file: %s: %s\n", typeid(thrown).name(),
                     thrown.what());
        std::abort();
    }
}

} // namespace fuzz
