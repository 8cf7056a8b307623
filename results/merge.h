// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RESULTS_MERGE_H
#define OFFLOADSIM_RESULTS_MERGE_H

// Adds the results of one database to another. What is in both is there once afterwards, so that
// parts of a sweep that ran on several machines become one, and merging twice changes nothing:
//
//     sweeps are the same if their hash, seed and version are;
//     runs, if also start, host and command line are;
//     points, if they are at the same place of the same experiment and have the same hash;
//     replications, if their points have the same simulation_hash, seed and version, and they have
//     the same number. A point whose replications are here already shares them.
//
// All of it is one transaction. The other file is opened read-only, after the checks that every
// file meets before it is read, and stays as it is. Results that do not fit the schema are refused.

#include <stdint.h>

struct text;

struct merge_summary {
    int64_t experiments; // added
    int64_t points;
    int64_t replications;
    int64_t samples;
};

// Returns 0, or -1 with a message.
int merge_database(const char *path, const char *other, struct merge_summary *ret_summary,
                   struct text *ret_error);

#endif
