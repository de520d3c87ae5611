// SPDX-License-Identifier: BSD-3-Clause
//
// gridrec beside TomoPy's, from which most users come. A model of theirs, its faults included, gives what
// TomoPy has stored; where the faults are known factors, ours times these factors gives the model's image.
// So scale and orientation are understood.
//
// TomoPy's files (test/test_tomopy/test_data of github.com/tomopy/tomopy: proj, angle and gridrec_*.npy) are
// looked for in the folder DESTRIER_TOMOPY_DATA of the environment, and in tomography/ of the test data.

#include "gridrec_fixture.hpp"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <utility>

using namespace reference;
namespace gridrec = destrier::gridrec;
namespace fs = std::filesystem;

namespace {

using complex = std::complex<double>;

// What makes a slice's image of its sinogram (angles, columns), as TomoPy's gridrec does: a grid as long as the
// padded projection, a window of bandwidth 7 cut off after 2 cells instead of 7 / pi and looked up in a table
// without interpolation, deapodised as if it were whole and one pixel off, no zero frequency, an old factor 1.2.
class tomopy_model {
public:
    explicit tomopy_model(std::size_t columns) : columns_(columns) {
        while (size_ < columns) size_ *= 2;
        for (std::size_t i = 0; i <= entries; ++i) {
            table_.push_back(window(static_cast<double>(i) / static_cast<double>(entries)) / window(0));
        }
        for (std::size_t k = 0; k < size_; ++k) {
            roots_.push_back(
                std::polar(1.0, 2 * pi * static_cast<double>(k) / static_cast<double>(size_)));
        }
    }

    // filter(x) for x in cycles per pixel
    std::vector<double> slice(const std::vector<double>& g, const std::vector<double>& theta,
                              double center, const std::function<double(double)>& filter) const {
        std::vector<complex> grid(size_ * size_);
        for (std::size_t p = 0; p < theta.size(); ++p) {
            for (std::size_t j = 1; j < size_ / 2; ++j) {
                const double x = static_cast<double>(j) / static_cast<double>(size_);
                complex sum = 0;
                for (std::size_t k = 0; k < columns_; ++k)
                    sum += g[p * columns_ + k] * roots_[j * k % size_];
                const double scale = filter(x) * pi / static_cast<double>(size_ * theta.size());
                share(sum * std::polar(scale, -2 * pi * x * center), static_cast<float>(j),
                      static_cast<float>(theta[p]), grid);
            }
        }
        return image(grid);
    }

    // What the image along x, pixels from the axis, is multiplied by: the transform of the window that is used,
    // and their deapodisation.
    double gain(double x) const {
        double transform = 0;
        constexpr int steps = 4096;
        for (int i = 0; i < steps; ++i) {
            const double d = (i + 0.5) * half_width / steps;
            transform += 2 * half_width / steps * weight(d) *
                         std::cos(2 * pi * d * x / static_cast<double>(size_));
        }
        return transform * std::abs(deapodisation(static_cast<long>(x) + static_cast<long>(size_ / 2)));
    }

private:
    static constexpr double bandwidth = 7, half_width = 2, eigenvalue = 0.99998546;
    static constexpr std::size_t entries = 512;

    // The window, as a series of even Legendre polynomials.
    static double window(double x) {
        constexpr std::array series{57.67616,    -89.31343,    41.67596,   -10.53599,
                                    1.662374,    -0.1780527,   0.01372983, -7.963169e-4,
                                    3.593372e-5, -1.295941e-6, 3.817796e-8};
        double before = 1, now = x, sum = series[0];
        for (std::size_t k = 1; k < 2 * series.size() - 1; ++k) {
            const double n = static_cast<double>(k);
            const double next = ((2 * n + 1) * x * now - n * before) / (n + 1);
            before = std::exchange(now, next);
            if (k % 2 == 1) sum += series[(k + 1) / 2] * now;
        }
        return sum;
    }

    // At a distance in cells.
    double weight(double distance) const {
        return table_[static_cast<std::size_t>(std::lround(distance / half_width * entries))];
    }

    // Adds a sample at radius j, whose place they hold in floats, and its mirror image.
    void share(complex value, float j, float theta, std::vector<complex>& grid) const {
        const float middle = static_cast<float>(size_ / 2);
        const float u = j * std::cos(theta) + middle, v = j * std::sin(theta) + middle;
        for_taps(u, [&](std::size_t iu, double along_u) {
            for_taps(v, [&](std::size_t iv, double along_v) {
                grid[iu * size_ + iv] += along_u * along_v * value;
                grid[(size_ - iu) * size_ + size_ - iv] += along_u * along_v * std::conj(value);
            });
        });
    }
    template <class F>
    void for_taps(float x, F&& f) const {
        const auto first = static_cast<long>(std::ceil(x - 2)),
                   last = static_cast<long>(std::floor(x + 2));
        for (long i = std::max(first, 1L); i <= std::min(last, static_cast<long>(size_) - 1); ++i) {
            f(static_cast<std::size_t>(i),
              weight(static_cast<double>(std::abs(x - static_cast<float>(i)))));
        }
    }

    // Entry i of their table, of which size / 2 serves the axis.
    double deapodisation(long i) const {
        const long from_its_middle = std::abs(i - (static_cast<long>(size_ / 2) - 1));
        const double norm = std::sqrt(pi / 2 / bandwidth / eigenvalue) / 1.2;
        const double entry = std::round(static_cast<double>(from_its_middle) * entries /
                                        (static_cast<double>(size_ / 2) - 0.5));
        return (from_its_middle % 2 == 0 ? norm : -norm) / table_[static_cast<std::size_t>(entry)];
    }

    // The real part of the transform of the grid, at the pixels: rows first, then columns.
    std::vector<double> image(const std::vector<complex>& grid) const {
        const auto element = [&](std::size_t pixel) {
            return (pixel + size_ - columns_ / 2) % size_; // x or y modulo the size
        };
        std::vector<complex> half(columns_ * size_);
        for (std::size_t k = 0; k < columns_; ++k) {
            for (std::size_t iu = 0; iu < size_; ++iu) {
                for (std::size_t iv = 0; iv < size_; ++iv) {
                    half[k * size_ + iu] +=
                        grid[iu * size_ + iv] * std::conj(roots_[iv * element(k) % size_]);
                }
            }
        }
        const long padding = static_cast<long>((size_ - columns_) / 2);
        std::vector<double> f(columns_ * columns_);
        for (std::size_t k = 0; k < columns_; ++k) {
            for (std::size_t j = 0; j < columns_; ++j) {
                complex sum = 0;
                for (std::size_t iu = 0; iu < size_; ++iu) {
                    sum += half[k * size_ + iu] * std::conj(roots_[iu * element(j) % size_]);
                }
                f[(columns_ - 1 - k) * columns_ + j] = deapodisation(static_cast<long>(j) + padding) *
                                                       deapodisation(static_cast<long>(k) + padding) *
                                                       sum.real();
            }
        }
        return f;
    }

    std::size_t columns_, size_ = 16;
    std::vector<double> table_;
    std::vector<complex> roots_;
};

// The values of a numpy file, past its header.
template <class T>
std::vector<double> read_npy(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    if (bytes.size() < 10) throw std::runtime_error(path.string() + " cannot be read");
    const auto header =
        static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
    std::vector<T> values((bytes.size() - 10 - header) / sizeof(T));
    std::memcpy(values.data(), bytes.data() + 10 + header, values.size() * sizeof(T));
    return as<double>(values);
}

fs::path tomopy_folder() {
    const char* const given = std::getenv("DESTRIER_TOMOPY_DATA");
    return given ? fs::path(given) : fs::path(DESTRIER_TEST_DATA) / "tomography";
}

} // namespace

TEST_CASE("a model of TomoPy's gridrec gives TomoPy's images", "[gridrec]") {
    const fs::path folder = tomopy_folder();
    if (!fs::exists(folder / "gridrec_shepp.npy")) {
        std::cout << "skipped: TomoPy's proj.npy, angle.npy and gridrec_*.npy are not in "
                  << folder.string() << "; DESTRIER_TOMOPY_DATA names their folder\n";
        return;
    }
    const std::size_t n = 48, slices = 8, count = 16;
    const auto projections = read_npy<float>(folder / "proj.npy"); // (angles, slices, columns)
    const auto theta = read_npy<double>(folder / "angle.npy");
    REQUIRE(projections.size() == count * slices * n);
    REQUIRE(theta.size() == count);
    const auto turn = [](double x) { return std::cos(2 * pi * x / 0.5); };
    const std::vector<std::pair<std::string, std::function<double(double)>>> filters{
        {"none", [](double) { return 1; }},
        {"shepp", [](double x) { return 2 * x * std::sin(pi * x) / (pi * x); }},
        {"cosine", [](double x) { return 2 * x * std::cos(pi * x); }},
        {"hann", [&](double x) { return 2 * x * 0.5 * (1 + turn(x)); }},
        {"hamming", [&](double x) { return 2 * x * (0.54 + 0.46 * turn(x)); }},
        {"ramlak", [](double x) { return 2 * x; }},
        {"parzen", [](double x) { return 2 * x * std::pow(1 - x / 0.5, 3); }},
        {"butterworth", [](double x) { return 2 * x / (1 + std::pow(x / 0.5, 16)); }}};
    const tomopy_model model(n);
    for (const auto& [name, filter] : filters) {
        const auto expected = read_npy<float>(folder / ("gridrec_" + name + ".npy"));
        REQUIRE(expected.size() == slices * n * n);
        double most = 0, scale = 0;
        for (std::size_t s = 0; s < slices; ++s) {
            std::vector<double> g;
            for (std::size_t p = 0; p < count; ++p) {
                const auto row = projections.begin() + static_cast<std::ptrdiff_t>((p * slices + s) * n);
                g.insert(g.end(), row, row + n);
            }
            const auto f = model.slice(g, theta, n / 2.0, filter);
            for (std::size_t i = 0; i < f.size(); ++i) {
                most = std::max(most, std::abs(f[i] - expected[s * n * n + i]));
                scale = std::max(scale, std::abs(expected[s * n * n + i]));
            }
        }
        INFO(name << ": " << most << " of " << scale);
        CHECK(most <= 1e-5 * scale);
    }
}

TEST_CASE("gridrec times TomoPy's known gain is TomoPy's image", "[gridrec]") {
    const std::size_t n = 64, wide = 4 * n; // their padding is the caller's affair
    const auto theta = angles(120);
    const std::vector<ellipse> object{{1, 12, 8, 1, 2, 0.5}, {-0.4, 3, 4, 5, 3, 0}};
    const auto theirs = tomopy_model(wide).slice(sinogram(object, theta, wide, wide / 2.0), theta,
                                                 wide / 2.0, [](double x) { return 2 * x; });
    const auto ours = reconstruction<float>(theta, n, {.filter = gridrec::filter::ramlak()})
                          .slice(sinogram(object, theta, n, n / 2.0), n / 2.0);
    // their rows are one higher, and their ramp is twice ours
    const auto their_pixel = [&](long x, long y) {
        return theirs[static_cast<std::size_t>((static_cast<long>(wide / 2) - 1 - y) *
                                                   static_cast<long>(wide) +
                                               x + static_cast<long>(wide / 2))];
    };
    const tomopy_model model(wide);
    const long reach = n / 4;
    double most = 0, uncorrected = 0;
    for (long y = -reach; y <= reach; ++y) {
        for (long x = -reach; x <= reach; ++x) {
            if (x * x + y * y >= reach * reach) continue;
            const double f = ours[static_cast<std::size_t>(
                (static_cast<long>(n / 2) - y) * static_cast<long>(n) + x + static_cast<long>(n / 2))];
            const double gain =
                2 * model.gain(static_cast<double>(x)) * model.gain(static_cast<double>(y));
            most = std::max(most, std::abs(f * gain - their_pixel(x, y)));
            uncorrected = std::max(uncorrected, std::abs(f - their_pixel(x, y)));
        }
    }
    CHECK(most <= 1e-2);
    CHECK(uncorrected >= 0.1); // the factor 1.119 that theirs is off by
}
