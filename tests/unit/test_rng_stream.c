// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/stream.h"
#include "unit.h"

#include <stdlib.h>

static const struct stream_key key = {.seed = 20250117, .replication = 3};

// Of Random123's own tests (kat_vectors, "philox4x64 10"): counter, key, result. The third line's
// arguments are digits of pi.
static const struct {
    uint64_t counter[4];
    uint64_t key[2];
    uint64_t words[4];
} known_answers[] = {
    {{0, 0, 0, 0},
     {0, 0},
     {0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}},
    {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
     {UINT64_MAX, UINT64_MAX},
     {0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}},
    {{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
     {0x452821e638d01377, 0xbe5466cf34e90c6c},
     {0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6}},
};

START_TEST(stream_block_is_philox)
{
    const uint64_t *counter = known_answers[_i].counter;
    const struct stream_key known_key = {.seed = known_answers[_i].key[0],
                                         .replication = known_answers[_i].key[1]};
    const philox4x64_ctr_t block =
        stream_block(known_key, counter[2], counter[1], counter[0], counter[3]);
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(block.v[i], known_answers[_i].words[i]);
    }
}
END_TEST

START_TEST(stream_words_follow_their_address)
{
    const struct stream_at at = {key, stream_purpose("service", "edge/large"), 17, 4099};
    const uint64_t word = stream_word(&at);
    ck_assert_uint_eq(stream_word(&at), word);
    struct stream_at others[5];
    for (int i = 0; i < UNIT_COUNT(others); i++) {
        others[i] = at;
    }
    others[0].key.seed++;
    others[1].key.replication++;
    others[2].purpose++;
    others[3].entity++;
    others[4].index++;
    for (int i = 0; i < UNIT_COUNT(others); i++) {
        ck_assert_msg(stream_word(&others[i]) != word, "part %d of the address is ignored", i);
        ck_assert_msg(stream_sub_word(&others[i], 0) != stream_sub_word(&at, 0),
                      "part %d of the address is ignored by sub words", i);
    }
}
END_TEST

static int compare_words(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

// The words of 256 indices and 16 sub words of each: were an address used twice, two of the 64-bit
// words would be equal, which chance does once in 2^41 runs.
START_TEST(stream_addresses_are_apart)
{
    enum { INDICES = 256, SUBS = 16, WORDS = INDICES * (1 + SUBS) };
    static uint64_t seen[WORDS];
    size_t count = 0;
    for (uint64_t index = 0; index < INDICES; index++) {
        const struct stream_at at = {key, 71, 5, index};
        seen[count++] = stream_word(&at);
        for (uint64_t n = 0; n < SUBS; n++) {
            seen[count++] = stream_sub_word(&at, n);
        }
    }
    ck_assert_uint_eq(count, WORDS);
    qsort(seen, count, sizeof(seen[0]), compare_words);
    for (size_t i = 1; i < count; i++) {
        ck_assert_uint_ne(seen[i - 1], seen[i]);
    }
}
END_TEST

// Antithetic numbers: u and 1 - u add up to 1 without an error.
START_TEST(stream_turned_is_one_minus)
{
    struct stream stream = {0};
    struct stream_key turned_key = key;
    turned_key.turn = STREAM_TURNED;
    for (uint64_t index = 0; index < 1003; index++) {
        const struct stream_at at = {key, 71, 5, index};
        const struct stream_at turned = {turned_key, 71, 5, index};
        ck_assert_uint_eq(stream_word(&turned), ~stream_word(&at));
        ck_assert_uint_eq(stream_sub_word(&turned, index % 9), ~stream_sub_word(&at, index % 9));
        ck_assert_uint_eq(stream_next_word(&stream, turned_key, 71, 5), stream_word(&turned));
        ck_assert(stream_uniform(&at) + stream_uniform(&turned) == 1);
    }
}
END_TEST

START_TEST(stream_in_order_is_random_access)
{
    struct stream stream = {0};
    for (uint64_t index = 0; index < 1003; index++) {
        const struct stream_at at = {key, 71, 5, index};
        ck_assert_uint_eq(stream.next, index);
        ck_assert_uint_eq(stream_next_word(&stream, key, 71, 5), stream_word(&at));
    }
}
END_TEST

START_TEST(stream_purposes_differ)
{
    const uint64_t purposes[] = {
        stream_purpose("service", "edge"), stream_purpose("serviceedge", ""),
        stream_purpose("", "serviceedge"), stream_purpose("servicee", "dge"),
        stream_purpose("edge", "service"), stream_purpose("", ""),
        stream_purpose("service", ""),     stream_purpose("delay", "edge"),
    };
    for (int i = 0; i < UNIT_COUNT(purposes); i++) {
        for (int j = 0; j < i; j++) {
            ck_assert_uint_ne(purposes[i], purposes[j]);
        }
    }
    // FNV-1a of the bytes 'a', 0x1f, by hand: a change of the hash would change every seed's run.
    const uint64_t prime = UINT64_C(0x100000001b3);
    const uint64_t first = (UINT64_C(0xcbf29ce484222325) ^ 'a') * prime;
    ck_assert_uint_eq(stream_purpose("a", ""), (first ^ 0x1f) * prime);
}
END_TEST

START_TEST(stream_unit_is_open)
{
    const double lowest = stream_unit(0);
    const double highest = stream_unit(UINT64_MAX);
    ck_assert(lowest > 0);
    ck_assert(highest < 1);
    ck_assert_double_eq(lowest, 0x1p-53);
    ck_assert_double_eq(1 - highest, 0x1p-53);
    ck_assert_double_eq(stream_unit(UINT64_C(1) << 63), 0.5 + 0x1p-53);
    // Neighbouring cells are apart, and the lowest 12 bits do not count.
    ck_assert(stream_unit(UINT64_MAX) > stream_unit(UINT64_MAX - 4096));
    ck_assert_double_eq(stream_unit(4095), lowest);
    ck_assert(stream_unit(4096) > lowest);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rng-stream");

    TCase *stream = tcase_create("stream");
    unit_add_table(stream, stream_block_is_philox, known_answers);
    tcase_add_test(stream, stream_words_follow_their_address);
    tcase_add_test(stream, stream_addresses_are_apart);
    tcase_add_test(stream, stream_in_order_is_random_access);
    tcase_add_test(stream, stream_turned_is_one_minus);
    tcase_add_test(stream, stream_purposes_differ);
    tcase_add_test(stream, stream_unit_is_open);
    suite_add_tcase(suite, stream);

    return unit_run(suite);
}
