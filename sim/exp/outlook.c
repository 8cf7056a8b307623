// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/outlook.h"

#include "base/memory.h"
#include "base/text.h"
#include "exp/experiment.h"
#include "exp/pool.h"
#include "exp/until.h"
#include "model/replication.h"
#include "model/world.h"
#include "results/query.h"
#include "scenario/diagnostics.h"
#include "scenario/read.h"
#include "scenario/spec.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

// One trial lasts about so long; a third of what all may take.
static const double TRIAL_S = 0.1;
enum { MOST_TRIALS = 3 };

// How many replications of each simulation there are, and how long they took. A simulation may have
// several sources, of which a sweep takes the one that has most.
static const char find_stored[] =
    "SELECT wanted.key, count(replications.id), avg(replications.wall_s)"
    " FROM json_each(:wanted) AS wanted"
    " JOIN points ON points.simulation_hash = wanted.value ->> 0 AND points.source_id IS NULL"
    " LEFT JOIN replications ON replications.point_id = points.id"
    " AND replications.number < wanted.value ->> 1"
    " GROUP BY wanted.key, points.id";

// How long a sample takes in the same scenario, whatever its settings were.
static const char find_rates[] =
    "SELECT points.policy, sum(replications.wall_s) / sum(replications.offered)"
    " FROM experiments"
    " JOIN points ON points.experiment_id = experiments.id"
    " JOIN replications ON replications.point_id = points.id"
    " WHERE experiments.scenario = :scenario"
    " GROUP BY points.policy HAVING sum(replications.offered) > 0";

// Of a policy.
struct policy_rate {
    const char *policy;
    double s_per_sample;
};

struct view {
    const struct experiment *experiment;
    struct arena *arena;
    struct outlook *outlook;
    double *seconds; // [simulation]: of a replication; NaN: not known
    struct policy_rate *rates;
    size_t rate_count;
};

static double monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// ---- by the database ----

static void ignore_columns(void *context, const char *const *names, size_t count)
{
    (void)context;
    (void)names;
    (void)count;
}

static void take_stored(void *context, const struct query_value *values, size_t count)
{
    struct view *view = context;
    const size_t simulation = (size_t)values[0].integer;
    const uint64_t stored = (uint64_t)values[1].integer;
    if (count == 3 && values[2].kind == QUERY_NUMBER) {
        view->seconds[simulation] = values[2].number;
    }
    if (stored > view->outlook->stored[simulation]) {
        view->outlook->stored[simulation] = stored;
    }
}

static void take_rate(void *context, const struct query_value *values, size_t count)
{
    struct view *view = context;
    if (count == 2 && values[1].kind == QUERY_NUMBER) {
        struct policy_rate *rates =
            arena_new_array(view->arena, view->rate_count + 1, struct policy_rate);
        for (size_t i = 0; i < view->rate_count; i++) {
            rates[i] = view->rates[i];
        }
        rates[view->rate_count++] =
            (struct policy_rate){arena_text(view->arena, values[0].text), values[1].number};
        view->rates = rates;
    }
}

static int ask(struct view *view, const char *database, const char *sql, const char *name,
               const char *value, void (*row)(void *, const struct query_value *, size_t),
               struct text *ret_error)
{
    const struct query_binding binding = {name, value};
    const struct query_options options = {
        .bindings = &binding, .binding_count = 1, .rows = -1, .time_s = -1};
    const struct query_sink sink = {.context = view, .columns = ignore_columns, .row = row};
    return query_run(database, sql, &options, &sink, NULL, ret_error);
}

static int ask_database(struct view *view, const char *database, struct text *ret_error)
{
    const struct experiment *experiment = view->experiment;
    struct text wanted = {0};
    for (size_t i = 0; i < experiment->simulation_count; i++) {
        const struct experiment_simulation *simulation = &experiment->simulations[i];
        text_format(&wanted, "%s[\"%s\",%" PRIu64 "]", i ? "," : "[",
                    experiment->points[simulation->first_point].simulation_hash,
                    simulation->replications);
    }
    text_add(&wanted, "]");
    const int status =
        ask(view, database, find_stored, "wanted", text_string(&wanted), take_stored, ret_error);
    text_finish(&wanted);
    return status != 0 ? -1
                       : ask(view, database, find_rates, "scenario", experiment->spec->name,
                             take_rate, ret_error);
}

// The rate of the policy, else the mean over those that are known; NaN without any.
static double stored_rate(const struct view *view, const char *policy)
{
    double sum = 0;
    for (size_t i = 0; i < view->rate_count; i++) {
        if (strcmp(view->rates[i].policy, policy) == 0) {
            return view->rates[i].s_per_sample;
        }
        sum += view->rates[i].s_per_sample;
    }
    return view->rate_count ? sum / (double)view->rate_count : NAN;
}

// ---- by trial ----

// Runs a part of a replication. Returns how long it took, NaN if it failed.
static double run_part(const struct experiment *experiment, const struct experiment_point *point,
                       const struct spec *whole, double part)
{
    struct arena arena = {0};
    struct diagnostics diagnostics = {0};
    struct text problem = {0};
    struct spec *spec;
    double took_s = NAN;
    const char **sets = arena_new_array(&arena, point->set_count + 2, const char *);
    memcpy(sets, point->sets, point->set_count * sizeof(*sets));
    sets[point->set_count] = "warmup=none";
    sets[point->set_count + 1] =
        whole->stop_kind == STOP_SAMPLES
            ? arena_format(&arena, "stop={samples: %.0f}", ceil(part * (double)whole->stop_samples))
            : arena_format(&arena, "stop={time: %.17g s}", part * whole->stop_time_s);
    const struct world *world = NULL;
    if (scenario_build(experiment->scenario, sets, NULL, point->set_count + 2, &arena, &diagnostics,
                       &spec) == 0) {
        world = world_build(spec, point->policy_number, &arena, &problem);
    }
    if (world) {
        const struct replication_options options = {0};
        struct replication_result result = {
            .metrics = arena_new_array(&arena, (size_t)world->metrics, double),
            .counters = arena_new_array(&arena, (size_t)world->counters.count, double)};
        const double start_s = monotonic_s();
        if (replication_run(world, &options, &result, &problem) == 0) {
            took_s = monotonic_s() - start_s;
        }
        replication_batches_finish(&result.batches);
    }
    text_finish(&problem);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
    return took_s;
}

// How long a replication takes, by parts of it that grow until they last long enough.
static double try_simulation(const struct experiment *experiment, size_t simulation)
{
    const struct experiment_simulation *plan = &experiment->simulations[simulation];
    const struct experiment_point *point = &experiment->points[plan->first_point];
    struct arena arena = {0};
    struct diagnostics diagnostics = {0};
    struct spec *spec;
    double part = fmin(1, 1000 / fmax(1, plan->expected));
    double took_s = NAN;
    if (scenario_build(experiment->scenario, point->sets, NULL, point->set_count, &arena,
                       &diagnostics, &spec) == 0) {
        took_s = run_part(experiment, point, spec, part);
        while (took_s < TRIAL_S / 3 && part < 1) {
            part = fmin(1, part * fmin(10, fmax(2, 0.6 * TRIAL_S / took_s)));
            took_s = run_part(experiment, point, spec, part);
        }
    }
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
    return took_s / part;
}

// Seconds for an expected sample, by a few of the simulations whose time is not known: the first,
// the last and one between, for they may have different policies.
static double trial_rate(const struct view *view)
{
    const struct experiment *experiment = view->experiment;
    size_t *unknown = arena_new_array(view->arena, experiment->simulation_count, size_t);
    size_t count = 0;
    for (size_t i = 0; i < experiment->simulation_count; i++) {
        if (isnan(view->seconds[i])) {
            unknown[count++] = i;
        }
    }
    const size_t trials = count < MOST_TRIALS ? count : MOST_TRIALS;
    double sum = 0;
    for (size_t i = 0; i < trials; i++) {
        const size_t number = unknown[trials > 1 ? i * (count - 1) / (trials - 1) : 0];
        sum += try_simulation(experiment, number) / experiment->simulations[number].expected;
    }
    return sum / (double)trials;
}

// ---- altogether ----

uint64_t outlook_stored(const struct experiment *experiment, const struct outlook *outlook,
                        size_t number)
{
    const struct experiment_point *point = &experiment->points[number];
    const uint64_t stored = outlook->stored[point->simulation];
    return stored < point->replications ? stored : point->replications;
}

static void count_stored(const struct experiment *experiment, struct outlook *outlook)
{
    for (size_t i = 0; i < experiment->point_count; i++) {
        outlook->points_stored +=
            outlook_stored(experiment, outlook, i) == experiment->points[i].replications;
        const bool grows = until_grows(&experiment->points[i]);
        outlook->has_rules |= experiment->points[i].rule_count > 0 && !grows;
        outlook->grows |= grows;
    }
    for (size_t i = 0; i < experiment->simulation_count; i++) {
        outlook->replications += experiment->simulations[i].replications;
        outlook->replications_left += experiment->simulations[i].replications - outlook->stored[i];
        outlook->most_left += experiment->simulations[i].most - outlook->stored[i];
    }
}

// Seconds that a replication of a simulation takes, and what they rest on.
static double seconds_of(const struct view *view, size_t number, double *trial,
                         enum outlook_basis *ret_basis)
{
    const struct experiment *experiment = view->experiment;
    const struct experiment_simulation *simulation = &experiment->simulations[number];
    const double rate = stored_rate(view, experiment->points[simulation->first_point].policy);
    if (!isnan(view->seconds[number])) {
        *ret_basis = OUTLOOK_SIMULATION;
        return view->seconds[number];
    }
    if (!isnan(rate) && simulation->expected_is_known) {
        *ret_basis = OUTLOOK_SCENARIO;
        return rate * simulation->expected;
    }
    *ret_basis = OUTLOOK_TRIAL;
    *trial = *trial < 0 ? trial_rate(view) : *trial;
    return *trial * simulation->expected;
}

// The threads share the work well, but no replication is shared.
static void estimate_time(const struct view *view, int threads)
{
    struct outlook *outlook = view->outlook;
    const int processors = pool_processors();
    double sum = 0;
    double longest = 0;
    double trial = -1; // not tried
    threads = threads < processors ? threads : processors;
    outlook->threads =
        outlook->replications_left < (uint64_t)threads ? (int)outlook->replications_left : threads;
    for (size_t i = 0; i < view->experiment->simulation_count; i++) {
        const uint64_t left = view->experiment->simulations[i].replications - outlook->stored[i];
        if (left) {
            enum outlook_basis basis;
            const double seconds = seconds_of(view, i, &trial, &basis);
            sum += (double)left * seconds;
            longest = seconds > longest ? seconds : longest;
            outlook->by[basis] += left;
        }
    }
    const double shared = outlook->threads ? sum / outlook->threads : 0;
    outlook->seconds = shared < longest ? longest : shared; // NaN stays NaN
}

int outlook_make(const struct experiment *experiment, const struct outlook_options *options,
                 struct arena *arena, struct outlook *ret_outlook, struct text *ret_error)
{
    struct outlook outlook = {.stored =
                                  arena_new_array(arena, experiment->simulation_count, uint64_t)};
    struct view view = {.experiment = experiment,
                        .arena = arena,
                        .outlook = &outlook,
                        .seconds = arena_new_array(arena, experiment->simulation_count, double)};
    for (size_t i = 0; i < experiment->simulation_count; i++) {
        view.seconds[i] = NAN;
    }
    if (options->database && ask_database(&view, options->database, ret_error) != 0) {
        return -1;
    }
    for (size_t i = 0; i < experiment->simulation_count && options->again; i++) {
        outlook.stored[i] = 0;
    }
    count_stored(experiment, &outlook);
    estimate_time(&view, options->threads);
    *ret_outlook = outlook;
    return 0;
}
