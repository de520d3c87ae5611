// SPDX-License-Identifier: BSD-3-Clause
#include "reference.hpp"

#include <array>
#include <cstdint>
#include <type_traits>

#include <destrier/layout.hpp>
#include <destrier/memory.hpp>

using namespace destrier;

namespace {

// Larger than any std::uint16_t, so that no value of a test is one.
constexpr long canary = -99;

// How an array [problem][element] lies in memory.
struct order {
    const char* name;
    std::ptrdiff_t problem, element; // strides, in elements
};

std::vector<order> orders_of(std::size_t problems, std::size_t elements) {
    const auto p = static_cast<std::ptrdiff_t>(problems), e = static_cast<std::ptrdiff_t>(elements);
    return {{"contiguous", e, 1},
            {"padded rows", e + 3, 1},
            {"every third element", 3 * e + 1, 3},
            {"transposed", 1, p},
            {"problems backwards", -(e + 1), 1},
            {"elements backwards", e, -1},
            {"transposed, backwards", -1, -p}};
}

// An array in one of those orders, at a misaligned start, with canaries wherever no element lies.
template <class S>
class strided {
public:
    strided(std::size_t problems, std::size_t elements, order o)
        : extents_{problems, elements}, order_(o) {
        const auto last = [](std::size_t n, std::ptrdiff_t stride) {
            return n == 0 ? 0 : static_cast<std::ptrdiff_t>(n - 1) * stride;
        };
        const std::ptrdiff_t a = last(problems, o.problem), b = last(elements, o.element);
        before_ = 3 - std::min<std::ptrdiff_t>(a, 0) - std::min<std::ptrdiff_t>(b, 0);
        values.assign(static_cast<std::size_t>(before_ + std::max<std::ptrdiff_t>(a, 0) +
                                               std::max<std::ptrdiff_t>(b, 0) + 40),
                      S(static_cast<value_t>(canary)));
    }
    view<S, 2> all() { return {values.data() + before_, extents_, {order_.problem, order_.element}}; }
    view<const S, 2> all_const() { return all(); }

    std::vector<S> values;

private:
    template <class U>
    struct plain {
        using type = U;
    };
    template <class U>
    struct plain<std::complex<U>> {
        using type = U;
    };
    using value_t = typename plain<S>::type;

    std::array<std::size_t, 2> extents_;
    order order_;
    std::ptrdiff_t before_ = 0;
};

// Different in every problem, element and part, never 0, exact in every type; within 1 .. 60000.
template <class S>
S number(std::size_t problem, std::size_t element, std::size_t part) {
    return static_cast<S>(1 + (problem * 211 + element) * 2 + part);
}
template <class C>
C complex_number(std::size_t problem, std::size_t element) {
    using S = typename C::value_type;
    return {number<S>(problem, element, 0), number<S>(problem, element, 1)};
}

template <class S, class F>
void fill(view<S, 2> v, F&& f) {
    for (std::size_t p = 0; p < v.extent(0); ++p) {
        for (std::size_t e = 0; e < v.extent(1); ++e) v(p, e) = f(p, e);
    }
}

// Lane blocks in storage of their own: canaries at first, and in the line behind them always.
template <class T, std::size_t Parts>
struct owned_blocks {
    owned_blocks(std::size_t elements, std::size_t problems)
        : storage(blocks<T, Parts>::size_for(elements, problems) + line<T>),
          all(storage.data(), elements, problems) {
        std::fill(storage.begin(), storage.end(), static_cast<T>(canary));
    }
    buffer<T> storage;
    blocks<T, Parts> all;
};

// What pack should make of those numbers, by the definition of the layout.
template <class T, std::size_t Parts>
owned_blocks<T, Parts> numbers_in_blocks(std::size_t elements, std::size_t problems) {
    owned_blocks<T, Parts> b(elements, problems);
    T* p = b.storage.data();
    for (std::size_t block = 0; block < (problems + line<T> - 1) / line<T>; ++block) {
        for (std::size_t e = 0; e < elements; ++e) {
            for (std::size_t part = 0; part < Parts; ++part) {
                for (std::size_t lane = 0; lane < line<T>; ++lane) {
                    const std::size_t problem = block * line<T> + lane;
                    *p++ = problem < problems ? number<T>(problem, e, part) : T(0);
                }
            }
        }
    }
    return b;
}

template <class T>
std::vector<std::size_t> problem_counts() {
    return {0, 1, line<T> - 1, line<T>, line<T> + 1, 2 * line<T> + 3};
}
template <class T, class A>
std::vector<std::size_t> element_counts() {
    constexpr std::size_t w = width<T, A>;
    return {0, 1, w - 1, w, w + 1, 2 * w + 3, 100};
}

// Calls f(problems, elements, order) for all of them.
template <class T, class A, class F>
void for_each_shape(F&& f) {
    for (const std::size_t problems : problem_counts<T>()) {
        for (const std::size_t elements : element_counts<T, A>()) {
            for (const order& o : orders_of(problems, elements)) {
                CAPTURE(problems, elements, o.name);
                f(problems, elements, o);
            }
        }
    }
}

template <class S, class T, class A>
void check_real_pack() {
    for_each_shape<T, A>([](std::size_t problems, std::size_t elements, order o) {
        strided<S> in(problems, elements, o);
        fill(in.all(), [](std::size_t p, std::size_t e) { return number<S>(p, e, 0); });
        owned_blocks<T, 1> out(elements, problems);
        pack<A>(in.all_const(), out.all);
        REQUIRE(reference::same_bits(out.storage, numbers_in_blocks<T, 1>(elements, problems).storage));
    });
}

template <class D, class T, class A>
void check_real_unpack() {
    for_each_shape<T, A>([](std::size_t problems, std::size_t elements, order o) {
        const auto in = numbers_in_blocks<T, 1>(elements, problems);
        strided<D> out(problems, elements, o), expected(problems, elements, o);
        fill(expected.all(), [](std::size_t p, std::size_t e) { return number<D>(p, e, 0); });
        unpack<A>(in.all, out.all());
        REQUIRE(reference::same_bits(out.values, expected.values));
    });
}

template <class S, class T, class A>
void check_interleaved() {
    using C = std::complex<S>;
    for_each_shape<T, A>([](std::size_t problems, std::size_t elements, order o) {
        strided<C> in(problems, elements, o), out(problems, elements, o);
        fill(in.all(), [](std::size_t p, std::size_t e) { return complex_number<C>(p, e); });
        owned_blocks<T, 2> packed(elements, problems);
        pack<A>(in.all_const(), packed.all);
        REQUIRE(
            reference::same_bits(packed.storage, numbers_in_blocks<T, 2>(elements, problems).storage));
        unpack<A>(packed.all, out.all());
        REQUIRE(reference::same_bits(out.values, in.values));
    });
}

template <class S, class T, class A>
void check_split() {
    for_each_shape<T, A>([](std::size_t problems, std::size_t elements, order o) {
        strided<S> re(problems, elements, o), im(problems, elements, o);
        fill(re.all(), [](std::size_t p, std::size_t e) { return number<S>(p, e, 0); });
        fill(im.all(), [](std::size_t p, std::size_t e) { return number<S>(p, e, 1); });
        owned_blocks<T, 2> packed(elements, problems);
        pack<A>(re.all_const(), im.all_const(), packed.all);
        REQUIRE(
            reference::same_bits(packed.storage, numbers_in_blocks<T, 2>(elements, problems).storage));
        strided<S> re_out(problems, elements, o), im_out(problems, elements, o);
        unpack<A>(packed.all, re_out.all(), im_out.all());
        REQUIRE(reference::same_bits(re_out.values, re.values));
        REQUIRE(reference::same_bits(im_out.values, im.values));
    });
}

// A step that adds what a table of lane blocks holds at its place.
template <class T, std::size_t Parts>
struct add_table {
    blocks<const T, Parts> table;
    template <class V>
    V operator()(V x, lane_position at) const {
        return x + V::load_aligned(table.at(at));
    }
};

template <class T, std::size_t Parts>
owned_blocks<T, Parts> random_table(std::size_t elements, std::size_t problems) {
    owned_blocks<T, Parts> table(elements, problems);
    const auto x = reference::random_numbers<T>(table.storage.size(), 5);
    std::copy(x.begin(), x.end(), table.storage.begin());
    return table;
}

// Those numbers plus the table, canaries behind.
template <class T, std::size_t Parts>
owned_blocks<T, Parts> numbers_plus(const owned_blocks<T, Parts>& table) {
    auto sum = numbers_in_blocks<T, Parts>(table.all.elements(), table.all.problems());
    for (std::size_t i = 0; i + line<T> < sum.storage.size(); ++i) sum.storage[i] += table.storage[i];
    return sum;
}

} // namespace

TEST_CASE("a view reads a caller's array by its strides", "[layout]") {
    std::array<int, 24> a;
    for (int i = 0; i < 24; ++i) a[static_cast<std::size_t>(i)] = i;
    const view<int, 3> v(a.data(), {2, 3, 4});
    CHECK(v.size() == 24);
    CHECK(v.extents() == std::array<std::size_t, 3>{2, 3, 4});
    CHECK(v.strides() == std::array<std::ptrdiff_t, 3>{12, 4, 1});
    CHECK(v(1, 2, 3) == 23);
    CHECK(v(1u, 0, std::size_t{2}) == 14);

    const view<int, 2> backwards(a.data() + 23, {3, 4}, {-4, -1});
    CHECK(backwards(0, 0) == 23);
    CHECK(backwards(2, 1) == 14);

    v(0, 1, 1) = 100;
    CHECK(a[5] == 100);
    CHECK(view<int, 2>().size() == 0);
    CHECK(view<int, 2>().data() == nullptr);
}

TEST_CASE("slice keeps the strides and at drops the axis", "[layout]") {
    std::array<int, 24> a;
    for (int i = 0; i < 24; ++i) a[static_cast<std::size_t>(i)] = i;
    const view<int, 3> v(a.data(), {2, 3, 4});

    const view<int, 3> part = v.slice(1, 1, 2);
    CHECK(part.extents() == std::array<std::size_t, 3>{2, 2, 4});
    CHECK(part.strides() == v.strides());
    CHECK(part(1, 1, 3) == v(1, 2, 3));
    CHECK(v.slice(2, 4, 0).size() == 0);

    const view<int, 2> middle = v.at(1, 2);
    CHECK(middle.extents() == std::array<std::size_t, 2>{2, 4});
    CHECK(middle.strides() == std::array<std::ptrdiff_t, 2>{12, 1});
    CHECK(middle(1, 3) == v(1, 2, 3));
    CHECK(v.at(0, 1).at(1, 3)(2) == v(1, 2, 3));
}

TEST_CASE("a view or blocks of const come from mutable ones, not the other way round", "[layout]") {
    STATIC_REQUIRE(std::is_convertible_v<view<int, 2>, view<const int, 2>>);
    STATIC_REQUIRE(!std::is_convertible_v<view<const int, 2>, view<int, 2>>);
    STATIC_REQUIRE(!std::is_convertible_v<view<int, 2>, view<const long, 2>>);
    STATIC_REQUIRE(std::is_convertible_v<real_blocks<float>, real_blocks<const float>>);
    STATIC_REQUIRE(!std::is_convertible_v<real_blocks<const float>, real_blocks<float>>);
    int a[6] = {0, 1, 2, 3, 4, 5};
    const view<const int, 2> v = view<int, 2>(a, {2, 3}, {1, 2});
    CHECK(v.data() == a);
    CHECK(v(1, 2) == 5);
}

TEMPLATE_TEST_CASE("blocks lie as [block][element][part][lane]", "[layout]", float, double) {
    constexpr std::size_t l = line<TestType>;
    owned_blocks<TestType, 2> b(5, 2 * l + 3);
    CHECK(complex_blocks<TestType>::size_for(5, 2 * l + 3) == 3 * 5 * 2 * l);
    CHECK(complex_blocks<TestType>::size_for(5, 0) == 0);
    CHECK(real_blocks<TestType>::size_for(5, l) == 5 * l);
    CHECK(real_blocks<TestType>::size_for(5, l + 1) == 2 * 5 * l);
    CHECK(b.all.count() == 3);
    CHECK(b.all.problems_in(0) == l);
    CHECK(b.all.problems_in(2) == 3);
    CHECK(b.all.block(1) == b.all.data() + 5 * 2 * l);
    CHECK(b.all.at(1, 3, 1) == b.all.data() + ((1 * 5 + 3) * 2 + 1) * l);
    CHECK(b.all.at({1, 3, 1, 4}) == b.all.at(1, 3, 1) + 4);
    CHECK(blocks<TestType, 1>().count() == 0);
}

TEST_CASE("blocks refuse to start off a 64-byte line", "[layout]") {
    buffer<float> storage(64);
    CHECK(reference::message_of([&] { real_blocks<float>(storage.data() + 1, 1, 1); }) ==
          "layout: lane blocks must start on a 64-byte line");
    CHECK_THROWS_AS(complex_blocks<const float>(storage.data() + 8, 1, 1), std::invalid_argument);
    CHECK_NOTHROW(real_blocks<float>(storage.data() + 16, 1, 1));
}

TEMPLATE_LIST_TEST_CASE("pack puts real problems of any type and order into lanes", "[layout]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    check_real_pack<float, T, A>();
    check_real_pack<double, T, A>();
    check_real_pack<std::uint16_t, T, A>();
}

TEMPLATE_LIST_TEST_CASE("unpack writes real problems to where they belong and nowhere else", "[layout]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    check_real_unpack<float, T, A>();
    check_real_unpack<double, T, A>();
}

TEMPLATE_LIST_TEST_CASE("interleaved complex problems go into lanes and back", "[layout]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    check_interleaved<T, T, A>();
}

TEST_CASE("complex problems convert between float and double", "[layout]") {
    check_interleaved<double, float, default_arch>();
    check_split<float, double, default_arch>();
}

TEMPLATE_LIST_TEST_CASE("split complex problems go into lanes and back", "[layout]", reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    check_split<T, T, A>();
}

TEST_CASE("pack and unpack round to the nearest where types differ", "[layout]") {
    const auto x = reference::random_numbers<double>(3 * 7);
    owned_blocks<float, 1> narrow(7, 3);
    pack(view<const double, 2>(x.data(), {3, 7}), narrow.all);
    std::vector<double> back(x.size());
    unpack(narrow.all, view<double, 2>(back.data(), {3, 7}));
    for (std::size_t i = 0; i < x.size(); ++i) {
        CHECK(back[i] == static_cast<double>(static_cast<float>(x[i])));
    }
}

TEST_CASE("pack converts every std::uint16_t exactly", "[layout]") {
    std::vector<std::uint16_t> counts(65536);
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = static_cast<std::uint16_t>(i);
    owned_blocks<float, 1> packed(counts.size(), 1);
    pack(view<const std::uint16_t, 2>(counts.data(), {1, counts.size()}), packed.all);
    for (std::size_t e = 0; e < counts.size(); ++e) {
        REQUIRE(*packed.all.at(0, e) == static_cast<float>(e));
    }
}

TEMPLATE_LIST_TEST_CASE("a step of pack is told block, element, part and lane", "[layout]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    using C = std::complex<T>;
    const std::size_t problems = 2 * line<T> + 3, elements = 2 * width<T, A> + 3;
    const auto real_table = random_table<T, 1>(elements, problems);
    const auto table = random_table<T, 2>(elements, problems);
    for (const order& o : orders_of(problems, elements)) {
        CAPTURE(o.name);
        strided<T> re(problems, elements, o), im(problems, elements, o);
        strided<C> both(problems, elements, o);
        fill(re.all(), [](std::size_t p, std::size_t e) { return number<T>(p, e, 0); });
        fill(im.all(), [](std::size_t p, std::size_t e) { return number<T>(p, e, 1); });
        fill(both.all(), [](std::size_t p, std::size_t e) { return complex_number<C>(p, e); });

        owned_blocks<T, 1> real(elements, problems);
        pack<A>(re.all_const(), real.all, add_table<T, 1>{real_table.all});
        CHECK(reference::same_bits(real.storage, numbers_plus(real_table).storage));

        owned_blocks<T, 2> interleaved(elements, problems), split(elements, problems);
        pack<A>(both.all_const(), interleaved.all, add_table<T, 2>{table.all});
        pack<A>(re.all_const(), im.all_const(), split.all, add_table<T, 2>{table.all});
        CHECK(reference::same_bits(interleaved.storage, numbers_plus(table).storage));
        CHECK(reference::same_bits(split.storage, numbers_plus(table).storage));
    }
}

TEMPLATE_LIST_TEST_CASE("a step of unpack is told block, element, part and lane", "[layout]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    using C = std::complex<T>;
    const std::size_t problems = 2 * line<T> + 3, elements = 2 * width<T, A> + 3;
    const auto real_table = random_table<T, 1>(elements, problems);
    const auto table = random_table<T, 2>(elements, problems);
    const auto real = numbers_in_blocks<T, 1>(elements, problems);
    const auto in = numbers_in_blocks<T, 2>(elements, problems);
    const auto sum = [&](const auto& t, std::size_t p, std::size_t e, std::size_t part) {
        return number<T>(p, e, part) + t.all.at(p / line<T>, e, part)[p % line<T>];
    };
    for (const order& o : orders_of(problems, elements)) {
        CAPTURE(o.name);
        strided<T> alone(problems, elements, o), expected_alone(problems, elements, o);
        unpack<A>(real.all, alone.all(), add_table<T, 1>{real_table.all});
        fill(expected_alone.all(),
             [&](std::size_t p, std::size_t e) { return sum(real_table, p, e, 0); });
        CHECK(reference::same_bits(alone.values, expected_alone.values));

        strided<C> both(problems, elements, o), expected(problems, elements, o);
        unpack<A>(in.all, both.all(), add_table<T, 2>{table.all});
        fill(expected.all(),
             [&](std::size_t p, std::size_t e) { return C(sum(table, p, e, 0), sum(table, p, e, 1)); });
        CHECK(reference::same_bits(both.values, expected.values));

        strided<T> re(problems, elements, o), im(problems, elements, o);
        unpack<A>(in.all, re.all(), im.all(), add_table<T, 2>{table.all});
        for (std::size_t p = 0; p < problems; ++p) {
            for (std::size_t e = 0; e < elements; ++e) {
                REQUIRE(C(re.all()(p, e), im.all()(p, e)) == expected.all()(p, e));
            }
        }
    }
}

TEMPLATE_TEST_CASE("pack and unpack give the same bits on any number of threads", "[layout]", float,
                   double) {
    using C = std::complex<TestType>;
    const std::size_t problems = 2 * line<TestType> + 3, elements = 101;
    const auto x = reference::random_numbers<TestType>(2 * problems * elements);
    const view<const C, 2> in(reinterpret_cast<const C*>(x.data()), {problems, elements});
    owned_blocks<TestType, 2> one(elements, problems), three(elements, problems);
    pack(in, one.all);
    pack(in, three.all, no_step{}, 3);
    CHECK(reference::same_bits(one.storage, three.storage));

    std::vector<TestType> out(x.size());
    unpack(one.all, view<C, 2>(reinterpret_cast<C*>(out.data()), {problems, elements}), no_step{}, 3);
    CHECK(reference::same_bits(out, x));
}

TEST_CASE("pack refuses shapes that differ, with their numbers, and writes nothing", "[layout]") {
    using reference::message_of;
    owned_blocks<float, 1> real(5, 3);
    owned_blocks<float, 2> pairs(5, 3);
    std::vector<float> x(100);
    std::vector<std::complex<float>> z(100);
    const view<const float, 2> fits(x.data(), {3, 5}), longer(x.data(), {3, 6}), more(x.data(), {4, 5});
    const view<const std::complex<float>, 2> transposed(z.data(), {5, 3});

    CHECK(message_of([&] { pack(longer, real.all); }) ==
          "pack: the array holds 3 problems of 6 elements, the blocks hold 3 problems of 5 elements");
    CHECK(message_of([&] { pack(more, real.all); }) ==
          "pack: the array holds 4 problems of 5 elements, the blocks hold 3 problems of 5 elements");
    CHECK(message_of([&] { pack(transposed, pairs.all); }) ==
          "pack: the array holds 5 problems of 3 elements, the blocks hold 3 problems of 5 elements");
    CHECK(message_of([&] { pack(longer, fits, pairs.all); }).starts_with("pack (re): "));
    CHECK(message_of([&] { pack(fits, more, pairs.all); }).starts_with("pack (im): "));
    CHECK_THROWS_AS(pack(fits, real.all, no_step{}, -1), std::invalid_argument);

    CHECK(reference::same_bits(real.storage, owned_blocks<float, 1>(5, 3).storage));
    CHECK(reference::same_bits(pairs.storage, owned_blocks<float, 2>(5, 3).storage));
}

TEST_CASE("unpack refuses shapes that differ, with their numbers, and writes nothing", "[layout]") {
    using reference::message_of;
    const auto real = numbers_in_blocks<float, 1>(5, 3);
    const auto pairs = numbers_in_blocks<float, 2>(5, 3);
    std::vector<float> x(100, 7.0f);
    std::vector<std::complex<float>> z(100, 7.0f);
    const view<float, 2> fits(x.data(), {3, 5}), longer(x.data(), {3, 6}), more(x.data(), {4, 5});
    const view<std::complex<float>, 2> transposed(z.data(), {5, 3});

    CHECK(message_of([&] { unpack(real.all, longer); }) ==
          "unpack: the array holds 3 problems of 6 elements, the blocks hold 3 problems of 5 elements");
    CHECK(message_of([&] { unpack(real.all, more); }) ==
          "unpack: the array holds 4 problems of 5 elements, the blocks hold 3 problems of 5 elements");
    CHECK(message_of([&] { unpack(pairs.all, transposed); }).starts_with("unpack: "));
    CHECK(message_of([&] { unpack(pairs.all, longer, fits); }).starts_with("unpack (re): "));
    CHECK(message_of([&] { unpack(pairs.all, fits, more); }).starts_with("unpack (im): "));
    CHECK_THROWS_AS(unpack(real.all, fits, no_step{}, -1), std::invalid_argument);

    CHECK(x == std::vector<float>(100, 7.0f));
    CHECK(z == std::vector<std::complex<float>>(100, 7.0f));
}
