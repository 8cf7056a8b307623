// SPDX-License-Identifier: GPL-3.0-or-later
// What a random number of a keyed stream costs: by the array from one stream ("in blocks"), by the
// array from addresses all over the place ("scattered"), and by itself, the addresses in order
// ("single").
//
// usage: bench_variates [--json]
#include "base/memory.h"
#include "rng/block.h"
#include "tests/bench/bench.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 11, NUMBERS = 4096, ROUNDS = 100, VALUES = 100 };

static const struct stream_key key = {.seed = 1};
static const uint64_t purpose = 0x62656e6368;

static double values[VALUES];

static const struct {
    const char *name;
    struct distribution_parameters parameters;
} kinds[] = {
    {"constant", {.kind = DISTRIBUTION_CONSTANT, .mean = 2.385}},
    {"uniform", {.kind = DISTRIBUTION_UNIFORM, .from = 0.385, .to = 2.385}},
    {"exponential", {.kind = DISTRIBUTION_EXPONENTIAL, .mean = 2.385}},
    {"lognormal", {.kind = DISTRIBUTION_LOGNORMAL, .mean = 2.385, .cv = 0.23}},
    {"gamma, cv 0.3", {.kind = DISTRIBUTION_GAMMA, .mean = 2.385, .cv = 0.3}},
    {"gamma, cv 1.7", {.kind = DISTRIBUTION_GAMMA, .mean = 2.385, .cv = 1.7}},
    {"weibull", {.kind = DISTRIBUTION_WEIBULL, .mean = 2.385, .shape = 1.7}},
    {"hyperexponential", {.kind = DISTRIBUTION_HYPEREXPONENTIAL, .mean = 2.385, .cv = 2.3}},
    {"pareto", {.kind = DISTRIBUTION_PARETO, .mean = 2.385, .shape = 2.6}},
    {"empirical, 100 values", {.kind = DISTRIBUTION_EMPIRICAL, .values = values, .count = VALUES}},
};

struct work {
    struct distribution distribution;
    uint32_t entities[NUMBERS];
    uint64_t indices[NUMBERS];
    double numbers[NUMBERS];
    double sum; // of some of what was drawn, so that all of it has to be
};

static void draw_in_blocks(struct work *work, uint64_t round)
{
    block_draw(&work->distribution, key, purpose, 0, round * NUMBERS, NUMBERS, work->numbers);
}

static void draw_scattered(struct work *work, uint64_t round)
{
    block_draw_at(&work->distribution, key, purpose + round, work->entities, work->indices, NUMBERS,
                  work->numbers);
}

static void draw_single(struct work *work, uint64_t round)
{
    for (uint64_t i = 0; i < NUMBERS; i++) {
        const struct stream_at at = {key, purpose, round, i};
        work->numbers[i] = distribution_draw(&work->distribution, &at);
    }
}

static void measure(struct work *work, const char *name, const char *way,
                    void (*draw)(struct work *work, uint64_t round), bool is_json)
{
    double ns[RUNS];
    draw(work, 0);
    for (int run = 0; run < RUNS; run++) {
        const double start_s = bench_thread_s();
        for (uint64_t round = 0; round < ROUNDS; round++) {
            draw(work, round);
            work->sum += work->numbers[round];
        }
        ns[run] = 1e9 * (bench_thread_s() - start_s) / ((double)ROUNDS * NUMBERS);
    }
    qsort(ns, RUNS, sizeof(ns[0]), bench_compare);
    char full_name[64];
    snprintf(full_name, sizeof(full_name), "%s, %s", name, way);
    printf(is_json ? "{\"bench\": \"variates\", \"name\": \"%s\", \"median_ns\": %.2f, "
                     "\"least_ns\": %.2f, \"most_ns\": %.2f, \"runs\": %d}\n"
                   : "%-36s %6.2f ns (%.2f to %.2f in %d runs)\n",
           full_name, ns[RUNS / 2], ns[0], ns[RUNS - 1], RUNS);
}

int main(int count, char **arguments)
{
    const bool is_json = count == 2 && strcmp(arguments[1], "--json") == 0;
    if (count > 1 && !is_json) {
        fprintf(stderr, "usage: bench_variates [--json]\n");
        return 2;
    }
    struct work *work = memory_resize(NULL, 1, sizeof(*work));
    memset(work, 0, sizeof(*work));
    for (uint32_t i = 0; i < NUMBERS; i++) {
        work->entities[i] = i % 50;
        work->indices[i] = 1000 + i / 50;
    }
    for (int i = 0; i < VALUES; i++) {
        values[i] = 1 + 0.01 * i;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct arena arena = {0};
        distribution_init(&work->distribution, &kinds[i].parameters, &arena);
        measure(work, kinds[i].name, "in blocks", draw_in_blocks, is_json);
        measure(work, kinds[i].name, "scattered", draw_scattered, is_json);
        measure(work, kinds[i].name, "single", draw_single, is_json);
        arena_finish(&arena);
    }
    // A sum that nobody asks for, but which cannot be left out.
    const int status = work->sum > 0 ? 0 : 1;
    free(work);
    return status;
}
