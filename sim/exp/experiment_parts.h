// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_EXPERIMENT_PARTS_H
#define OFFLOADSIM_EXP_EXPERIMENT_PARTS_H

// What experiment.c, which has replications run, and keeping.c, which keeps what they come to,
// share with each other and with nobody else.

#include "base/memory.h"
#include "base/text.h"
#include "exp/experiment.h"
#include "exp/jobs.h"
#include "exp/recording.h"
#include "exp/storing.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct replication_result;
struct world;

// A simulation while it runs. Results exist from its first replication to its end, the world only
// while a round of replications runs.
struct simulation_run {
    struct arena arena;
    struct arena world_arena;
    const struct world *world;
    struct recorder recorder;           // if samples are recorded
    struct replication_result *results; // [replications]
    struct task *tasks;                 // [replications]
    uint64_t missing;                   // replications that are neither here nor in the database
    uint64_t elsewhere;                 // that are in the database and not here
    uint64_t unstored;
    bool is_over; // all its points are done
};

struct task {
    double wall_s;
    struct recording recording;
    struct text error;
    bool has_failed;
    bool is_done; // ran, or was read from the database
    bool is_stored;
};

struct experiment_run {
    struct experiment *experiment;
    const struct experiment_options *options;
    struct storing storing;
    struct simulation_run *simulations;
    struct jobs jobs;
    size_t stored_seen; // of jobs.stored
    size_t *ended;      // simulations all of whose replications are done, to be completed
    size_t ended_count;
    uint64_t unstored;        // replications
    pthread_mutex_t building; // scenarios are read by one thread at a time
    struct experiment_progress progress;
    uint64_t ran_before; // replications, in earlier rounds
    double length;       // of all jobs, and of those that are done, in samples expected
    double length_done;
    double planned_s; // when it was known what has to run
    double last_stored_s;
    struct time_spent estimating; // which is done while points are stored
    bool has_failed;
    bool cannot_store;
    struct text *error;
};

// Notes that since then the caller's thread was busy with the database, if there is one.
void run_count_storing(struct experiment_run *run, const struct time_spent *since);

// Lays out what the replications of a simulation come to. Everything of it is in its arena.
void run_lay_out(struct experiment_run *run, size_t simulation);
// Makes room for as many replications as one of its points needs by now. Returns whether that is
// more than there are.
bool run_extend(struct experiment_run *run, size_t simulation);
void run_finish_simulation(struct experiment_run *run, size_t simulation);

// A simulation whose replications are all here or in the database is completed with the next
// storing.
void run_end_simulation(struct experiment_run *run, size_t simulation);

// Stores what is done, and completes the simulations that have ended. Returns -1 with a message.
int run_store_all(struct experiment_run *run);
// The same if it is time for it; and claims are kept. Sets `has_failed`.
void run_store_now_and_then(struct experiment_run *run);
// At the end, also where a replication failed: the others are not to be lost.
void run_store_rest(struct experiment_run *run);

#endif
