// SPDX-License-Identifier: BSD-3-Clause
//
// What legendre computes: any points, terms and domains, and arrays that fit each other or do not.
#include <cstdint>
#include <vector>

#include <destrier/legendre.hpp>

#include "fuzz.hpp"

namespace {

namespace legendre = destrier::legendre;

class arguments {
public:
    explicit arguments(fuzz::choices& from)
        : from_(from), points_(fuzz::below(from, 40)), terms_(fuzz::below(from, 20)),
          series_(fuzz::below(from, 20)), threads_(fuzz::some_threads(from)) {
        if (fuzz::rarely(from)) over_ = {fuzz::odd_number(from), fuzz::odd_number(from)};
    }

    void evaluate() {
        std::vector<double> y(other_or(points_)), all(series_ * points_), each(points_);
        const legendre::eval_options options{.domain = over_, .threads = threads_};
        const auto x = numbers(points_), c = numbers(series_ * terms_), cx = numbers(points_ * terms_);
        legendre::eval<double>(x, std::span(c).first(std::min(terms_, c.size())), y, options);
        legendre::eval<double>(x, rows(c, series_, terms_), rows(all, series_, points_), options);
        legendre::eval_each<double>(x, rows(cx, points_, terms_), each, options);
    }
    void make_basis() {
        const auto x = numbers(points_);
        std::vector<double> out(points_ * terms_);
        const bool by_term = from_.ConsumeBool();
        legendre::basis<double>(x, by_term ? rows(out, terms_, points_) : rows(out, points_, terms_),
                                over_, threads_);
    }
    void fit() {
        const auto x = numbers(points_), y = numbers(series_ * points_);
        const auto w = from_.ConsumeBool() ? numbers(other_or(points_)) : std::vector<double>();
        std::vector<double> c(series_ * terms_);
        legendre::fit<double>(x, rows(y, series_, points_), w, rows(c, series_, terms_), over_,
                              threads_);
    }
    void gauss() {
        std::vector<double> nodes(points_ * 3), weights(other_or(nodes.size()));
        legendre::gauss<double>(nodes, weights, over_, threads_);
    }
    void differentiate() {
        const auto c = numbers(terms_);
        std::vector<double> lower(terms_ > 0 ? terms_ - 1 : 0), higher(terms_ + 1),
            same(other_or(terms_));
        legendre::integral<double>(c, higher, over_,
                                   from_.ConsumeBool() ? std::optional(0.5) : std::nullopt);
        legendre::to_monomial<double>(c, same);
        legendre::from_monomial<double>(c, same);
        legendre::derivative<double>(c, lower, over_);
    }

private:
    std::vector<double> numbers(std::size_t count) { return fuzz::some_numbers(from_, count); }
    std::size_t other_or(std::size_t usual) {
        return fuzz::rarely(from_) ? fuzz::below(from_, 40) : usual;
    }
    static destrier::view<double, 2> rows(std::vector<double>& x, std::size_t n, std::size_t m) {
        return {x.data(), {n, m}};
    }
    static destrier::view<const double, 2> rows(const std::vector<double>& x, std::size_t n,
                                                std::size_t m) {
        return {x.data(), {n, m}};
    }

    fuzz::choices& from_;
    std::size_t points_, terms_, series_;
    int threads_;
    legendre::domain over_{-1, 10};
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::choices from(data, size);
    constexpr void (arguments::*runs[])() = {&arguments::evaluate, &arguments::make_basis,
                                             &arguments::fit, &arguments::gauss,
                                             &arguments::differentiate};
    const auto run = runs[fuzz::below(from, std::size(runs))];
    fuzz::expect_made_or_refused([&] {
        arguments given(from);
        (given.*run)();
    });
    return 0;
}
