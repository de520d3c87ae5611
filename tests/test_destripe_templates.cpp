// SPDX-License-Identifier: BSD-3-Clause
//
// Families of templates against their definitions, and the normal equations made of them against orthogonal
// projections in long double: Z takes out of a vector what the columns of P span, made orthonormal one by one.

#include "reference.hpp"

#include <array>
#include <barrier>
#include <cstdint>
#include <map>
#include <thread>

#include <destrier/destripe/template_problem.hpp>
#include <destrier/destripe/templates.hpp>

using namespace destrier;
using namespace destrier::destripe;
using reference::ContainsSubstring;
using reference::message_of;
using reference::random_numbers;
using reference::same_bits;

namespace {

using real = long double;
using column = std::vector<real>; // of a matrix: an element for each sample of all chunks

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double turn = 2 * std::numbers::pi;

struct observation {
    std::vector<std::int32_t> pixels;
    std::vector<float> cosine, sine;
    std::vector<double> signal, azimuth;
    std::vector<std::uint8_t> flags;
    double weight;
    std::vector<baseline> baselines, scans;
};

// Pixel 5 is only seen at one angle, 7 is masked, the last one is not seen.
constexpr std::size_t pixels = 20, one_angle = 5, masked = 7;

std::vector<std::uint8_t> mask() {
    std::vector<std::uint8_t> m(pixels, 1);
    m[masked] = 0;
    return m;
}

observation observe(std::size_t n, double weight, unsigned seed) {
    observation o{.pixels = std::vector<std::int32_t>(n),
                  .cosine = random_numbers<float>(n, seed),
                  .sine = std::vector<float>(n),
                  .signal = random_numbers<double>(n, seed + 1),
                  .azimuth = std::vector<double>(n),
                  .flags = std::vector<std::uint8_t>(n),
                  .weight = weight,
                  .baselines = equal_baselines(3, n - 10, 37),
                  .scans = {{3, n / 2 - 3}, {n / 2 + 9, n / 3}}};
    o.baselines.erase(o.baselines.begin() + 2);
    const auto random = random_numbers<double>(3 * n, seed + 2);
    for (std::size_t i = 0; i < n; ++i) {
        const bool stays = i > 0 && random[2 * n + i] < 0.3;
        o.pixels[i] = stays ? o.pixels[i - 1] : static_cast<std::int32_t>(9.5 * (1 + random[i]));
        const bool fixed = o.pixels[i] == one_angle;
        const double psi = fixed ? 0.3 : std::numbers::pi * static_cast<double>(o.cosine[i]);
        o.cosine[i] = static_cast<float>(0.9 * std::cos(2 * psi));
        o.sine[i] = static_cast<float>(0.9 * std::sin(2 * psi));
        o.azimuth[i] = 4 * std::sin(0.05 * static_cast<double>(i) + seed);
        if (random[n + i] < -0.9) {
            o.flags[i] = 4;
            o.signal[i] = not_a_number;
        } else if (random[n + i] > 0.97) {
            o.pixels[i] = -1;
        }
    }
    o.azimuth[n / 2] = not_a_number;
    return o;
}

struct survey {
    std::vector<observation> all = {observe(240, 1, 1), observe(301, 1.7, 11), observe(177, 1, 21),
                                    observe(150, 0, 31), observe(230, 1.7, 41)};

    template <stokes S>
    source chunks(std::size_t first = 0) const {
        return [this, first](std::size_t k) {
            const observation& o = all[first + k];
            const bool polarised = S != stokes::i;
            return chunk{.pixels = o.pixels,
                         .cosine = polarised ? std::span(o.cosine) : std::span<const float>(),
                         .sine = polarised ? std::span(o.sine) : std::span<const float>(),
                         .signal = o.signal,
                         .flags = o.flags,
                         .weight = o.weight,
                         .baselines = o.baselines};
        };
    }
    std::vector<std::vector<baseline>> baselines(std::size_t first = 0, std::size_t count = 5) const {
        return select<std::vector<baseline>>(&observation::baselines, first, count);
    }
    std::vector<std::vector<baseline>> scans(std::size_t first = 0, std::size_t count = 5) const {
        return select<std::vector<baseline>>(&observation::scans, first, count);
    }
    std::vector<std::span<const double>> azimuths(std::size_t first = 0, std::size_t count = 5) const {
        return select<std::span<const double>>(&observation::azimuth, first, count);
    }
    std::size_t samples() const {
        std::size_t n = 0;
        for (const auto& o : all) n += o.pixels.size();
        return n;
    }

    // Calls f(number among all samples, observation, index in it).
    template <class F>
    void for_each_sample(F&& f) const {
        std::size_t number = 0;
        for (const auto& o : all) {
            for (std::size_t i = 0; i < o.pixels.size(); ++i) f(number++, o, i);
        }
    }

private:
    template <class R, class M>
    std::vector<R> select(M member, std::size_t first, std::size_t count) const {
        std::vector<R> out;
        for (std::size_t k = first; k < first + count; ++k) out.push_back(all[k].*member);
        return out;
    }
};

bool contains(const baseline& b, std::size_t i) { return i >= b.begin && i < b.begin + b.length; }

// Columns of F by the definitions.
using columns = std::vector<column>;

columns offset_columns(const survey& s) {
    columns f;
    for (const auto& o : s.all) {
        for (const baseline& b : o.baselines) {
            column& one = f.emplace_back(s.samples());
            s.for_each_sample([&](std::size_t n, const observation& at, std::size_t i) {
                if (&at == &o && contains(b, i)) one[n] = 1;
            });
        }
    }
    return f;
}
columns legendre_columns(const survey& s, unsigned first, unsigned last) {
    columns f;
    for (const auto& o : s.all) {
        for (const baseline& b : o.scans) {
            for (unsigned order = first; order <= last; ++order) {
                column& one = f.emplace_back(s.samples());
                s.for_each_sample([&](std::size_t n, const observation& at, std::size_t i) {
                    if (&at != &o || !contains(b, i)) return;
                    const real length = static_cast<real>(b.length);
                    one[n] =
                        std::legendre(order, (static_cast<real>(i - b.begin) + 0.5L) * 2 / length - 1);
                });
            }
        }
    }
    return f;
}
columns bin_columns(const survey& s, std::size_t bins) {
    columns f;
    for (const auto& o : s.all) {
        for (std::size_t bin = 0; bin < bins; ++bin) {
            column& one = f.emplace_back(s.samples());
            s.for_each_sample([&](std::size_t n, const observation& at, std::size_t i) {
                if (&at != &o) return;
                const double angle = std::fmod(std::fmod(at.azimuth[i], turn) + turn, turn);
                const double width = turn / static_cast<double>(bins), k = static_cast<double>(bin);
                one[n] = angle >= k * width && angle < (k + 1) * width;
            });
        }
    }
    return f;
}

real dot(const column& a, const column& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), real(0));
}
void subtract(column& x, real factor, const column& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= factor * y[i];
}
column combined(const columns& f, std::span<const double> a) {
    column sum(f.front().size());
    for (std::size_t j = 0; j < f.size(); ++j) subtract(sum, -static_cast<real>(a[j]), f[j]);
    return sum;
}

// Samples that count times the root of their weight, and Z in these terms.
template <stokes S>
class projection {
public:
    projection(const survey& s, bool with_mask) : root_(s.samples()) {
        columns p(pixels * components<S>, column(s.samples()));
        s.for_each_sample([&](std::size_t n, const observation& o, std::size_t i) {
            if (!counts(o, i, with_mask)) return;
            root_[n] = std::sqrt(static_cast<real>(o.weight));
            const auto weights = pointing(o, i);
            for (std::size_t k = 0; k < components<S>; ++k) {
                p[static_cast<std::size_t>(o.pixels[i]) * components<S> + k][n] = root_[n] * weights[k];
            }
        });
        for (column& c : p) add_to_basis(c);
    }

    column scaled(column x) const {
        for (std::size_t n = 0; n < x.size(); ++n) x[n] = root_[n] == 0 ? 0 : x[n] * root_[n];
        return x;
    }
    // Z of something scaled
    column cleaned(column x) const {
        for (const column& q : basis_) subtract(x, dot(q, x), q);
        return x;
    }
    // x less everything that P and F span, of which a basis is made here.
    column residual(column x, const columns& f) {
        for (const column& c : f) add_to_basis(scaled(c));
        return cleaned(cleaned(x));
    }

private:
    static bool counts(const observation& o, std::size_t i, bool with_mask) {
        if (o.flags[i] != 0 || o.pixels[i] < 0) return false;
        if (S != stokes::i && o.pixels[i] == one_angle) return false;
        if (with_mask && o.pixels[i] == masked) return false;
        return std::any_of(o.baselines.begin(), o.baselines.end(),
                           [&](const baseline& b) { return contains(b, i); });
    }
    static std::array<real, components<S>> pointing(const observation& o, std::size_t i) {
        const auto rounded = [](float w) {
            return std::nearbyint(static_cast<real>(w) * 0x1p24L) * 0x1p-24L;
        };
        if constexpr (S == stokes::i)
            return {1};
        else if constexpr (S == stokes::qu)
            return {rounded(o.cosine[i]), rounded(o.sine[i])};
        else
            return {1, rounded(o.cosine[i]), rounded(o.sine[i])};
    }
    void add_to_basis(const column& c) {
        column rest = cleaned(cleaned(c));
        const real norm = std::sqrt(dot(rest, rest));
        if (norm <= 1e-15L * std::sqrt(dot(c, c))) return;
        for (real& v : rest) v /= norm;
        basis_.push_back(std::move(rest));
    }

    column root_;
    columns basis_;
};

column signal_of(const survey& s) {
    column d(s.samples());
    s.for_each_sample([&](std::size_t n, const observation& o, std::size_t i) { d[n] = o.signal[i]; });
    return d;
}

columns joined(columns a, const columns& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

template <class Problem>
std::vector<double> applied(const Problem& p, const std::vector<double>& a) {
    std::vector<double> out(p.size(), -77);
    p.apply(a, out);
    return out;
}
std::vector<double> unit(std::size_t n, std::size_t j) {
    std::vector<double> e(n);
    e[j] = 1;
    return e;
}

// A solution, by the textbook; the residual is 1e-12 of the right-hand side in the end.
template <class Problem>
std::vector<double> conjugate_gradients(const Problem& p) {
    const auto product = [](const auto& x, const auto& y) {
        return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
    };
    std::vector<double> x(p.size()), r(p.rhs().begin(), p.rhs().end()), direction = r;
    double now = product(r, r);
    const double end = 1e-24 * now;
    for (int i = 0; i < 500 && now > end; ++i) {
        const auto image = applied(p, direction);
        const double step = now / product(direction, image), before = now;
        for (std::size_t j = 0; j < x.size(); ++j) {
            x[j] += step * direction[j];
            r[j] -= step * image[j];
        }
        now = product(r, r);
        for (std::size_t j = 0; j < x.size(); ++j) direction[j] = r[j] + now / before * direction[j];
    }
    CHECK(now <= end);
    return x;
}

// The problem's matrix, right-hand side and diagonal, against those of the columns of F.
template <stokes S>
void check_equations(const template_problem<S>& p, const survey& s, const columns& f, bool with_mask) {
    REQUIRE(p.size() == f.size());
    const projection<S> z(s, with_mask);
    columns scaled, cleaned;
    for (const column& c : f) {
        scaled.push_back(z.scaled(c));
        cleaned.push_back(z.cleaned(scaled.back()));
    }
    const column d = z.cleaned(z.scaled(signal_of(s)));
    const double largest = *std::max_element(p.diagonal().begin(), p.diagonal().end());
    double error = 0, skew = 0;
    std::vector<std::vector<double>> matrix;
    for (std::size_t j = 0; j < f.size(); ++j) matrix.push_back(applied(p, unit(f.size(), j)));
    for (std::size_t j = 0; j < f.size(); ++j) {
        CHECK(std::abs(p.diagonal()[j] - static_cast<double>(dot(scaled[j], scaled[j]))) <=
              1e-14 * largest);
        CHECK(std::abs(p.rhs()[j] - static_cast<double>(dot(scaled[j], d))) <= 1e-14 * largest);
        for (std::size_t i = 0; i < f.size(); ++i) {
            error = std::max(error,
                             std::abs(matrix[j][i] - static_cast<double>(dot(scaled[i], cleaned[j]))));
            skew = std::max(skew, std::abs(matrix[j][i] - matrix[i][j]));
        }
    }
    CHECK(error <= 1e-14 * largest);
    CHECK(skew <= 1e-14 * largest);
}

template <stokes S>
using of = std::integral_constant<stokes, S>;
using polarised = std::tuple<of<stokes::qu>, of<stokes::iqu>>;

const std::vector<std::uint8_t> usual_mask = mask();
problem_options usual(int threads = 1) { return {.mask = usual_mask, .threads = threads}; }

// Waves of two chunks and more, with amplitudes that all chunks share; both terms of its single node are the same.
struct waves {
    std::size_t nodes;

    std::size_t size() const { return nodes; }
    std::size_t terms() const { return 2; }
    void row(std::size_t, std::size_t term, range samples, std::span<std::int32_t> amplitude,
             std::span<double> value) const {
        for (std::size_t i = 0; i < value.size(); ++i) {
            const double x = 0.01 * static_cast<double>(samples.begin + i), node = std::floor(x);
            amplitude[i] = static_cast<std::int32_t>((static_cast<std::size_t>(node) + term) % nodes);
            value[i] = term == 0 ? 1 - (x - node) : x - node;
        }
    }
};
columns wave_columns(const survey& s, std::size_t nodes) {
    columns f(nodes, column(s.samples()));
    s.for_each_sample([&](std::size_t n, const observation&, std::size_t i) {
        const real x = 0.01L * static_cast<real>(i), node = std::floor(x);
        // through double: g++ converts a long double by what the knl preset's assembler refuses
        const auto at = static_cast<std::size_t>(static_cast<double>(node));
        f[at % nodes][n] += 1 - (x - node);
        f[(at + 1) % nodes][n] += x - node;
    });
    return f;
}

// F a of all chunks, a piece of each chunk at a time.
template <class Family>
column expanded(const Family& f, const survey& s, const std::vector<double>& a, std::size_t piece) {
    column all;
    for (std::size_t k = 0; k < s.all.size(); ++k) {
        const std::size_t n = s.all[k].pixels.size();
        for (std::size_t begin = 0; begin < n; begin += piece) {
            std::vector<double> tod(std::min(piece, n - begin));
            expand(f, k, a, begin, tod);
            all.insert(all.end(), tod.begin(), tod.end());
        }
    }
    return all;
}
template <class Family>
void check_columns(const Family& f, const survey& s, const columns& expected) {
    REQUIRE(f.size() == expected.size());
    double error = 0;
    for (std::size_t j = 0; j < f.size(); ++j) {
        for (const std::size_t piece : {1000u, 61u}) {
            column rest = expanded(f, s, unit(f.size(), j), piece);
            subtract(rest, 1, expected[j]);
            error = std::max(error, static_cast<double>(std::sqrt(dot(rest, rest))));
        }
    }
    CHECK(error <= 1e-13);
}

template <class Family>
void check_adjoint(const Family& f, std::size_t chunk, std::size_t first, std::size_t n) {
    const auto a = random_numbers<double>(f.size(), 5), d = random_numbers<double>(n, 6);
    std::vector<double> fa(n), fd(f.size());
    expand(f, chunk, a, first, fa);
    project(f, chunk, d, first, fd);
    const auto product = [](const auto& x, const auto& y) {
        return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
    };
    const double norms = std::sqrt(product(fa, fa) * product(d, d));
    CHECK(norms > 0);
    CHECK(std::abs(product(fa, d) - product(a, fd)) <= 1e-13 * norms);
}

} // namespace

TEST_CASE("templates are what they are defined as", "[destripe]") {
    const survey s;
    check_columns(offsets(s.baselines()), s, offset_columns(s));
    check_columns(legendre_polynomials(s.scans(), 0, 5), s, legendre_columns(s, 0, 5));
    check_columns(legendre_polynomials(s.scans(), 2, 2), s, legendre_columns(s, 2, 2));
    check_columns(periodic_bins(s.azimuths(), 12, turn), s, bin_columns(s, 12));
}

TEST_CASE("project is the adjoint of expand", "[destripe]") {
    const std::size_t n = 5000;
    const auto phase = random_numbers<float>(n);
    const std::vector<std::vector<baseline>> intervals{{}, equal_baselines(7, n - 3, 613)};
    const std::vector<std::span<const float>> phases{phase, phase};
    check_adjoint(offsets(intervals), 1, 11, n - 11);
    check_adjoint(legendre_polynomials(intervals, 0, 8), 1, 11, n - 11);
    check_adjoint(periodic_bins(phases, 30, 0.31), 1, 11, n - 11);
    check_adjoint(waves{7}, 1, 11, n - 11);
}

TEST_CASE("phases are taken modulo their period", "[destripe]") {
    const double infinite = std::numeric_limits<double>::infinity();
    const std::vector<double> phase{0,       0.99,         1,        2,         -0.5, -2.5, 1e6 + 1.5,
                                    -1e-300, not_a_number, infinite, -infinite, 8};
    const std::vector<std::int32_t> expected{4, 4, 5, 6, 7, 5, 5, 7, -1, -1, -1, 4};
    const periodic_bins f(std::vector<std::span<const double>>{phase, phase}, 4, 4);
    std::vector<std::int32_t> amplitude(phase.size());
    std::vector<double> value(phase.size());
    f.row(1, 0, {0, phase.size()}, amplitude, value);
    CHECK(amplitude == expected);
    CHECK(std::count(value.begin(), value.end(), 1.0) == std::ssize(value));
}

TEMPLATE_LIST_TEST_CASE("equations of templates equal projections", "[destripe]", polarised) {
    constexpr stokes S = TestType::value;
    const survey s;
    const offsets slow(s.baselines());
    const legendre_polynomials drift(s.scans(), 1, 3);
    const periodic_bins ground(s.azimuths(), 9, turn);
    const columns f = joined(joined(bin_columns(s, 9), offset_columns(s)), legendre_columns(s, 1, 3));
    for (const bool with_mask : {true, false}) {
        const problem_options options = with_mask ? usual() : problem_options{.threads = 1};
        const template_problem<S> p(pixels, s.all.size(), s.chunks<S>(), options, ground, slow, drift);
        CHECK(p.offset_of(0) == 0);
        CHECK(p.offset_of(1) == ground.size());
        CHECK(p.offset_of(2) == ground.size() + slow.size());
        check_equations(p, s, f, with_mask);
    }
}

TEST_CASE("families may share amplitudes among chunks and among terms", "[destripe]") {
    const survey s;
    for (const std::size_t nodes : {1u, 2u, 5u}) {
        const template_problem<stokes::iqu> p(pixels, s.all.size(), s.chunks<stokes::iqu>(), usual(),
                                              waves{nodes});
        check_equations(p, s, wave_columns(s, nodes), true);
    }
}

TEST_CASE("all samples of a chunk without baselines count", "[destripe]") {
    constexpr stokes S = stokes::iqu;
    survey s;
    const auto make = [&] {
        return template_problem<S>(pixels, s.all.size(), s.chunks<S>(), usual(), waves{5});
    };
    for (observation& o : s.all) o.baselines.clear();
    const template_problem<S> without = make();
    for (observation& o : s.all) o.baselines = {{0, o.pixels.size()}};
    const template_problem<S> with = make();
    CHECK(same_bits(without.rhs(), with.rhs()));
    CHECK(same_bits(without.diagonal(), with.diagonal()));
    CHECK(with.diagonal()[0] > 0);
}

TEST_CASE("degenerate templates leave the destriped data alone", "[destripe]") {
    constexpr stokes S = stokes::iqu;
    const survey s;
    const offsets slow(s.baselines());
    const legendre_polynomials drift(s.scans(), 0, 2); // of order 0, as offsets are
    const periodic_bins ground(s.azimuths(), 6, turn); // and as the sum of bins is
    const template_problem<S> p(pixels, s.all.size(), s.chunks<S>(), usual(), slow, drift, ground);
    const std::vector<double> a = conjugate_gradients(p);

    const columns f = joined(joined(offset_columns(s), legendre_columns(s, 0, 2)), bin_columns(s, 6));
    projection<S> z(s, true);
    const column d = z.cleaned(z.scaled(signal_of(s)));
    column cleaned = d; // of templates: Z (d - F a)
    subtract(cleaned, 1, z.cleaned(z.scaled(combined(f, a))));
    CHECK(reference::relative_error(cleaned, z.residual(d, f)) <= 1e-10);
}

TEST_CASE("flagged samples of templates may hold anything", "[destripe]") {
    constexpr stokes S = stokes::iqu;
    survey s;
    const auto make = [&] {
        return template_problem<S>(pixels, s.all.size(), s.chunks<S>(), usual(), offsets(s.baselines()),
                                   legendre_polynomials(s.scans(), 1, 1));
    };
    const template_problem<S> before = make();
    for (observation& o : s.all) {
        for (std::size_t i = 0; i < o.flags.size(); ++i) {
            if (o.flags[i] == 0) continue;
            o.signal[i] = 1e30;
            o.cosine[i] = std::numeric_limits<float>::quiet_NaN();
            o.pixels[i] = 1 << 30;
        }
    }
    const template_problem<S> after = make();
    const auto a = random_numbers<double>(before.size());
    CHECK(same_bits(applied(before, a), applied(after, a)));
    CHECK(same_bits(before.rhs(), after.rhs()));
    CHECK(same_bits(before.diagonal(), after.diagonal()));
}

// Through many pieces of samples, and lists of more elements than they hold before they are merged.
TEST_CASE("equations of long chunks, with any number of threads", "[destripe]") {
    constexpr stokes S = stokes::i;
    constexpr std::size_t n = 60000, many = 3000;
    const auto random = random_numbers<double>(n);
    std::vector<std::int32_t> pixel(n);
    for (std::size_t i = 0; i < n; ++i)
        pixel[i] = static_cast<std::int32_t>((1 + random[i]) * (many / 2 - 1));
    const auto signal = random_numbers<double>(n, 2), phase = random_numbers<double>(n, 3);
    const source chunks = [&](std::size_t) {
        return chunk{.pixels = pixel, .cosine = {}, .sine = {}, .signal = signal};
    };
    const offsets slow({equal_baselines(0, n, 250)});
    const periodic_bins ground(std::vector<std::span<const double>>{phase}, 200, 2);
    const auto make = [&](int threads) {
        return template_problem<S>(many, 1, chunks, {.threads = threads}, slow, ground);
    };
    const template_problem<S> p = make(1);
    const auto a = random_numbers<double>(p.size());

    // F' Z tod
    const auto projected = [&](std::vector<double> tod) {
        std::vector<double> mean(many), hits(many), out(p.size());
        for (std::size_t i = 0; i < n; ++i) {
            const auto at = static_cast<std::size_t>(pixel[i]);
            hits[at] += 1;
            mean[at] += (tod[i] - mean[at]) / hits[at];
        }
        for (std::size_t i = 0; i < n; ++i) tod[i] -= mean[static_cast<std::size_t>(pixel[i])];
        project(slow, 0, tod, 0, std::span(out).first(slow.size()));
        project(ground, 0, tod, 0, std::span(out).subspan(p.offset_of(1)));
        return out;
    };
    std::vector<double> tod(n);
    expand(slow, 0, std::span(a).first(slow.size()), 0, tod);
    expand(ground, 0, std::span(a).subspan(p.offset_of(1)), 0, tod);
    const auto out = applied(p, a);
    CHECK(reference::relative_error(out, projected(tod)) <= 1e-13);
    CHECK(reference::relative_error(p.rhs(), projected(signal)) <= 1e-13);

    for (const int threads : {2, 5}) {
        const template_problem<S> other = make(threads);
        CHECK(same_bits(applied(other, a), out));
        CHECK(same_bits(other.rhs(), p.rhs()));
        CHECK(same_bits(other.diagonal(), p.diagonal()));
    }
}

TEST_CASE("elements are merged however they come", "[destripe]") {
    destripe::detail::element_list<1, default_arch> list;
    std::map<std::pair<int, int>, double> expected;
    std::mt19937 random(1);
    for (int i = 0; i < 100000; ++i) {
        const int row = static_cast<int>(random() % 300) - 1, column = static_cast<int>(random() % 400);
        list.add({row, column, {1.0}});
        if (row >= 0) expected[{row, column}] += 2;
    }
    list.close(2);
    const std::size_t closed = list.elements().size();
    REQUIRE(closed == expected.size());
    for (const auto& e : list.elements()) CHECK((expected[{e.row, e.column}] == e.value[0]));
    list.add({1, 1, {1.0}});
    list.add({1, 1, {1.0}});
    list.close(3);
    REQUIRE(list.elements().size() == closed + 1);
    CHECK(list.elements().back().value[0] == 6);
}

TEST_CASE("templates of several processes, one of them empty", "[destripe]") {
    constexpr stokes S = stokes::iqu;
    const survey s;
    const auto make = [&](std::size_t first, std::size_t count, const reduction& sum) {
        problem_options options = usual(1);
        options.sum = sum;
        return template_problem<S>(pixels, count, s.chunks<S>(first), options,
                                   offsets(s.baselines(first, count)),
                                   periodic_bins(s.azimuths(first, count), 5, turn));
    };
    // amplitudes of chunks first .. first + count - 1 among those of all
    const template_problem<S> whole = make(0, 5, {});
    const auto select = [&](std::span<const double> a, std::size_t first, std::size_t count) {
        const std::size_t skipped = offsets(s.baselines(0, first)).size();
        const std::size_t here = offsets(s.baselines(first, count)).size();
        std::vector<double> out(a.begin() + std::ptrdiff_t(skipped),
                                a.begin() + std::ptrdiff_t(skipped + here));
        const auto bins = a.begin() + std::ptrdiff_t(whole.offset_of(1) + 5 * first);
        out.insert(out.end(), bins, bins + std::ptrdiff_t(5 * count));
        return out;
    };
    const auto a = random_numbers<double>(whole.size());
    const auto expected = applied(whole, a);

    constexpr std::array<std::pair<std::size_t, std::size_t>, 3> parts{{{0, 2}, {2, 0}, {2, 3}}};
    std::barrier<> everyone(parts.size());
    std::array<std::vector<double>, parts.size()> shared, out, rhs;
    const auto run = [&](std::size_t rank) {
        const reduction sum = [&, rank](std::span<double> x) {
            shared[rank].assign(x.begin(), x.end());
            everyone.arrive_and_wait();
            for (std::size_t i = 0; i < x.size(); ++i) {
                x[i] = 0;
                for (const auto& one : shared) x[i] += one[i];
            }
            everyone.arrive_and_wait();
        };
        const auto [first, count] = parts[rank];
        const template_problem<S> p = make(first, count, sum);
        out[rank] = applied(p, select(a, first, count));
        rhs[rank].assign(p.rhs().begin(), p.rhs().end());
    };
    std::vector<std::jthread> ranks;
    for (std::size_t rank = 0; rank < parts.size(); ++rank) ranks.emplace_back(run, rank);
    ranks.clear();
    for (std::size_t rank = 0; rank < parts.size(); ++rank) {
        const auto [first, count] = parts[rank];
        if (count == 0)
            CHECK(out[rank].empty());
        else
            CHECK(reference::relative_error(out[rank], select(expected, first, count)) <= 1e-13);
        if (count > 0)
            CHECK(reference::relative_error(rhs[rank], select(whole.rhs(), first, count)) <= 1e-13);
    }
}

TEST_CASE("templates of nothing", "[destripe]") {
    const source none;
    const template_problem<stokes::iqu> p(0, 0, none, {}, offsets(std::vector<std::vector<baseline>>{}));
    CHECK(p.size() == 0);
    CHECK(applied(p, {}).empty());
}

TEST_CASE("errors of templates name what is wrong", "[destripe]") {
    const std::vector<std::vector<baseline>> crossed{{}, {{0, 10}, {9, 2}}}, fine{{{0, 10}}};
    CHECK_THAT(message_of([&] { offsets<> f(crossed); }),
               ContainsSubstring(
                   "destripe::offsets: chunk 1: an interval of 2 samples from 9 on follows one that "
                   "ends at 10"));
    CHECK_THAT(message_of([&] { legendre_polynomials<> f(fine, 3, 2); }),
               ContainsSubstring("legendre_polynomials: first order is 3, last order 2"));
    CHECK_THAT(message_of([&] { legendre_polynomials<> f(fine, 0, ~std::size_t{0}); }),
               ContainsSubstring("legendre_polynomials: last order is 18446744073709551615"));
    const std::vector<double> phase(5);
    const std::vector<std::span<const double>> phases{phase};
    using bins = periodic_bins<double>;
    CHECK_THAT(message_of([&] { bins(phases, 0, 1); }), ContainsSubstring("bins is 0"));
    CHECK_THAT(message_of([&] { bins(phases, 1, -2); }), ContainsSubstring("period is -2"));
    CHECK_THAT(message_of([&] { bins(phases, std::size_t{1} << 31, 1); }),
               ContainsSubstring("1 times 2147483648 amplitudes, expected 2^31 - 1"));

    std::vector<std::int32_t> amplitude(6);
    std::vector<double> value(6), a(3);
    CHECK_THAT(message_of([&] {
                   bins(phases, 3, 1).row(0, 0, {0, 6}, amplitude, value);
               }),
               ContainsSubstring("periodic_bins: chunk 0: 5 phases, expected 6 or more"));
    CHECK_THAT(message_of([&] {
                   bins(phases, 3, 1).row(2, 0, {0, 6}, amplitude, value);
               }),
               ContainsSubstring("chunk is 2, there are 1"));
    CHECK_THAT(message_of([&] {
                   offsets(fine).row(0, 1, {0, 6}, amplitude, value);
               }),
               ContainsSubstring("term is 1, there are 1"));
    CHECK_THAT(message_of([&] {
                   offsets(fine).row(0, 0, {0, 5}, amplitude, value);
               }),
               ContainsSubstring("the size of amplitude is 6, there are 5"));
    CHECK_THAT(message_of([&] { expand(offsets(fine), 0, a, 0, value); }),
               ContainsSubstring("expand: a has 3 elements, the family has 1"));
    CHECK_THAT(message_of([&] { project(offsets(fine), 0, value, 0, a); }),
               ContainsSubstring("project: out has 3 elements, the family has 1"));
}

TEST_CASE("errors of problems with templates name what is wrong", "[destripe]") {
    survey s;
    using problem = template_problem<stokes::i>;
    const auto chunks = s.chunks<stokes::i>();
    const offsets slow(s.baselines());
    const std::vector<std::uint8_t> short_mask(3, 1);
    CHECK_THAT(message_of([&] { problem(pixels, 5, chunks, {.mask = short_mask}, slow); }),
               ContainsSubstring("template_problem: mask has 3 elements, expected 20"));
    CHECK_THAT(message_of([&] { problem(4, 5, chunks, {.threads = 1}, slow); }),
               ContainsSubstring("chunk 0: pixels["));

    struct faulty {
        std::int32_t number;
        double factor;
        std::size_t size() const { return 2; }
        std::size_t terms() const { return 1; }
        void row(std::size_t, std::size_t, range, std::span<std::int32_t> amplitude,
                 std::span<double> value) const {
            std::fill(amplitude.begin(), amplitude.end(), number);
            std::fill(value.begin(), value.end(), factor);
        }
    };
    CHECK_THAT(message_of([&] {
                   problem(pixels, 5, chunks, usual(), slow, faulty{2, 1});
               }),
               ContainsSubstring("chunk 0: family 1, term 0: amplitude 2 of 2"));
    CHECK_THAT(message_of([&] {
                   problem(pixels, 5, chunks, usual(), slow, faulty{1, not_a_number});
               }),
               ContainsSubstring("value nan at sample"));

    const problem p(pixels, 5, chunks, usual(), slow);
    std::vector<double> a(p.size()), out(p.size() - 1), little(3);
    CHECK_THAT(message_of([&] { p.apply(a, out); }),
               ContainsSubstring("template_problem::apply: out has"));
    CHECK_THAT(message_of([&] { p.apply(out, a); }),
               ContainsSubstring("template_problem::apply: a has"));
    out.resize(p.size());
    CHECK_THAT(message_of([&] { p.apply(a, out, little); }),
               ContainsSubstring("scratch has 3 elements"));
    s.all[1].signal[40] = not_a_number;
    s.all[1].flags[40] = 0;
    s.all[1].pixels[40] = 1;
    CHECK_THAT(message_of([&] { problem(pixels, 5, chunks, usual(), slow); }),
               ContainsSubstring("chunk 1: signal[40] is nan"));
}
