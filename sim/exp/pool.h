// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_POOL_H
#define OFFLOADSIM_EXP_POOL_H

// Independent tasks on several threads. Tasks are taken in order of their number, each by whichever
// thread is free; nothing that a task computes may depend on which one, or on what else runs.
// What has to happen in one thread (storing, progress) happens in the caller's: it is told of every
// task that is done, in the order in which they are done.

#include <stdbool.h>
#include <stddef.h>

struct pool_work {
    size_t tasks;
    int threads; // at least 1
    void *context;
    void (*run)(void *context, size_t task); // on a thread of the pool
    // On the caller's thread; returns false to have no further tasks started. Those that are
    // running are then waited for and reported too.
    bool (*done)(void *context, size_t task);
    // On the caller's thread, about five times a second while it waits; may be NULL.
    void (*tick)(void *context);
};

// Returns when all tasks are done, or those that were running when `done` said stop.
void pool_run(const struct pool_work *work);

// How many threads the machine can run at once.
int pool_processors(void);

#endif
