// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/pool.h"

#include "base/memory.h"
#include "base/time_spent.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { TICK_NS = 200 * 1000 * 1000, KEPT_BYTES = 4 * 1024 * 1024 };

// How long the caller is left asleep while threads have enough to do. To wake it for each short
// task would take a processor from a thread each time.
static const double LEFT_ASLEEP_S = 0.02;

struct pool {
    const struct pool_work *work;
    pthread_mutex_t mutex;      // guards all that follows
    pthread_cond_t for_caller;  // a task is done, or a thread is idle
    pthread_cond_t for_threads; // there are new tasks, or there will be none, or one was reported
    size_t tasks;               // that there are so far
    size_t next;                // the first one that nobody has taken
    size_t *done;               // tasks that are done, in that order
    size_t done_count;
    size_t reported;
    int running; // threads
    int idle;    // of them
    double asleep_s; // when the caller fell asleep
    bool has_all;
    bool is_stopping;
};

// Whether the caller has to hear now that a task is done: because something waits for it, or soon
// will, or because it is time.
static bool is_wanted(const struct pool *pool)
{
    return pool->work->keeps_pace || pool->idle || pool->next == pool->tasks ||
           time_spent_clock_s() - pool->asleep_s > LEFT_ASLEEP_S;
}

// Takes the next task and runs it. The mutex is held on entry and exit.
static void run_next(struct pool *pool)
{
    const size_t task = pool->next++;
    pthread_mutex_unlock(&pool->mutex);
    pool->work->run(pool->work->context, task);
    pthread_mutex_lock(&pool->mutex);
    pool->done[pool->done_count++] = task;
    if (is_wanted(pool)) {
        pthread_cond_signal(&pool->for_caller);
    }
}

// Whether the caller has yet to see to what is done.
static bool is_behind(const struct pool *pool)
{
    return pool->work->keeps_pace && pool->reported < pool->done_count;
}

static void *thread_main(void *context)
{
    struct pool *pool = context;
    pthread_mutex_lock(&pool->mutex);
    while (!pool->is_stopping && !(pool->next == pool->tasks && pool->has_all)) {
        if (pool->next == pool->tasks) {
            pool->idle++;
            pthread_cond_signal(&pool->for_caller);
            pthread_cond_wait(&pool->for_threads, &pool->mutex);
            pool->idle--;
        } else if (is_behind(pool)) {
            pthread_cond_wait(&pool->for_threads, &pool->mutex);
        } else {
            run_next(pool);
        }
    }
    pool->running--;
    pthread_cond_signal(&pool->for_caller);
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

// The functions below hold the mutex on entry and exit, and not while they call the caller back.

static void supply(struct pool *pool)
{
    if (pool->has_all || pool->is_stopping) {
        return;
    }
    const struct pool_state state = {pool->next, pool->idle};
    size_t tasks = pool->tasks;
    pthread_mutex_unlock(&pool->mutex);
    const bool goes_on = pool->work->supply(pool->work->context, &state, &tasks);
    pthread_mutex_lock(&pool->mutex);
    pool->has_all = !goes_on;
    if (tasks > pool->tasks || pool->has_all) {
        pool->tasks = tasks;
        pthread_cond_broadcast(&pool->for_threads);
    }
}

static void stop(struct pool *pool)
{
    pool->is_stopping = true;
    pthread_cond_broadcast(&pool->for_threads);
}

static void report_next(struct pool *pool)
{
    const size_t task = pool->done[pool->reported++];
    if (pool->work->keeps_pace) {
        pthread_cond_broadcast(&pool->for_threads);
    }
    pthread_mutex_unlock(&pool->mutex);
    const bool goes_on = pool->work->done(pool->work->context, task);
    pthread_mutex_lock(&pool->mutex);
    if (!goes_on) {
        stop(pool);
    }
}

static void wait_for_threads(struct pool *pool)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += TICK_NS;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    pool->asleep_s = time_spent_clock_s();
    pthread_cond_timedwait(&pool->for_caller, &pool->mutex, &at);
    pthread_mutex_unlock(&pool->mutex);
    const bool goes_on = pool->work->tick(pool->work->context);
    pthread_mutex_lock(&pool->mutex);
    if (!goes_on) {
        stop(pool);
    }
}

// Sees to it that threads have tasks, and reports those that are done, until all threads have
// ended. With no thread to be had at all, the caller does the work itself, between the rest.
static void attend(struct pool *pool, bool is_alone)
{
    bool has_ended = false;
    while (pool->running || pool->reported < pool->done_count || !has_ended) {
        const int idle = pool->idle;
        supply(pool);
        const bool may_run = is_alone && !pool->is_stopping && pool->next < pool->tasks;
        if (may_run) {
            run_next(pool);
        }
        if (pool->reported < pool->done_count) {
            report_next(pool);
        } else if (pool->running ? pool->idle == idle : !pool->has_all && !pool->is_stopping) {
            wait_for_threads(pool); // unless one has fallen idle since the supply
        }
        has_ended = !is_alone || pool->is_stopping || (pool->has_all && pool->next == pool->tasks);
    }
}

// Waiting by the monotonic clock: a change of the time of day must not stall the program.
static void init_for_caller(struct pool *pool)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->for_caller, &attributes);
    pthread_condattr_destroy(&attributes);
}

// What a task gives back the next one asks for again, so it should not go back to the system in
// between and come again page by page. The C library of GNU keeps twice as much as the largest
// piece that was ever given back (mallopt(3)); here that is a piece which nobody touches.
static void keep_memory(void)
{
    free(memory_resize(NULL, KEPT_BYTES / 2, 1));
}

void pool_run(const struct pool_work *work)
{
    struct pool pool = {
        .work = work, .mutex = PTHREAD_MUTEX_INITIALIZER, .for_threads = PTHREAD_COND_INITIALIZER};
    const size_t wanted =
        (size_t)work->threads < work->most_tasks ? (size_t)work->threads : work->most_tasks;
    pthread_t *threads = memory_resize(NULL, wanted, sizeof(*threads));
    pool.done = memory_resize(NULL, work->most_tasks, sizeof(*pool.done));
    init_for_caller(&pool);
    keep_memory();
    pthread_mutex_lock(&pool.mutex);
    size_t started = 0;
    while (started < wanted && pthread_create(&threads[started], NULL, thread_main, &pool) == 0) {
        pool.running++;
        started++;
    }
    pool.idle = started == 0; // the caller then stands for a thread
    attend(&pool, started == 0);
    pthread_mutex_unlock(&pool.mutex);
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_cond_destroy(&pool.for_threads);
    pthread_cond_destroy(&pool.for_caller);
    pthread_mutex_destroy(&pool.mutex);
    free(threads);
    free(pool.done);
}

int pool_processors(void)
{
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (int)count;
}
