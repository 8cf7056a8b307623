// SPDX-License-Identifier: GPL-3.0-or-later

// Running the points of an experiment.

#include "exp/experiment.h"

#include "base/text.h"
#include "exp/estimate.h"
#include "exp/jobs.h"
#include "exp/pool.h"
#include "exp/recording.h"
#include "exp/storing.h"
#include "model/replication.h"
#include "model/world.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Finished replications are stored together at least this often, and when a simulation is done.
static const double STORE_EVERY_S = 0.25;

enum { SIMULATION_BLOCK_BYTES = 16 * 1024 };

// A simulation while it runs. World and results exist from its first replication to its end.
struct simulation_run {
    struct arena arena;
    const struct world *world;
    struct recorder recorder;           // if samples are recorded
    struct replication_result *results; // [replications]
    struct task *tasks;                 // [replications]
    uint64_t missing;                   // replications that are neither here nor in the database
    uint64_t elsewhere;                 // that are in the database and not here
    uint64_t unstored;
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
    size_t stored_seen;       // of jobs.stored
    pthread_mutex_t building; // scenarios are read by one thread at a time
    struct experiment_progress progress;
    double length; // of all jobs, and of those that are done, in samples expected
    double length_done;
    double planned_s; // when it was known what has to run
    double last_stored_s;
    bool has_failed;
    struct text *error;
};

static double monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// ---- running ----

// Lays out what the replications of a simulation come to.
static void lay_out(struct experiment_run *run, size_t number)
{
    struct simulation_run *simulation = &run->simulations[number];
    const struct experiment_simulation *plan = &run->experiment->simulations[number];
    const struct experiment_names *names = run->experiment->points[plan->first_point].names;
    const size_t values = (size_t)names->metrics + (size_t)names->counters;
    arena_init(&simulation->arena, SIMULATION_BLOCK_BYTES);
    simulation->results =
        arena_new_array(&simulation->arena, plan->replications, struct replication_result);
    simulation->tasks = arena_new_array(&simulation->arena, plan->replications, struct task);
    double *all = arena_new_array(&simulation->arena, plan->replications * values, double);
    for (uint64_t i = 0; i < plan->replications; i++) {
        simulation->results[i].metrics = all + i * values;
        simulation->results[i].counters = all + i * values + names->metrics;
    }
}

static void finish_simulation(struct experiment_run *run, size_t number)
{
    struct simulation_run *simulation = &run->simulations[number];
    const uint64_t replications = run->experiment->simulations[number].replications;
    for (uint64_t i = 0; simulation->tasks && i < replications; i++) {
        recording_finish(&simulation->tasks[i].recording);
        text_finish(&simulation->tasks[i].error);
    }
    arena_finish(&simulation->arena);
    simulation->tasks = NULL;
    simulation->world = NULL;
}

static void start_recorder(struct experiment_run *run, size_t number)
{
    struct simulation_run *simulation = &run->simulations[number];
    const double *const *prices;
    const size_t lists = storing_prices(&run->storing, number, &prices, &simulation->arena);
    recorder_init(&simulation->recorder, simulation->world, run->options->samples, prices, lists,
                  &simulation->arena);
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
        lay_out(run, job->simulation);
    }
    if (!simulation->world) {
        const size_t point = run->experiment->simulations[job->simulation].first_point;
        simulation->world = experiment_world(run->experiment, point, &simulation->arena);
        if (records(run)) {
            start_recorder(run, job->simulation);
        }
    }
    pthread_mutex_unlock(&run->building);
    struct task *task = &simulation->tasks[job->replication];
    task->recording.recorder = &simulation->recorder;
    const struct replication_options options = {.number = job->replication,
                                                .observe = records(run) ? recording_observe : NULL,
                                                .context = &task->recording};
    const double start_s = monotonic_s();
    task->has_failed = replication_run(simulation->world, &options,
                                       &simulation->results[job->replication], &task->error) != 0;
    task->wall_s = monotonic_s() - start_s;
    recording_sort(&task->recording);
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

static int store_all(struct experiment_run *run)
{
    for (size_t i = 0; i < run->experiment->simulation_count; i++) {
        if (store_simulation(run, i) != 0) {
            return -1;
        }
    }
    run->last_stored_s = monotonic_s();
    return 0;
}

// What is done shows in the database before long, and so does that this process is alive.
static int store_now_and_then(struct experiment_run *run)
{
    const double now_s = monotonic_s();
    if (now_s - run->last_stored_s > STORE_EVERY_S && store_all(run) != 0) {
        return -1;
    }
    return storing_keep_claims(&run->storing, now_s, run->error);
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
        lay_out(run, number);
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

// The end of a simulation: all its points are estimated, judged and stored, unless another process
// has done so.
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
    for (size_t i = experiment->simulations[number].first_point; i != SIZE_MAX && status == 0;
         i = experiment->points[i].next_sharing) {
        struct experiment_point *point = &experiment->points[i];
        if (!is_complete) {
            estimate_point(point, simulation->results);
            point->is_done = true;
            status = storing_complete(&run->storing, i, run->error);
        }
        run->progress.points_done++;
    }
    finish_simulation(run, number);
    return status;
}

// ---- on the caller's thread, while threads run ----

static void report_progress(struct experiment_run *run)
{
    if (run->options->progress) {
        run->progress.running_s = monotonic_s() - run->planned_s;
        run->progress.part_done = run->length > 0 ? run->length_done / run->length : 1;
        run->progress.waits_for_other =
            run->progress.ran == run->jobs.own_count && run->jobs.next == run->jobs.count;
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
    run->has_failed |= store_now_and_then(run) != 0;
    report_progress(run);
    return !run->has_failed && !is_interrupted(run);
}

static int job_known(struct experiment_run *run, size_t number, uint64_t *counter)
{
    const struct job *job = &run->jobs.all[number];
    run->length_done += jobs_length(&run->jobs, number);
    (*counter)++;
    return --run->simulations[job->simulation].missing ? 0
                                                       : complete_simulation(run, job->simulation);
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
    // What is recorded takes memory until it is stored.
    run->has_failed |= records(run) && store_simulation(run, job->simulation) != 0;
    run->has_failed |= job_known(run, number, &run->progress.ran) != 0;
    return tick(run);
}

// Replications that other processes have stored since this one planned.
static int take_stored(struct experiment_run *run)
{
    for (; run->stored_seen < run->jobs.stored_count; run->stored_seen++) {
        const size_t number = run->jobs.stored[run->stored_seen];
        run->simulations[run->jobs.all[number].simulation].elsewhere++;
        if (job_known(run, number, &run->progress.shared) != 0) {
            return -1;
        }
    }
    return 0;
}

static bool supply(void *context, const struct pool_state *state, size_t *ret_tasks)
{
    struct experiment_run *run = context;
    const double now_s = monotonic_s();
    run->has_failed |= jobs_take(&run->jobs, state, now_s, run->error) != 0 || take_stored(run);
    *ret_tasks = run->jobs.own_count;
    return !run->has_failed && !jobs_are_settled(&run->jobs);
}

// ---- what has to run ----

// Of a simulation: nothing, if all its points are complete in the database; else what is missing.
static int plan_simulation(struct experiment_run *run, size_t number)
{
    struct experiment *experiment = run->experiment;
    const struct experiment_simulation *plan = &experiment->simulations[number];
    struct simulation_run *simulation = &run->simulations[number];
    bool is_complete = true;
    size_t points = 0;
    for (size_t i = plan->first_point; i != SIZE_MAX; i = experiment->points[i].next_sharing) {
        is_complete &= experiment->points[i].is_done;
        points++;
    }
    if (is_complete) {
        experiment->found += plan->replications;
        run->progress.points_done += points;
        experiment->complete += points;
        return 0;
    }
    bool *is_there = memory_resize(NULL, plan->replications, sizeof(*is_there));
    memset(is_there, 0, plan->replications * sizeof(*is_there));
    int status = storing_find(&run->storing, number, is_there, &simulation->elsewhere, run->error);
    simulation->missing = plan->replications - simulation->elsewhere;
    experiment->found += simulation->elsewhere;
    for (uint64_t i = 0; i < plan->replications && status == 0; i++) {
        if (!is_there[i]) {
            jobs_add(&run->jobs, number, i);
        }
    }
    free(is_there);
    if (status == 0 && !simulation->missing) {
        status = complete_simulation(run, number);
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
    struct order *order = arena_new_array(arena, experiment->simulation_count, struct order);
    for (size_t i = 0; i < experiment->simulation_count; i++) {
        most += experiment->simulations[i].replications;
        order[i] = (struct order){i, experiment->simulations[i].expected};
    }
    qsort(order, experiment->simulation_count, sizeof(*order), longest_first);
    jobs_init(&run->jobs, experiment, &run->storing, run->options->threads, most, arena);
    for (size_t i = 0; i < experiment->simulation_count; i++) {
        if (plan_simulation(run, order[i].number) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < run->jobs.count; i++) {
        run->length += jobs_length(&run->jobs, i);
    }
    run->progress.points = experiment->point_count;
    run->progress.replications = run->jobs.count;
    run->planned_s = monotonic_s();
    return 0;
}

int experiment_run(struct experiment *experiment, const struct experiment_options *options,
                   struct text *ret_error)
{
    const double start_s = monotonic_s();
    struct arena arena = {0};
    struct experiment_run run = {.experiment = experiment,
                                 .options = options,
                                 .building = PTHREAD_MUTEX_INITIALIZER,
                                 .last_stored_s = start_s,
                                 .error = ret_error};
    run.simulations = arena_new_array(&arena, experiment->simulation_count, struct simulation_run);
    if (storing_begin(&run.storing, experiment, options, ret_error) != 0 ||
        plan_jobs(&run, &arena) != 0) {
        run.has_failed = true;
    } else {
        pool_run(&(struct pool_work){.most_tasks = run.jobs.count,
                                     .threads = options->threads,
                                     .keeps_pace = records(&run),
                                     .context = &run,
                                     .supply = supply,
                                     .run = run_job,
                                     .done = job_done,
                                     .tick = tick});
        if (!run.has_failed && store_all(&run) != 0) {
            run.has_failed = true;
        }
    }
    experiment->ran = run.progress.ran;
    experiment->shared = run.progress.shared;
    // What comes with the last replication interrupts nothing.
    experiment->was_interrupted =
        experiment->ran + experiment->shared < run.jobs.count && !run.has_failed;
    experiment->wall_s = monotonic_s() - start_s;
    if (storing_end(&run.storing, run.has_failed, ret_error) != 0) {
        run.has_failed = true;
    }
    for (size_t i = 0; i < experiment->simulation_count; i++) {
        finish_simulation(&run, i);
    }
    pthread_mutex_destroy(&run.building);
    arena_finish(&arena);
    return run.has_failed ? -1 : 0;
}
