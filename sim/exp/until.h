// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_UNTIL_H
#define OFFLOADSIM_EXP_UNTIL_H

// How many replications a point needs, or how long its one run has to be, so that its intervals are
// as narrow as its scenario asks for.
//
// Replications run in rounds. The first has as many as the rules want at least. After each round
// every rule is looked at: one that does not hold tells how many replications it would take if the
// spread stays what it is, for half widths shrink with the root of the number,
//
//     n' = n * (h / h_wanted)^2,
//
// and the next round ends there, but at no less than 1.1 and no more than 2 times what there is.
// Looking often, and early, would stop where the spread is small by chance, and intervals would
// cover too seldom (Law and Kelton, Operations Research 30, 1982): hence a first stage of 10 unless
// the scenario says otherwise, 5 at least, and few looks from then on. An interval of 5 antithetic
// pairs is as uncertain as one of 5 replications, so the first stage counts pairs where there are
// any.
//
// With intervals from the batches of one run (model/batches.h) n counts the samples of the run. It
// is looked at first after as many as its scenario stops at, and goes on from there; what it
// computes is the same to the bit as what a run of its final length does. Batches that are too much
// alike give no interval, so the run goes on.
//
// The numbers at which a point is looked at depend on its own estimates alone: not on threads, not
// on what a database holds, and not on other points.

#include "exp/experiment.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct hash;
struct replication_options;
struct replication_result;
struct spec;
struct text;

struct until_rule {
    const char *name;
    int metric;
    bool is_relative;
    double half_width; // wanted; a share of the estimate if it is relative
    double confidence;
    uint64_t least; // replications, or samples of a run that grows
    uint64_t most;
};

// Takes the rules of a scenario over into `arena`, for a point that has its names. Returns the
// number of the first rule whose metric is none of the point's, -1 if all are.
int until_plan(const struct spec *spec, struct experiment_point *point, struct arena *arena);

// Whether the rules decide how long the one run of a point is, and not how many there are.
bool until_grows(const struct experiment_point *point);

// Replications of the first round, or samples until the first look at a run that grows; and of all
// rounds, or of the run, at most.
uint64_t until_first(const struct experiment_point *point);
uint64_t until_most(const struct experiment_point *point);

// Has the replication go on for as long as the point's rules want, if it is one that grows.
void until_let_grow(const struct experiment_point *point, struct replication_options *options);

// Looks at a point that has `point->replications`. Returns how many it is to have next, or the same
// number if it is done; then point->stopped says why, and point->samples how long its run is.
uint64_t until_next(struct experiment_point *point, const struct replication_result *results,
                    struct arena *arena);

// What until_next() has said of the point before; it is copied into `arena`.
void until_read_stopped(struct experiment_point *point, const char *stopped, struct arena *arena);

// Adds the rules of a point to a hash of what it is.
void until_hash(const struct experiment_point *point, struct hash *hash);

// Whether two points have the same rules.
bool until_is_same(const struct experiment_point *a, const struct experiment_point *b);

#endif
