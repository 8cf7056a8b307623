// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/draws.h"

#include "base/memory.h"
#include "model/world.h"
#include "rng/block.h"

// The second-level cache of processors has 256 KiB or more; a row longer than 64 gains nothing, and
// one shorter than the block of a stream neither.
enum { ROWS_BYTES = 256 * 1024, MOST_LENGTH = 64, LEAST_LENGTH = 4 };

// No index is as large, nor comes so near that it would seem to be in the row.
static const uint64_t NO_ROW = UINT64_MAX / 2;

// As long as so few of the numbers of a source were asked for, in the mean, as one in
// MOST_PER_USE, they are drawn one by one.
enum { MOST_PER_USE = 5 };

void draws_init(struct draws *draws, const struct world *world, struct arena *arena)
{
    const uint64_t rows = (world->draws + UINT64_C(1)) * world->devices;
    uint32_t length = MOST_LENGTH;
    while (length >= LEAST_LENGTH && rows * length * sizeof(double) > ROWS_BYTES) {
        length /= 2;
    }
    if (length < LEAST_LENGTH) {
        return;
    }
    draws->length = length;
    draws->devices = world->devices;
    draws->sources = arena_new_array(arena, world->draws, struct draw_source);
    draws->first = arena_new_array(arena, world->draws * world->devices, uint64_t);
    for (uint64_t row = 0; row < world->draws * world->devices; row++) {
        draws->first[row] = NO_ROW;
    }
    draws->values = arena_new_array(arena, world->draws * world->devices * length, double);
    draws->gaps = arena_new_array(arena, world->devices * length, double);
}

double draws_miss(struct draws *draws, uint32_t source, const struct distribution *distribution,
                  const struct stream_at *at)
{
    const uint64_t row = source * draws->devices + at->entity;
    struct draw_source *numbers = &draws->sources[source];
    const bool is_behind = draws->first[row] != NO_ROW && at->index < draws->first[row];
    if (is_behind ||
        numbers->made > MOST_PER_USE * (numbers->used + draws->devices * draws->length)) {
        return distribution_draw(distribution, at);
    }
    const uint64_t first = at->index & ~UINT64_C(3);
    double *values = draws->values + row * draws->length;
    block_draw(distribution, at->key, at->purpose, at->entity, first, draws->length, values);
    numbers->made += draws->length;
    draws->first[row] = first;
    return values[at->index - first];
}
