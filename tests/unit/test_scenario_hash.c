// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/hash.h"
#include "base/memory.h"
#include "scenario/spec.h"
#include "tests/unit/scenario_fixture.h"
#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *left;
    const char *right;
} same[] = {
    {"policy: plain\nseed: 1\nprices: {error: 1, drop: 0.5}\n",
     "# a comment\nprices: {drop: 5e-1, error: 100 %}\npolicy: [{plain: {}}] # and one more\n"},
    {"policy: plain\nsamples: {deadline: 0.25 s, payload: 1.5 MB}\n",
     "policy: {plain: }\nsamples:\n  payload: {constant: {value: 1500 kB}}\n  deadline: 250 ms\n"},
    {"policy: {tuned: 0.607}\nwarmup: none\n", "policy:\n  - tuned: {threshold: 60.7 %}\n"},
    {"policy: {tuned: {threshold: 1, wait: 3 ms, mode: fast}}\n",
     "policy: {tuned: {mode: \"fast\", wait: 3000 us, threshold: 1.0}}\n"},
};

static const char common_yaml[] = "scenario: same\nstop: {samples: 10}\nmodels: {m: {}}\n"
                                  "tiers: [{name: t, arrivals: {poisson: 1 /s}, "
                                  "compute: {time: {m: 1 s}}}]\n";

START_TEST(spelling_does_not_matter)
{
    const char *left = arena_format(&arena, "%s%s", common_yaml, same[_i].left);
    const char *right = arena_format(&arena, "%s%s", same[_i].right, common_yaml);
    const struct spec *one = read_set(left, NULL);
    const struct spec *other = read_set(right, NULL);
    ck_assert_str_eq(canonical(one), canonical(other));
    ck_assert_str_eq(hash_of(one, 0, SPEC_WHOLE), hash_of(other, 0, SPEC_WHOLE));
}
END_TEST

static const struct {
    const char *set;
    bool is_label; // changes the hash of the whole only
} changes[] = {
    {"scenario=other", true},
    {"about=something", true},
    {"replications=21", true},
    {"confidence=90 %", true},
    {"seed=2", false},
    {"stop.samples=2386", false},
    {"warmup.samples=1", false},
    {"tiers.device.nodes=8", false},
    {"tiers.edge.compute.time.deep.1=2.0000001 ms", false},
    {"links.device-edge.room=1000", false},
    {"links.0.up={steps: {times: [0 s], rates: [20 Mbit/s]}}", false},
    {"links.0.probe=1 s", false},
    {"links.0.radio.send=1 mW", false},
    {"models.deep.output=[1 B, 1 B, 1 B]", false},
    {"tiers.edge.compute.energy.small=1 J", false},
    {"samples.answer=free", false},
    {"prices.drop=0.5", false},
    {"policy.0=tuned: 0.9", false},
};

START_TEST(values_change_the_hash)
{
    const struct spec *base = read_set(base_yaml, NULL);
    const struct spec *changed = read_set(base_yaml, changes[_i].set);
    ck_assert_str_ne(hash_of(base, 0, SPEC_WHOLE), hash_of(changed, 0, SPEC_WHOLE));
    const bool is_same =
        strcmp(hash_of(base, 0, SPEC_REPLICATION), hash_of(changed, 0, SPEC_REPLICATION)) == 0;
    ck_assert_int_eq(is_same, changes[_i].is_label);
}
END_TEST

START_TEST(hash_is_of_one_policy)
{
    const struct spec *base = read_set(base_yaml, NULL);
    ck_assert_str_ne(hash_of(base, 0, SPEC_WHOLE), hash_of(base, 1, SPEC_WHOLE));
    // Other policies of the same file are other points.
    const struct spec *changed = read_set(base_yaml, "policy.2=plain");
    ck_assert_str_eq(hash_of(base, 1, SPEC_WHOLE), hash_of(changed, 1, SPEC_WHOLE));
    ck_assert_str_eq(hash_of(base, 0, SPEC_WHOLE), hash_of(changed, 2, SPEC_WHOLE));
}
END_TEST

// Computed by an independent implementation of the construction in base/hash.h.
static const struct {
    const char *content;
    size_t repeats;
    const char *hex;
} hashes[] = {
    {"", 1, "b2afa96ad567cdcc0df3e6826ea782ccb45ef009385dc788cb367a8dc6d04a95"},
    {"a", 1, "82c64ebca881c0ff3f2f047fc8763322e7fcf4cf782284a1891da9d2a3954095"},
    {"0123456789abcde", 1, "ff5431ac345a47bc4d733dff8f3360c23c33ce6a96598acc6dc516b9554d7b18"},
    {"0123456789abcdef", 1, "79dd9fb5e663bcdcb117effaff24e1b6305a65c2f9eaa05b365ee485a31c94f1"},
    {"The quick brown fox jumps over the lazy dog", 1,
     "906e693234956055ea99ef3ddbd8735e1c5498d79e2f0419001dad4c9aa87600"},
    {"x", 1000, "1688f4cbf9832bc175382e1ba30a049d14deb892ff1c46e6d30166834ef68c3a"},
};

START_TEST(hash_is_as_described)
{
    struct hash hash;
    uint64_t words[HASH_WORDS];
    char hex[65];
    hash_init(&hash);
    for (size_t i = 0; i < hashes[_i].repeats; i++) {
        hash_add(&hash, hashes[_i].content, strlen(hashes[_i].content));
    }
    hash_finish(&hash, words);
    hash_hex(words, 256, hex);
    ck_assert_str_eq(hex, hashes[_i].hex);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scenario-hash");

    TCase *hash = add_case(suite, "hash");
    unit_add_table(hash, spelling_does_not_matter, same);
    unit_add_table(hash, values_change_the_hash, changes);
    tcase_add_test(hash, hash_is_of_one_policy);
    unit_add_table(hash, hash_is_as_described, hashes);

    return unit_run(suite);
}
