// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_RECORDING_H
#define OFFLOADSIM_EXP_RECORDING_H

// Single samples of a replication, kept in memory until they are stored with it. Those of the
// warm-up are left out, as they are of the counters, so that means over all samples are the metrics
// of the replication.
//
// Points that share a simulation may each have replications of their own in the database. Their
// samples differ in what they cost, so there is a list for each of these points.
//
// Memory: 128 bytes for each sample and list (RECORDING_BYTES).

#include "results/store.h"

#include <stddef.h>
#include <stdint.h>

struct arena;
struct sample_record;
struct world;

enum { RECORDING_BYTES = 128 };

// What the replications of a simulation have in common.
struct recorder {
    const struct world *world;
    uint64_t every;              // of each device: the samples with such numbers
    const char **exits;          // [exit]: "MODEL.EXIT"
    const double *const *prices; // [list]
    size_t lists;
};

// `prices` are those of each list, in the order of the world's counters; they and the world must
// outlive the recorder.
void recorder_init(struct recorder *recorder, const struct world *world, uint64_t every,
                   const double *const *prices, size_t lists, struct arena *arena);

// What one replication has recorded. Texts are those of the world.
struct recording {
    const struct recorder *recorder;
    struct store_sample **lists; // of samples; NULL: there are none
    size_t count;                // in each list
    size_t room;
};

// Begins with nothing; a `recording` is the context of recording_observe().
void recording_observe(void *context, const struct sample_record *record);
// Puts the samples in the order in which they are stored: by device, then by number.
void recording_sort(struct recording *recording);
void recording_finish(struct recording *recording);

#endif
