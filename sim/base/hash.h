// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_BASE_HASH_H
#define OFFLOADSIM_BASE_HASH_H

// A 256-bit hash that tells contents apart: scenarios, traces. Two contents that differ by accident
// have the same hash with a probability that can be neglected (about n^2 / 2^257 among n contents,
// n^2 / 2^129 if it is cut to 128 bits). It identifies; it does not protect: nobody has studied how
// hard it is to make two contents with the same hash on purpose, so it is not for security.
//
// The construction is that of Merkle and Damgard over the compression function of Davies and Meyer:
//
//     H' = philox4x64(counter = H, key = m) xor H
//
// for each block m of 16 bytes (two little-endian words), with philox4x64-10 of the Random123
// library as the block cipher. After the content come one byte 0x80, zeros up to a whole block, and
// a block that holds the length of the content in bytes. The first state is the fractional parts of
// the square roots of 2, 3, 5 and 7, as in SHA-512. The result is the same on every machine.

#include <stddef.h>
#include <stdint.h>

enum { HASH_WORDS = 4, HASH_BLOCK_BYTES = 16 };

struct hash {
    uint64_t state[HASH_WORDS];
    uint64_t length; // bytes added
    unsigned char block[HASH_BLOCK_BYTES];
};

void hash_init(struct hash *hash);
void hash_add(struct hash *hash, const void *bytes, size_t length);
// Ends the hash: nothing may be added after it.
void hash_finish(struct hash *hash, uint64_t ret_words[HASH_WORDS]);

// The first `bits` bits (a multiple of 4, at most 256) in lower-case hexadecimal digits and a NUL:
// bits / 4 + 1 characters.
void hash_hex(const uint64_t words[HASH_WORDS], size_t bits, char *ret_hex);

#endif
