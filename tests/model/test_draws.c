// SPDX-License-Identifier: GPL-3.0-or-later

// Rows of numbers give what single look-ups give, in whatever order they are asked for, and with so
// many devices that there is no room for them.

#include "base/memory.h"
#include "model/draws.h"
#include "model/world.h"
#include "tests/unit/unit.h"

#include <stdio.h>

enum { KINDS = 3, LOOK_UPS = 3000 };

static uint64_t in_turn(uint64_t n)
{
    return n;
}

static uint64_t few(uint64_t n) // most of a row is left out
{
    return 97 * n + 2;
}

static uint64_t forth_and_back(uint64_t n) // some samples come late
{
    return n % 7 ? n : n / 2;
}

static const struct {
    const char *what;
    uint64_t devices;
    uint64_t (*index)(uint64_t n);
    bool has_rows;
} cases[] = {
    {"one device", 1, in_turn, true},
    {"one device, few of its samples", 1, few, true},
    {"one device, late samples", 1, forth_and_back, true},
    {"fifty devices", 50, in_turn, true},
    {"fifty devices, late samples", 50, forth_and_back, true},
    {"two thousand devices", 2000, in_turn, true},
    {"a million devices", 1000000, in_turn, false},
};

START_TEST(draws_are_those_of_single_look_ups)
{
    static const struct distribution_parameters parameters[KINDS] = {
        {.kind = DISTRIBUTION_EXPONENTIAL, .mean = 2.385},
        {.kind = DISTRIBUTION_LOGNORMAL, .mean = 0.37, .cv = 0.8},
        {.kind = DISTRIBUTION_GAMMA, .mean = 1.7, .cv = 1.3},
    };
    struct arena arena = {0};
    struct distribution distribution[KINDS];
    for (int i = 0; i < KINDS; i++) {
        distribution_init(&distribution[i], &parameters[i], &arena);
    }
    const struct world world = {.draws = KINDS, .devices = cases[_i].devices};
    struct draws draws = {0};
    draws_init(&draws, &world, &arena);
    ck_assert_int_eq(draws.length > 0, cases[_i].has_rows);
    const struct stream_key key = {.seed = 17, .replication = 3};
    int wrong = 0;
    for (uint64_t n = 0; n < LOOK_UPS; n++) {
        for (uint32_t kind = 0; kind < KINDS; kind++) {
            const uint64_t devices = cases[_i].devices;
            const struct stream_at at = {key, stream_purpose("test", "draws"), n % devices,
                                         cases[_i].index(n / devices)};
            const double value = draws_look_up(&draws, kind, &distribution[kind], &at);
            const double expected = distribution_draw(&distribution[kind], &at);
            wrong += value < expected || value > expected;
        }
    }
    ck_assert_msg(wrong == 0, "%s: %d wrong", cases[_i].what, wrong);
    arena_finish(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model: draws");
    TCase *draws = tcase_create("draws");
    unit_add_table(draws, draws_are_those_of_single_look_ups, cases);
    suite_add_tcase(suite, draws);
    return unit_run(suite);
}
