// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/stream.h"

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
    return bits ? x >> (64 - bits) : 0;
}

struct stream_permutation stream_permutation(struct stream_key key, uint64_t purpose, uint64_t pass,
                                             uint64_t count)
{
    struct stream_permutation permutation = {.pass = pass, .count = count};
    unsigned bits = 0;
    while (bits < 63 && count > UINT64_C(1) << bits) {
        bits++;
    }
    permutation.low_bits = (bits + 1) / 2;
    permutation.high_bits = bits / 2;
    for (unsigned round = 0; round < STREAM_PERMUTATION_ROUNDS; round++) {
        const philox4x64_ctr_t block = stream_block(key, purpose, round >> 2, pass, 0);
        permutation.round_keys[round] = block.v[round & 3];
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
