// SPDX-License-Identifier: GPL-3.0-or-later

// The part of a sweep that one of several machines runs. Simulations are dealt out like cards, the
// longest first and among equals by their hashes, so parts differ by one in their number, take
// about as long as each other, and do not follow the axes: with four policies and four machines, no
// machine has all points of one policy. Which part a simulation is in depends on the points of the
// sweep alone.

#include "base/text.h"
#include "exp/experiment.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct card {
    size_t simulation;
    double expected;
    const char *hash;
};

static int longest_first(const void *left, const void *right)
{
    const struct card *a = left;
    const struct card *b = right;
    if (a->expected != b->expected) {
        return a->expected > b->expected ? -1 : 1;
    }
    return strcmp(a->hash, b->hash);
}

// Whether each simulation belongs to a part.
static bool *deal(const struct experiment *experiment, uint64_t number, uint64_t parts,
                  struct arena *arena)
{
    const size_t count = experiment->simulation_count;
    struct card *cards = arena_new_array(arena, count, struct card);
    bool *is_own = arena_new_array(arena, count, bool);
    for (size_t i = 0; i < count; i++) {
        const struct experiment_simulation *simulation = &experiment->simulations[i];
        cards[i] = (struct card){i, simulation->expected,
                                 experiment->points[simulation->first_point].simulation_hash};
    }
    qsort(cards, count, sizeof(*cards), longest_first);
    for (size_t i = number - 1; i < count; i += parts) {
        is_own[cards[i].simulation] = true;
    }
    return is_own;
}

// Moves the points of other parts behind the own ones, each in their order.
static void move_points(struct experiment *experiment, const bool *is_own, struct arena *arena)
{
    const size_t count = experiment->point_count;
    struct experiment_point *points =
        arena_new_array(&experiment->arena, count, struct experiment_point);
    size_t *moved_to = arena_new_array(arena, count, size_t);
    size_t moved = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count; i++) {
            if (is_own[experiment->points[i].simulation] == (pass == 0)) {
                moved_to[i] = moved;
                points[moved++] = experiment->points[i];
            }
        }
        experiment->point_count = pass == 0 ? moved : experiment->point_count;
    }
    for (size_t i = 0; i < count; i++) {
        if (points[i].next_sharing != SIZE_MAX) {
            points[i].next_sharing = moved_to[points[i].next_sharing];
        }
    }
    for (size_t i = 0; i < experiment->simulation_count; i++) {
        struct experiment_simulation *simulation = &experiment->simulations[i];
        simulation->first_point = moved_to[simulation->first_point];
        simulation->last_point = moved_to[simulation->last_point];
    }
    experiment->points = points;
}

// Leaves only the own simulations.
static void keep_simulations(struct experiment *experiment, const bool *is_own)
{
    size_t kept = 0;
    for (size_t i = 0; i < experiment->simulation_count; i++) {
        if (is_own[i]) {
            const struct experiment_simulation *simulation = &experiment->simulations[i];
            for (size_t k = simulation->first_point; k != SIZE_MAX;
                 k = experiment->points[k].next_sharing) {
                experiment->points[k].simulation = kept;
            }
            experiment->simulations[kept++] = *simulation;
        }
    }
    experiment->simulation_count = kept;
}

int experiment_take_shard(struct experiment *experiment, uint64_t number, uint64_t count,
                          struct text *ret_error)
{
    if (count > experiment->simulation_count) {
        text_format(ret_error,
                    "'--shard %" PRIu64 "/%" PRIu64 "': the sweep has %zu simulation%s; ask for "
                    "no more parts than that",
                    number, count, experiment->simulation_count,
                    experiment->simulation_count == 1 ? "" : "s");
        return -1;
    }
    struct arena arena = {0};
    const bool *is_own = deal(experiment, number, count, &arena);
    move_points(experiment, is_own, &arena);
    keep_simulations(experiment, is_own);
    arena_finish(&arena);
    return 0;
}
