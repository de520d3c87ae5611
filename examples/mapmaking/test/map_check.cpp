// SPDX-License-Identifier: BSD-3-Clause
//
// map_check: what run.sh asks of maps, and observations with something wrong to try the program with.
//
//   map_check against A.fits B.fits         how far two files of maps are apart
//   map_check sky MAPS.fits SKY.fits        what is left of the noise, in units of white noise
//   map_check sum ALL.fits PART.fits...     whether the parts' sums are those of all
//   map_check odd OBS.h5 DIRECTORY          observations with something odd about them, made from this one
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <hdf5.h>

#include "common/hdf5.hpp"
#include "output/sky_map.hpp"

namespace {

namespace fs = std::filesystem;
namespace h5 = common::h5;
using mapmaking::sky_map;
using values = std::vector<double>;

sky_map read_nested(const fs::path& path) {
    return mapmaking::reordered(mapmaking::read_sky_map(path), mapmaking::ordering::nest);
}

const values& column(const sky_map& map, const std::string& name) {
    const auto found = std::find(map.columns.begin(), map.columns.end(), name);
    if (found == map.columns.end()) throw std::runtime_error("no column " + name);
    return map.values[static_cast<std::size_t>(found - map.columns.begin())];
}

double mean_of(const values& x) {
    double sum = 0;
    for (const double v : x) sum += v;
    return sum / static_cast<double>(x.size());
}

double spread_of(const values& x) {
    const double mean = mean_of(x);
    double sum = 0;
    for (const double v : x) sum += (v - mean) * (v - mean);
    return std::sqrt(sum / static_cast<double>(x.size()));
}

// No hits, where a file of a part of the sphere says nothing of them.
values known(values column, const std::string& name) {
    for (double& v : column) {
        if (name == "HITS" && !mapmaking::is_seen(v)) v = 0;
    }
    return column;
}

// Of columns with one beginning: the largest difference, relative to the spread of all of them.
double farthest(const sky_map& a, const sky_map& b, const std::string& before) {
    double largest = 0;
    values seen;
    for (std::size_t c = 0; c < a.columns.size(); ++c) {
        const std::string& name = a.columns[c];
        const bool wanted = before.empty() ? name.size() == 1 : name.starts_with(before);
        if (!wanted) continue;
        const values x = known(a.values[c], name), y = known(column(b, name), name);
        for (std::size_t p = 0; p < x.size(); ++p) {
            if (mapmaking::is_seen(x[p]) != mapmaking::is_seen(y[p]))
                return std::numeric_limits<double>::infinity();
            if (!mapmaking::is_seen(x[p])) continue;
            largest = std::max(largest, std::abs(x[p] - y[p]));
            seen.push_back(x[p]);
        }
    }
    return largest == 0 ? 0 : largest / spread_of(seen);
}

void against(const fs::path& first, const fs::path& second) {
    const sky_map a = read_nested(first), b = read_nested(second);
    if (a.nside != b.nside) throw std::runtime_error("maps of different nside");
    double hits = 0;
    for (const double h : column(a, "HITS")) hits += h;
    std::printf("samples %.0f map %g binned %g hits %g rcond %g invcov %g\n", hits, farthest(a, b, ""),
                farthest(a, b, "BINNED_"), farthest(a, b, "HITS"), farthest(a, b, "RCOND"),
                farthest(a, b, "INVCOV_"));
}

// Inverse of the symmetric 3 x 3 matrix with this upper triangle: its element 0, 0.
double first_variance(const std::array<double, 6>& m) {
    const double minor = m[3] * m[5] - m[4] * m[4];
    const double det =
        m[0] * minor - m[1] * (m[1] * m[5] - m[4] * m[2]) + m[2] * (m[1] * m[4] - m[3] * m[2]);
    return minor / det;
}

// I less the sky and its mean, over what white noise would leave in those pixels, where they are well measured.
void against_sky(const fs::path& maps, const fs::path& sky) {
    const sky_map made = read_nested(maps);
    const sky_map truth = mapmaking::resized(read_nested(sky), made.nside);
    const values &i = column(made, "I"), &binned = column(made, "BINNED_I"),
                 &rcond = column(made, "RCOND");
    const bool polarised = std::count(made.columns.begin(), made.columns.end(), "INVCOV_UU") > 0;
    values left, left_binned;
    double white = 0;
    for (std::size_t p = 0; p < i.size(); ++p) {
        if (!mapmaking::is_seen(i[p]) || rcond[p] < 0.1) continue;
        left.push_back(i[p] - truth.values[0][p]);
        left_binned.push_back(binned[p] - truth.values[0][p]);
        std::array<double, 6> m{column(made, "INVCOV_II")[p], 0, 0, 1, 0, 1};
        if (polarised) {
            std::size_t k = 0;
            for (const char* name : {"II", "IQ", "IU", "QQ", "QU", "UU"})
                m[k++] = column(made, std::string("INVCOV_") + name)[p];
        }
        white += first_variance(m);
    }
    white = std::sqrt(white / static_cast<double>(left.size()));
    std::printf("pixels %zu white %g destriped %g binned %g\n", left.size(), white,
                spread_of(left) / white, spread_of(left_binned) / white);
}

// Hits and inverse covariances of parts of the data add up to those of all, and so do the sums behind the maps.
void sums(const fs::path& all, const std::vector<fs::path>& parts) {
    const sky_map whole = read_nested(all);
    std::vector<values> sum(whole.columns.size(), values(whole.pixels(), 0.0));
    for (const fs::path& path : parts) {
        const sky_map part = read_nested(path);
        for (std::size_t c = 0; c < sum.size(); ++c) {
            for (std::size_t p = 0; p < sum[c].size(); ++p) {
                if (mapmaking::is_seen(part.values[c][p])) sum[c][p] += part.values[c][p];
            }
        }
    }
    sky_map added = whole;
    added.values = sum;
    for (std::size_t c = 0; c < sum.size(); ++c) {
        for (std::size_t p = 0; p < sum[c].size(); ++p) {
            if (!mapmaking::is_seen(whole.values[c][p])) added.values[c][p] = mapmaking::unseen;
        }
    }
    std::printf("parts %zu hits %g invcov %g\n", parts.size(), farthest(whole, added, "HITS"),
                farthest(whole, added, "INVCOV_"));
}

// An observation to be changed.
class editor {
public:
    explicit editor(const fs::path& path)
        : file_(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose) {
        if (!file_) throw std::runtime_error("cannot open " + path.string());
    }

    void remove(const char* name) const {
        check(H5Ldelete(file_.get(), name, H5P_DEFAULT), "remove", name);
    }
    void remove_attribute(const char* name) const {
        check(H5Adelete(file_.get(), name), "remove", name);
    }
    void make_group(const char* name) const {
        const h5::handle group(H5Gcreate2(file_.get(), name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                               H5Gclose);
    }
    // Replaces a data set by zeros of another shape.
    void reshape(const char* name, const std::vector<hsize_t>& extents) const {
        remove(name);
        const h5::handle space(
            H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose);
        const h5::handle made(H5Dcreate2(file_.get(), name, H5T_NATIVE_DOUBLE, space.get(), H5P_DEFAULT,
                                         H5P_DEFAULT, H5P_DEFAULT),
                              H5Dclose);
        check(made ? 0 : -1, "make", name);
    }
    void change(const char* name, const std::function<void(values&)>& how) const {
        const h5::handle data(H5Dopen2(file_.get(), name, H5P_DEFAULT), H5Dclose);
        change(data.get(), name, H5T_NATIVE_DOUBLE, 1, how);
    }
    // A column of doubles, `each` in a row's element.
    void change_column(const char* table, const std::string& name, std::size_t each,
                       const std::function<void(values&)>& how) const {
        const h5::handle data(H5Dopen2(file_.get(), table, H5P_DEFAULT), H5Dclose);
        const hsize_t extent = each;
        const h5::handle element(each > 1 ? H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &extent)
                                          : H5Tcopy(H5T_NATIVE_DOUBLE),
                                 H5Tclose);
        const h5::handle row(H5Tcreate(H5T_COMPOUND, each * sizeof(double)), H5Tclose);
        H5Tinsert(row.get(), name.c_str(), 0, element.get());
        change(data.get(), table, row.get(), each, how);
    }
    // An attribute that is a text.
    void change_text(const char* object, const char* name, const std::string& text) const {
        const h5::handle of(H5Oopen(file_.get(), object, H5P_DEFAULT), H5Oclose);
        if (H5Aexists(of.get(), name) > 0) check(H5Adelete(of.get(), name), "change", name);
        const h5::handle type(H5Tcopy(H5T_C_S1), H5Tclose);
        H5Tset_size(type.get(), text.size());
        const h5::handle space(H5Screate(H5S_SCALAR), H5Sclose);
        const h5::handle made(
            H5Acreate2(of.get(), name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
        check(H5Awrite(made.get(), type.get(), text.data()), "change", name);
    }

private:
    static void change(hid_t data, const char* name, hid_t type, std::size_t each,
                       const std::function<void(values&)>& how) {
        const h5::handle space(H5Dget_space(data), H5Sclose);
        values all(
            static_cast<std::size_t>(std::max<hssize_t>(H5Sget_simple_extent_npoints(space.get()), 0)) *
            each);
        check(H5Dread(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()), "read", name);
        how(all);
        check(H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()), "write", name);
    }
    static void check(herr_t result, const char* what, const char* name) {
        if (result < 0) throw std::runtime_error(std::string("cannot ") + what + " " + name);
    }

    h5::handle file_;
};

struct odd_observation {
    const char* name;
    std::function<void(const editor&)> change;
};

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void set_first(const editor& e, const char* name, std::size_t at, double value) {
    e.change(name, [=](values& v) { v[at] = value; });
}

const char* const weights = "/metadata/noise_model/detector_weights";
const char* const densities = "/metadata/noise_model/psd";

// The observation has 4 detectors, and 4000 samples or more.
const std::vector<odd_observation> odd_observations{
    {"no_signal", [](const editor& e) { e.remove("/detdata/signal"); }},
    {"no_flags", [](const editor& e) { e.remove("/detdata/flags"); }},
    {"no_shared_flags", [](const editor& e) { e.remove("/shared/flags"); }},
    {"no_boresight", [](const editor& e) { e.remove("/shared/boresight_radec"); }},
    {"no_times", [](const editor& e) { e.remove("/shared/times"); }},
    {"no_focal_plane", [](const editor& e) { e.remove("/instrument/focalplane"); }},
    {"no_noise", [](const editor& e) { e.remove("/metadata/noise_model"); }},
    {"no_detectors", [](const editor& e) { e.remove_attribute("observation_detectors"); }},
    {"flat_signal", [](const editor& e) { e.reshape("/detdata/signal", {100}); }},
    {"short_signal",
     [](const editor& e) {
         e.reshape("/detdata/signal", {2, 100});
     }},
    {"short_boresight",
     [](const editor& e) {
         e.reshape("/shared/boresight_radec", {100, 4});
     }},
    {"compressed",
     [](const editor& e) {
         e.remove("/detdata/signal");
         e.make_group("/detdata/signal");
     }},
    {"long_boresight",
     [](const editor& e) { set_first(e, "/shared/boresight_radec", 4 * 1234 + 2, 2); }},
    {"nan_boresight",
     [](const editor& e) { set_first(e, "/shared/boresight_radec", 4 * 1234 + 2, nan); }},
    {"nan_boresight_flagged",
     [](const editor& e) {
         set_first(e, "/shared/boresight_radec", 4 * 1234 + 2, nan);
         set_first(e, "/shared/flags", 1234, 1);
     }},
    {"flagged", [](const editor& e) { set_first(e, "/shared/flags", 1234, 1); }},
    {"long_detector",
     [](const editor& e) {
         e.change_column("/instrument/focalplane", "quat", 4, [](values& v) { v[4] += 0.5; });
     }},
    {"nan_signal", [](const editor& e) { set_first(e, "/detdata/signal", 321, nan); }},
    {"infinite_signal",
     [](const editor& e) {
         set_first(e, "/detdata/signal", 321, std::numeric_limits<double>::infinity());
     }},
    {"nan_signal_flagged",
     [](const editor& e) {
         set_first(e, "/detdata/signal", 1234, nan);
         set_first(e, "/shared/flags", 1234, 1);
     }},
    {"all_flagged",
     [](const editor& e) {
         e.change("/shared/flags", [](values& v) { std::fill(v.begin(), v.end(), 1); });
     }},
    {"backwards", [](const editor& e) { set_first(e, "/shared/times", 1000, 0); }},
    {"zero_weights",
     [](const editor& e) {
         e.change_column(weights, "f1", 1, [](values& v) { std::fill(v.begin(), v.end(), 0); });
     }},
    {"zero_weight",
     [](const editor& e) { e.change_column(weights, "f1", 1, [](values& v) { v[0] = 0; }); }},
    {"negative_weight",
     [](const editor& e) { e.change_column(weights, "f1", 1, [](values& v) { v[0] = -1; }); }},
    {"nan_weight",
     [](const editor& e) { e.change_column(weights, "f1", 1, [](values& v) { v[0] = nan; }); }},
    {"negative_density", [](const editor& e) { e.change(densities, [](values& v) { v.back() = -3; }); }},
    {"no_density",
     [](const editor& e) {
         e.remove(densities);
         e.remove((densities + std::string("_keys")).c_str());
     }},
    {"other_plane",
     [](const editor& e) {
         e.change_column("/instrument/focalplane", "quat", 4, [](values& v) {
             for (const std::size_t z : {2u, 6u}) std::swap(v[z], v[z + 1]);
         });
     }},
    {"empty",
     [](const editor& e) {
         e.reshape("/shared/times", {0});
         e.reshape("/shared/flags", {0});
         e.reshape("/shared/boresight_radec", {0, 4});
         e.reshape("/detdata/flags", {4, 0});
         e.reshape("/detdata/signal", {4, 0});
         e.change_text("/detdata/signal", "units", "K");
     }},
    {"millikelvin", [](const editor& e) { e.change_text("/detdata/signal", "units", "mK"); }},
    {"picowatt", [](const editor& e) { e.change_text("/detdata/signal", "units", "pW"); }},
};

// Observations are copied, so that all else stays as it is.
void write_odd(const fs::path& from, const fs::path& directory) {
    for (const odd_observation& odd : odd_observations) {
        const fs::path path = directory / (std::string(odd.name) + ".h5");
        fs::copy_file(from, path, fs::copy_options::overwrite_existing);
        odd.change(editor(path));
    }
}

int run(const std::vector<std::string>& words) {
    const std::size_t n = words.size();
    if (n == 3 && words[0] == "against") {
        against(words[1], words[2]);
    } else if (n == 3 && words[0] == "sky") {
        against_sky(words[1], words[2]);
    } else if (n >= 3 && words[0] == "sum") {
        sums(words[1], {words.begin() + 2, words.end()});
    } else if (n == 3 && words[0] == "odd") {
        write_odd(words[1], words[2]);
    } else {
        std::fprintf(stderr, "usage: map_check against|sky|sum|odd FILE...\n");
        return 2;
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        h5::prepare();
        return run({argv + 1, argv + argc});
    } catch (const std::exception& e) {
        std::fprintf(stderr, "map_check: %s\n", e.what());
        return 1;
    }
}
