// SPDX-License-Identifier: GPL-3.0-or-later

// The plan of an experiment: which points there are, and which of them share a simulation.

#include "base/hash.h"
#include "base/text.h"
#include "exp/experiment.h"
#include "exp/parameters.h"
#include "exp/until.h"
#include "model/controls.h"
#include "model/world.h"
#include "policies/policy.h"
#include "scenario/diagnostics.h"
#include "scenario/override.h"
#include "scenario/read.h"
#include "scenario/settings.h"
#include "scenario/spec.h"
#include "scenario/sweep.h"
#include "scenario/tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Specs and worlds of single points are small.
enum { POINT_BLOCK_BYTES = 16 * 1024 };

struct planner {
    struct experiment *experiment;
    const struct sweep *sweep;
    size_t point_room;
    // Simulations and points by hash, open addressing; entries are a number + 1.
    size_t *simulations_by_hash;
    size_t *points_by_hash;
    size_t table_size; // a power of two
};

static bool same_texts(const char *const *a, const char *const *b, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(a[i], b[i]) != 0) {
            return false;
        }
    }
    return true;
}

static const char **copy_texts(struct arena *arena, const char *const *texts, int count)
{
    const char **copy = arena_new_array(arena, (size_t)count, const char *);
    for (int i = 0; i < count; i++) {
        copy[i] = arena_text(arena, texts[i]);
    }
    return copy;
}

// The names of a world; those of the point before if they are the same.
static const struct experiment_names *names_of(struct planner *planner, const struct world *world,
                                               struct arena *scratch)
{
    struct experiment *experiment = planner->experiment;
    struct arena *arena = &experiment->arena;
    const char **metric = arena_new_array(scratch, (size_t)world->metrics, const char *);
    for (int i = 0; i < world->metrics; i++) {
        metric[i] = world->metric[i].name;
    }
    if (experiment->point_count) {
        const struct experiment_names *before =
            experiment->points[experiment->point_count - 1].names;
        if (before->metrics == world->metrics && before->counters == world->counters.count &&
            before->stations == world->stations &&
            same_texts(before->metric, metric, world->metrics) &&
            same_texts(before->counter, world->counters.names, world->counters.count)) {
            return before;
        }
    }
    struct experiment_names *names = arena_new(arena, struct experiment_names);
    names->metrics = world->metrics;
    names->metric = copy_texts(arena, metric, world->metrics);
    names->unit = arena_new_array(arena, (size_t)world->metrics, const char *);
    names->kind = arena_new_array(arena, (size_t)world->metrics, unsigned char);
    names->denominator = arena_new_array(arena, (size_t)world->metrics, int);
    for (int i = 0; i < world->metrics; i++) {
        names->unit[i] = arena_text(arena, world->metric[i].unit);
        names->kind[i] = (unsigned char)world->metric[i].kind;
        names->denominator[i] = world->metric[i].denominator;
    }
    names->controls = world->controls;
    names->is_of_samples = arena_new_array(arena, (size_t)world->metrics, bool);
    for (int i = 0; i < world->controls; i++) {
        const enum control_kind kind = world->control[i].kind;
        names->is_of_samples[world->metrics - world->controls + i] =
            kind == CONTROL_CORRECT || kind == CONTROL_CONFIDENCE;
    }
    for (int i = 0; i < world->metrics; i++) {
        if (strcmp(names->metric[i], "cost_mean") == 0) {
            names->cost_metric = i;
        }
    }
    names->counters = world->counters.count;
    names->counter = copy_texts(arena, world->counters.names, world->counters.count);
    names->stations = world->stations;
    names->station = arena_new_array(arena, (size_t)world->stations, const char *);
    names->first_metric = arena_new_array(arena, (size_t)world->stations, int);
    for (int i = 0; i < world->stations; i++) {
        names->station[i] = arena_text(arena, world->station[i].name);
        names->first_metric[i] = world->station[i].first_metric;
    }
    return names;
}

// ---- hashes ----

// A point whose policy does not look at prices is its simulation at its prices; any other is a
// simulation of its own. So is one whose rules decide how long it runs: they may be about the cost,
// and are part of what it is.
static void hash_point(const struct spec *spec, const struct world *world,
                       struct experiment_point *point)
{
    const int policy = point->policy_number;
    const bool grows = until_grows(point);
    spec_hash(spec, policy, point->uses_prices || grows ? SPEC_REPLICATION : SPEC_SIMULATION,
              point->simulation_hash);
    struct hash hash;
    uint64_t words[HASH_WORDS];
    if (grows) {
        hash_init(&hash);
        hash_add(&hash, point->simulation_hash, SPEC_HASH_ROOM);
        until_hash(point, &hash);
        hash_finish(&hash, words);
        hash_hex(words, (SPEC_HASH_ROOM - 1) * 4, point->simulation_hash);
    }
    hash_init(&hash);
    hash_add(&hash, point->simulation_hash, SPEC_HASH_ROOM);
    for (int i = 0; i < world->counters.count; i++) {
        if (world->counters.prices[i] != 0) {
            hash_add(&hash, world->counters.names[i], strlen(world->counters.names[i]) + 1);
            hash_add(&hash, &world->counters.prices[i], sizeof(double));
        }
    }
    hash_finish(&hash, words);
    hash_hex(words, (SPEC_HASH_ROOM - 1) * 4, point->hash);
}

// Two points are the same if their replications are, and if they make the same of them.
static bool same_points(const struct experiment_point *a, const struct experiment_point *b)
{
    return strcmp(a->hash, b->hash) == 0 && a->replications == b->replications &&
           a->confidence == b->confidence && a->is_transient == b->is_transient &&
           until_is_same(a, b);
}

// Where `wanted`, or its simulation, stands in a table, or where it would.
static size_t *slot_of(const struct planner *planner, size_t *table,
                       const struct experiment_point *wanted, bool is_point)
{
    const struct experiment *experiment = planner->experiment;
    const char *hash = is_point ? wanted->hash : wanted->simulation_hash;
    size_t at = 0;
    for (const char *digit = hash; *digit; digit++) {
        at = 31 * at + (unsigned char)*digit;
    }
    at &= planner->table_size - 1;
    while (table[at]) {
        const size_t number = table[at] - 1;
        const struct experiment_point *point =
            &experiment->points[is_point ? number : experiment->simulations[number].first_point];
        if (is_point ? same_points(point, wanted) : strcmp(point->simulation_hash, hash) == 0) {
            break;
        }
        at = (at + 1) & (planner->table_size - 1);
    }
    return &table[at];
}

// Makes room for `most` points, keeping those that are there.
static void make_room(struct planner *planner, size_t most)
{
    struct experiment *experiment = planner->experiment;
    struct arena *arena = &experiment->arena;
    struct experiment_point *points = arena_new_array(arena, most, struct experiment_point);
    struct experiment_simulation *simulations =
        arena_new_array(arena, most, struct experiment_simulation);
    if (experiment->point_count) {
        memcpy(points, experiment->points, experiment->point_count * sizeof(*points));
        memcpy(simulations, experiment->simulations,
               experiment->simulation_count * sizeof(*simulations));
    }
    experiment->points = points;
    experiment->simulations = simulations;
    planner->point_room = most;
    planner->table_size = 16;
    while (planner->table_size < 2 * most) {
        planner->table_size *= 2;
    }
    planner->simulations_by_hash = arena_new_array(arena, planner->table_size, size_t);
    planner->points_by_hash = arena_new_array(arena, planner->table_size, size_t);
    for (size_t i = 0; i < experiment->point_count; i++) {
        *slot_of(planner, planner->points_by_hash, &points[i], true) = i + 1;
    }
    for (size_t i = 0; i < experiment->simulation_count; i++) {
        const struct experiment_point *first = &points[simulations[i].first_point];
        *slot_of(planner, planner->simulations_by_hash, first, false) = i + 1;
    }
}

// How many samples a replication has, about; one that goes on, until it is looked at first. A
// closed loop and a trace do not tell without being run.
static double expected_samples(const struct spec *spec, const struct world *world,
                               bool *ret_is_known)
{
    *ret_is_known = true;
    if (spec->stop_kind == STOP_SAMPLES) {
        return (double)spec->stop_samples;
    }
    for (int i = 0; i < spec->class_count; i++) {
        const enum spec_arrival_kind kind = spec->classes[i].arrivals.kind;
        *ret_is_known &= kind != ARRIVALS_CLOSED && kind != ARRIVALS_TRACE;
    }
    return spec->stop_time_s * world_arrival_rate(world);
}

static void put_into_simulation(struct planner *planner, size_t number, const struct spec *spec,
                                const struct world *world)
{
    struct experiment *experiment = planner->experiment;
    struct experiment_point *point = &experiment->points[number];
    size_t *slot = slot_of(planner, planner->simulations_by_hash, point, false);
    size_t own = 0;
    slot = experiment->is_sweep ? slot : &own; // the points of a plain run stand alone
    point->next_sharing = SIZE_MAX;
    if (!*slot) {
        struct experiment_simulation *added =
            &experiment->simulations[experiment->simulation_count];
        *added = (struct experiment_simulation){.first_point = number};
        added->expected = expected_samples(spec, world, &added->expected_is_known);
        *slot = ++experiment->simulation_count;
    } else {
        experiment->points[experiment->simulations[*slot - 1].last_point].next_sharing = number;
    }
    struct experiment_simulation *simulation = &experiment->simulations[*slot - 1];
    simulation->last_point = number;
    point->simulation = *slot - 1;
    const uint64_t most =
        point->rule_count && !until_grows(point) ? until_most(point) : point->replications;
    if (point->replications > simulation->replications) {
        simulation->replications = point->replications;
    }
    simulation->most = most > simulation->most ? most : simulation->most;
}

// ---- points ----

static bool has_open_loop(const struct spec *spec)
{
    for (int i = 0; i < spec->class_count; i++) {
        if (spec->classes[i].arrivals.kind != ARRIVALS_CLOSED) {
            return true;
        }
    }
    return false;
}

// Swept keys first, then the policy's own parameters that no axis sets. A key of another policy
// does not concern this point.
static void note_parameters(struct planner *planner, struct experiment_point *point,
                            const struct spec *spec, size_t swept)
{
    struct arena *arena = &planner->experiment->arena;
    size_t own_count;
    const struct point_parameter *own =
        point_parameters(spec, point->policy_number, arena, &own_count);
    struct point_parameter *all = arena_new_array(arena, swept + own_count, struct point_parameter);
    size_t count = 0;
    for (size_t i = point->set_count - swept; i < point->set_count; i++) {
        const struct point_parameter parameter = point_parameter_of_set(point->sets[i], arena);
        if (!point_parameter_is_foreign(&parameter, point->policy)) {
            all[count++] = parameter;
        }
    }
    const size_t swept_count = count;
    for (size_t i = 0; i < own_count; i++) {
        bool is_swept = false;
        for (size_t k = 0; k < swept_count; k++) {
            is_swept |= strcmp(all[k].path, own[i].path) == 0;
        }
        if (!is_swept) {
            all[count++] = own[i];
        }
    }
    point->parameters = all;
    point->parameter_count = count;
}

// The rules by which its replications stop, if there are any.
static int plan_rules(const struct spec *spec, struct experiment_point *point, struct arena *arena,
                      struct diagnostics *diagnostics)
{
    const int wrong = until_plan(spec, point, arena);
    if (wrong >= 0) {
        const char *name = spec->until[wrong].metric;
        const struct setting *setting = settings_find(spec->settings, &spec->until[wrong].metric);
        const char *nearest =
            text_nearest(name, point->names->metric, (size_t)point->names->metrics);
        diagnostics_error(diagnostics, setting ? &setting->value : NULL,
                          "there is no metric '%s' under policy '%s'",
                          diagnostics_quote(diagnostics, name), point->policy);
        if (nearest) {
            diagnostics_hint(diagnostics, "did you mean '%s'?", nearest);
        } else {
            diagnostics_hint(diagnostics, "'offloadsim run --all' lists the metrics");
        }
        return -1;
    }
    if (point->rule_count) {
        point->replications = until_grows(point) ? 1 : until_first(point);
    }
    return 0;
}

static int add_point(struct planner *planner, const struct spec *spec, int policy,
                     const struct world *world, const char *const *sets, size_t set_count,
                     size_t swept, struct arena *scratch, struct diagnostics *diagnostics)
{
    struct experiment *experiment = planner->experiment;
    struct arena *arena = &experiment->arena;
    if (experiment->point_count == planner->point_room) {
        make_room(planner, 2 * planner->point_room); // a swept list of policies has grown
    }
    struct experiment_point *point = &experiment->points[experiment->point_count];
    *point = (struct experiment_point){.ordinal = experiment->point_count,
                                       .sets = sets,
                                       .set_count = set_count,
                                       .policy_number = policy,
                                       .policy = world->policy->name,
                                       .is_oracle = world->policy->is_oracle != 0,
                                       .uses_prices = world_uses_prices(world),
                                       .replications = (uint64_t)spec->replications,
                                       .confidence = spec->confidence,
                                       .replications_per_unit = spec->antithetic ? 2 : 1,
                                       .has_batches = spec->intervals == INTERVALS_BATCH_MEANS,
                                       .is_transient = spec->transient,
                                       .is_open_loop = has_open_loop(spec),
                                       .overloaded_station = -1};
    point->names = names_of(planner, world, scratch);
    if (plan_rules(spec, point, arena, diagnostics) != 0) {
        return -1;
    }
    hash_point(spec, world, point);
    size_t *slot = slot_of(planner, planner->points_by_hash, point, true);
    if (experiment->is_sweep && *slot) {
        return 0; // the axes that would set it apart do not concern its policy
    }
    *slot = experiment->point_count + 1;
    double *prices = arena_new_array(arena, (size_t)point->names->counters, double);
    memcpy(prices, world->counters.prices, (size_t)point->names->counters * sizeof(*prices));
    point->prices = prices;
    point->estimates =
        arena_new_array(arena, (size_t)point->names->metrics, struct experiment_estimate);
    note_parameters(planner, point, spec, swept);
    put_into_simulation(planner, experiment->point_count, spec, world);
    experiment->point_count++;
    return 0;
}

// Where to look when a policy does not fit its world: at the value of its parameter that the file
// sweeps, if there is only one or if the message names it; else at the policy.
static bool mark_misfit(const struct spec *spec, int number, const char *problem,
                        const char *const *sets, const struct override_origin *origins,
                        size_t set_count, struct mark *ret_mark)
{
    const struct spec_policy *policy = &spec->policies[number];
    const struct override_origin *found = NULL;
    size_t count = 0;
    struct text prefix = {0};
    struct text quoted = {0};
    text_format(&prefix, "policy.%s.", policy->type->name);
    for (size_t i = 0; origins && i < set_count; i++) {
        if (!origins[i].value || strncmp(sets[i], text_string(&prefix), prefix.length) != 0) {
            continue;
        }
        const char *name = sets[i] + prefix.length;
        text_clear(&quoted);
        text_format(&quoted, "'%.*s'", (int)strcspn(name, "="), name);
        found = &origins[i];
        count++;
        if (strstr(problem, text_string(&quoted))) {
            count = 1;
            break;
        }
    }
    text_finish(&prefix);
    text_finish(&quoted);
    if (count == 1) {
        *ret_mark = found->value->mark;
    }
    return count == 1 || spec_mark(spec, policy, ret_mark);
}

// Axes that set parameters of other policies do not concern a policy: its points are those at the
// first values of them.
static bool is_first_for(const struct sweep *sweep, uint64_t setting, const char *policy)
{
    for (size_t i = sweep->axis_count; i-- > 0;) { // the last axis varies fastest
        const struct sweep_axis *axis = &sweep->axes[i];
        bool is_foreign = true;
        for (size_t k = 0; k < axis->path_count && is_foreign; k++) {
            const struct point_parameter parameter = {.path = axis->paths[k]};
            is_foreign = point_parameter_is_foreign(&parameter, policy);
        }
        if (is_foreign && setting % axis->count != 0) {
            return false;
        }
        setting /= axis->count;
    }
    return true;
}

// Plans the points of one setting of the axes: one a policy. `origins` may be NULL, with which
// messages are not shown anyway.
static int plan_setting(struct planner *planner, uint64_t setting, const char *const *sets,
                        const struct override_origin *origins, size_t set_count, size_t swept,
                        struct diagnostics *diagnostics)
{
    struct experiment *experiment = planner->experiment;
    struct arena scratch;
    arena_init(&scratch, POINT_BLOCK_BYTES);
    struct spec *spec;
    int status = scenario_build(experiment->scenario, sets, origins, set_count, &scratch,
                                diagnostics, &spec);
    for (int policy = 0; status == 0 && policy < spec->policy_count; policy++) {
        if (!is_first_for(planner->sweep, setting, spec->policies[policy].type->name)) {
            continue;
        }
        struct text problem = {0};
        const struct world *world = world_build(spec, policy, &scratch, &problem);
        if (!world) {
            struct mark mark;
            const bool has_mark =
                mark_misfit(spec, policy, text_string(&problem), sets, origins, set_count, &mark);
            diagnostics_error(diagnostics, has_mark ? &mark : NULL, "%s", text_string(&problem));
            status = -1;
        } else {
            status = add_point(planner, spec, policy, world, sets, set_count, swept, &scratch,
                               diagnostics);
        }
        text_finish(&problem);
    }
    arena_finish(&scratch);
    return status;
}

// The paths that are swept, from the overrides of a point.
static void note_axes(struct experiment *experiment, const char *const *sets, size_t count)
{
    experiment->swept = arena_new_array(&experiment->arena, count, const char *);
    experiment->swept_count = count;
    for (size_t i = 0; i < count; i++) {
        experiment->swept[i] = point_parameter_of_set(sets[i], &experiment->arena).path;
    }
}

int experiment_plan(struct experiment *experiment, struct scenario *scenario,
                    const struct sweep *sweep, bool is_sweep, struct diagnostics *diagnostics)
{
    *experiment = (struct experiment){.scenario = scenario, .is_sweep = is_sweep};
    struct planner planner = {.experiment = experiment, .sweep = sweep};
    // The scenario at the first setting tells how many policies there are, and gives the headings.
    size_t set_count;
    size_t swept;
    const char *const *sets = sweep_point(sweep, 0, &experiment->arena, &set_count, &swept);
    const struct override_origin *origins = sweep_point_origins(sweep, 0, &experiment->arena);
    struct spec *spec;
    if (scenario_build(scenario, sets, origins, set_count, &experiment->arena, diagnostics,
                       &spec) != 0) {
        return -1;
    }
    experiment->spec = spec;
    note_axes(experiment, sets + set_count - swept, swept);
    make_room(&planner, (size_t)sweep->points * (size_t)spec->policy_count);
    int status = 0;
    for (uint64_t setting = 0; setting < sweep->points && status == 0; setting++) {
        sets = sweep_point(sweep, setting, &experiment->arena, &set_count, &swept);
        // Warnings were given for the first setting; they would come again for each.
        struct diagnostics own = {0};
        status = plan_setting(&planner, setting, sets, NULL, set_count, swept, &own);
        if (status != 0) {
            origins = sweep_point_origins(sweep, setting, &experiment->arena);
            status = plan_setting(&planner, setting, sets, origins, set_count, swept, diagnostics);
        }
        diagnostics_finish(&own);
    }
    experiment->planned_count = experiment->point_count;
    return status;
}

const struct world *experiment_world(const struct experiment *experiment, size_t number,
                                     struct arena *arena)
{
    const struct experiment_point *point = &experiment->points[number];
    struct diagnostics diagnostics = {0};
    struct text problem = {0};
    struct spec *spec;
    const struct world *world = NULL;
    if (scenario_build(experiment->scenario, point->sets, NULL, point->set_count, arena,
                       &diagnostics, &spec) == 0) {
        world = world_build(spec, point->policy_number, arena, &problem);
    }
    text_finish(&problem);
    diagnostics_finish(&diagnostics);
    return world;
}

void experiment_finish(struct experiment *experiment)
{
    if (experiment) {
        arena_finish(&experiment->arena);
    }
}
