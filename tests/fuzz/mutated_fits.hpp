// SPDX-License-Identifier: BSD-3-Clause
//
// mutated_fits.hpp: sound FITS files, as our own writers make them, with cards and bytes that are not.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz.hpp"

namespace fuzz {

inline constexpr std::size_t card_bytes = 80, block_bytes = 2880;

/// A sound file, and where the cards with values of its headers begin. A compressed image, which comes last, is left
/// as it is but for being cut short: CFITSIO 4.2 divides by the size of its tiles, whatever that is.
struct sound_fits {
    std::string bytes;
    std::vector<std::size_t> cards;
    std::size_t open_to_change; // bytes

    /// make(path) writes the file.
    explicit sound_fits(const std::function<void(const std::filesystem::path&)>& make) {
        const file made(".fits");
        make(made.path());
        std::ifstream in(made.path(), std::ios::binary);
        bytes.assign(std::istreambuf_iterator<char>(in), {});
        const std::size_t compressed = bytes.find("ZIMAGE  =");
        open_to_change =
            compressed == std::string::npos ? bytes.size() : bytes.rfind("XTENSION=", compressed);
        for (std::size_t at = 0; at < open_to_change; at += card_bytes) {
            if (bytes.compare(at + 8, 2, "= ") == 0) cards.push_back(at);
        }
    }
};

/// What may stand in the value field of a card.
inline std::string odd_value(choices& from) {
    static const std::array<std::string, 20> values{"0",
                                                    "-1",
                                                    "1",
                                                    "2",
                                                    "3",
                                                    "7",
                                                    "99999999999",
                                                    "1.5",
                                                    "NaN",
                                                    "1e400",
                                                    "'x'",
                                                    "'1D   '",
                                                    "T",
                                                    "1152921504606846976",
                                                    "'8A'",
                                                    "'PB'",
                                                    "'(2,3)'",
                                                    "'1PD(9)'",
                                                    "'(4294967296,4294967296)'",
                                                    "'1152921504606846976D'"};
    const std::size_t k = below(from, values.size() + 2);
    if (k < values.size()) return values[k];
    if (k == values.size()) return std::to_string(from.ConsumeIntegral<std::int16_t>());
    return "'" + from.ConsumeRandomLengthString(20) + "'";
}

inline void mutate(std::string& bytes, const sound_fits& sound, choices& from) {
    const std::size_t card = sound.cards[below(from, sound.cards.size())];
    const std::size_t least = sound.cards.back() + card_bytes; // that is left of the file
    switch (below(from, 7)) {
    case 0:
    case 1:
    case 2: { // another value
        const std::string text = odd_value(from);
        bytes.replace(card + 10, card_bytes - 10, card_bytes - 10, ' ');
        bytes.replace(card + 10, text.size(), text);
        break;
    }
    case 3: // another name
        bytes[card + below(from, 8)] = static_cast<char>('A' + below(from, 26));
        break;
    case 4: // another byte
        bytes[below(from, std::min(sound.open_to_change, bytes.size()))] = from.ConsumeIntegral<char>();
        break;
    case 5: // cut short
        bytes.resize(std::max(below(from, bytes.size()), least));
        break;
    default: { // a block of blanks
        const std::size_t blocks = std::min(sound.open_to_change, bytes.size()) / block_bytes;
        bytes.replace(below(from, blocks) * block_bytes, block_bytes, block_bytes, ' ');
    }
    }
}

/// Writes a file that differs from the sound one by what the choices say.
inline void write_mutated(const file& to, const sound_fits& sound, choices& from) {
    std::string bytes = sound.bytes;
    const std::size_t mutations = below(from, 9);
    for (std::size_t i = 0; i < mutations; ++i) mutate(bytes, sound, from);
    std::ofstream(to.path(), std::ios::binary) << bytes;
}

} // namespace fuzz
