// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_WARMUP_H
#define OFFLOADSIM_MODEL_WARMUP_H

// `warmup: auto`: how much of a replication is its start, found by MSER-5 (stats/mser.h).
//
// The replication is run twice from the same seed. The first run counts everything and its series
// are looked at: the latencies of answered samples in the order of the answers, and for each
// station the waits of its visits in the order of their ends; by Little's law the mean wait between
// two moments is the queue between them over the arrivals, so this is the queue over time. At a
// station where nobody waits because all are served at once it is the time there, for the number
// that is there. Each series says up to when it is to be cut, and the latest of these times is the
// warm-up of the second run, whose results count. So they are what a run with `warmup: {time: ...}`
// of that length computes, to the bit, and cost one run more.
//
// A series has settled if the cut lies within the first half of its observations and of the time.
// If one has not, the run was too short or has no steady state, and its first half is cut. A series
// that does not vary has settled; so has that of a station with too few visits to tell. Too few
// answers have not.
//
// Memory is constant: 64 KiB a station.

#include <stdbool.h>

struct replication_options;
struct replication_result;
struct text;
struct world;

// What the first run has found; while it runs itself, nothing.
struct warmup {
    double cut_s;
    bool is_settled;     // the latency
    const bool *settled; // [stations]: the queue there; NULL: this is the first run
};

// Runs a replication twice; as replication_run().
int warmup_run(const struct world *world, const struct replication_options *options,
               struct replication_result *ret_result, struct text *ret_error);

#endif
