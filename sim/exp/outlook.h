// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_OUTLOOK_H
#define OFFLOADSIM_EXP_OUTLOOK_H

// What running an experiment would come to: what of it the database has, and how long the rest
// takes. Nothing is written.
//
// The time of a replication is known best from stored ones of the same simulation; else it is that
// of its samples, by stored replications of the same policy in scenarios of the same name, or of
// any policy in them; else a trial tells: up to three simulations run a part of a replication each,
// for about a tenth of a second.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct experiment;
struct text;

enum outlook_basis {
    OUTLOOK_SIMULATION, // stored replications of the same simulation
    OUTLOOK_SCENARIO,   // stored replications of the same scenario
    OUTLOOK_TRIAL,
    OUTLOOK_BASES_
};

struct outlook {
    uint64_t *stored;     // [simulation]: replications that are in the database
    size_t points_stored; // points all of whose replications are
    uint64_t replications;
    uint64_t replications_left;
    bool has_rules;              // then these are what runs at least (exp/until.h)
    bool grows;                  // single runs go on by rules
    uint64_t most_left;          // and this at most
    int threads;                 // that have something to do
    double seconds;              // about; NaN if a trial failed
    uint64_t by[OUTLOOK_BASES_]; // replications whose time rests on each
};

struct outlook_options {
    const char *database; // NULL: none
    bool again;           // simulate also what the database has
    int threads;
};

// Returns 0, or -1 with a message if the database could not be read.
int outlook_make(const struct experiment *experiment, const struct outlook_options *options,
                 struct arena *arena, struct outlook *ret_outlook, struct text *ret_error);

// How many replications of a point are in the database.
uint64_t outlook_stored(const struct experiment *experiment, const struct outlook *outlook,
                        size_t point);

#endif
