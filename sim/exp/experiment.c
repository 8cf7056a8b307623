// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/experiment.h"

#include "base/text.h"
#include "base/version.h"
#include "exp/parameters.h"
#include "exp/pool.h"
#include "model/replication.h"
#include "model/world.h"
#include "policies/policy.h"
#include "results/store.h"
#include "scenario/canonical.h"
#include "scenario/spec.h"
#include "stats/moments.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

// Finished replications are stored together at least this often, and with each that completes a
// point.
static const double STORE_EVERY_S = 0.25;

struct task {
    struct replication_result result;
    double wall_s;
    struct text error;
    bool has_failed;
    bool is_done;
    bool is_stored;
};

struct point_run {
    struct experiment_point *point;
    int64_t id;
    int done;
    const char **metric_names;
};

struct experiment_run {
    struct experiment *experiment;
    const struct experiment_options *options;
    struct point_run *points;
    struct task *tasks; // [point * replications + replication]
    uint64_t replications;
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

int experiment_init(struct experiment *experiment, const struct spec *spec, int *ret_policy,
                    struct text *ret_error)
{
    *experiment = (struct experiment){.spec = spec};
    experiment->points =
        arena_new_array(&experiment->arena, (size_t)spec->policy_count, struct experiment_point);
    for (int i = 0; i < spec->policy_count; i++) {
        struct experiment_point *point = &experiment->points[i];
        struct world *world = world_build(spec, i, &experiment->arena, ret_error);
        if (!world) {
            *ret_policy = i;
            return -1;
        }
        point->world = world;
        point->overloaded_station = -1;
        point->parameters = point_parameters(spec, i, &experiment->arena, &point->parameter_count);
        point->estimates =
            arena_new_array(&experiment->arena, (size_t)world->metrics, struct experiment_estimate);
        experiment->point_count++;
    }
    return 0;
}

void experiment_finish(struct experiment *experiment)
{
    if (experiment) {
        arena_finish(&experiment->arena);
    }
}

static void run_task(void *context, size_t number)
{
    struct experiment_run *run = context;
    struct task *task = &run->tasks[number];
    const struct world *world = run->points[number / run->replications].point->world;
    const struct replication_options options = {.number = number % run->replications};
    const double start_s = monotonic_s();
    task->has_failed = replication_run(world, &options, &task->result, &task->error) != 0;
    task->wall_s = monotonic_s() - start_s;
}

// Estimates across replications, in the order of their numbers.
static void estimate(struct experiment_run *run, size_t point_number)
{
    struct experiment_point *point = run->points[point_number].point;
    const struct world *world = point->world;
    const struct task *tasks = run->tasks + point_number * run->replications;
    for (int metric = 0; metric < world->metrics; metric++) {
        struct moments moments = {0};
        for (uint64_t i = 0; i < run->replications; i++) {
            const double value = tasks[i].result.metrics[metric];
            if (!isnan(value)) {
                moments_add(&moments, value);
            }
        }
        point->estimates[metric] = (struct experiment_estimate){
            .mean = moments.count ? moments.mean : NAN,
            .half_width = moments_half_width(&moments, run->experiment->spec->confidence),
            .replications = moments.count};
    }
    for (uint64_t i = 0; i < run->replications; i++) {
        point->events += tasks[i].result.events;
        point->offered += tasks[i].result.offered;
    }
}

// A station to which work comes faster than its servers can do it never settles: its queue grows
// for as long as samples arise. In a closed loop the queue is bounded by the samples in flight.
static void judge(struct experiment_point *point)
{
    const struct world *world = point->world;
    if (world->spec->tiers[0].arrivals.kind == ARRIVALS_CLOSED) {
        return;
    }
    for (int i = 0; i < world->stations; i++) {
        const struct experiment_estimate *estimate =
            &point->estimates[world->station[i].first_metric + STATION_OFFERED_LOAD];
        const double load = estimate->mean;
        // Beyond chance: the whole interval, where there is one, lies above.
        const double sure = isnan(estimate->half_width) ? load : load - estimate->half_width;
        if (sure >= 1 && load > point->overloaded_load) {
            point->verdict = VERDICT_OVERLOADED;
            point->overloaded_station = i;
            point->overloaded_load = load;
        }
    }
}

void experiment_verdict_text(const struct experiment_point *point, struct text *ret_text)
{
    if (point->verdict == VERDICT_OVERLOADED) {
        text_format(ret_text, "overloaded: %s",
                    point->world->station[point->overloaded_station].name);
    } else {
        text_add(ret_text, "stable");
    }
}

// Stores what is done and not yet stored of a point.
static int store_replications(struct experiment_run *run, size_t point_number)
{
    struct point_run *point = &run->points[point_number];
    const struct world *world = point->point->world;
    struct task *tasks = run->tasks + point_number * run->replications;
    struct store_replication *batch = memory_resize(NULL, run->replications, sizeof(*batch));
    size_t count = 0;
    for (uint64_t i = 0; i < run->replications; i++) {
        struct task *task = &tasks[i];
        if (!task->is_done || task->is_stored) {
            continue;
        }
        batch[count++] = (struct store_replication){.number = i,
                                                    .seed = world->spec->seed,
                                                    .events = task->result.events,
                                                    .simulated_s = task->result.simulated_s,
                                                    .wall_s = task->wall_s,
                                                    .offered = task->result.offered,
                                                    .answered = task->result.answered,
                                                    .dropped = task->result.dropped,
                                                    .in_flight = task->result.in_flight,
                                                    .metrics = task->result.metrics,
                                                    .counters = task->result.counters};
        task->is_stored = true;
    }
    int status = 0;
    if (count) {
        status = store_add_replications(
            run->options->store,
            &(struct store_batch){.point_id = point->id,
                                  .metric_names = point->metric_names,
                                  .metric_count = (size_t)world->metrics,
                                  .counter_names = world->counters.names,
                                  .counter_count = (size_t)world->counters.count,
                                  .replications = batch,
                                  .replication_count = count},
            run->error);
    }
    free(batch);
    return status;
}

static int complete_point(struct experiment_run *run, size_t point_number)
{
    const struct experiment_point *point = run->points[point_number].point;
    const struct world *world = point->world;
    const size_t metrics = (size_t)world->metrics;
    struct store_estimate *estimates = memory_resize(NULL, metrics, sizeof(*estimates));
    struct text verdict = {0};
    for (size_t i = 0; i < metrics; i++) {
        estimates[i] = (struct store_estimate){.metric = world->metric[i].name,
                                               .mean = point->estimates[i].mean,
                                               .half_width = point->estimates[i].half_width,
                                               .confidence = run->experiment->spec->confidence,
                                               .replications = point->estimates[i].replications};
    }
    experiment_verdict_text(point, &verdict);
    const int status = store_complete_point(run->options->store, run->points[point_number].id,
                                            text_string(&verdict), estimates, metrics, run->error);
    text_finish(&verdict);
    free(estimates);
    return status;
}

static int store_progress(struct experiment_run *run, size_t point_number, bool is_complete)
{
    if (!run->options->store) {
        return 0;
    }
    const double now_s = monotonic_s();
    if (!is_complete && now_s - run->last_stored_s < STORE_EVERY_S) {
        return 0;
    }
    run->last_stored_s = now_s;
    for (int i = 0; i < run->experiment->point_count; i++) {
        if (store_replications(run, (size_t)i) != 0) {
            return -1;
        }
    }
    return is_complete ? complete_point(run, point_number) : 0;
}

static bool task_done(void *context, size_t number)
{
    struct experiment_run *run = context;
    struct task *task = &run->tasks[number];
    const size_t point_number = number / run->replications;
    struct point_run *point = &run->points[point_number];
    if (task->has_failed) {
        if (!run->has_failed) {
            text_add(run->error, text_string(&task->error));
        }
        run->has_failed = true;
        return false;
    }
    task->is_done = true;
    run->done++;
    const bool is_complete = (uint64_t)++point->done == run->replications;
    if (is_complete) {
        estimate(run, point_number);
        judge(point->point);
    }
    if (!run->has_failed && store_progress(run, point_number, is_complete) != 0) {
        run->has_failed = true;
    }
    if (run->options->progress) {
        run->options->progress(run->options->context, run->done,
                               run->replications * (uint64_t)run->experiment->point_count);
    }
    return !run->has_failed;
}

static void tick(void *context)
{
    struct experiment_run *run = context;
    if (run->options->progress) {
        run->options->progress(run->options->context, run->done,
                               run->replications * (uint64_t)run->experiment->point_count);
    }
}

static int store_point(struct experiment_run *run, int number)
{
    const struct experiment_point *point = run->points[number].point;
    const struct world *world = point->world;
    const struct world_counters *counters = &world->counters;
    struct store_price *prices = memory_resize(NULL, (size_t)counters->count, sizeof(*prices));
    size_t price_count = 0;
    for (int i = 0; i < counters->count; i++) {
        if (counters->prices[i] != 0) {
            prices[price_count++] = (struct store_price){counters->names[i], counters->prices[i]};
        }
    }
    struct store_parameter *parameters =
        memory_resize(NULL, point->parameter_count, sizeof(*parameters));
    for (size_t i = 0; i < point->parameter_count; i++) {
        parameters[i] = (struct store_parameter){
            .path = point->parameters[i].path, .text = point->parameters[i].value, .is_json = true};
    }
    char hash[SPEC_HASH_ROOM];
    spec_hash(world->spec, number, SPEC_WHOLE, hash);
    const struct store_point stored = {.experiment_id = run->experiment->id,
                                       .ordinal = number,
                                       .policy = world->policy->name,
                                       .hash = hash,
                                       .is_oracle = world->policy->is_oracle,
                                       .uses_prices = world_uses_prices(world),
                                       .parameters = parameters,
                                       .parameter_count = point->parameter_count,
                                       .prices = prices,
                                       .price_count = price_count};
    const int status =
        store_add_point(run->options->store, &stored, &run->points[number].id, run->error);
    free(parameters);
    free(prices);
    return status;
}

static int store_begin(struct experiment_run *run)
{
    const struct spec *spec = run->experiment->spec;
    if (!run->options->store) {
        return 0;
    }
    char host[256] = "";
    if (gethostname(host, sizeof(host) - 1) != 0) {
        host[0] = '\0';
    }
    char hash[SPEC_HASH_ROOM];
    spec_hash(spec, -1, SPEC_WHOLE, hash);
    struct text json = {0};
    spec_canonical(spec, -1, &json);
    const struct store_experiment experiment = {.scenario = spec->name,
                                                .about = spec->about[0] ? spec->about : NULL,
                                                .path = run->options->path,
                                                .command = run->options->command,
                                                .scenario_json = text_string(&json),
                                                .scenario_hash = hash,
                                                .seed = spec->seed,
                                                .version = OFFLOADSIM_VERSION,
                                                .host = host[0] ? host : NULL};
    int status =
        store_begin_experiment(run->options->store, &experiment, &run->experiment->id, run->error);
    text_finish(&json);
    for (int i = 0; i < run->experiment->point_count && status == 0; i++) {
        status = store_point(run, i);
    }
    return status;
}

// Everything that the tasks write is laid out before they start.
static void prepare(struct experiment_run *run, struct arena *arena)
{
    struct experiment *experiment = run->experiment;
    const size_t points = (size_t)experiment->point_count;
    run->replications = (uint64_t)experiment->spec->replications;
    run->points = arena_new_array(arena, points, struct point_run);
    run->tasks = arena_new_array(arena, points * run->replications, struct task);
    for (size_t i = 0; i < points; i++) {
        struct point_run *point = &run->points[i];
        const struct world *world = experiment->points[i].world;
        const size_t metrics = (size_t)world->metrics;
        const size_t counters = (size_t)world->counters.count;
        double *values = arena_new_array(arena, run->replications * (metrics + counters), double);
        point->point = &experiment->points[i];
        point->metric_names = arena_new_array(arena, metrics, const char *);
        for (size_t k = 0; k < metrics; k++) {
            point->metric_names[k] = world->metric[k].name;
        }
        for (uint64_t k = 0; k < run->replications; k++) {
            struct replication_result *result = &run->tasks[i * run->replications + k].result;
            result->metrics = values + k * (metrics + counters);
            result->counters = result->metrics + metrics;
        }
    }
}

int experiment_run(struct experiment *experiment, const struct experiment_options *options,
                   struct text *ret_error)
{
    const double start_s = monotonic_s();
    struct arena arena = {0};
    struct experiment_run run = {
        .experiment = experiment, .options = options, .last_stored_s = start_s, .error = ret_error};
    prepare(&run, &arena);
    const size_t tasks = (size_t)experiment->point_count * run.replications;
    if (store_begin(&run) != 0) {
        run.has_failed = true;
    } else {
        pool_run(&(struct pool_work){.tasks = tasks,
                                     .threads = options->threads,
                                     .context = &run,
                                     .run = run_task,
                                     .done = task_done,
                                     .tick = tick});
    }
    experiment->wall_s = monotonic_s() - start_s;
    if (experiment->id) {
        // A failure to note that the experiment ended does not hide why it failed.
        struct text ignored = {0};
        const int status = store_finish_experiment(
            options->store, experiment->id, experiment->wall_s,
            run.has_failed ? STORE_FAILED : STORE_FINISHED, run.has_failed ? &ignored : ret_error);
        run.has_failed |= status != 0;
        text_finish(&ignored);
    }
    for (size_t i = 0; i < tasks; i++) {
        text_finish(&run.tasks[i].error);
    }
    arena_finish(&arena);
    return run.has_failed ? -1 : 0;
}
