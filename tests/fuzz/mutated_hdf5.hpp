// SPDX-License-Identifier: BSD-3-Clause
//
// mutated_hdf5.hpp: sound HDF5 files, as our own writers make them, in which data sets and attributes are missing,
// of other types, shapes and values. HDF5 itself writes them: what its own bytes may do to it is not our layer's.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "common/hdf5.hpp"
#include "fuzz.hpp"

namespace fuzz {

using common::h5::handle;

/// A sound file, and what is in it.
struct sound_hdf5 {
    std::string bytes;
    std::vector<std::string> data_sets;                          // names
    std::vector<std::pair<std::string, std::string>> attributes; // of which object; name

    /// make(path) writes the file.
    explicit sound_hdf5(const std::function<void(const std::filesystem::path&)>& make) {
        common::h5::prepare();
        H5set_free_list_limits(-1, -1, -1, -1, -1, -1); // HDF5 keeps its megabytes: twice as many runs
        const file made(".h5");
        make(made.path());
        std::ifstream in(made.path(), std::ios::binary);
        bytes.assign(std::istreambuf_iterator<char>(in), {});
        const handle opened(H5Fopen(made.path().c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
        H5Ovisit2(opened.get(), H5_INDEX_NAME, H5_ITER_INC, note_object, this, H5O_INFO_BASIC);
    }

private:
    static herr_t note_object(hid_t root, const char* name, const H5O_info_t* info, void* self) {
        const std::string object = std::string(name) == "." ? "/" : std::string("/") + name;
        auto& sound = *static_cast<sound_hdf5*>(self);
        if (info->type == H5O_TYPE_DATASET) sound.data_sets.push_back(object);
        const handle opened(H5Oopen(root, name, H5P_DEFAULT), H5Oclose);
        std::pair<sound_hdf5*, std::string> where{&sound, object};
        const auto note = [](hid_t, const char* attribute, const H5A_info_t*, void* to) -> herr_t {
            const auto& [of, owner] = *static_cast<std::pair<sound_hdf5*, std::string>*>(to);
            of->attributes.emplace_back(owner, attribute);
            return 0;
        };
        H5Aiterate2(opened.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, note, &where);
        return 0;
    }
};

inline handle text_type(std::size_t length) {
    handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(type.get(), length);
    H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
    return type;
}

/// Compounds like those of a table, but for one column.
inline handle odd_columns(hid_t of, choices& from) {
    const int members = H5Tget_nmembers(of);
    const auto odd = static_cast<int>(below(from, static_cast<std::size_t>(members)));
    const hsize_t four = 4;
    const handle others[] = {handle(H5Tcopy(H5T_NATIVE_FLOAT), H5Tclose),
                             handle(H5Tcopy(H5T_NATIVE_INT8), H5Tclose),
                             text_type(3),
                             text_type(H5T_VARIABLE),
                             handle(H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &four), H5Tclose),
                             handle(H5Tvlen_create(H5T_NATIVE_DOUBLE), H5Tclose)};
    const handle& other = others[below(from, std::size(others))];
    const bool dropped = members > 1 && from.ConsumeBool();
    handle row(H5Tcreate(H5T_COMPOUND, H5Tget_size(of) + H5Tget_size(other.get())), H5Tclose);
    std::size_t at = 0;
    for (int k = 0; k < members; ++k) {
        if (k == odd && dropped) continue;
        const handle own(H5Tget_member_type(of, static_cast<unsigned>(k)), H5Tclose);
        const hid_t type = k == odd ? other.get() : own.get();
        char* const name = H5Tget_member_name(of, static_cast<unsigned>(k));
        H5Tinsert(row.get(), name, at, type);
        H5free_memory(name);
        at += H5Tget_size(type);
    }
    return row;
}

inline handle odd_type(hid_t own, choices& from) {
    const hsize_t two = 2;
    switch (below(from, 13)) {
    case 0: return handle(H5Tcopy(own), H5Tclose);
    case 1:
        if (H5Tget_class(own) == H5T_COMPOUND) return odd_columns(own, from);
        return handle(H5Tcopy(H5T_NATIVE_DOUBLE), H5Tclose);
    case 2: return handle(H5Tcopy(H5T_NATIVE_FLOAT), H5Tclose);
    case 3: return handle(H5Tcopy(H5T_STD_U16BE), H5Tclose);
    case 4: return handle(H5Tcopy(H5T_NATIVE_INT64), H5Tclose);
    case 5: return text_type(1 + below(from, 9));
    case 6: return text_type(H5T_VARIABLE);
    case 7: return handle(H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &two), H5Tclose);
    case 8: return handle(H5Tvlen_create(H5T_NATIVE_DOUBLE), H5Tclose);
    case 9: return handle(H5Tcreate(H5T_OPAQUE, 3), H5Tclose);
    case 10: return handle(H5Tenum_create(H5T_NATIVE_INT), H5Tclose);
    case 11: return handle(H5Tcopy(H5T_STD_REF_OBJ), H5Tclose);
    default: return handle(H5Tcopy(H5T_NATIVE_B8), H5Tclose);
    }
}

inline handle odd_space(hid_t own, choices& from) {
    std::array<hsize_t, H5S_MAX_RANK> extents{};
    const int axes = std::max(H5Sget_simple_extent_ndims(own), 0);
    H5Sget_simple_extent_dims(own, extents.data(), nullptr);
    constexpr std::array<hsize_t, 9> odd{
        0, 1, 2, 3, 19, 21, hsize_t{1} << 31, hsize_t{1} << 40, hsize_t{1} << 60};
    const auto some_extent = [&] { return odd[below(from, odd.size())]; };
    switch (below(from, 5)) {
    case 0: return handle(H5Scopy(own), H5Sclose);
    case 1:
        if (axes > 0) extents[below(from, static_cast<std::size_t>(axes))] = some_extent();
        return handle(H5Screate_simple(axes, extents.data(), nullptr), H5Sclose);
    case 2: return handle(H5Screate(H5S_NULL), H5Sclose);
    case 3: return handle(H5Screate(H5S_SCALAR), H5Sclose);
    default: {
        const auto rank = static_cast<int>(1 + below(from, 4));
        for (int k = 0; k < rank; ++k) extents[static_cast<std::size_t>(k)] = some_extent();
        return handle(H5Screate_simple(rank, extents.data(), nullptr), H5Sclose);
    }
    }
}

/// Values of any bytes, where they hold no pointers and are not too many.
inline void write_bytes(hid_t data, hid_t type, hid_t space, choices& from) {
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    if (count <= 0 || count > 4096 || H5Tdetect_class(type, H5T_VLEN) > 0 ||
        H5Tdetect_class(type, H5T_REFERENCE) > 0 || H5Tis_variable_str(type) > 0 ||
        H5Tget_class(type) == H5T_COMPOUND) {
        return;
    }
    std::vector<char> bytes(static_cast<std::size_t>(count) * H5Tget_size(type));
    const auto fill = from.ConsumeIntegral<char>();
    std::fill(bytes.begin(), bytes.end(), fill);
    H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data());
}

/// Another data set in its place; of 2^60 elements, too, of which the file holds none.
inline void replace_data_set(hid_t file, const std::string& name, choices& from) {
    handle type, space;
    {
        const handle old(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose);
        if (!old) return;
        const handle own_type(H5Dget_type(old.get()), H5Tclose),
            own_space(H5Dget_space(old.get()), H5Sclose);
        type = odd_type(own_type.get(), from);
        space = odd_space(own_space.get(), from);
    }
    H5Ldelete(file, name.c_str(), H5P_DEFAULT);
    const handle how(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    const int axes = H5Sget_simple_extent_ndims(space.get());
    if (axes > 0 && from.ConsumeBool()) {
        std::array<hsize_t, H5S_MAX_RANK> chunk{};
        chunk.fill(1 + below(from, 3));
        H5Pset_chunk(how.get(), axes, chunk.data());
        if (from.ConsumeBool()) H5Pset_deflate(how.get(), 1);
    }
    const handle made(
        H5Dcreate2(file, name.c_str(), type.get(), space.get(), H5P_DEFAULT, how.get(), H5P_DEFAULT),
        H5Dclose);
    if (made) write_bytes(made.get(), type.get(), space.get(), from);
}

/// One other number.
inline void replace_number(hid_t file, const std::string& name, choices& from) {
    const handle data(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose);
    if (!data) return;
    const handle space(H5Dget_space(data.get()), H5Sclose), one(H5Screate(H5S_SCALAR), H5Sclose);
    const handle how(H5Dget_create_plist(data.get()), H5Pclose);
    if (H5Pget_layout(how.get()) == H5D_CHUNKED) return; // HDF5 1.10.8 crashes on some made before
    if (H5Sget_simple_extent_npoints(space.get()) > 4096) return; // the file would hold all of them
    std::array<hsize_t, H5S_MAX_RANK> extents{}, place{};
    const int axes = H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr);
    for (std::size_t k = 0; k < static_cast<std::size_t>(std::max(axes, 0)); ++k) {
        if (extents[k] == 0) return;
        place[k] = below(from, extents[k]);
    }
    if (axes > 0) H5Sselect_elements(space.get(), H5S_SELECT_SET, 1, place.data());
    const double value = odd_number(from);
    H5Dwrite(data.get(), H5T_NATIVE_DOUBLE, one.get(), space.get(), H5P_DEFAULT, &value);
}

inline void replace_texts(hid_t file, const std::string& name, choices& from) {
    const std::size_t count = below(from, 6);
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < count; ++i) texts.push_back(from.ConsumeRandomLengthString(16));
    std::vector<const char*> pointers;
    for (const std::string& text : texts) pointers.push_back(text.c_str());
    H5Ldelete(file, name.c_str(), H5P_DEFAULT);
    const hsize_t extent = count;
    const handle type = text_type(H5T_VARIABLE), space(H5Screate_simple(1, &extent, nullptr), H5Sclose);
    const handle made(
        H5Dcreate2(file, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
        H5Dclose);
    if (made && count > 0)
        H5Dwrite(made.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data());
}

inline void replace_attribute(hid_t file, const std::string& object, const std::string& name,
                              choices& from) {
    const handle owner(H5Oopen(file, object.c_str(), H5P_DEFAULT), H5Oclose);
    if (!owner) return;
    H5Adelete(owner.get(), name.c_str());
    const handle scalar(H5Screate(H5S_SCALAR), H5Sclose);
    const auto make = [&](hid_t type, hid_t space, const void* value) {
        const handle made(H5Acreate2(owner.get(), name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT),
                          H5Aclose);
        if (made && value) H5Awrite(made.get(), type, value);
    };
    switch (below(from, 6)) {
    case 0: return;
    case 1: {
        const double value = odd_number(from);
        make(H5T_NATIVE_DOUBLE, scalar.get(), &value);
        return;
    }
    case 2: make(text_type(H5T_VARIABLE).get(), scalar.get(), nullptr); return;
    case 3: make(text_type(4).get(), handle(H5Screate(H5S_NULL), H5Sclose).get(), nullptr); return;
    case 4: make(text_type(7).get(), scalar.get(), "7 bytes"); return;
    default: {
        const std::string text = from.ConsumeRandomLengthString(64);
        const char* const pointer = text.c_str();
        make(text_type(H5T_VARIABLE).get(), scalar.get(), &pointer);
    }
    }
}

inline void mutate(hid_t file, const sound_hdf5& sound, choices& from) {
    const std::string& name = sound.data_sets[below(from, sound.data_sets.size())];
    switch (below(from, 7)) {
    case 0:
    case 1: replace_number(file, name, from); return;
    case 2:
    case 3: replace_data_set(file, name, from); return;
    case 4: replace_texts(file, name, from); return;
    case 5:
        H5Ldelete(file, name.c_str(), H5P_DEFAULT);
        if (from.ConsumeBool())
            handle(H5Gcreate2(file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
        if (from.ConsumeBool()) H5Lcreate_soft("/nowhere", file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
        return;
    default:
        if (sound.attributes.empty()) return;
        const auto& [object, attribute] = sound.attributes[below(from, sound.attributes.size())];
        replace_attribute(file, object, attribute, from);
    }
}

/// Writes a file that differs from the sound one by what the choices say.
inline void write_mutated(const file& to, const sound_hdf5& sound, choices& from) {
    std::ofstream(to.path(), std::ios::binary) << sound.bytes;
    const std::size_t mutations = below(from, 7);
    if (mutations == 0) return;
    const handle opened(H5Fopen(to.path().c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
    if (!opened) std::abort();
    for (std::size_t i = 0; i < mutations; ++i) mutate(opened.get(), sound, from);
}

} // namespace fuzz
