// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_DRAWS_H
#define OFFLOADSIM_MODEL_DRAWS_H

// Numbers of the samples of a device, drawn a row at a time.
//
// The samples of a device mostly ask for their service times and delays in the order of their
// numbers, and a row of variates costs a fraction of single ones (rng/block.h). So each pair of a
// source (a layer at a tier, a propagation delay) and a device keeps the row in which it is. Values
// are those of distribution_draw() at the same addresses.
//
// Rows are short enough that all of them stay in the second-level cache; with so many devices that
// there is no room for rows, numbers are drawn one by one. So they are where few of a row are used,
// as by a policy that offloads few samples.

#include "rng/distribution.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct world;

// The rows of a source.
struct draw_source {
    uint64_t used; // numbers that were asked for
    uint64_t made; // that were drawn, in rows
};

struct draws {
    uint32_t length; // of a row; 0: none is kept
    uint64_t devices;
    struct draw_source *sources; // [world.draws]
    uint64_t *first;             // [source][device]: index of the first number of the row
    double *values;              // [source][device][length]
    double *gaps;                // [device][length]: of Poisson processes
};

void draws_init(struct draws *draws, const struct world *world, struct arena *arena);

// Where the gaps of a device's Poisson process are kept, `length` of them; NULL: nowhere.
static inline double *draws_gaps(const struct draws *draws, uint32_t device)
{
    return draws->length ? draws->gaps + (size_t)device * draws->length : NULL;
}

// Where an address is not in its row: draws another row, or only this number.
double draws_miss(struct draws *draws, uint32_t source, const struct distribution *distribution,
                  const struct stream_at *at);

// The variate of a source at an address, whose entity is the device. Not for columns.
static inline double draws_look_up(struct draws *draws, uint32_t source,
                                   const struct distribution *distribution,
                                   const struct stream_at *at)
{
    if (distribution->kind == DISTRIBUTION_CONSTANT) {
        return distribution->a;
    }
    if (!draws->length) {
        return distribution_draw(distribution, at);
    }
    const uint64_t row = source * draws->devices + at->entity;
    const uint64_t place = at->index - draws->first[row];
    draws->sources[source].used++;
    return place < draws->length ? draws->values[row * draws->length + place]
                                 : draws_miss(draws, source, distribution, at);
}

#endif
