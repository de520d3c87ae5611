// SPDX-License-Identifier: BSD-3-Clause
//
// lettering.hpp: letters of 5 x 8 points, for pictures that have to say what they show.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace common::lettering {

inline constexpr std::size_t width = 5, height = 8, advance = 6; // in points; letters are a point apart

inline constexpr std::size_t in_band = 13;
inline constexpr std::string_view letters = "ABCDEFGHIJKLM"
                                            "NOPQRSTUVWXYZ"
                                            "abcdefghijklm"
                                            "nopqrstuvwxyz"
                                            "0123456789.,-"
                                            "+/()=:%^_*<>?";

// Bands of letters side by side, in that order.
inline constexpr std::array<std::string_view, 48> drawn{
    " ###  ####   ###  ####  ##### #####  ###  #   #  ###    ### #   # #     #   #",
    "#   # #   # #   # #   # #     #     #   # #   #   #      #  #  #  #     ## ##",
    "#   # #   # #     #   # #     #     #     #   #   #      #  # #   #     # # #",
    "##### ####  #     #   # ####  ####  #  ## #####   #      #  ##    #     # # #",
    "#   # #   # #     #   # #     #     #   # #   #   #      #  # #   #     #   #",
    "#   # #   # #   # #   # #     #     #   # #   #   #   #  #  #  #  #     #   #",
    "#   # ####   ###  ####  ##### #      #### #   #  ###   ##   #   # ##### #   #",
    "                                                                             ",
    "#   #  ###  ####   ###  ####   #### ##### #   # #   # #   # #   # #   # #####",
    "##  # #   # #   # #   # #   # #       #   #   # #   # #   # #   # #   #     #",
    "##  # #   # #   # #   # #   # #       #   #   # #   # #   #  # #   # #     # ",
    "# # # #   # ####  #   # ####   ###    #   #   #  # #  # # #   #     #     #  ",
    "#  ## #   # #     # # # # #       #   #   #   #  # #  # # #  # #    #    #   ",
    "#  ## #   # #     #  #  #  #      #   #   #   #   #   ## ## #   #   #   #    ",
    "#   #  ###  #      ## # #   # ####    #    ###    #   #   # #   #   #   #####",
    "                                                                             ",
    "      #               #         ##        #       #      #  #      ##        ",
    "      #               #        #          #                 #       #        ",
    " ###  ####   ###   ####  ###  ####   #### ####   ##     ##  #  #    #   ## # ",
    "    # #   # #     #   # #   #  #    #   # #   #   #      #  # #     #   # # #",
    " #### #   # #     #   # #####  #    #   # #   #   #      #  ##      #   # # #",
    "#   # #   # #     #   # #      #     #### #   #   #      #  # #     #   # # #",
    " #### ####   ###   ####  ###   #        # #   #  ###  #  #  #  #   ###  # # #",
    "                                     ###               ##                    ",
    "                                     #                                       ",
    "                                     #                                       ",
    "####   ###  ####   #### # ##   #### ####  #   # #   # #   # #   # #   # #####",
    "#   # #   # #   # #   # ##    #      #    #   # #   # # # #  # #  #   #    # ",
    "#   # #   # #   # #   # #      ###   #    #   #  # #  # # #   #   #   #   #  ",
    "#   # #   # ####   #### #         #  #    #   #  # #  # # #  # #   ####  #   ",
    "#   #  ###  #         # #     ####    ##   ####   #    # #  #   #     # #####",
    "            #         #                                            ###       ",
    " ###    #    ###   ###     #  #####  ###  #####  ###   ###                   ",
    "#   #  ##   #   # #   #   ##  #     #         # #   # #   #                  ",
    "#  ##   #       #     #  # #  ####  #        #  #   # #   #                  ",
    "# # #   #      #    ##  #  #      # ####     #   ###   ####              ### ",
    "##  #   #     #       # #####     # #   #   #   #   #     #                  ",
    "#   #   #    #    #   #    #  #   # #   #   #   #   #     #  ##    ##        ",
    " ###   ###  #####  ###     #   ###   ###    #    ###   ###   ##    ##        ",
    "                                                                   #         ",
    "          #    #   #                ##  #   #                  #   #     ### ",
    "          #   #     #          ##   ##  #  # #        # # #   #     #   #   #",
    "  #      #   #       #  #####  ##      #  #   #        ###   #       #      #",
    "  #     #    #       #                #               ##### #         #    # ",
    "#####  #     #       #  #####  ##    #                 ###   #       #    #  ",
    "  #   #       #     #          ##   #  ##             # # #   #     #        ",
    "  #   #        #   #                #  ##       #####          #   #      #  ",
    "                                                                             ",
};

/// Whether a point of a letter is inked; letters that are not drawn show as a question mark, blanks as blank.
constexpr bool inked(char letter, std::size_t x, std::size_t y) {
    if (letter == ' ') return false;
    const std::size_t found = letters.find(letter);
    const std::size_t number = found == std::string_view::npos ? letters.find('?') : found;
    return drawn[number / in_band * height + y][number % in_band * advance + x] == '#';
}

} // namespace common::lettering
