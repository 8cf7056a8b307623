// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_BASE_BIT_H
#define OFFLOADSIM_BASE_BIT_H

// Bit tricks that need the compiler's help (gcc and clang); the only place for them.

#include <stdint.h>
#include <string.h>

__extension__ typedef unsigned __int128 bit_pair_type;

// A number of 128 bits from its halves.
static inline bit_pair_type bit_pair(uint64_t high, uint64_t low)
{
    return (bit_pair_type)high << 64 | low;
}

static inline uint64_t bit_of_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

// The number of the lowest set bit; `bits` must not be 0.
static inline int bit_lowest(uint64_t bits)
{
    return __builtin_ctzll(bits);
}

#endif
