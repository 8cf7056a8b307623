// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_JOBS_H
#define OFFLOADSIM_EXP_JOBS_H

// Which replications have to run, and which of them this process runs.
//
// Processes that sweep into one database at the same time share the replications out. Each goes
// through the same list and claims (exp/storing.h) some ahead of need, about as many as its threads
// run in some tenths of a second and fewer towards the end, so that claiming costs little and the
// last ones to finish hardly wait for each other. What another process has claimed is set aside and
// asked for again: sooner or later it is stored, or the claim of a process that was killed has
// ended. Without others, or without a database, every replication is this process's.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct experiment;
struct pool_state;
struct storing;
struct text;

struct job {
    size_t simulation;
    uint64_t replication;
};

struct jobs {
    const struct experiment *experiment;
    struct storing *storing;
    int threads;
    struct job *all; // that have to run, in the order in which they are taken
    size_t count;
    size_t next; // of `all`: the first that was not looked at
    // Numbers of jobs; each is in one of these in the end.
    size_t *own; // this process's, in the order in which they run
    size_t own_count;
    size_t *others; // claimed by other processes
    size_t others_count;
    size_t *stored; // found in the database
    size_t stored_count;
    // How long jobs take, in samples expected and seconds.
    size_t started; // of `own`
    double waiting; // samples of those that have not started
    double left;    // samples of jobs that were not looked at
    double measured;
    double measured_s;
    double asked_s; // when the others' were asked for
};

// Room for `most` jobs, which are then added in the order in which they are to run.
void jobs_init(struct jobs *jobs, const struct experiment *experiment, struct storing *storing,
               int threads, uint64_t most, struct arena *arena);
void jobs_add(struct jobs *jobs, size_t simulation, uint64_t replication);

// Takes jobs for threads that have none or soon will. `now_s` is a clock's. Returns -1 with a
// message.
int jobs_take(struct jobs *jobs, const struct pool_state *state, double now_s,
              struct text *ret_error);

// How long a job is, in samples expected.
double jobs_length(const struct jobs *jobs, size_t number);

// Tells how long a job of this process took.
void jobs_measure(struct jobs *jobs, size_t number, double wall_s);

// Whether it is known of every job that it is this process's or stored.
bool jobs_are_settled(const struct jobs *jobs);

#endif
