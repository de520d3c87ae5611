// SPDX-License-Identifier: BSD-3-Clause
#include "output/products.hpp"

#include <utility>

namespace mapmaking {
namespace {

class product_maker {
public:
    product_maker(const pixel_products& from, std::size_t nside) : from_(from) {
        made_.nside = nside;
        made_.order = ordering::nest;
        made_.coordinates = "C"; // as boresight_radec is
    }

    // A column of element `number` of every `each` values, `otherwise` where there are none or `known` has less
    // than is wanted.
    void add(const std::string& name, const std::string& unit, std::span<const double> values,
             std::size_t each, std::size_t number, bool only_known, double otherwise = unseen) {
        std::vector<double> column(made_.pixels(), otherwise);
        for (std::size_t p = 0; p < from_.pixels.size(); ++p) {
            if (only_known && !(from_.rcond[p] >= from_.least_rcond && from_.rcond[p] > 0)) continue;
            column[static_cast<std::size_t>(from_.pixels[p])] = values[p * each + number];
        }
        made_.columns.push_back(name);
        made_.units.push_back(unit);
        made_.values.push_back(std::move(column));
    }
    sky_map take() { return std::move(made_); }

private:
    const pixel_products& from_;
    sky_map made_;
};

} // namespace

std::size_t product_columns(const std::string& letters) {
    const std::size_t n = letters.size();
    return 2 * n + 2 + n * (n + 1) / 2;
}

sky_map make_products(const pixel_products& from, std::size_t nside, ordering order,
                      const std::string& unit) {
    const std::size_t n = from.letters.size(), packed = n * (n + 1) / 2;
    product_maker maker(from, nside);
    const auto letter = [&](std::size_t i) { return from.letters.substr(i, 1); };
    for (std::size_t i = 0; i < n; ++i) maker.add(letter(i), unit, from.map, n, i, true);
    for (std::size_t i = 0; i < n; ++i) maker.add("BINNED_" + letter(i), unit, from.binned, n, i, true);
    maker.add("HITS", "", from.hits, 1, 0, false, 0);
    maker.add("RCOND", "", from.rcond, 1, 0, false);
    const std::string inverse = unit.empty() ? "" : "1/" + unit + "2";
    for (std::size_t i = 0, k = 0; i < n; ++i) {
        for (std::size_t j = i; j < n; ++j, ++k) {
            maker.add("INVCOV_" + letter(i) + letter(j), inverse, from.inverse_covariance, packed, k,
                      false);
        }
    }
    return reordered(maker.take(), order);
}

} // namespace mapmaking
