// SPDX-License-Identifier: BSD-3-Clause
#include "solve/checkpoint.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "common/output.hpp"
#include "common/shape.hpp"

namespace mapmaking {
namespace {

namespace ds = destrier::destripe;
namespace fs = std::filesystem;
namespace h5 = common::h5;

// The state's numbers, in the order in which the file has them.
template <class State>
auto numbers_of(State& s) {
    return std::array{&s.b_norm,         &s.rz,           &s.relative,
                      &s.mark,           &s.best,         &s.restarted_from,
                      &s.restarted_with, &s.operator_norm};
}
constexpr std::size_t numbers = 9; // with mark_iteration

std::vector<double> numbers_in(const ds::solver_state& s) {
    std::vector<double> values;
    for (const double* const n : numbers_of(s)) values.push_back(*n);
    values.push_back(static_cast<double>(s.mark_iteration));
    return values;
}

// A number of iterations, which the file has among others.
std::size_t iterations_in(double value, const std::string& where) {
    if (value >= 0 && value < 0x1p53) return static_cast<std::size_t>(value);
    throw std::runtime_error(where + ": a number of iterations is " + std::to_string(value) +
                             ", expected 0 or more");
}

void set_numbers(ds::solver_state& s, const std::vector<double>& values, const std::string& where) {
    std::size_t at = 0;
    for (double* const n : numbers_of(s)) *n = values[at++];
    s.mark_iteration = iterations_in(values[at], where);
}

std::vector<double> pairs_of(const std::vector<ds::true_residual>& residuals) {
    std::vector<double> pairs;
    for (const ds::true_residual& r : residuals) {
        pairs.push_back(static_cast<double>(r.iteration));
        pairs.push_back(r.relative);
    }
    return pairs;
}
std::vector<ds::true_residual> residuals_of(const std::vector<double>& pairs, const std::string& where) {
    std::vector<ds::true_residual> residuals;
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2)
        residuals.push_back({iterations_in(pairs[i], where), pairs[i + 1]});
    return residuals;
}

void write(h5::file& file, const std::string& name, const std::vector<double>& values) {
    h5::dataset data = file.create_dataset(name, {values.size()}, {H5T_NATIVE_DOUBLE});
    data.write_from(0, values);
    data.close();
}

std::vector<double> read(const h5::file& file, const std::string& name, std::size_t first,
                         std::size_t count, std::size_t total) {
    const h5::dataset data = file.open_dataset(name);
    if (data.extents() != std::vector<std::size_t>{total}) {
        throw std::runtime_error(data.name() + ": shape is " + common::shape_text(data.extents()) +
                                 ", expected (" + std::to_string(total) + ")");
    }
    std::vector<double> values(count);
    data.read_part<double>({first}, {count}, values);
    return values;
}

// The vectors of a state and their names; the last may be empty.
template <class State>
auto vectors_of(State& s) {
    return std::array{std::pair{"x", &s.x}, std::pair{"r", &s.r}, std::pair{"p", &s.p},
                      std::pair{"best_x", &s.best_x}};
}

} // namespace

checkpoint::checkpoint(fs::path path, std::string problem, std::size_t size, const common::ranks& all)
    : path_(std::move(path)), problem_(std::move(problem)), first_(0), size_(size), total_(0),
      all_(all) {
    std::vector<double> sizes(all.size());
    sizes[all.rank()] = static_cast<double>(size);
    all.add_up_together(sizes);
    for (std::size_t r = 0; r < sizes.size(); ++r) {
        if (r == all.rank()) first_ = total_;
        total_ += static_cast<std::size_t>(sizes[r]);
    }
}

// Ranks send a vector only when the first one is there to receive it: add_up_together() finds out.
void checkpoint::save(const ds::solver_state& state) const {
    std::optional<common::staged_file> staged;
    std::optional<h5::file> file;
    if (all_.first()) {
        staged.emplace(path_, true);
        file = h5::file::create(staged->part());
        file->write_text("problem", problem_);
        write(*file, "numbers", numbers_in(state));
        write(*file, "residuals", state.residuals);
        write(*file, "true_residuals", pairs_of(state.true_residuals));
    }
    for (const auto& [name, vector] : vectors_of(state)) {
        all_.add_up_together({});
        const std::vector<std::vector<double>> parts = all_.gather(*vector);
        if (!all_.first()) continue;
        std::size_t total = 0, at = 0;
        for (const std::vector<double>& part : parts) total += part.size();
        h5::dataset data = file->create_dataset(name, {total}, {H5T_NATIVE_DOUBLE});
        for (const std::vector<double>& part : parts) {
            data.write_from(at, part);
            at += part.size();
        }
        data.close();
    }
    if (!all_.first()) return;
    file->close();
    staged->commit();
}

void checkpoint::require_same_problem(const h5::file& file) const {
    const std::string where = path_.string();
    const std::vector<std::string> problem =
        file.has("problem") ? file.texts("problem") : std::vector<std::string>();
    if (problem.empty())
        throw std::runtime_error(where + ": is no checkpoint of destrier-map, expected one or no file");
    std::istringstream theirs(problem.front()), ours(problem_);
    for (std::string expected, found; std::getline(ours, expected);) {
        if (!std::getline(theirs, found)) found.clear();
        if (found != expected) {
            throw std::runtime_error(where + ": is a checkpoint of another solve: \"" + found +
                                     "\", expected \"" + expected +
                                     "\"; without the file, the solve starts afresh");
        }
    }
}

void checkpoint::require_same_norm(std::span<const double> b, double b_norm) const {
    std::vector<double> square{0};
    for (const double v : b) square[0] += v * v;
    all_.add_up_together(square);
    const double norm = std::sqrt(square[0]);
    if (std::abs(norm - b_norm) <= 1e-9 * norm) return;
    char text[160];
    std::snprintf(text, sizeof text,
                  ": is a checkpoint of other samples, flags or pointing: the right-hand side has norm "
                  "%.12g, expected %.12g",
                  b_norm, norm);
    throw std::runtime_error(path_.string() + text);
}

ds::solver_state checkpoint::load(std::span<const double> b) const {
    ds::solver_state state;
    if (!fs::exists(path_)) return state;
    const h5::file file = h5::file::open(path_);
    require_same_problem(file);
    const std::string where = path_.string();
    set_numbers(state, read(file, "numbers", 0, numbers, numbers), where + ":numbers");
    require_same_norm(b, state.b_norm);
    state.residuals = file.open_dataset("residuals").read_all();
    state.true_residuals =
        residuals_of(file.open_dataset("true_residuals").read_all(), where + ":true_residuals");
    for (const auto& [name, vector] : vectors_of(state))
        *vector = read(file, name, first_, size_, total_);
    return state;
}

} // namespace mapmaking
