// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RNG_STREAM_H
#define OFFLOADSIM_RNG_STREAM_H

// Random numbers are looked up, not drawn in turn. A number is a pure function of
//
//     key     = (seed, replication, and whether numbers are turned round)
//     purpose = what it is for: a hash of words such as "service" and "edge/large"
//     entity  = whose it is: the device where the sample arose
//     index   = which one: the sample's number at that device
//
// so sample i of device d meets the same service times, delays and payloads whatever the policy
// does, in whatever order events fall and on however many threads; and because purposes are named
// by words, a component that is added to a scenario leaves the numbers of all others alone.
//
// The function is Philox4x64-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
// as 1, 2, 3", SC 2011) from the Random123 library. One evaluation gives four words, so the number
// of index i is word i mod 4 of block i div 4. What needs more than one word of randomness
// (rejection methods) takes the further ones from `sub` blocks that belong to this index alone.
//
// Antithetic replications come in pairs of the same key, but that in the second one all bits of
// every word are turned round, which makes exactly 1 - u of each uniform number u: where one has a
// long time between arrivals, or a quick service, the other has a short one, or a slow one.

#include "rng/elementary.h"

#include <Random123/philox.h>
#include <stdint.h>

struct stream_key {
    uint64_t seed;
    uint64_t replication;
    uint64_t turn; // added to every word without carry: 0, or STREAM_TURNED
};

#define STREAM_TURNED UINT64_MAX

// One number's address.
struct stream_at {
    struct stream_key key;
    uint64_t purpose;
    uint64_t entity;
    uint64_t index;
};

// A purpose from two words, by FNV-1a over both with a separator (offset basis and prime of Fowler,
// Noll and Vo). `name` may be "".
uint64_t stream_purpose(const char *kind, const char *name);

static inline philox4x64_ctr_t stream_block(struct stream_key key, uint64_t purpose,
                                            uint64_t entity, uint64_t block, uint64_t sub)
{
    philox4x64_ctr_t counter = {{block, entity, purpose, sub}};
    philox4x64_key_t philox_key = {{key.seed, key.replication}};
    philox4x64_ctr_t block_of_words = philox4x64(counter, philox_key);
    for (int i = 0; i < 4; i++) {
        block_of_words.v[i] ^= key.turn;
    }
    return block_of_words;
}

static inline uint64_t stream_word(const struct stream_at *at)
{
    philox4x64_ctr_t block = stream_block(at->key, at->purpose, at->entity, at->index >> 2, 0);
    return block.v[at->index & 3];
}

// Word `n` of the sequence that belongs to this index alone.
static inline uint64_t stream_sub_word(const struct stream_at *at, uint64_t n)
{
    philox4x64_ctr_t block =
        stream_block(at->key, at->purpose, at->entity, at->index, 1 + (n >> 2));
    return block.v[n & 3];
}

// Maps a word to a uniform number in the open interval (0, 1): the midpoints of 2^52 equal cells,
// so that it is never 0 or 1 and 1 - u is as exact as u.
static inline double stream_unit(uint64_t word)
{
    return (elementary_number(word >> 12) + 0.5) * 0x1p-52;
}

static inline double stream_uniform(const struct stream_at *at)
{
    return stream_unit(stream_word(at));
}

// A pseudo-random permutation of 0 .. count-1 (count >= 1) that belongs to (key, purpose, pass). It
// needs no table, so any device can look up any pass at any time: a Feistel network on just as many
// bits as `count` needs, walked until the result is below count (Black and Rogaway, "Ciphers with
// arbitrary finite domains", CT-RSA 2002). The two halves differ by a bit where the bits are odd,
// and each round changes one of them.
enum { STREAM_PERMUTATION_ROUNDS = 8 };

struct stream_permutation {
    uint64_t pass;
    uint64_t count;
    unsigned low_bits;
    unsigned high_bits;
    uint64_t round_keys[STREAM_PERMUTATION_ROUNDS];
};

struct stream_permutation stream_permutation(struct stream_key key, uint64_t purpose, uint64_t pass,
                                             uint64_t count);

// What is at position `index` < count.
uint64_t stream_permuted(const struct stream_permutation *permutation, uint64_t index);

// What is at all positions, for a count of at most STREAM_PERMUTED_MOST: a fifteenth of the price
// of single look-ups.
#define STREAM_PERMUTED_MOST (UINT64_C(1) << 16)
void stream_permuted_all(const struct stream_permutation *permutation, uint16_t *ret_values);

// A stream read in order keeps the block it is in: the same numbers at a quarter of the price.
// `{0}` with key, purpose and entity set starts at index 0.
struct stream {
    philox4x64_ctr_t block;
    uint64_t next; // index of the number that comes next
};

static inline uint64_t stream_next_word(struct stream *stream, struct stream_key key,
                                        uint64_t purpose, uint64_t entity)
{
    if ((stream->next & 3) == 0) {
        stream->block = stream_block(key, purpose, entity, stream->next >> 2, 0);
    }
    return stream->block.v[stream->next++ & 3];
}

#endif
