// SPDX-License-Identifier: GPL-3.0-or-later

// Running the points of an experiment.

#include "exp/experiment.h"

#include "base/text.h"
#include "exp/pool.h"
#include "exp/storing.h"
#include "model/replication.h"
#include "model/world.h"
#include "stats/moments.h"

#include <math.h>
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
    struct task *tasks; // [replications]
    uint64_t missing;   // replications that still have to run
    uint64_t unstored;
};

struct task {
    struct replication_result result;
    double wall_s;
    struct text error;
    bool has_failed;
    bool is_done; // ran, or was found in the database
    bool is_stored;
};

// One replication that has to run.
struct job {
    size_t simulation;
    uint64_t replication;
};

struct experiment_run {
    struct experiment *experiment;
    const struct experiment_options *options;
    struct storing storing;
    struct simulation_run *simulations;
    struct job *jobs;
    size_t job_count;
    pthread_mutex_t building; // scenarios are read by one thread at a time
    uint64_t done;
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

// Lays out what the replications of a simulation write, and builds its world.
static void start_simulation(struct experiment_run *run, size_t number)
{
    struct simulation_run *simulation = &run->simulations[number];
    const struct experiment_simulation *plan = &run->experiment->simulations[number];
    const struct experiment_names *names = run->experiment->points[plan->first_point].names;
    const size_t values = (size_t)names->metrics + (size_t)names->counters;
    arena_init(&simulation->arena, SIMULATION_BLOCK_BYTES);
    simulation->world = experiment_world(run->experiment, plan->first_point, &simulation->arena);
    simulation->tasks = arena_new_array(&simulation->arena, plan->replications, struct task);
    double *all = arena_new_array(&simulation->arena, plan->replications * values, double);
    for (uint64_t i = 0; i < plan->replications; i++) {
        simulation->tasks[i].result.metrics = all + i * values;
        simulation->tasks[i].result.counters = all + i * values + names->metrics;
    }
}

static void finish_simulation(struct experiment_run *run, size_t number)
{
    struct simulation_run *simulation = &run->simulations[number];
    const uint64_t replications = run->experiment->simulations[number].replications;
    for (uint64_t i = 0; simulation->tasks && i < replications; i++) {
        text_finish(&simulation->tasks[i].error);
    }
    arena_finish(&simulation->arena);
    simulation->tasks = NULL;
}

static void run_job(void *context, size_t number)
{
    struct experiment_run *run = context;
    const struct job *job = &run->jobs[number];
    struct simulation_run *simulation = &run->simulations[job->simulation];
    pthread_mutex_lock(&run->building);
    if (!simulation->tasks) {
        start_simulation(run, job->simulation);
    }
    pthread_mutex_unlock(&run->building);
    struct task *task = &simulation->tasks[job->replication];
    const struct replication_options options = {.number = job->replication};
    const double start_s = monotonic_s();
    task->has_failed =
        replication_run(simulation->world, &options, &task->result, &task->error) != 0;
    task->wall_s = monotonic_s() - start_s;
}

// ---- estimates ----

double experiment_cost(const struct experiment_point *point, const double *counters)
{
    return world_cost(point->prices, counters, point->names->counters);
}

// Estimates across replications, in the order of their numbers.
static void estimate(struct experiment_point *point, const struct task *tasks)
{
    for (int metric = 0; metric < point->names->metrics; metric++) {
        struct moments moments = {0};
        for (uint64_t i = 0; i < point->replications; i++) {
            const double value = metric == point->names->cost_metric
                                     ? experiment_cost(point, tasks[i].result.counters)
                                     : tasks[i].result.metrics[metric];
            if (!isnan(value)) {
                moments_add(&moments, value);
            }
        }
        point->estimates[metric] = (struct experiment_estimate){
            .mean = moments.count ? moments.mean : NAN,
            .half_width = moments_half_width(&moments, point->confidence),
            .replications = moments.count};
    }
}

// A station to which work comes faster than its servers can do it never settles: its queue grows
// for as long as samples arise. In a closed loop the queue is bounded by the samples in flight.
static void judge(struct experiment_point *point)
{
    const struct experiment_names *names = point->names;
    for (int i = 0; i < names->stations && point->is_open_loop; i++) {
        const struct experiment_estimate *load =
            &point->estimates[names->first_metric[i] + STATION_OFFERED_LOAD];
        // Beyond chance: the whole interval, where there is one, lies above.
        const double sure = isnan(load->half_width) ? load->mean : load->mean - load->half_width;
        if (sure >= 1 && load->mean > point->overloaded_load) {
            point->verdict = VERDICT_OVERLOADED;
            point->overloaded_station = i;
            point->overloaded_load = load->mean;
        }
    }
}

void experiment_verdict_text(const struct experiment_point *point, struct text *ret_text)
{
    if (point->verdict == VERDICT_OVERLOADED) {
        text_format(ret_text, "overloaded: %s", point->names->station[point->overloaded_station]);
    } else {
        text_add(ret_text, "stable");
    }
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
            batch[count++] = (struct storing_replication){i, task->wall_s, &task->result};
            task->is_stored = true;
        }
    }
    simulation->unstored = 0;
    const int status = storing_replications(&run->storing, number, batch, count, run->error);
    free(batch);
    return status;
}

// The end of a simulation: all its points are estimated, judged and stored.
static int complete_simulation(struct experiment_run *run, size_t number)
{
    struct experiment *experiment = run->experiment;
    int status = store_simulation(run, number);
    for (size_t i = experiment->simulations[number].first_point; i != SIZE_MAX && status == 0;
         i = experiment->points[i].next_sharing) {
        struct experiment_point *point = &experiment->points[i];
        estimate(point, run->simulations[number].tasks);
        judge(point);
        point->is_done = true;
        status = storing_complete(&run->storing, i, run->error);
    }
    finish_simulation(run, number);
    return status;
}

static int store_all(struct experiment_run *run)
{
    for (size_t i = 0; i < run->experiment->simulation_count; i++) {
        if (store_simulation(run, i) != 0) {
            return -1;
        }
    }
    return 0;
}

static void report_progress(struct experiment_run *run)
{
    if (run->options->progress) {
        run->options->progress(run->options->context, run->done, run->job_count);
    }
}

static bool is_interrupted(const struct experiment_run *run)
{
    return run->options->is_interrupted && run->options->is_interrupted(run->options->context);
}

static bool job_done(void *context, size_t number)
{
    struct experiment_run *run = context;
    const struct job *job = &run->jobs[number];
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
    run->done++;
    run->experiment->offered += task->result.offered;
    simulation->unstored++;
    simulation->missing--;
    int status = 0;
    if (!simulation->missing) {
        status = complete_simulation(run, job->simulation);
    } else if (monotonic_s() - run->last_stored_s > STORE_EVERY_S) {
        status = store_all(run);
        run->last_stored_s = monotonic_s();
    }
    run->has_failed |= status != 0;
    report_progress(run);
    return !run->has_failed && !is_interrupted(run);
}

// Also while long replications run: whoever asks twice is not left waiting.
static void tick(void *context)
{
    report_progress(context);
    is_interrupted(context);
}

// ---- what has to run ----

// A replication that the database has.
static void take_found(void *context, uint64_t number, const double *metrics,
                       const double *counters)
{
    struct simulation_run *simulation = context;
    const struct world *world = simulation->world;
    struct task *task = &simulation->tasks[number];
    memcpy(task->result.metrics, metrics, (size_t)world->metrics * sizeof(double));
    memcpy(task->result.counters, counters, (size_t)world->counters.count * sizeof(double));
    task->is_done = task->is_stored = true;
    simulation->missing--;
}

// Of a simulation: nothing, if all its points are complete in the database; else what is missing.
static int plan_simulation(struct experiment_run *run, size_t number)
{
    struct experiment *experiment = run->experiment;
    const struct experiment_simulation *plan = &experiment->simulations[number];
    struct simulation_run *simulation = &run->simulations[number];
    simulation->missing = plan->replications;
    bool is_complete = true;
    for (size_t i = plan->first_point; i != SIZE_MAX; i = experiment->points[i].next_sharing) {
        is_complete &= experiment->points[i].is_done;
    }
    if (is_complete) {
        experiment->found += plan->replications;
        return 0;
    }
    if (storing_has_some(&run->storing, number)) {
        start_simulation(run, number);
        if (storing_read(&run->storing, number, take_found, simulation, run->error) != 0) {
            return -1;
        }
        experiment->found += plan->replications - simulation->missing;
        if (!simulation->missing) {
            return complete_simulation(run, number);
        }
    }
    for (uint64_t i = 0; i < plan->replications; i++) {
        if (!simulation->tasks || !simulation->tasks[i].is_done) {
            run->jobs[run->job_count++] = (struct job){number, i};
        }
    }
    return 0;
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
    run->jobs = arena_new_array(arena, most, struct job);
    for (size_t i = 0; i < experiment->simulation_count; i++) {
        if (plan_simulation(run, order[i].number) != 0) {
            return -1;
        }
    }
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
        pool_run(&(struct pool_work){.tasks = run.job_count,
                                     .threads = options->threads,
                                     .context = &run,
                                     .run = run_job,
                                     .done = job_done,
                                     .tick = tick});
        if (!run.has_failed && store_all(&run) != 0) {
            run.has_failed = true;
        }
    }
    // What comes with the last replication interrupts nothing.
    experiment->was_interrupted = run.done < run.job_count && !run.has_failed;
    experiment->ran = run.done;
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
