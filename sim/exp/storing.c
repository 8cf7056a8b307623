// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/storing.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "exp/estimate.h"
#include "exp/experiment.h"
#include "exp/parameters.h"
#include "exp/recording.h"
#include "exp/until.h"
#include "model/replication.h"
#include "model/world.h"
#include "results/store.h"
#include "scenario/spec.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The points of a sweep are what it is: two sweeps with the same points are the same.
static void sweep_hash(const struct storing *storing, char ret_hex[SPEC_HASH_ROOM])
{
    const struct experiment *experiment = storing->experiment;
    struct hash hash;
    uint64_t words[HASH_WORDS];
    hash_init(&hash);
    for (size_t i = 0; i < experiment->planned_count; i++) {
        const struct experiment_point *point = &experiment->points[storing->by_ordinal[i]];
        hash_add(&hash, point->hash, SPEC_HASH_ROOM);
        hash_add(&hash, &point->replications, sizeof(uint64_t));
        hash_add(&hash, &point->confidence, sizeof(double));
        hash_add(&hash, &point->is_transient, sizeof(bool));
        until_hash(point, &hash);
    }
    hash_finish(&hash, words);
    hash_hex(words, (SPEC_HASH_ROOM - 1) * 4, ret_hex);
}

// The paths that are swept, as a JSON list.
static void add_axes(const struct experiment *experiment, struct text *text)
{
    text_add(text, "[");
    for (size_t i = 0; i < experiment->swept_count; i++) {
        text_add(text, i ? ", " : "");
        text_json_string(text, experiment->swept[i]);
    }
    text_add(text, "]");
}

static int begin_experiment(struct storing *storing, struct text *ret_error)
{
    struct experiment *experiment = storing->experiment;
    const struct spec *spec = experiment->spec;
    char host[256] = "";
    if (gethostname(host, sizeof(host) - 1) != 0) {
        host[0] = '\0';
    }
    char hash[SPEC_HASH_ROOM];
    struct text json = {0};
    struct text axes = {0};
    spec_canonical(spec, -1, &json);
    if (experiment->is_sweep) {
        sweep_hash(storing, hash);
        add_axes(experiment, &axes);
    } else {
        spec_hash(spec, -1, SPEC_WHOLE, hash);
    }
    const struct store_experiment stored = {
        .scenario = spec->name,
        .about = spec->about[0] ? spec->about : NULL,
        .path = storing->options->path,
        .command = storing->options->command,
        .scenario_json = text_string(&json),
        .scenario_hash = hash,
        .sweep_json = experiment->is_sweep ? text_string(&axes) : NULL,
        .resumes = experiment->is_sweep && !storing->options->again,
        .seed = spec->seed,
        .version = OFFLOADSIM_VERSION,
        .host = host[0] ? host : NULL};
    const int status =
        store_begin_experiment(storing->options->store, &stored, &experiment->id, NULL, ret_error);
    text_finish(&json);
    text_finish(&axes);
    return status;
}

// Numbers are stored as numbers, so that queries can compare them, and texts without quotes; lists
// and booleans stay JSON.
static struct store_parameter describe_parameter(const struct point_parameter *parameter,
                                                 struct arena *arena)
{
    const char *value = parameter->value;
    const size_t length = strlen(value);
    struct store_parameter stored = {.path = parameter->path, .text = value, .is_json = true};
    if (strchr("-0123456789", value[0]) && strspn(value, "0123456789.+-eE") == length) {
        stored.text = NULL;
        stored.number = strtod(value, NULL);
    } else if (value[0] == '"' && !strchr(value, '\\')) {
        stored.text = arena_text_n(arena, value + 1, length - 2);
        stored.is_json = false;
    }
    return stored;
}

// Everything that the store wants to know of a point; parameters and prices are in `arena`.
static struct store_point describe_point(const struct storing *storing, size_t number,
                                         struct arena *arena)
{
    const struct experiment_point *point = &storing->experiment->points[number];
    struct store_parameter *parameters =
        arena_new_array(arena, point->parameter_count, struct store_parameter);
    for (size_t i = 0; i < point->parameter_count; i++) {
        parameters[i] = describe_parameter(&point->parameters[i], arena);
    }
    struct store_price *prices =
        arena_new_array(arena, (size_t)point->names->counters, struct store_price);
    size_t price_count = 0;
    for (int i = 0; i < point->names->counters; i++) {
        if (point->prices[i] != 0) {
            prices[price_count++] =
                (struct store_price){point->names->counter[i], point->prices[i]};
        }
    }
    return (struct store_point){.experiment_id = storing->experiment->id,
                                .ordinal = (int64_t)point->ordinal,
                                .policy = point->policy,
                                .hash = point->hash,
                                .simulation_hash = point->simulation_hash,
                                .replications = point->rule_count ? 0 : point->replications,
                                .units = point->has_batches                 ? "batches"
                                         : point->replications_per_unit > 1 ? "antithetic pairs"
                                                                            : "replications",
                                .is_oracle = point->is_oracle,
                                .uses_prices = point->uses_prices,
                                .parameters = parameters,
                                .parameter_count = point->parameter_count,
                                .prices = prices,
                                .price_count = price_count};
}

// A complete point comes with its estimates and its verdict.
static int take_complete(struct storing *storing, size_t number, struct text *ret_error)
{
    struct experiment_point *point = &storing->experiment->points[number];
    const size_t metrics = (size_t)point->names->metrics;
    struct store_estimate *estimates = memory_resize(NULL, metrics, sizeof(*estimates));
    struct text verdict = {0};
    struct text stopped = {0};
    uint64_t replications;
    memset(estimates, 0, metrics * sizeof(*estimates));
    for (size_t i = 0; i < metrics; i++) {
        estimates[i].metric = point->names->metric[i];
    }
    const int status = store_read_estimates(storing->options->store, point->id, estimates, metrics,
                                            &replications, &verdict, &stopped, ret_error);
    for (size_t i = 0; i < metrics && status == 0; i++) {
        point->estimates[i] =
            (struct experiment_estimate){.mean = estimates[i].mean,
                                         .low = estimates[i].low,
                                         .high = estimates[i].high,
                                         .half_width = estimates[i].half_width,
                                         .replications = estimates[i].replications,
                                         .variance_ratio = estimates[i].variance_ratio};
    }
    if (status == 0) {
        estimate_read_verdict(point, text_string(&verdict));
    }
    if (status == 0 && point->rule_count) {
        point->replications = replications;
        until_read_stopped(point, text_string(&stopped), &storing->experiment->arena);
    }
    point->is_done = status == 0;
    text_finish(&stopped);
    text_finish(&verdict);
    free(estimates);
    return status;
}

// Says on whose behalf replications of a simulation are stored: one point for each source. There
// are several where an earlier process simulated points apart; then all replications run, for no
// source may lack one.
static void choose_writers(struct storing *storing, size_t simulation)
{
    const struct experiment *experiment = storing->experiment;
    int64_t *known = NULL;
    size_t count = 0;
    for (size_t i = experiment->simulations[simulation].first_point; i != SIZE_MAX;
         i = experiment->points[i].next_sharing) {
        size_t k = count;
        while (k > 0 && known[k - 1] != storing->sources[i]) {
            k--;
        }
        storing->writes[i] = k == 0;
        if (k == 0) {
            known = memory_resize(known, count + 1, sizeof(*known));
            known[count++] = storing->sources[i];
        }
    }
    free(known);
    // Batches are not stored, so what is there is of no use to points that are not complete.
    const size_t first = experiment->simulations[simulation].first_point;
    storing->is_apart[simulation] = count > 1 || experiment->points[first].has_batches;
}

// A sweep: points that are not there yet are added, the others found. So are those of other shards,
// which ask for nothing more.
static int plan_points(struct storing *storing, struct text *ret_error)
{
    struct experiment *experiment = storing->experiment;
    struct arena arena = {0};
    struct store_point *points =
        arena_new_array(&arena, experiment->planned_count, struct store_point);
    struct store_point_state *states =
        arena_new_array(&arena, experiment->planned_count, struct store_point_state);
    for (size_t i = 0; i < experiment->planned_count; i++) {
        points[i] = describe_point(storing, storing->by_ordinal[i], &arena);
    }
    int status = store_plan_points(storing->options->store, points, experiment->planned_count,
                                   states, ret_error);
    for (size_t i = 0; i < experiment->point_count && status == 0; i++) {
        const size_t simulation = experiment->points[i].simulation;
        const struct store_point_state *state = &states[experiment->points[i].ordinal];
        experiment->points[i].id = state->id;
        storing->sources[i] = state->source_id;
        storing->available[simulation] = state->source_replications;
        if (state->is_complete) {
            status = take_complete(storing, i, ret_error);
        }
    }
    for (size_t i = 0; i < experiment->simulation_count && status == 0; i++) {
        choose_writers(storing, i);
    }
    arena_finish(&arena);
    return status;
}

// A plain run: every point is new and has its own replications.
static int add_points(struct storing *storing, struct text *ret_error)
{
    struct experiment *experiment = storing->experiment;
    int status = 0;
    for (size_t i = 0; i < experiment->point_count && status == 0; i++) {
        struct arena arena = {0};
        const struct store_point point = describe_point(storing, i, &arena);
        status =
            store_add_point(storing->options->store, &point, &experiment->points[i].id, ret_error);
        storing->sources[i] = experiment->points[i].id;
        storing->writes[i] = true;
        arena_finish(&arena);
    }
    return status;
}

int storing_begin(struct storing *storing, struct experiment *experiment,
                  const struct experiment_options *options, struct text *ret_error)
{
    *storing = (struct storing){.experiment = experiment, .options = options};
    if (!options->store) {
        return 0;
    }
    storing->sources = arena_new_array(&experiment->arena, experiment->point_count, int64_t);
    storing->writes = arena_new_array(&experiment->arena, experiment->point_count, bool);
    storing->available =
        arena_new_array(&experiment->arena, experiment->simulation_count, uint64_t);
    storing->is_apart = arena_new_array(&experiment->arena, experiment->simulation_count, bool);
    storing->by_ordinal = arena_new_array(&experiment->arena, experiment->planned_count, size_t);
    for (size_t i = 0; i < experiment->planned_count; i++) {
        storing->by_ordinal[experiment->points[i].ordinal] = i;
    }
    if (begin_experiment(storing, ret_error) != 0) {
        return -1;
    }
    return storing_is_shared(storing) ? plan_points(storing, ret_error)
                                      : add_points(storing, ret_error);
}

struct taking {
    void (*take)(void *context, uint64_t number, const double *metrics, const double *counters);
    void *context;
};

static bool take_stored(void *context, const struct store_replication *replication)
{
    const struct taking *taking = context;
    taking->take(taking->context, replication->number, replication->metrics, replication->counters);
    return true;
}

static struct store_names names_of(const struct storing *storing, size_t simulation)
{
    const struct experiment *experiment = storing->experiment;
    const struct experiment_names *names =
        experiment->points[experiment->simulations[simulation].first_point].names;
    return (struct store_names){.metrics = names->metric,
                                .metric_count = (size_t)names->metrics,
                                .counters = names->counter,
                                .counter_count = (size_t)names->counters};
}

int storing_read(struct storing *storing, size_t simulation,
                 void (*take)(void *context, uint64_t number, const double *metrics,
                              const double *counters),
                 void *context, struct text *ret_error)
{
    const struct store_names names = names_of(storing, simulation);
    struct taking taking = {take, context};
    const struct experiment_simulation *plan = &storing->experiment->simulations[simulation];
    return store_read_replications(storing->options->store, storing->sources[plan->first_point], 0,
                                   plan->replications - 1, &names, take_stored, &taking, ret_error);
}

static bool note_stored(void *context, const struct store_replication *replication)
{
    bool *is_there = context;
    is_there[replication->number] = true;
    return true;
}

int storing_find(const struct storing *storing, size_t simulation, bool *ret_is_there,
                 uint64_t *ret_count, struct text *ret_error)
{
    const struct experiment_simulation *plan = &storing->experiment->simulations[simulation];
    const struct store_names none = {0};
    *ret_count = 0;
    if (!storing->available || !storing->available[simulation] || storing->is_apart[simulation]) {
        return 0;
    }
    if (store_read_replications(storing->options->store, storing->sources[plan->first_point], 0,
                                plan->replications - 1, &none, note_stored, ret_is_there,
                                ret_error) != 0) {
        return -1;
    }
    for (uint64_t i = 0; i < plan->replications; i++) {
        *ret_count += ret_is_there[i];
    }
    return 0;
}

size_t storing_prices(const struct storing *storing, size_t simulation,
                      const double *const **ret_prices, struct arena *arena)
{
    const struct experiment *experiment = storing->experiment;
    const size_t first = experiment->simulations[simulation].first_point;
    size_t count = 0;
    for (size_t i = first; i != SIZE_MAX; i = experiment->points[i].next_sharing) {
        count += storing->writes[i];
    }
    const double **prices = arena_new_array(arena, count, const double *);
    count = 0;
    for (size_t i = first; i != SIZE_MAX; i = experiment->points[i].next_sharing) {
        if (storing->writes[i]) {
            prices[count++] = experiment->points[i].prices;
        }
    }
    *ret_prices = prices;
    return count;
}

// Adds replications to the source of a point, with what costs at the point's prices.
static int add_to(struct storing *storing, size_t simulation, size_t number, size_t list,
                  const struct storing_replication *replications, size_t count,
                  struct text *ret_error)
{
    const struct experiment_point *point = &storing->experiment->points[number];
    const struct store_names names = names_of(storing, simulation);
    struct store_replication *batch = memory_resize(NULL, count, sizeof(*batch));
    struct store_samples *samples = memory_resize(NULL, count, sizeof(*samples));
    double *metrics = memory_resize(NULL, count * names.metric_count, sizeof(*metrics));
    for (size_t i = 0; i < count; i++) {
        const struct recording *recording = replications[i].recording;
        samples[i].count = recording->count;
        samples[i].list = recording->count ? recording->lists[list] : NULL;
        const struct replication_result *result = replications[i].result;
        double *own = metrics + i * names.metric_count;
        memcpy(own, result->metrics, names.metric_count * sizeof(*own));
        own[point->names->cost_metric] = experiment_cost(point, result->counters);
        // Samples of the warm-up are left out, as they are of the counters that cost is made of.
        const uint64_t offered = (uint64_t)result->counters[COUNTER_OFFERED];
        const uint64_t answered = (uint64_t)result->counters[COUNTER_ANSWERED];
        const uint64_t dropped = (uint64_t)result->counters[COUNTER_DROPPED];
        batch[i] = (struct store_replication){.number = replications[i].number,
                                              .seed = storing->experiment->spec->seed,
                                              .events = result->events,
                                              .simulated_s = result->simulated_s,
                                              .wall_s = replications[i].wall_s,
                                              .offered = offered,
                                              .answered = answered,
                                              .dropped = dropped,
                                              .in_flight = offered - answered - dropped,
                                              .metrics = own,
                                              .counters = result->counters};
    }
    const int status =
        store_add_replications(storing->options->store,
                               &(struct store_batch){.point_id = storing->sources[number],
                                                     .metric_names = names.metrics,
                                                     .metric_count = names.metric_count,
                                                     .counter_names = names.counters,
                                                     .counter_count = names.counter_count,
                                                     .replications = batch,
                                                     .replication_count = count,
                                                     .samples = samples},
                               ret_error);
    free(samples);
    free(metrics);
    free(batch);
    return status;
}

// With each batch end the claims from its first number to its last, so a batch has no gaps: in them
// may lie what still runs.
static int add_runs_to(struct storing *storing, size_t simulation, size_t number, size_t list,
                       const struct storing_replication *replications, size_t count,
                       struct text *ret_error)
{
    size_t end;
    for (size_t first = 0; first < count; first = end) {
        end = first + 1;
        while (end < count && replications[end].number == replications[end - 1].number + 1) {
            end++;
        }
        if (add_to(storing, simulation, number, list, replications + first, end - first,
                   ret_error)) {
            return -1;
        }
    }
    return 0;
}

int storing_replications(struct storing *storing, size_t simulation,
                         const struct storing_replication *replications, size_t count,
                         struct text *ret_error)
{
    const struct experiment *experiment = storing->experiment;
    if (!storing->options->store || !count) {
        return 0;
    }
    int status = 0;
    size_t list = 0;
    for (size_t i = experiment->simulations[simulation].first_point; i != SIZE_MAX && status == 0;
         i = experiment->points[i].next_sharing) {
        if (storing->writes[i]) {
            status = add_runs_to(storing, simulation, i, list++, replications, count, ret_error);
        }
    }
    return status;
}

int storing_take_complete(struct storing *storing, size_t simulation, bool *ret_is_complete,
                          struct text *ret_error)
{
    const struct experiment *experiment = storing->experiment;
    const size_t first = experiment->simulations[simulation].first_point;
    struct arena arena = {0};
    size_t count = 0;
    for (size_t i = first; i != SIZE_MAX; i = experiment->points[i].next_sharing) {
        count++;
    }
    struct store_point *points = arena_new_array(&arena, count, struct store_point);
    struct store_point_state *states = arena_new_array(&arena, count, struct store_point_state);
    size_t at = 0;
    for (size_t i = first; i != SIZE_MAX; i = experiment->points[i].next_sharing) {
        points[at++] = describe_point(storing, i, &arena);
    }
    int status = store_plan_points(storing->options->store, points, count, states, ret_error);
    *ret_is_complete = status == 0;
    for (size_t i = 0; i < count && *ret_is_complete; i++) {
        *ret_is_complete = states[i].is_complete;
    }
    for (size_t i = first; *ret_is_complete && i != SIZE_MAX && status == 0;
         i = experiment->points[i].next_sharing) {
        status = take_complete(storing, i, ret_error);
    }
    arena_finish(&arena);
    return status;
}

int storing_begin_group(struct storing *storing, struct text *ret_error)
{
    return storing->options->store ? store_begin_group(storing->options->store, ret_error) : 0;
}

int storing_end_group(struct storing *storing, int result, struct text *ret_error)
{
    struct store *store = storing->options->store;
    return store ? store_end_group(store, result, ret_error) : result;
}

int storing_complete(struct storing *storing, size_t number, struct text *ret_error)
{
    const struct experiment_point *point = &storing->experiment->points[number];
    const size_t metrics = (size_t)point->names->metrics;
    if (!storing->options->store) {
        return 0;
    }
    struct store_estimate *estimates = memory_resize(NULL, metrics, sizeof(*estimates));
    struct text verdict = {0};
    for (size_t i = 0; i < metrics; i++) {
        estimates[i] =
            (struct store_estimate){.metric = point->names->metric[i],
                                    .mean = point->estimates[i].mean,
                                    .low = point->estimates[i].low,
                                    .high = point->estimates[i].high,
                                    .half_width = point->estimates[i].half_width,
                                    .confidence = point->confidence,
                                    .replications = point->estimates[i].replications,
                                    .variance_ratio = point->estimates[i].variance_ratio};
    }
    experiment_verdict_text(point, &verdict);
    const int status =
        store_complete_point(storing->options->store, point->id, text_string(&verdict),
                             point->stopped, point->replications, estimates, metrics, ret_error);
    text_finish(&verdict);
    free(estimates);
    return status;
}

int storing_end(struct storing *storing, bool has_failed, struct text *ret_error)
{
    struct experiment *experiment = storing->experiment;
    if (!experiment->id) {
        return 0;
    }
    // That a failed experiment could not be marked as such does not hide why it failed.
    struct text ignored = {0};
    if (storing->has_claims) {
        store_release_claims(storing->options->store, &ignored); // they end by themselves, too
    }
    const int status =
        store_finish_experiment(storing->options->store, experiment->id, experiment->wall_s,
                                has_failed                    ? STORE_FAILED
                                : experiment->was_interrupted ? STORE_INTERRUPTED
                                                              : STORE_FINISHED,
                                has_failed ? &ignored : ret_error);
    text_finish(&ignored);
    return status;
}
