// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/stream.h"

#include "base/check.h"

#include <string.h>

static uint64_t fnv(uint64_t hash, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        hash = (hash ^ *c) * 0x100000001b3u;
    }
    return hash;
}

uint64_t stream_purpose(const char *kind, const char *name)
{
    uint64_t hash = fnv(0xcbf29ce484222325u, kind);
    hash = (hash ^ 0x1f) * 0x100000001b3u; // a separator that no word contains
    return fnv(hash, name);
}

// A round function: two multiplications, keyed, its best bits on top.
static uint64_t scramble(uint64_t x, uint64_t key, unsigned bits)
{
    x = (x ^ key) *
        0xbf58476d1ce4e5b9u; // the multipliers of splitmix64 (Steele et al., OOPSLA 2014)
    x = (x ^ x >> 32) * 0x94d049bb133111ebu;
    return x >> 1 >> (63 - bits); // bits may be 0
}

// How many bits the numbers below `count` need, at most 63.
static unsigned bits_of(uint64_t count)
{
    unsigned bits = 0;
    while (bits < 63 && count > UINT64_C(1) << bits) {
        bits++;
    }
    return bits;
}

struct stream_permutation stream_permutation(struct stream_key key, uint64_t purpose, uint64_t pass,
                                             uint64_t count)
{
    struct stream_permutation permutation = {.pass = pass, .count = count};
    const unsigned bits = bits_of(count);
    permutation.low_bits = (bits + 1) / 2;
    permutation.high_bits = bits / 2;
    for (unsigned round = 0; round < STREAM_PERMUTATION_ROUNDS; round += 4) {
        const philox4x64_ctr_t block = stream_block(key, purpose, round >> 2, pass, 0);
        memcpy(permutation.round_keys + round, block.v, sizeof(block.v));
    }
    return permutation;
}

uint64_t stream_permuted(const struct stream_permutation *permutation, uint64_t index)
{
    const unsigned low_bits = permutation->low_bits;
    const unsigned high_bits = permutation->high_bits;
    const uint64_t *keys = permutation->round_keys;
    uint64_t value = index;
    do {
        uint64_t low = value & ((UINT64_C(1) << low_bits) - 1);
        uint64_t high = value >> low_bits;
        for (int round = 0; round < STREAM_PERMUTATION_ROUNDS; round += 2) {
            high ^= scramble(low, keys[round], high_bits);
            low ^= scramble(high, keys[round + 1], low_bits);
        }
        value = high << low_bits | low;
    } while (value >= permutation->count);
    return value;
}

// The round functions of a small permutation, as tables: of at most 2^8 halves of 8 bits.
struct small_rounds {
    uint8_t of_low[STREAM_PERMUTATION_ROUNDS / 2][1 << 8];
    uint8_t of_high[STREAM_PERMUTATION_ROUNDS / 2][1 << 8];
};

// Of type size_t, as indices that are widened first take an instruction more.
static inline uint16_t walk(const struct small_rounds *rounds, size_t value, unsigned low_bits)
{
    size_t low = value & (((size_t)1 << low_bits) - 1);
    size_t high = value >> low_bits;
    for (int round = 0; round < STREAM_PERMUTATION_ROUNDS / 2; round++) {
        high ^= rounds->of_low[round][low];
        low ^= rounds->of_high[round][high];
    }
    return (uint16_t)(high << low_bits | low);
}

void stream_permuted_all(const struct stream_permutation *permutation, uint16_t *ret_values)
{
    CHECK(NULL, permutation->count <= STREAM_PERMUTED_MOST);
    const unsigned low_bits = permutation->low_bits;
    const unsigned high_bits = permutation->high_bits;
    const uint64_t *keys = permutation->round_keys;
    struct small_rounds rounds;
    for (int round = 0; round < STREAM_PERMUTATION_ROUNDS / 2; round++) {
        for (unsigned low = 0; low < 1u << low_bits; low++) {
            rounds.of_low[round][low] = (uint8_t)scramble(low, keys[2 * round], high_bits);
        }
        for (unsigned high = 0; high < 1u << high_bits; high++) {
            rounds.of_high[round][high] = (uint8_t)scramble(high, keys[2 * round + 1], low_bits);
        }
    }
    const unsigned count = (unsigned)permutation->count;
    enum { PART = 256 };
    for (unsigned done = 0; done < count; done += PART) {
        // Each step is one for all that have still to walk, so that they do not wait for each
        // other.
        const unsigned end = count - done < PART ? count : done + PART;
        uint16_t beyond[PART];
        unsigned walking = 0;
        for (unsigned i = done; i < end; i++) {
            const uint16_t value = walk(&rounds, i, low_bits);
            ret_values[i] = value;
            beyond[walking] = (uint16_t)i;
            walking += value >= count;
        }
        while (walking) {
            const unsigned before = walking;
            walking = 0;
            for (unsigned k = 0; k < before; k++) {
                const uint16_t i = beyond[k];
                const uint16_t value = walk(&rounds, ret_values[i], low_bits);
                ret_values[i] = value;
                beyond[walking] = i;
                walking += value >= count;
            }
        }
    }
}
