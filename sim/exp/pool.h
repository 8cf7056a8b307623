// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_POOL_H
#define OFFLOADSIM_EXP_POOL_H

// Independent tasks on several threads. Tasks are taken in order of their number, each by whichever
// thread is free; nothing that a task computes may depend on which one, or on what else runs.
// What has to happen in one thread (storing, progress) happens in the caller's: it is told of every
// task that is done, in the order in which they are done. While threads have enough to do it is
// told of those of some hundredths of a second together.
//
// Not all tasks need be there at the start: the caller is asked for more while it goes on, so that
// it can take some at a time from what several processes share.

#include <stdbool.h>
#include <stddef.h>

// How the threads stand.
struct pool_state {
    size_t started; // tasks that threads have taken so far
    int idle;       // threads that wait for a task
};

struct pool_work {
    size_t most_tasks; // that there can be in all
    int threads;       // at least 1
    void *context;
    // On the caller's thread, at the start, for each task that is done, whenever a thread is idle,
    // and about five times a second: says how many tasks there are by now. Returns false if there
    // will be no more; then it is not asked again.
    bool (*supply)(void *context, const struct pool_state *state, size_t *ret_tasks);
    void (*run)(void *context, size_t task); // on a thread of the pool
    // Whether no task starts while one is done and not reported: then what tasks leave behind for
    // `done` is at most that of one for each thread and one more.
    bool keeps_pace;
    // On the caller's thread; returns false to have no further tasks started. Those that are
    // running are then waited for and reported too.
    bool (*done)(void *context, size_t task);
    // On the caller's thread, about five times a second while it waits; false as above.
    bool (*tick)(void *context);
};

// Returns when all tasks are done, or those that were running when there was to be no further one.
void pool_run(const struct pool_work *work);

// How many threads the machine can run at once.
int pool_processors(void);

#endif
