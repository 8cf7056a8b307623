// SPDX-License-Identifier: GPL-3.0-or-later

// Running the points of an experiment.

#include "exp/experiment_parts.h"

#include "exp/pool.h"
#include "exp/until.h"
#include "model/replication.h"
#include "model/world.h"

#include <stdlib.h>
#include <string.h>

// ---- running ----

static void start_recorder(struct experiment_run *run, size_t number)
{
    struct simulation_run *simulation = &run->simulations[number];
    const double *const *prices;
    const size_t lists = storing_prices(&run->storing, number, &prices, &simulation->world_arena);
    recorder_init(&simulation->recorder, simulation->world, run->options->samples, prices, lists,
                  &simulation->world_arena);
}

static bool records(const struct experiment_run *run)
{
    return run->options->samples && run->options->store;
}

static void run_job(void *context, size_t own)
{
    struct experiment_run *run = context;
    const struct job *job = &run->jobs.all[run->jobs.own[own]];
    struct simulation_run *simulation = &run->simulations[job->simulation];
    pthread_mutex_lock(&run->building);
    if (!simulation->tasks) {
        run_lay_out(run, job->simulation);
    }
    if (!simulation->world) {
        const size_t point = run->experiment->simulations[job->simulation].first_point;
        simulation->world = experiment_world(run->experiment, point, &simulation->world_arena);
        if (records(run)) {
            start_recorder(run, job->simulation);
        }
    }
    pthread_mutex_unlock(&run->building);
    struct task *task = &simulation->tasks[job->replication];
    task->recording.recorder = &simulation->recorder;
    struct replication_options options = {.number = job->replication,
                                          .by_events = run->options->by_events,
                                          .observe = records(run) ? recording_observe : NULL,
                                          .context = &task->recording};
    const size_t first = run->experiment->simulations[job->simulation].first_point;
    until_let_grow(&run->experiment->points[first], &options); // they all have the same rules
    const double start_s = time_spent_clock_s();
    task->has_failed = replication_run(simulation->world, &options,
                                       &simulation->results[job->replication], &task->error) != 0;
    task->wall_s = time_spent_clock_s() - start_s;
    recording_sort(&task->recording);
}

// ---- on the caller's thread, while threads run ----

static void report_progress(struct experiment_run *run)
{
    if (run->options->progress) {
        run->progress.running_s = time_spent_clock_s() - run->planned_s;
        run->progress.part_done = run->length > 0 ? run->length_done / run->length : 1;
        run->progress.waits_for_other =
            run->progress.ran - run->ran_before == run->jobs.own_count &&
            run->jobs.next == run->jobs.count;
        run->options->progress(run->options->context, &run->progress);
    }
}

static bool is_interrupted(const struct experiment_run *run)
{
    return run->options->is_interrupted && run->options->is_interrupted(run->options->context);
}

// Also while long replications run: whoever asks twice is not left waiting.
static bool tick(void *context)
{
    struct experiment_run *run = context;
    run_store_now_and_then(run);
    report_progress(run);
    return !run->has_failed && !is_interrupted(run);
}

static void job_known(struct experiment_run *run, size_t number, uint64_t *counter)
{
    const struct job *job = &run->jobs.all[number];
    run->length_done += jobs_length(&run->jobs, number);
    (*counter)++;
    if (--run->simulations[job->simulation].missing == 0) {
        run_end_simulation(run, job->simulation);
    }
}

static bool job_done(void *context, size_t own)
{
    struct experiment_run *run = context;
    const size_t number = run->jobs.own[own];
    const struct job *job = &run->jobs.all[number];
    struct simulation_run *simulation = &run->simulations[job->simulation];
    struct task *task = &simulation->tasks[job->replication];
    if (task->has_failed) {
        if (!run->has_failed) {
            text_add(run->error, text_string(&task->error));
        }
        run->has_failed = true;
        return false;
    }
    task->is_done = true;
    jobs_measure(&run->jobs, number, task->wall_s);
    run->experiment->offered += simulation->results[job->replication].offered;
    simulation->unstored++;
    run->unstored++;
    job_known(run, number, &run->progress.ran);
    if (records(run)) {
        run->last_stored_s = 0; // what is recorded takes memory until it is stored
    }
    return tick(run);
}

// Replications that other processes have stored since this one planned.
static void take_stored(struct experiment_run *run)
{
    for (; run->stored_seen < run->jobs.stored_count; run->stored_seen++) {
        const size_t number = run->jobs.stored[run->stored_seen];
        run->simulations[run->jobs.all[number].simulation].elsewhere++;
        job_known(run, number, &run->progress.shared);
    }
}

static bool supply(void *context, const struct pool_state *state, size_t *ret_tasks)
{
    struct experiment_run *run = context;
    const struct time_spent now = time_spent_so_far();
    if (jobs_take(&run->jobs, state, now.wall_s, run->error) != 0) {
        run->has_failed = run->cannot_store = true;
    }
    run_count_storing(run, &now);
    take_stored(run);
    *ret_tasks = run->jobs.own_count;
    return !run->has_failed && !jobs_are_settled(&run->jobs);
}

// ---- what has to run ----

// Whether all points of a simulation were complete in the database already; counts them.
static bool was_complete(struct experiment_run *run, size_t number)
{
    struct experiment *experiment = run->experiment;
    bool is_complete = true;
    size_t points = 0;
    uint64_t replications = 0;
    for (size_t i = experiment->simulations[number].first_point; i != SIZE_MAX;
         i = experiment->points[i].next_sharing) {
        const struct experiment_point *point = &experiment->points[i];
        is_complete &= point->is_done;
        replications = point->replications > replications ? point->replications : replications;
        points++;
    }
    if (is_complete) {
        experiment->found += replications;
        run->progress.points_done += points;
        experiment->complete += points;
    }
    return is_complete;
}

// Of a simulation: nothing, if all its points are done; else what is missing.
static int plan_simulation(struct experiment_run *run, size_t number)
{
    const struct experiment_simulation *plan = &run->experiment->simulations[number];
    struct simulation_run *simulation = &run->simulations[number];
    uint64_t found = 0;
    bool *is_there = memory_resize(NULL, plan->replications, sizeof(*is_there));
    memset(is_there, 0, plan->replications * sizeof(*is_there));
    const struct time_spent start = time_spent_so_far();
    int status = storing_find(&run->storing, number, is_there, &found, run->error);
    run_count_storing(run, &start);
    for (uint64_t i = 0; i < plan->replications && status == 0; i++) {
        const bool is_here = simulation->tasks && simulation->tasks[i].is_done;
        simulation->elsewhere += is_there[i] && !is_here;
        if (!is_there[i] && !is_here) {
            simulation->missing++;
            jobs_add(&run->jobs, number, i);
        }
    }
    run->experiment->found += simulation->elsewhere;
    free(is_there);
    if (status == 0 && !simulation->missing) {
        run_end_simulation(run, number);
    }
    return status;
}

struct order {
    size_t number;
    double expected;
};

static int longest_first(const void *left, const void *right)
{
    const struct order *a = left;
    const struct order *b = right;
    if (a->expected != b->expected) {
        return a->expected > b->expected ? -1 : 1;
    }
    return a->number < b->number ? -1 : 1;
}

// The simulations that take longest come first, so that no thread is left with one at the end.
static int plan_jobs(struct experiment_run *run, struct arena *arena)
{
    const struct experiment *experiment = run->experiment;
    uint64_t most = 0;
    size_t count = 0;
    struct order *order = arena_new_array(arena, experiment->simulation_count, struct order);
    for (size_t i = 0; i < experiment->simulation_count; i++) {
        if (!run->simulations[i].is_over) {
            most += experiment->simulations[i].replications;
            order[count++] = (struct order){i, experiment->simulations[i].expected};
        }
    }
    qsort(order, count, sizeof(*order), longest_first);
    jobs_init(&run->jobs, experiment, &run->storing, run->options->threads, most, arena);
    run->stored_seen = 0;
    for (size_t i = 0; i < count; i++) {
        if (plan_simulation(run, order[i].number) != 0) {
            return -1;
        }
    }
    if (run_store_all(run) != 0) {
        return -1;
    }
    for (size_t i = 0; i < run->jobs.count; i++) {
        run->length += jobs_length(&run->jobs, i);
    }
    run->progress.replications += run->jobs.count;
    return 0;
}

// One round: the replications that are missing by now.
static void run_round(struct experiment_run *run)
{
    struct arena arena = {0};
    run->ran_before = run->progress.ran;
    if (plan_jobs(run, &arena) != 0) {
        run->has_failed = true;
    } else {
        run->planned_s = run->planned_s > 0 ? run->planned_s : time_spent_clock_s();
        pool_run(&(struct pool_work){.most_tasks = run->jobs.count,
                                     .threads = run->options->threads,
                                     .keeps_pace = records(run),
                                     .context = run,
                                     .supply = supply,
                                     .run = run_job,
                                     .done = job_done,
                                     .tick = tick});
        run_store_rest(run);
    }
    run->jobs = (struct jobs){0};
    arena_finish(&arena);
}

// Whether another round is to come: all of the last one has run, and some point needs more.
static bool goes_on(struct experiment_run *run)
{
    bool has_more = false;
    if (run->has_failed || run->progress.ran + run->progress.shared < run->progress.replications) {
        return false;
    }
    for (size_t i = 0; i < run->experiment->simulation_count; i++) {
        has_more |= !run->simulations[i].is_over && run_extend(run, i);
    }
    return has_more && !is_interrupted(run);
}

int experiment_run(struct experiment *experiment, const struct experiment_options *options,
                   struct text *ret_error)
{
    const struct time_spent start = time_spent_so_far();
    struct arena arena = {0};
    struct experiment_run run = {.experiment = experiment,
                                 .options = options,
                                 .building = PTHREAD_MUTEX_INITIALIZER,
                                 .last_stored_s = start.wall_s,
                                 .error = ret_error};
    run.simulations = arena_new_array(&arena, experiment->simulation_count, struct simulation_run);
    run.ended = arena_new_array(&arena, experiment->simulation_count, size_t);
    run.progress.points = experiment->point_count;
    experiment->by_events = options->by_events ? "as asked for by '--events'"
                            : records(&run)    ? "as '--samples' asks for each sample"
                                               : NULL;
    run.has_failed = storing_begin(&run.storing, experiment, options, ret_error) != 0;
    run_count_storing(&run, &start);
    for (size_t i = 0; i < experiment->simulation_count && !run.has_failed; i++) {
        run.simulations[i].is_over = was_complete(&run, i);
    }
    if (!run.has_failed) {
        do {
            run_round(&run);
        } while (goes_on(&run));
    }
    experiment->ran = run.progress.ran;
    experiment->shared = run.progress.shared;
    // What comes with the last replication interrupts nothing.
    experiment->was_interrupted =
        run.progress.points_done < experiment->point_count && !run.has_failed;
    const struct time_spent end = time_spent_so_far();
    experiment->wall_s = end.wall_s - start.wall_s;
    if (storing_end(&run.storing, run.has_failed, ret_error) != 0) {
        run.has_failed = true;
    }
    run_count_storing(&run, &end);
    for (size_t i = 0; i < experiment->simulation_count; i++) {
        run_finish_simulation(&run, i);
    }
    pthread_mutex_destroy(&run.building);
    arena_finish(&arena);
    return run.has_failed ? -1 : 0;
}
