// SPDX-License-Identifier: BSD-3-Clause
//
// Plans of gridrec: any geometry and options, then slices through both kinds of plan.
#include <cstdint>
#include <type_traits>
#include <vector>

#include <destrier/gridrec.hpp>

#include "fuzz.hpp"

namespace {

namespace gridrec = destrier::gridrec;

gridrec::filter some_filter(fuzz::choices& from, std::size_t radial) {
    const auto cutoff = [&] { return fuzz::rarely(from) ? fuzz::odd_number(from) : 0.25; };
    switch (fuzz::below(from, 6)) {
    case 0: return gridrec::filter::shepp();
    case 1: return gridrec::filter::hann(cutoff());
    case 2: return gridrec::filter::parzen(cutoff());
    case 3: return gridrec::filter::butterworth(cutoff(), fuzz::odd_number(from));
    case 4: return gridrec::filter::named(from.ConsumeRandomLengthString(12));
    default: return gridrec::filter::custom(fuzz::some_numbers(from, radial / 2 + fuzz::below(from, 3)));
    }
}

gridrec::options some_options(fuzz::choices& from, std::size_t angles, std::size_t columns) {
    gridrec::options o;
    o.accuracy = static_cast<gridrec::accuracy>(fuzz::below(from, 3));
    o.edge = static_cast<gridrec::edge>(fuzz::below(from, 2));
    if (fuzz::rarely(from)) o.padding = from.ConsumeBool() ? fuzz::odd_number(from) : 3.3;
    const bool usual = columns < 100 && o.padding >= 2 && o.padding <= 16;
    o.filter = some_filter(from, usual ? gridrec::radial_size(columns, o.padding) : 8);
    if (fuzz::rarely(from)) o.weights = fuzz::some_numbers(from, angles + fuzz::below(from, 2));
    return o;
}

template <class Plan>
void run(const Plan& plan, fuzz::choices& from) {
    const std::size_t slices = fuzz::below(from, 4), n = plan.columns();
    auto work = plan.make_workspace(fuzz::some_threads(from));
    std::vector<float> sinogram(slices * plan.angles() * n, 1), volume(slices * n * n);
    std::vector<double> center = fuzz::some_numbers(from, from.ConsumeBool() ? slices : 1);
    for (double& c : center) c += 0.5 * static_cast<double>(n);
    const auto as_const = [](const std::vector<float>& x) { return x.data(); };
    const std::size_t given = fuzz::rarely(from) ? 0 : slices;
    plan.apply(destrier::view<const float, 3>(as_const(sinogram), {given, plan.angles(), n}), center,
               destrier::view<float, 3>(volume.data(), {slices, n, n}), work);
    if constexpr (std::is_same_v<Plan, gridrec::plan<float>>) {
        plan.apply_adjoint(destrier::view<const float, 3>(as_const(volume), {slices, n, n}), center,
                           destrier::view<float, 3>(sinogram.data(), {slices, plan.angles(), n}), work);
    }
}

void make_and_run(fuzz::choices& from) {
    const std::vector<double> theta = fuzz::some_numbers(from, fuzz::below(from, 9));
    const std::size_t columns = fuzz::some_size(from, 24);
    const gridrec::options o = some_options(from, theta.size(), columns);
    if (from.ConsumeBool())
        run(gridrec::plan<float>(theta, columns, o), from);
    else
        run(gridrec::plan_single<float>(theta, columns, o), from);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::choices from(data, size);
    fuzz::expect_made_or_refused([&] { make_and_run(from); });
    return 0;
}
