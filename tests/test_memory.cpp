// SPDX-License-Identifier: BSD-3-Clause
#include "reference.hpp"

#include <cstdint>
#include <fstream>
#include <iostream>
#include <limits>
#include <type_traits>

#include <destrier/memory.hpp>

// Memory that cannot be had is an error to test, not one to stop at.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char* __tsan_default_options() { return "allocator_may_return_null=1"; }

using namespace destrier;

namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t most = std::numeric_limits<std::size_t>::max();

template <class T>
bool aligned_to(const buffer<T>& b, std::size_t alignment) {
    return reinterpret_cast<std::uintptr_t>(b.data()) % alignment == 0;
}

template <class T>
bool all_zero(const buffer<T>& b) {
    return std::all_of(b.begin(), b.end(), [](const T& v) { return v == T(); });
}

// The first word or words of a file of the kernel's; empty where there is none.
std::string text_of(const char* path) {
    std::ifstream file(path);
    std::string text;
    std::getline(file, text);
    return text;
}

std::string transparent_setting() { return text_of("/sys/kernel/mm/transparent_hugepage/enabled"); }

} // namespace

static_assert(!std::is_copy_constructible_v<buffer<float>> && !std::is_copy_assignable_v<buffer<float>>);
static_assert(std::is_nothrow_move_constructible_v<buffer<float>> &&
              std::is_nothrow_move_assignable_v<buffer<float>>);

TEMPLATE_TEST_CASE("a buffer is zero, also where its memory was used before", "[memory]", float, double,
                   std::uint16_t, std::complex<float>) {
    for (const auto policy : {pages::base, pages::transparent, pages::huge}) {
        for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 1000u, 1u << 20, (1u << 20) + 1}) {
            for (const int threads : {1, 3}) {
                buffer<TestType> used(n, {.pages = policy});
                std::fill(used.begin(), used.end(), TestType(1));
                used = buffer<TestType>();
                const buffer<TestType> b(n, {.pages = policy}, threads);
                REQUIRE(b.size() == n);
                REQUIRE(b.empty() == (n == 0));
                REQUIRE(b.span().size() == n);
                REQUIRE(static_cast<std::size_t>(b.end() - b.begin()) == n);
                REQUIRE(all_zero(b));
                REQUIRE(aligned_to(b, 64));
            }
        }
    }
}

TEST_CASE("buffers of 2 MiB and more start on a huge page, smaller ones on base pages", "[memory]") {
    for (const auto policy : {pages::transparent, pages::huge}) {
        CHECK(aligned_to(buffer<char>(huge_page, {.pages = policy}), huge_page));
        CHECK(aligned_to(buffer<char>(huge_page + 1, {.pages = policy}), huge_page));
        CHECK(buffer<char>(huge_page - 1, {.pages = policy}).pages() == pages::base);
    }
    const buffer<char> base(2 * huge_page, {.pages = pages::base});
    CHECK(base.pages() == pages::base);
    CHECK(base.huge_bytes() == 0);
}

TEST_CASE("a moved-from buffer is empty, and what it held is unmoved", "[memory]") {
    for (const std::size_t n : {std::size_t{100}, huge_page}) {
        buffer<float> a(n), c(7);
        a[n - 1] = 3;
        const float* const data = a.data();
        const auto policy = a.pages();
        buffer<float> b(std::move(a));
        CHECK(a.empty());
        CHECK(a.data() == nullptr);
        CHECK(a.pages() == pages::base);
        CHECK(a.placement() == placement::anywhere);
        CHECK(b.data() == data);
        c = std::move(b);
        CHECK(b.empty());
        CHECK(b.data() == nullptr);
        CHECK(c.size() == n);
        CHECK(c.data() == data);
        CHECK(c[n - 1] == 3);
        CHECK(c.pages() == policy);
    }
}

TEST_CASE("a size whose bytes overflow is refused with its numbers", "[memory]") {
    for (const std::size_t n : {most, most / 8 + 2, most / 16}) {
        CHECK(reference::message_of([&] { buffer<double> b(n); }) ==
              "destrier: a buffer of " + std::to_string(n) +
                  " elements of 8 bytes exceeds the address space");
    }
    CHECK_THROWS_AS(buffer<char>(most), std::invalid_argument);
}

TEST_CASE("memory that cannot be had is out_of_memory and names the bytes", "[memory]") {
    const std::size_t bytes = std::size_t{1} << 60;
    for (const auto policy : {pages::base, pages::transparent, pages::huge}) {
        const auto ask = [&] { buffer<double> b(bytes / 8, {.pages = policy}); };
        CHECK(reference::message_of<out_of_memory>(ask) ==
              "destrier: no memory for a buffer of " + std::to_string(bytes) + " bytes");
        CHECK_THROWS_AS(ask(), std::bad_alloc);
    }
}

TEST_CASE("a large transparent buffer lies on huge pages and says so", "[memory]") {
    const buffer<char> b(std::size_t{64} << 20, {.pages = pages::transparent}, 2);
    const std::string setting = transparent_setting();
    if (setting.empty() || setting.find("[never]") != std::string::npos) {
        CHECK(b.huge_bytes() == 0);
        std::cout << "skipped: this kernel gives no transparent huge pages\n";
        return;
    }
    CHECK(b.pages() == pages::transparent);
#if defined(DESTRIER_TEST_EMULATED)
    std::cout << "skipped: qemu does not pass on that huge pages are wanted\n";
#else
    CHECK(b.huge_bytes() > 0);
    CHECK(b.huge_bytes() <= b.size());
    CHECK(b.huge_bytes() % huge_page == 0);
#endif
}

TEST_CASE("huge pages come from the pool, or the buffer says what it fell back to", "[memory]") {
    const buffer<char> b(3 * huge_page - 1, {.pages = pages::huge}, 2);
    const std::string pool = text_of("/proc/sys/vm/nr_hugepages");
    if (b.pages() == pages::huge) {
        CHECK(pool != "0");
        CHECK(b.huge_bytes() == 3 * huge_page);
    } else if (transparent_setting().empty()) { // where /sys is not mounted, there may be some
        CHECK((b.pages() == pages::transparent || b.pages() == pages::base));
    } else {
        CHECK(b.pages() == pages::transparent);
    }
    CHECK(all_zero(b));
}

TEST_CASE("product_of multiplies extents and refuses what does not fit", "[memory]") {
    CHECK(product_of({}, "grid") == 1);
    CHECK(product_of({3, 4, 5}, "grid") == 60);
    CHECK(product_of({0, most, most}, "grid") == 0);
    CHECK(product_of({most, most, 0}, "grid") == 0);
    CHECK(product_of({most / 2, 2}, "grid") == most - 1);
    CHECK(reference::message_of([] {
              product_of({most / 2 + 1, 2}, "grid");
          }) == "destrier: grid exceeds the address space");
}
