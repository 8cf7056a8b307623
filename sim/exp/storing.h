// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_STORING_H
#define OFFLOADSIM_EXP_STORING_H

// What of an experiment goes into the database, and what of it is there already. A plain run is
// always new. A sweep goes on where an earlier one of the same points was stopped, and takes what
// any experiment of the file has simulated. Without a database all of this does nothing.
//
// Processes that sweep into one file at the same time share the work by claims: who is about to
// simulate a replication says so. What a process had claimed when it was killed is free at once. A
// process that does not run though it is there, or that was killed in another container, blocks
// what it had claimed for ten seconds at most, because claims last no longer unless they are
// renewed; that is a few tenths of a second of work (exp/jobs.h), and the others do all the rest
// meanwhile. If it then goes on, a replication may be simulated twice, which costs time and changes
// nothing.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct experiment;
struct experiment_options;
struct job;
struct recording;
struct replication_result;
struct text;

struct storing {
    struct experiment *experiment;
    const struct experiment_options *options;
    size_t *by_ordinal;  // [planned]: the number of the point at each place of the sweep
    int64_t *sources;    // [point]: the one that holds its replications
    bool *writes;        // [point]: whether its source is written on its behalf
    uint64_t *available; // [simulation]: replications that are there
    bool *is_apart;      // [simulation]: its points have several sources, or it has batches
    bool has_claims;
    double renewed_s;
};

// Begins the experiment and plans its points. Marks those that are complete as done, with their
// estimates. Functions return -1 with a message.
int storing_begin(struct storing *storing, struct experiment *experiment,
                  const struct experiment_options *options, struct text *ret_error);

// Marks the replications of a simulation that the database has, and counts them.
int storing_find(const struct storing *storing, size_t simulation, bool *ret_is_there,
                 uint64_t *ret_count, struct text *ret_error);

// Hands them over, in the order of the names of the simulation's points.
int storing_read(struct storing *storing, size_t simulation,
                 void (*take)(void *context, uint64_t number, const double *metrics,
                              const double *counters),
                 void *context, struct text *ret_error);

struct storing_replication {
    uint64_t number;
    double wall_s;
    const struct replication_result *result;
    const struct recording *recording; // its samples
};

// The prices of each point on whose behalf replications of a simulation are stored, in the order in
// which samples are recorded for them. Returns their number.
size_t storing_prices(const struct storing *storing, size_t simulation,
                      const double *const **ret_prices, struct arena *arena);

int storing_replications(struct storing *storing, size_t simulation,
                         const struct storing_replication *replications, size_t count,
                         struct text *ret_error);

// Whether another process may be simulating the same.
bool storing_is_shared(const struct storing *storing);

enum storing_answer {
    STORING_OWN,    // this process is to run it
    STORING_OTHERS, // another process runs it: ask again later
    STORING_STORED  // it is in the database
};

// Claims replications for this process, as far as nobody else has them.
int storing_claim(struct storing *storing, const struct job *jobs, size_t count,
                  enum storing_answer *ret_answers, struct text *ret_error);
// To be called several times a second while there are claims.
int storing_keep_claims(struct storing *storing, double now_s, struct text *ret_error);

// Whether another process has completed all points of a simulation; then they are marked as done,
// with their estimates.
int storing_take_complete(struct storing *storing, size_t simulation, bool *ret_is_complete,
                          struct text *ret_error);

// What is stored between these two is one transaction, which is undone if `result` is not 0. The
// second returns `result`, or -1 if it was not kept for another reason.
int storing_begin_group(struct storing *storing, struct text *ret_error);
int storing_end_group(struct storing *storing, int result, struct text *ret_error);

// A point has its estimates and its verdict.
int storing_complete(struct storing *storing, size_t point, struct text *ret_error);

// The experiment ends, well or not.
int storing_end(struct storing *storing, bool has_failed, struct text *ret_error);

#endif
