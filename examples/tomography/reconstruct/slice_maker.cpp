// SPDX-License-Identifier: BSD-3-Clause
#include "reconstruct/slice_maker.hpp"

#include <algorithm>
#include <map>
#include <numbers>

#include <destrier/parallel.hpp>

#include "reconstruct/circle.hpp"
#include "scan/angles.hpp"

namespace tomo {
namespace {

namespace gridrec = destrier::gridrec;
using destrier::buffer;
using destrier::view;

std::optional<wide_detector> wide_for(const slice_options& options, std::size_t columns) {
    if (!options.half_center) return {};
    return wide_detector(columns, *options.half_center);
}

gridrec::options options_of(std::span<const double> theta, const slice_options& options) {
    static const std::map<std::string, gridrec::accuracy> accuracies{
        {"fast", gridrec::accuracy::fast},
        {"standard", gridrec::accuracy::standard},
        {"accurate", gridrec::accuracy::accurate}};
    gridrec::options how;
    how.filter = gridrec::filter::named(options.filter);
    how.accuracy = accuracies.at(options.accuracy);
    how.edge = gridrec::edge::replicate;
    // Half a turn on, a half acquisition sees something else.
    how.weights = angle_weights(theta, options.half_center ? 2 * std::numbers::pi : std::numbers::pi);
    return how;
}

void mask(view<float, 3> slices, int threads) {
    const std::size_t size = slices.extent(1);
    const circle inside(size);
    destrier::parallel_for(slices.extent(0) * size, threads, [&](std::size_t i) {
        float* const row = &slices(i / size, i % size, 0);
        const auto [begin, end] = inside.of_row(i % size);
        std::fill(row, row + begin, 0.0f);
        std::fill(row + end, row + size, 0.0f);
    });
}

} // namespace

std::variant<slice_maker::batches, slice_maker::singles>
slice_maker::make_plan(std::span<const double> theta, std::size_t columns,
                       const slice_options& options) {
    const gridrec::options how = options_of(theta, options);
    if (options.one_by_one) return singles{gridrec::plan_single<float>(theta, columns, how), {}};
    return batches{gridrec::plan<float>(theta, columns, how), {}};
}

slice_maker::slice_maker(std::span<const double> theta, std::size_t columns,
                         const slice_options& options, int threads)
    : wide_(wide_for(options, columns)), threads_(threads), size_(wide_ ? wide_->columns() : columns),
      angles_(theta.size()), plan_(make_plan(theta, size_, options)) {}

double slice_maker::work_bytes(std::size_t slices) const {
    const double lines =
        wide_ ? static_cast<double>(angles() * slices) * static_cast<double>(size()) : 0;
    const std::size_t work =
        std::visit([&](const auto& p) { return p.plan.workspace_bytes(threads_); }, plan_);
    return static_cast<double>(work) + sizeof(float) * lines;
}

void slice_maker::reserve(std::size_t slices) {
    std::visit([&](auto& p) { p.work.emplace(p.plan.make_workspace(threads_)); }, plan_);
    if (wide_) widened_ = buffer<float>(angles() * slices * size(), {}, threads_);
}

const gridrec::stage_times& slice_maker::times() const noexcept {
    return *std::visit([](const auto& p) { return &p.work->times(); }, plan_);
}

void slice_maker::apply(const_projections lines, std::span<const double> center, float* slices) {
    const std::size_t rows = lines.extent(1);
    std::vector<double> axes(center.begin(), center.end());
    if (wide_) {
        const projections widened(widened_.data(), {angles(), rows, size()});
        wide_->widen(lines, center, widened, threads_);
        lines = widened;
        for (double& axis : axes) axis = wide_->center(axis);
    }
    const const_projections by_row(lines.data(), {rows, lines.extent(0), lines.extent(2)},
                                   {lines.stride(1), lines.stride(0), lines.stride(2)});
    const view<float, 3> out(slices, {rows, size(), size()});
    std::visit([&](auto& p) { p.plan.apply(by_row, axes, out, *p.work); }, plan_);
    mask(out, threads_);
}

} // namespace tomo
