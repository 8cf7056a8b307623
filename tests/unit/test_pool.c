// SPDX-License-Identifier: GPL-3.0-or-later

// Tasks on threads: each runs once and is reported once, and with keeps_pace little is left behind.

#include "exp/pool.h"
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { TASKS = 60 };

struct watch {
    pthread_mutex_t mutex;
    int runs[TASKS];
    int reports[TASKS];
    int left_behind; // by tasks that began and were not reported to the end
    int most_left_behind;
    int reported;
    int stop_after;
};

static void sleep_ms(long ms)
{
    const struct timespec time = {0, ms * 1000000};
    nanosleep(&time, NULL);
}

static bool supply_all(void *context, const struct pool_state *state, size_t *ret_tasks)
{
    (void)context;
    (void)state;
    *ret_tasks = TASKS;
    return false;
}

// A few at a time, and only to threads that wait.
static bool supply_some(void *context, const struct pool_state *state, size_t *ret_tasks)
{
    (void)context;
    *ret_tasks = state->started + (size_t)state->idle;
    *ret_tasks = *ret_tasks < TASKS ? *ret_tasks : TASKS;
    return *ret_tasks < TASKS;
}

static void run(void *context, size_t task)
{
    struct watch *watch = context;
    pthread_mutex_lock(&watch->mutex);
    watch->runs[task]++;
    watch->left_behind++;
    if (watch->left_behind > watch->most_left_behind) {
        watch->most_left_behind = watch->left_behind;
    }
    pthread_mutex_unlock(&watch->mutex);
}

static bool done(void *context, size_t task)
{
    struct watch *watch = context;
    sleep_ms(2); // much slower than the tasks
    pthread_mutex_lock(&watch->mutex);
    watch->reports[task]++;
    watch->left_behind--;
    watch->reported++;
    const bool goes_on = watch->reported != watch->stop_after;
    pthread_mutex_unlock(&watch->mutex);
    return goes_on;
}

static bool tick(void *context)
{
    (void)context;
    return true;
}

static const struct {
    int threads;
    bool keeps_pace;
    bool (*supply)(void *context, const struct pool_state *state, size_t *ret_tasks);
    int stop_after; // 0: never
} pools[] = {
    {1, false, supply_all, 0},   {3, false, supply_all, 0},  {3, false, supply_all, 20},
    {1, true, supply_all, 0},    {3, true, supply_all, 0},   {3, true, supply_all, 20},
    {100, true, supply_all, 20}, {3, false, supply_some, 0}, {3, true, supply_some, 0},
    {3, true, supply_some, 20},
};

START_TEST(every_task_once)
{
    struct watch watch = {.mutex = PTHREAD_MUTEX_INITIALIZER, .stop_after = pools[_i].stop_after};
    pool_run(&(struct pool_work){.most_tasks = TASKS,
                                 .threads = pools[_i].threads,
                                 .keeps_pace = pools[_i].keeps_pace,
                                 .context = &watch,
                                 .supply = pools[_i].supply,
                                 .run = run,
                                 .done = done,
                                 .tick = tick});
    for (int i = 0; i < TASKS; i++) {
        ck_assert_int_eq(watch.runs[i], watch.reports[i]);
        ck_assert_int_le(watch.runs[i], 1);
    }
    if (pools[_i].stop_after) {
        ck_assert_int_ge(watch.reported, pools[_i].stop_after);
    } else {
        ck_assert_int_eq(watch.reported, TASKS);
    }
    if (pools[_i].keeps_pace) {
        ck_assert_int_le(watch.most_left_behind, pools[_i].threads + 1);
    } else if (pools[_i].supply == supply_all && !pools[_i].stop_after) {
        ck_assert_int_gt(watch.most_left_behind, pools[_i].threads + 1);
    }
}
END_TEST

// ---- many short tasks ----

enum { SHORT_TASKS = 5000 };

struct wakes {
    size_t reported;
    size_t waits; // of the caller
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool supply_short(void *context, const struct pool_state *state, size_t *ret_tasks)
{
    (void)context;
    (void)state;
    *ret_tasks = SHORT_TASKS;
    return false;
}

static void run_short(void *context, size_t task)
{
    (void)context;
    (void)task;
    const struct timespec time = {0, 10000};
    nanosleep(&time, NULL);
}

static bool report_short(void *context, size_t task)
{
    struct wakes *wakes = context;
    (void)task;
    wakes->reported++;
    return true;
}

static bool count_wait(void *context)
{
    struct wakes *wakes = context;
    wakes->waits++;
    return true;
}

START_TEST(short_tasks_leave_the_caller_asleep)
{
    struct wakes wakes = {0};
    const double start_s = now_s();
    pool_run(&(struct pool_work){.most_tasks = SHORT_TASKS,
                                 .threads = 2,
                                 .context = &wakes,
                                 .supply = supply_short,
                                 .run = run_short,
                                 .done = report_short,
                                 .tick = count_wait});
    ck_assert_uint_eq(wakes.reported, SHORT_TASKS);
    // Some fifty times a second; twice that, and some at the end, as the machine is not quiet.
    ck_assert_double_lt((double)wakes.waits, 50 + 100 * (now_s() - start_s));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");
    TCase *tasks = tcase_create("tasks");
    unit_add_table(tasks, every_task_once, pools);
    tcase_add_test(tasks, short_tasks_leave_the_caller_asleep);
    suite_add_tcase(suite, tasks);
    return unit_run(suite);
}
