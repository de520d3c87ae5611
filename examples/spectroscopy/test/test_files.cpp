// SPDX-License-Identifier: BSD-3-Clause
//
// The files that come in and go out: what is in them arrives, and what is wrong with them is said.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <limits>
#include <memory>
#include <numeric>
#include <string>

#include <unistd.h>
#include <zlib.h>

#include "common/fits.hpp"
#include "common/test_files.hpp"
#include "exposure/exposure.hpp"
#include "exposure/psf.hpp"
#include "output/frame.hpp"
#include "output/picture.hpp"

#include "reference.hpp"

using namespace spectra;
using namespace reference;
namespace fs = std::filesystem;
using common::contents;
using common::put;
using common::replace;
using common::scratch;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

void put_gzipped(const fs::path& path, const std::string& bytes) {
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
}

template <class F>
std::string complaint(F&& f) {
    return message_of<std::runtime_error>(f);
}

std::vector<double> numbers(std::size_t n, double first) {
    std::vector<double> x(n);
    std::iota(x.begin(), x.end(), first);
    return x;
}

// A PSF of two fibres: three terms in the traces, two in the table; what differs from a right one is given.
struct psf_file {
    bool ytrace = true;
    std::size_t trace_fibers = 2;
    double fibermax = 1;
    std::string type = "GAUSS-HERMITE";
    std::vector<std::string> names{"GHSIGX", "GHSIGY", "GH-0-0", "GH-0-1",  "GH-1-0",
                                   "GH-1-1", "STATUS", "CONT",   "TAILAMP", "TAILCORE"};
    std::vector<double> coefficients = std::vector<double>(40, 0.0);
    std::function<void(common::fits::output_file&)> more_keys = [](common::fits::output_file&) {};

    psf_file() { std::iota(coefficients.begin(), coefficients.begin() + 32, 1.0); }

    void write_trace(common::fits::output_file& file, const std::string& name, double first) const {
        file.write_image<double>(name, {trace_fibers, 3}, numbers(trace_fibers * 3, first));
        file.write_key("WAVEMIN", 5543);
        file.write_key("WAVEMAX", 7826.);
        file.write_key("PSFTYPE", type);
        file.write_key("PSFVER", 3);
    }

    void write(const fs::path& path) const {
        common::fits::output_file file(path);
        write_trace(file, "XTRACE", 100);
        if (ytrace) write_trace(file, "YTRACE", 200);
        file.write_table("PSF", names.size(), {{"PARAM", "8A"}, {"COEFF", "4D", {2, 2}}});
        file.write_column("PARAM", names);
        file.write_column("COEFF", coefficients);
        file.write_key("PSFTYPE", type);
        file.write_key("PSFVER", "3");
        file.write_key("CAMERA", "'r0      '");
        file.write_key("NPIX_X", 4114);
        file.write_key("NPIX_Y", 4128);
        file.write_key("HSIZEX", 8);
        file.write_key("HSIZEY", 5);
        file.write_key("GHDEGX", 1);
        file.write_key("GHDEGY", 1);
        file.write_key("FIBERMIN", 0);
        file.write_key("FIBERMAX", fibermax);
        file.write_key("WAVEMIN", 5543.);
        file.write_key("WAVEMAX", 7827.);
        more_keys(file);
        file.close();
    }
};

std::string complaint_of(const psf_file& f, const scratch& dir) {
    f.write(dir / "psf.fits");
    return complaint([&] { read_psf(dir / "psf.fits"); });
}

exposure small_exposure() {
    exposure e;
    e.nx = 40;
    e.ny = 30;
    e.image = reference::random_numbers<float>(1200);
    e.ivar = std::vector<float>(1200, 0.25f);
    e.mask = std::vector<std::int32_t>(1200, 0);
    e.camera = "r0";
    e.exposure_time = 900;
    return e;
}

frame small_frame() {
    frame f;
    f.first_fiber = 2;
    f.fibers = 3;
    f.diagonals = 5;
    f.wavelength = {5760, 5760.8, 5761.6, 5762.4};
    f.flux = numbers(12, 0.5);
    f.ivar = numbers(12, 1);
    f.chi2pix = numbers(12, 2);
    f.pixmask_fraction = std::vector<double>(12, 0);
    f.mask = std::vector<std::uint32_t>(12, mask_bit::bad_2d_fit);
    f.mask[3] = 1u << 31;
    f.resolution = numbers(60, 0);
    f.nx = 40;
    f.ny = 30;
    f.camera = "r1";
    f.model = std::vector<float>(1200, 1.5f);
    return f;
}

void append_fibermap(const fs::path& path, std::size_t rows) {
    fitsfile* file = nullptr;
    int status = 0;
    fits_open_diskfile(&file, path.c_str(), READWRITE, &status);
    char fiber[] = "FIBER", k[] = "J", name[] = "TARGET", a[] = "4A";
    char *columns[] = {fiber, name}, *formats[] = {k, a};
    fits_create_tbl(file, BINARY_TBL, static_cast<LONGLONG>(rows), 2, columns, formats, nullptr,
                    "FIBERMAP", &status);
    for (std::size_t i = 0; i < rows; ++i) {
        int value = static_cast<int>(500 + i);
        fits_write_col(file, TINT, 1, static_cast<LONGLONG>(i) + 1, 1, 1, &value, &status);
        std::string text = std::to_string(10 * i);
        char* texts[] = {text.data()};
        fits_write_col(file, TSTRING, 2, static_cast<LONGLONG>(i) + 1, 1, 1, texts, &status);
    }
    fits_write_chksum(file, &status);
    fits_close_file(file, &status);
    REQUIRE(status == 0);
}

// What a command prints, or nothing where it cannot be run.
std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>/dev/null").c_str(), "r"),
                                                     pclose);
    std::string text;
    std::array<char, 256> line;
    while (pipe && std::fgets(line.data(), line.size(), pipe.get())) text += line.data();
    return text;
}

void require_verified(const fs::path& path) {
    const std::string said = output_of("fitsverify -q '" + path.string() + "'");
    if (!said.empty()) CHECK_THAT(said, ContainsSubstring("verification OK"));
}

fs::path data_file(const std::string& name) {
    fs::path path = fs::path(DESTRIER_TEST_DATA) / "spectroscopy" / name;
    if (fs::exists(path)) return path;
    std::cout << "skipped: needs " << path.string() << "\n";
    return {};
}

template <class T>
void check_round_trip(common::fits::compression how) {
    const scratch dir;
    std::vector<T> values(6 * 50);
    std::iota(values.begin(), values.end(), T(3));
    common::fits::output_file out(dir / "a.fits");
    out.write_image<T>("DATA", {2, 3, 50}, values, how);
    out.close();
    const common::fits::input_file in(dir / "a.fits");
    CHECK(in["DATA"].shape() == std::vector<std::size_t>{2, 3, 50});
    CHECK(in["DATA"].template image<double>() == std::vector<double>(values.begin(), values.end()));
    require_verified(dir / "a.fits");
}

} // namespace

TEST_CASE("images come back as they were written") {
    check_round_trip<float>(common::fits::compression::none);
    check_round_trip<double>(common::fits::compression::none);
    check_round_trip<std::int16_t>(common::fits::compression::rice);
    check_round_trip<std::int32_t>(common::fits::compression::rice);
    check_round_trip<std::uint32_t>(common::fits::compression::none);
}

TEST_CASE("a compressed image that claims more pixels than it holds is refused before memory is taken") {
    const scratch dir;
    common::fits::output_file out(dir / "a.fits");
    out.write_image<std::int32_t>("MASK", {3, 7}, std::vector<std::int32_t>(21, 5),
                                  common::fits::compression::rice);
    out.close();
    for (const std::string key : {"ZNAXIS1 ", "ZTILE1  "})
        replace(dir / "a.fits", key + "=                    7", key + "=            999999999");
    const common::fits::input_file file(dir / "a.fits");
    CHECK_THAT(complaint([&] { file["MASK"].image<std::int32_t>(); }),
               ContainsSubstring("[MASK]: corrupt: is (3, 999999999), but the file holds no more than"));
}

TEST_CASE("file names are taken as they are") {
    const scratch dir;
    for (const char* name : {"a[1].fits", "!b.fits", "c+2.fits", "d (x).fits", "mem:e", "f.fits[1:2]"}) {
        CAPTURE(name);
        psf_file().write(dir / name);
        CHECK(read_psf(dir / name).fibers == 2);
    }
    CHECK(dir.files() == 6);
}

TEST_CASE("keywords have a value, none, or one of another kind") {
    const scratch dir;
    common::fits::output_file out(dir / "a.fits");
    out.write_image<float>("DATA", {1}, std::vector<float>{1});
    out.write_key("WHOLE", 7);
    out.write_key("REAL", 0.8);
    out.write_key("TEXT", " 'b1    ' ");
    out.write_key("DIGITS", "3");
    out.close();
    const common::fits::input_file in(dir / "a.fits");
    const common::fits::hdu h = in[0];
    CHECK(h.number("WHOLE") == 7);
    CHECK(h.number("REAL") == 0.8);
    CHECK(h.number("DIGITS") == 3);
    CHECK(h.text("TEXT") == "b1");
    CHECK_FALSE(h.number("ABSENT"));
    CHECK_FALSE(h.text("ABSENT"));
    CHECK_THAT(complaint([&] { h.number("TEXT"); }), ContainsSubstring("TEXT is b1, expected a number"));
    CHECK_THAT(complaint([&] { h.required_number("ABSENT"); }),
               ContainsSubstring("has no keyword ABSENT"));
    CHECK_THAT(complaint([&] { h.whole_number("REAL", 0, 9); }), ContainsSubstring("REAL is 0.8"));
    CHECK_THAT(complaint([&] { h.whole_number("WHOLE", 0, 6); }), ContainsSubstring("0 to 6"));
}

TEST_CASE("a PSF is read as it was written") {
    const scratch dir;
    psf_file().write(dir / "psf.fits");
    replace(dir / "psf.fits", "GHSIGX  ", std::string("GHSIGX\0\0", 8)); // as specex pads its names
    const psf p = read_psf(dir / "psf.fits");
    CHECK(p.camera == "r0");
    CHECK(p.fibers == 2);
    CHECK(p.nx == 4114);
    CHECK(p.ny == 4128);
    CHECK(p.half_x == 8);
    CHECK(p.half_y == 5);
    CHECK(p.model_error == 0.01);
    CHECK(p.x.terms == 3);
    CHECK(p.x.coefficients == numbers(6, 100));
    CHECK(p.y.coefficients == numbers(6, 200));
    CHECK(p.y.wavelengths.b == 7826); // the table's is 7827
    CHECK(p.sigma_x.wavelengths.b == 7827);
    CHECK(p.sigma_x.coefficients == numbers(4, 1));
    CHECK(p.sigma_y.coefficients == numbers(4, 5));
    REQUIRE(p.gauss_hermite.size() == 4);
    CHECK(p.gauss_hermite[0].coefficients == numbers(4, 9));  // not constant
    CHECK(p.gauss_hermite[1].coefficients == numbers(4, 13)); // GH-0-1
    CHECK(p.gauss_hermite[2].coefficients == numbers(4, 17)); // GH-1-0
    CHECK_FALSE(p.tails);
    CHECK(p.x.coefficients[p.x.terms + 2] == 105);
}

TEST_CASE("PSFERR and tails are taken where a PSF has them") {
    const scratch dir;
    psf_file f;
    f.more_keys = [](common::fits::output_file& file) { file.write_key("PSFERR", 0.04); };
    f.names = {"GHSIGX", "GHSIGY",  "GH-0-0",   "GH-0-1",   "GH-1-0",
               "GH-1-1", "TAILAMP", "TAILCORE", "TAILXSCA", "TAILYSCA"};
    CHECK_THAT(complaint_of(f, dir), ContainsSubstring("psf.fits[PSF]: has no row TAILINDE"));
    f.names[0] = "TAILINDE";
    f.names.push_back("GHSIGX");
    f.coefficients.resize(44);
    REQUIRE(complaint_of(f, dir).empty());
    const psf p = read_psf(dir / "psf.fits");
    CHECK(p.model_error == 0.04);
    REQUIRE(p.tails);
    CHECK(p.tails->amplitude.coefficients == numbers(4, 25));
    CHECK(p.tails->index.coefficients == numbers(4, 1));
}

TEST_CASE("what is wrong with a PSF is said") {
    const scratch dir;
    psf_file f;
    SECTION("no YTRACE") {
        f.ytrace = false;
        CHECK_THAT(complaint_of(f, dir), ContainsSubstring("psf.fits: has no HDU YTRACE"));
    }
    SECTION("traces of other fibres") {
        f.trace_fibers = 3;
        CHECK_THAT(complaint_of(f, dir),
                   ContainsSubstring("psf.fits[XTRACE]: is (3, 3), expected (2, terms)"));
    }
    SECTION("header of other fibres") {
        f.fibermax = 499;
        CHECK_THAT(complaint_of(f, dir), ContainsSubstring("COEFF is for 2 fibres"));
    }
    SECTION("another kind") {
        f.type = "BOXCAR";
        CHECK_THAT(complaint_of(f, dir), ContainsSubstring("PSFTYPE is BOXCAR, expected GAUSS-HERMITE"));
    }
    SECTION("no such row") {
        f.names[4] = "GH-1-2";
        CHECK_THAT(complaint_of(f, dir), ContainsSubstring("has no row GH-1-0 in PARAM"));
    }
    SECTION("not a number") {
        f.coefficients[5] = std::numeric_limits<double>::quiet_NaN();
        CHECK_THAT(complaint_of(f, dir), ContainsSubstring("row GHSIGY: has a coefficient that is not"));
    }
    SECTION("an empty range of wavelengths") {
        f.more_keys = [](common::fits::output_file& file) { file.write_key("WAVEMAX", 5543.); };
        CHECK_THAT(complaint_of(f, dir), ContainsSubstring("expected an increasing range"));
    }
    SECTION("no size of the spots") {
        f.more_keys = [](common::fits::output_file& file) { file.write_key("HSIZEX", 8.5); };
        CHECK_THAT(complaint_of(f, dir), ContainsSubstring("HSIZEX is 8.5, expected a whole number"));
    }
    SECTION("an exposure") {
        write_exposure(dir / "psf.fits", small_exposure(), "a test", {});
        CHECK_THAT(complaint([&] { read_psf(dir / "psf.fits"); }),
                   ContainsSubstring("PSFTYPE is missing"));
    }
    SECTION("no file") {
        CHECK_THAT(complaint([&] { read_psf(dir / "none.fits"); }), ContainsSubstring("no such file"));
        CHECK_THAT(complaint([&] { read_psf(dir / ""); }), ContainsSubstring("not a regular file"));
    }
    SECTION("no FITS file") {
        put(dir / "psf.fits", "hello");
        CHECK_THAT(complaint([&] { read_psf(dir / "psf.fits"); }), ContainsSubstring("not a FITS file"));
        put_gzipped(dir / "psf.fits", "hello");
        CHECK_THAT(complaint([&] { read_psf(dir / "psf.fits"); }),
                   ContainsSubstring("not a gzipped FITS file"));
        put(dir / "psf.fits", "");
        CHECK_FALSE(complaint([&] { read_psf(dir / "psf.fits"); }).empty());
    }
}

TEST_CASE("a file that ends too early is refused, wherever it ends") {
    const scratch dir;
    psf_file().write(dir / "psf.fits");
    const std::string whole = contents(dir / "psf.fits");
    for (std::size_t length = 1; length < whole.size(); length += 501) {
        CAPTURE(length);
        put(dir / "cut.fits", whole.substr(0, length));
        CHECK_FALSE(complaint([&] { read_psf(dir / "cut.fits"); }).empty());
    }
    put(dir / "cut.fits", whole + "rubbish");
    CHECK_THAT(complaint([&] { read_psf(dir / "cut.fits"); }),
               ContainsSubstring("truncated or corrupt"));

    put_gzipped(dir / "psf.fits.gz", whole);
    const std::string zipped = contents(dir / "psf.fits.gz");
    CHECK(read_psf(dir / "psf.fits.gz").fibers == 2);
    for (std::size_t length = 1; length < zipped.size(); length += 29) {
        CAPTURE(length);
        put(dir / "cut.fits.gz", zipped.substr(0, length));
        CHECK_FALSE(complaint([&] { read_psf(dir / "cut.fits.gz"); }).empty());
    }
    for (std::size_t flipped = 20; flipped < zipped.size(); flipped += 29) {
        CAPTURE(flipped);
        std::string bytes = zipped;
        bytes[flipped] = static_cast<char>(bytes[flipped] ^ 0x10);
        put(dir / "corrupt.fits.gz", bytes);
        CHECK_FALSE(complaint([&] { read_psf(dir / "corrupt.fits.gz"); }).empty());
    }
}

TEST_CASE("data that differ from their sum are refused") {
    const scratch dir;
    write_exposure(dir / "e.fits", small_exposure(), "a test", {});
    append_fibermap(dir / "e.fits", 7);
    CHECK(common::fits::input_file(dir / "e.fits")["FIBERMAP"].numbers("FIBER") == numbers(7, 500));
    replace(dir / "e.fits", std::string("\0\0\x01\xf6", 4) + "20",
            std::string("\0\0\x01\xf7", 4) + "20");
    CHECK_THAT(complaint([&] { common::fits::input_file(dir / "e.fits")["FIBERMAP"].numbers("FIBER"); }),
               ContainsSubstring("e.fits[FIBERMAP]: corrupt: the data differ from their DATASUM"));
}

TEST_CASE("an exposure comes back as it was written") {
    const scratch dir;
    exposure e = small_exposure();
    e.image[7] = not_a_number;
    e.mask[5] = 0x7fff;
    write_exposure(dir / "e.fits", e, "a test", {{"SEED", 12}});
    put_gzipped(dir / "e.fits.gz", contents(dir / "e.fits"));
    require_verified(dir / "e.fits");
    for (const char* name : {"e.fits", "e.fits.gz"}) {
        const exposure back = read_exposure(dir / name);
        CHECK(back.nx == 40);
        CHECK(back.ny == 30);
        CHECK(back.camera == "r0");
        CHECK(back.exposure_time == 900);
        CHECK(reference::same_bits(back.image, e.image));
        CHECK(back.ivar == e.ivar);
        CHECK(back.mask == e.mask);
    }
    CHECK(common::fits::input_file(dir / "e.fits")["IMAGE"].number("SEED") == 12);
}

TEST_CASE("pixels that say nothing have no weight") {
    exposure e = small_exposure();
    for (std::size_t bit = 0; bit < 16; ++bit) e.mask[bit] = 1 << bit;
    e.image[20] = not_a_number;
    e.image[21] = std::numeric_limits<float>::infinity();
    e.ivar[22] = not_a_number;
    e.ivar[23] = std::numeric_limits<float>::infinity();
    e.ivar[24] = 0;
    e.ivar[25] = -1;
    const exposure before = e;
    const std::vector<float> weights = usable_weights(e);
    for (std::size_t i = 0; i < e.image.size(); ++i) {
        CAPTURE(i);
        const bool discarded = i < 8 || i == 9 || (i >= 20 && i <= 25); // 8 is BADREADNOISE, and stays
        CHECK(weights[i] == (discarded ? 0.0f : 0.25f));
        CHECK(e.image[i] == (discarded ? 0.0f : before.image[i]));
    }
}

TEST_CASE("what is wrong with an exposure is said") {
    const scratch dir;
    const auto write = [&](const std::vector<std::string>& names,
                           const std::vector<std::size_t>& other) {
        common::fits::output_file file(dir / "e.fits");
        for (const std::string& name : names) {
            const std::vector<std::size_t> shape =
                name == names.back() ? other : std::vector<std::size_t>{3, 4};
            const std::size_t size =
                std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
            file.write_image<float>(name, shape, std::vector<float>(size, 1));
        }
        file.close();
    };
    const auto said = [&] { return complaint([&] { read_exposure(dir / "e.fits"); }); };
    write({"IMAGE", "IVAR"}, {3, 4});
    CHECK(read_exposure(dir / "e.fits").mask == std::vector<std::int32_t>(12, 0));
    write({"IMAGE"}, {3, 4});
    CHECK_THAT(said(), ContainsSubstring("e.fits: has no HDU IVAR"));
    write({"IVAR"}, {3, 4});
    CHECK_THAT(said(), ContainsSubstring("e.fits: has no HDU IMAGE"));
    write({"IMAGE", "IVAR"}, {4, 3});
    CHECK_THAT(said(), ContainsSubstring("e.fits[IVAR]: is (4, 3), expected (3, 4) as IMAGE is"));
    write({"IMAGE", "IVAR", "MASK"}, {12});
    CHECK_THAT(said(), ContainsSubstring("e.fits[MASK]: is (12), expected (3, 4) as IMAGE is"));
    write({"IVAR", "IMAGE"}, {3, 4, 1});
    CHECK_THAT(said(), ContainsSubstring("e.fits[IMAGE]: is (3, 4, 1), expected a CCD image"));
}

TEST_CASE("a frame has what desispec looks for, in its order") {
    const scratch dir;
    const frame f = small_frame();
    write_exposure(dir / "e.fits", small_exposure(), "a test", {{"EXPID", 51060}});
    append_fibermap(dir / "e.fits", 6);
    const frame_origin from{dir / "psf.fits", dir / "e.fits", "destrier-spectra 1.2.3", "banded", 0.01};
    write_frame(dir / "frame.fits", f, from, false);
    require_verified(dir / "frame.fits");

    const common::fits::input_file in(dir / "frame.fits");
    const std::vector<std::string> order{"FLUX",       "IVAR",     "MASK",    "WAVELENGTH",
                                         "RESOLUTION", "FIBERMAP", "CHI2PIX", "MODEL"};
    REQUIRE(in.size() == order.size());
    for (std::size_t i = 0; i < order.size(); ++i) CHECK(in[i].text("EXTNAME") == order[i]);
    CHECK(in["FLUX"].shape() == std::vector<std::size_t>{3, 4});
    CHECK(in["FLUX"].image<double>() == f.flux);
    CHECK(in["IVAR"].image<double>() == f.ivar);
    CHECK(in["CHI2PIX"].image<double>() == f.chi2pix);
    CHECK(in["WAVELENGTH"].image<double>() == f.wavelength);
    CHECK(in["RESOLUTION"].shape() == std::vector<std::size_t>{3, 5, 4});
    CHECK(in["RESOLUTION"].image<double>() == f.resolution);
    CHECK(in["MODEL"].shape() == std::vector<std::size_t>{30, 40});
    CHECK(in["MASK"].image<double>() == std::vector<double>(f.mask.begin(), f.mask.end()));
    CHECK(in["FLUX"].text("BUNIT") == "electron/Angstrom");
    CHECK(in["FLUX"].text("CAMERA") == "r1");
    CHECK(in["FLUX"].text("CREATOR") == "destrier-spectra 1.2.3");
    CHECK(in["FLUX"].text("IN_PSF") == "psf.fits");
    CHECK(in["FLUX"].number("FIBERMIN") == 502);
    CHECK(in["FLUX"].number("EXPTIME") == 900);
    CHECK(in["FLUX"].number("EXPID") == 51060);
    CHECK(in["FIBERMAP"].numbers("FIBER") == numbers(3, 502));
    CHECK(in["FIBERMAP"].texts("TARGET") == std::vector<std::string>{"20", "30", "40"});

    write_frame(dir / "again.fits", f, from, false);
    CHECK(contents(dir / "again.fits") == contents(dir / "frame.fits"));
}

TEST_CASE("a frame is written whole or not at all") {
    const scratch dir;
    frame f = small_frame();
    write_exposure(dir / "e.fits", small_exposure(), "a test", {});
    const frame_origin from{dir / "psf.fits", dir / "e.fits", "a test", "banded", 0.01};
    const auto said = [&](const char* name) {
        return complaint([&] { write_frame(dir / name, f, from, false); });
    };
    put(dir / "old.fits", "old");
    CHECK_THAT(said("old.fits"), ContainsSubstring("old.fits: exists; --overwrite replaces it"));
    CHECK(contents(dir / "old.fits") == "old");
    CHECK_THAT(said("new.fits.gz"), ContainsSubstring("expected a name without .gz"));
    append_fibermap(dir / "e.fits", 4);
    CHECK_THAT(said("new.fits"), ContainsSubstring("e.fits[FIBERMAP]: has 4 rows, expected at least 5"));
    f.chi2pix.pop_back();
    CHECK_THAT(message_of([&] { write_frame(dir / "new.fits", f, from, false); }),
               ContainsSubstring("chi2pix has 11 elements, expected (3, 4)"));
    CHECK(dir.files() == 2); // e.fits and old.fits
}

TEST_CASE("a picture is written, whatever there is to show") {
    const scratch dir;
    const exposure e = small_exposure();
    frame f = small_frame();
    const auto is_png = [&] {
        write_picture(dir / "p.png", e, f);
        return contents(dir / "p.png").substr(1, 3) == "PNG";
    };
    CHECK(is_png());
    f.ivar.assign(12, 0); // nothing is known
    f.flux.assign(12, 0);
    f.model.assign(1200, 0);
    CHECK(is_png());
    f = small_frame();
    f.fibers = 0;
    CHECK(is_png());
    f.nx = 30;
    f.ny = 40;
    CHECK_THAT(message_of([&] { write_picture(dir / "p.png", e, f); }),
               ContainsSubstring("the model is (40, 30) and has 1200 pixels, the image is (30, 40)"));
    f = small_frame();
    CHECK_THAT(complaint([&] { write_picture(dir / "none/p.png", e, f); }),
               ContainsSubstring("cannot write"));
}

TEST_CASE("a real PSF is read") {
    const fs::path path = data_file("psf-r0-00051060.fits");
    if (path.empty()) return;
    const psf p = read_psf(path);
    CHECK(p.camera == "r0");
    CHECK(p.fibers == 500);
    CHECK(p.nx == 4114);
    CHECK(p.ny == 4128);
    CHECK(p.x.terms == 7);
    CHECK(p.x.wavelengths.b == 7826);
    CHECK(p.sigma_x.terms == 4);
    CHECK(p.sigma_x.wavelengths.b == 7827);
    CHECK(p.gauss_hermite.size() == 49);
    CHECK_FALSE(p.tails);
    CHECK(p.x.coefficients[0] == Approx(118).margin(1));
    const fiber_series& first = p.gauss_hermite[0];
    CHECK(first.coefficients[0] == 1);
    CHECK(first.coefficients[1] == p.sigma_y.coefficients[1]); // which specex writes there, too
}

TEST_CASE("a real exposure is read") {
    const fs::path path = data_file("preproc-r0-bundle00.fits.gz");
    if (path.empty()) return;
    exposure e = read_exposure(path);
    CHECK(e.nx == 4114);
    CHECK(e.ny == 4128);
    CHECK(e.camera == "r0");
    CHECK(e.exposure_time == 900);
    const auto has_bit_8 = [](std::int32_t m) { return m == 256; };
    const auto bit_8 = std::find_if(e.mask.begin(), e.mask.end(), has_bit_8) - e.mask.begin();
    REQUIRE(bit_8 < static_cast<std::ptrdiff_t>(e.mask.size()));
    CHECK(usable_weights(e)[static_cast<std::size_t>(bit_8)] > 0);
}
