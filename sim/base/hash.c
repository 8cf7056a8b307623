// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/hash.h"

#include <Random123/philox.h>
#include <string.h>

void hash_init(struct hash *hash)
{
    *hash = (struct hash){.state = {UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b),
                                    UINT64_C(0x3c6ef372fe94f82b), UINT64_C(0xa54ff53a5f1d36f1)}};
}

static uint64_t read_word(const unsigned char *bytes)
{
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--) {
        word = word << 8 | bytes[i];
    }
    return word;
}

static void compress(uint64_t state[HASH_WORDS], const unsigned char *block)
{
    philox4x64_ctr_t counter = {{state[0], state[1], state[2], state[3]}};
    philox4x64_key_t key = {{read_word(block), read_word(block + 8)}};
    philox4x64_ctr_t mixed = philox4x64(counter, key);
    for (int i = 0; i < HASH_WORDS; i++) {
        state[i] ^= mixed.v[i];
    }
}

void hash_add(struct hash *hash, const void *bytes, size_t length)
{
    const unsigned char *next = bytes;
    size_t filled = (size_t)(hash->length % HASH_BLOCK_BYTES);
    hash->length += length;
    if (filled) {
        size_t taken = HASH_BLOCK_BYTES - filled;
        if (taken > length) {
            taken = length;
        }
        memcpy(hash->block + filled, next, taken);
        next += taken;
        length -= taken;
        if (filled + taken < HASH_BLOCK_BYTES) {
            return;
        }
        compress(hash->state, hash->block);
    }
    for (; length >= HASH_BLOCK_BYTES; length -= HASH_BLOCK_BYTES, next += HASH_BLOCK_BYTES) {
        compress(hash->state, next);
    }
    if (length) {
        memcpy(hash->block, next, length);
    }
}

void hash_finish(struct hash *hash, uint64_t ret_words[HASH_WORDS])
{
    uint64_t length = hash->length;
    static const unsigned char padding[HASH_BLOCK_BYTES] = {0x80};
    hash_add(hash, padding, HASH_BLOCK_BYTES - (size_t)(length % HASH_BLOCK_BYTES));
    unsigned char last[HASH_BLOCK_BYTES] = {0};
    for (int i = 0; i < 8; i++) {
        last[i] = (unsigned char)(length >> (8 * i));
    }
    hash_add(hash, last, sizeof(last));
    memcpy(ret_words, hash->state, sizeof(hash->state));
}

void hash_hex(const uint64_t words[HASH_WORDS], size_t bits, char *ret_hex)
{
    static const char digits[] = "0123456789abcdef";
    size_t count = bits / 4;
    for (size_t i = 0; i < count; i++) {
        ret_hex[i] = digits[words[i / 16] >> (60 - 4 * (i % 16)) & 15];
    }
    ret_hex[count] = '\0';
}
