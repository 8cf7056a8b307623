// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/pool.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { TICK_NS = 200 * 1000 * 1000 };

struct pool {
    const struct pool_work *work;
    pthread_mutex_t mutex; // guards all that follows
    pthread_cond_t something_done;
    size_t next;  // the first task that nobody has taken
    size_t *done; // tasks that are done, in that order
    size_t done_count;
    int running; // threads
    bool is_stopping;
};

static void *thread_main(void *context)
{
    struct pool *pool = context;
    pthread_mutex_lock(&pool->mutex);
    while (!pool->is_stopping && pool->next < pool->work->tasks) {
        const size_t task = pool->next++;
        pthread_mutex_unlock(&pool->mutex);
        pool->work->run(pool->work->context, task);
        pthread_mutex_lock(&pool->mutex);
        pool->done[pool->done_count++] = task;
        pthread_cond_signal(&pool->something_done);
    }
    pool->running--;
    pthread_cond_signal(&pool->something_done);
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

static struct timespec next_tick(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += TICK_NS;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

// Reports tasks as they get done until all threads have ended. The mutex is held on entry and exit.
static void report(struct pool *pool)
{
    const struct pool_work *work = pool->work;
    size_t reported = 0;
    while (pool->running || reported < pool->done_count) {
        if (reported == pool->done_count) {
            const struct timespec tick = next_tick();
            pthread_cond_timedwait(&pool->something_done, &pool->mutex, &tick);
            if (work->tick) {
                pthread_mutex_unlock(&pool->mutex);
                work->tick(work->context);
                pthread_mutex_lock(&pool->mutex);
            }
            continue;
        }
        const size_t task = pool->done[reported++];
        pthread_mutex_unlock(&pool->mutex);
        const bool goes_on = work->done(work->context, task);
        pthread_mutex_lock(&pool->mutex);
        pool->is_stopping |= !goes_on;
    }
}

void pool_run(const struct pool_work *work)
{
    struct pool pool = {.work = work, .mutex = PTHREAD_MUTEX_INITIALIZER};
    // Waiting by the monotonic clock: a change of the time of day must not stall the program.
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool.something_done, &attributes);
    pthread_condattr_destroy(&attributes);
    const size_t wanted = (size_t)work->threads < work->tasks ? (size_t)work->threads : work->tasks;
    pthread_t *threads = memory_resize(NULL, wanted, sizeof(*threads));
    pool.done = memory_resize(NULL, work->tasks, sizeof(*pool.done));
    pthread_mutex_lock(&pool.mutex);
    size_t started = 0;
    while (started < wanted && pthread_create(&threads[started], NULL, thread_main, &pool) == 0) {
        pool.running++;
        started++;
    }
    // With no thread to be had at all, the caller does the work alone.
    if (!started && wanted) {
        pool.running = 1;
        pthread_mutex_unlock(&pool.mutex);
        thread_main(&pool);
        pthread_mutex_lock(&pool.mutex);
    }
    report(&pool);
    pthread_mutex_unlock(&pool.mutex);
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_cond_destroy(&pool.something_done);
    pthread_mutex_destroy(&pool.mutex);
    free(threads);
    free(pool.done);
}

int pool_processors(void)
{
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (int)count;
}
