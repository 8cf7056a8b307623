// SPDX-License-Identifier: GPL-3.0-or-later

// What the replications of an experiment come to: in memory while their simulation runs, then in
// the estimates of its points and in the database.

#include "exp/experiment_parts.h"

#include "exp/estimate.h"
#include "exp/until.h"
#include "model/replication.h"

#include <stdlib.h>
#include <string.h>

// What is done is stored so often, in transactions that last no longer: one for each simulation
// would cost more than what is in it.
static const double STORE_EVERY_S = 0.25;

enum { SIMULATION_BLOCK_BYTES = 16 * 1024 };

void run_count_storing(struct experiment_run *run, const struct time_spent *since)
{
    if (run->options->store) {
        time_spent_add_since(since, &run->experiment->storing);
    }
}

// Room for the results from number `first` on.
static void lay_out_results(struct simulation_run *simulation, const struct experiment_names *names,
                            uint64_t first, uint64_t end)
{
    const size_t values = (size_t)names->metrics + (size_t)names->counters;
    double *all = arena_new_array(&simulation->arena, (end - first) * values, double);
    for (uint64_t i = first; i < end; i++, all += values) {
        simulation->results[i].metrics = all;
        simulation->results[i].counters = all + names->metrics;
    }
}

void run_lay_out(struct experiment_run *run, size_t number)
{
    struct simulation_run *simulation = &run->simulations[number];
    const struct experiment_simulation *plan = &run->experiment->simulations[number];
    arena_init(&simulation->arena, SIMULATION_BLOCK_BYTES);
    simulation->results =
        arena_new_array(&simulation->arena, plan->replications, struct replication_result);
    simulation->tasks = arena_new_array(&simulation->arena, plan->replications, struct task);
    lay_out_results(simulation, run->experiment->points[plan->first_point].names, 0,
                    plan->replications);
}

bool run_extend(struct experiment_run *run, size_t number)
{
    struct simulation_run *simulation = &run->simulations[number];
    struct experiment_simulation *plan = &run->experiment->simulations[number];
    const uint64_t before = plan->replications;
    for (size_t i = plan->first_point; i != SIZE_MAX; i = run->experiment->points[i].next_sharing) {
        const uint64_t wanted = run->experiment->points[i].replications;
        plan->replications = wanted > plan->replications ? wanted : plan->replications;
    }
    if (plan->replications > before && simulation->tasks) {
        struct arena *arena = &simulation->arena;
        struct replication_result *results =
            arena_new_array(arena, plan->replications, struct replication_result);
        struct task *tasks = arena_new_array(arena, plan->replications, struct task);
        memcpy(results, simulation->results, before * sizeof(*results));
        memcpy(tasks, simulation->tasks, before * sizeof(*tasks));
        simulation->results = results;
        simulation->tasks = tasks;
        lay_out_results(simulation, run->experiment->points[plan->first_point].names, before,
                        plan->replications);
    }
    return plan->replications > before;
}

static void finish_world(struct simulation_run *simulation)
{
    arena_finish(&simulation->world_arena);
    simulation->world = NULL;
}

void run_finish_simulation(struct experiment_run *run, size_t number)
{
    struct simulation_run *simulation = &run->simulations[number];
    const uint64_t replications = run->experiment->simulations[number].replications;
    for (uint64_t i = 0; simulation->tasks && i < replications; i++) {
        recording_finish(&simulation->tasks[i].recording);
        text_finish(&simulation->tasks[i].error);
        replication_batches_finish(&simulation->results[i].batches);
    }
    finish_world(simulation);
    arena_finish(&simulation->arena);
    simulation->tasks = NULL;
}

void run_end_simulation(struct experiment_run *run, size_t number)
{
    if (!run->options->samples) { // what was recorded is stored by what the world says
        finish_world(&run->simulations[number]);
    }
    run->ended[run->ended_count++] = number;
}

// ---- storing ----

// Stores what is done and not yet stored of a simulation.
static int store_simulation(struct experiment_run *run, size_t number)
{
    struct simulation_run *simulation = &run->simulations[number];
    const struct experiment_simulation *plan = &run->experiment->simulations[number];
    if (!simulation->unstored) {
        return 0;
    }
    struct storing_replication *batch = memory_resize(NULL, plan->replications, sizeof(*batch));
    size_t count = 0;
    for (uint64_t i = 0; i < plan->replications; i++) {
        struct task *task = &simulation->tasks[i];
        if (task->is_done && !task->is_stored) {
            batch[count++] = (struct storing_replication){i, task->wall_s, &simulation->results[i],
                                                          &task->recording};
            task->is_stored = true;
        }
    }
    run->unstored -= simulation->unstored;
    simulation->unstored = 0;
    const int status = storing_replications(&run->storing, number, batch, count, run->error);
    for (size_t i = 0; i < count; i++) {
        struct recording *recording = &simulation->tasks[batch[i].number].recording;
        run->experiment->recorded += recording->count * simulation->recorder.lists;
        recording_finish(recording);
    }
    free(batch);
    return status;
}

struct taking {
    struct simulation_run *simulation;
    const struct experiment_names *names;
};

// A replication that the database has.
static void take_found(void *context, uint64_t number, const double *metrics,
                       const double *counters)
{
    const struct taking *taking = context;
    struct task *task = &taking->simulation->tasks[number];
    struct replication_result *result = &taking->simulation->results[number];
    if (!task->is_done) {
        memcpy(result->metrics, metrics, (size_t)taking->names->metrics * sizeof(double));
        memcpy(result->counters, counters, (size_t)taking->names->counters * sizeof(double));
        task->is_done = task->is_stored = true;
        taking->simulation->elsewhere--;
    }
}

// Reads the replications of a simulation that are not here.
static int read_elsewhere(struct experiment_run *run, size_t number)
{
    struct simulation_run *simulation = &run->simulations[number];
    const size_t first = run->experiment->simulations[number].first_point;
    struct taking taking = {simulation, run->experiment->points[first].names};
    if (!simulation->tasks) {
        run_lay_out(run, number);
    }
    if (storing_read(&run->storing, number, take_found, &taking, run->error) != 0) {
        return -1;
    }
    if (simulation->elsewhere) {
        text_add(run->error, "replications have gone from the database; run again, and delete "
                             "nothing meanwhile");
        return -1;
    }
    return 0;
}

// Whether the replications that are there are as many as a point needs; else notes how many it
// does.
static bool has_enough(struct experiment_run *run, size_t number, struct experiment_point *point)
{
    const struct replication_result *results = run->simulations[number].results;
    while (point->replications <= run->experiment->simulations[number].replications) {
        const uint64_t next = point->rule_count
                                  ? until_next(point, results, &run->experiment->arena)
                                  : point->replications;
        if (next == point->replications) {
            return true;
        }
        point->replications = next;
    }
    return false;
}

// Estimates a point if it has enough replications; returns whether it has.
static bool estimate(struct experiment_run *run, size_t number, struct experiment_point *point)
{
    const struct time_spent start = time_spent_so_far();
    const bool is_enough = has_enough(run, number, point);
    if (is_enough) {
        estimate_point(point, run->simulations[number].results);
    }
    time_spent_add_since(&start, &run->estimating);
    return is_enough;
}

// All replications of a simulation that were asked for are there: its points are estimated, judged
// and stored, unless another process has done so or they need more.
static int complete_simulation(struct experiment_run *run, size_t number)
{
    struct experiment *experiment = run->experiment;
    struct simulation_run *simulation = &run->simulations[number];
    bool is_complete = false;
    int status = store_simulation(run, number);
    if (status == 0 && simulation->elsewhere) {
        status = storing_take_complete(&run->storing, number, &is_complete, run->error);
        if (status == 0 && !is_complete) {
            status = read_elsewhere(run, number);
        }
    }
    simulation->is_over = true;
    for (size_t i = experiment->simulations[number].first_point; i != SIZE_MAX && status == 0;
         i = experiment->points[i].next_sharing) {
        struct experiment_point *point = &experiment->points[i];
        const bool was_done = point->is_done && !is_complete;
        if (!point->is_done && estimate(run, number, point)) {
            point->is_done = true;
            status = storing_complete(&run->storing, i, run->error);
        }
        run->progress.points_done += point->is_done && !was_done;
        simulation->is_over &= point->is_done;
    }
    if (simulation->is_over) {
        run_finish_simulation(run, number);
    } else {
        finish_world(simulation);
    }
    return status;
}

// Ends a transaction that has lasted for long and begins another, for others wait for it.
static int store_in_parts(struct experiment_run *run, double *began_s)
{
    const double now_s = time_spent_clock_s();
    if (now_s - *began_s < STORE_EVERY_S) {
        return 0;
    }
    *began_s = now_s;
    return storing_end_group(&run->storing, 0, run->error) != 0 ||
                   storing_keep_claims(&run->storing, now_s, run->error) != 0 ||
                   storing_begin_group(&run->storing, run->error) != 0
               ? -1
               : 0;
}

static int complete_ended(struct experiment_run *run)
{
    double began_s = time_spent_clock_s();
    int status = 0;
    for (size_t i = 0; i < run->ended_count && status == 0; i++) {
        status = complete_simulation(run, run->ended[i]);
        if (status == 0) {
            status = store_in_parts(run, &began_s);
        }
    }
    run->ended_count = 0;
    return status;
}

static int store_all(struct experiment_run *run)
{
    if (storing_begin_group(&run->storing, run->error) != 0) {
        return -1;
    }
    int status = complete_ended(run);
    for (size_t i = 0; run->unstored && i < run->experiment->simulation_count && status == 0; i++) {
        status = store_simulation(run, i);
    }
    return storing_end_group(&run->storing, status, run->error);
}

int run_store_all(struct experiment_run *run)
{
    if (!run->unstored && !run->ended_count) {
        return 0;
    }
    struct time_spent start = time_spent_so_far();
    run->estimating = (struct time_spent){0};
    const int status = store_all(run);
    start.wall_s += run->estimating.wall_s;
    start.processor_s += run->estimating.processor_s;
    run_count_storing(run, &start);
    return status;
}

void run_store_now_and_then(struct experiment_run *run)
{
    if (run->cannot_store) {
        return;
    }
    if (time_spent_clock_s() - run->last_stored_s > STORE_EVERY_S) {
        run->cannot_store = run_store_all(run) != 0;
        run->last_stored_s = time_spent_clock_s();
    }
    const struct time_spent now = time_spent_so_far();
    run->cannot_store |= storing_keep_claims(&run->storing, now.wall_s, run->error) != 0;
    run_count_storing(run, &now);
    run->has_failed |= run->cannot_store;
}

void run_store_rest(struct experiment_run *run)
{
    struct text ignored = {0}; // what comes second does not hide what came first
    struct text *error = run->error;
    run->error = run->has_failed ? &ignored : error;
    if (!run->cannot_store && run_store_all(run) != 0) {
        run->has_failed = true;
    }
    run->error = error;
    text_finish(&ignored);
}
