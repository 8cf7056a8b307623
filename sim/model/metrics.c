// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/memory.h"
#include "model/controls.h"
#include "model/lane.h"
#include "model/tally.h"
#include "model/warmup.h"
#include "model/world.h"

#include <math.h>
#include <stdlib.h>

// One walk over all metrics serves both to name them and to compute them, so that names and values
// cannot come apart. A metric's name is a family and, after a dot, a member.
struct walk {
    struct world *define; // naming: where the names go; NULL: computing
    struct arena *arena;
    double *values; // computing
    int count;
};

// The length over which averages over time are taken; NaN if the warm-up never ended.
static double window_length(const struct tally *tally)
{
    const double window_s = tally->window_to_s - tally->window_from_s;
    return window_s > 0 ? window_s : NAN;
}

static void any_metric(struct walk *walk, const char *family, const char *member, double value,
                       const struct world_metric *what)
{
    if (walk->values) {
        walk->values[walk->count] = value;
    } else if (walk->define) {
        struct world_metric *defined = &walk->define->metric[walk->count];
        *defined = *what;
        defined->name = member ? arena_format(walk->arena, "%s.%s", family, member) : family;
    }
    walk->count++;
}

static void metric(struct walk *walk, const char *family, const char *member, const char *unit,
                   double value)
{
    any_metric(walk, family, member, value, &(struct world_metric){.unit = unit});
}

// A quantile of the latency.
static void quantile(struct walk *walk, const char *family, const char *member,
                     const struct histogram *histogram, double q)
{
    any_metric(walk, family, member, walk->values ? histogram_quantile(histogram, q) : NAN,
               &(struct world_metric){.unit = "s", .kind = METRIC_QUANTILE});
}

// Whether the world leaves a share to chance. What it does not needs no interval for rare events:
// without a deadline it is certain that none is missed.
static bool may_offload(const struct world *world)
{
    return world->tiers > 1;
}

static bool may_be_wrong(const struct world *world)
{
    return world->spec->trace || world->spec->generated || world->spec->drift_count > 0;
}

static bool may_be_late(const struct world *world)
{
    bool has_deadline = false;
    for (int i = 0; i < world->class_count; i++) {
        has_deadline |= isfinite(world->classes[i].deadline_s) != 0;
    }
    return has_deadline;
}

static bool may_drop(const struct world *world, int reason)
{
    bool has_room = false;
    bool has_patience = false;
    bool has_rules = false;
    for (int i = 0; i < world->stations; i++) {
        has_room |= world->station[i].room >= 0;
        has_patience |= isfinite(world->station[i].patience_s) != 0;
        has_rules |= world->station[i].rules != NULL;
    }
    return reason == REASON_FULL      ? has_room
           : reason == REASON_TIMEOUT ? has_patience
           : reason == REASON_LOST    ? world->loses_messages
           : reason == REASON_FAILURE ? has_rules
                                      : true;
}

static bool may_drop_any(const struct world *world)
{
    bool may = false;
    for (int reason = 0; reason < world->reasons; reason++) {
        may |= may_drop(world, reason);
    }
    return may;
}

// One counter as a share of another; `is_open`: chance decides.
static void share(struct walk *walk, const char *family, const char *member, bool is_open,
                  const double *counters, int part, int whole)
{
    any_metric(walk, family, member, counters[part] / counters[whole],
               &(struct world_metric){.unit = "",
                                      .kind = is_open ? METRIC_PROPORTION : METRIC_MEAN,
                                      .denominator = whole});
}

static void walk_samples(const struct world *world, const struct tally *tally, struct walk *walk)
{
    const double *n = tally->counters;
    const struct world_counters *at = &world->counters;
    share(walk, "accuracy", NULL, may_be_wrong(world), n, COUNTER_CORRECT, COUNTER_ANSWERED);
    share(walk, "on_time_accuracy", NULL,
          may_be_wrong(world) || may_be_late(world) || may_drop_any(world), n,
          COUNTER_ON_TIME_CORRECT, COUNTER_OFFERED);
    metric(walk, "cost_mean", NULL, "", world_cost(at->prices, n, at->count));
    share(walk, "offload_fraction", NULL, may_offload(world), n, COUNTER_OFFLOADED,
          COUNTER_OFFERED);
    for (int tier = 0; tier < world->tiers; tier++) {
        share(walk, "answered_fraction", world->view.tier[tier].name,
              may_offload(world) || may_drop_any(world), n, at->answered_at + tier,
              COUNTER_OFFERED);
    }
    for (int exit = 0; exit < world->view.exits; exit++) {
        const struct policy_exit *e = &world->view.exit[exit];
        const char *member = walk->define ? arena_format(walk->arena, "%s.%s",
                                                         world->view.model[e->model].name, e->name)
                                          : e->name;
        share(walk, "exit_fraction", member, world->view.exits > 1 || may_drop_any(world), n,
              at->answered_by + exit, COUNTER_OFFERED);
    }
    for (int model = 0; model < world->view.models; model++) {
        metric(walk, "calls_mean", world->view.model[model].name, "",
               n[at->calls + model] / n[COUNTER_OFFERED]);
    }
    share(walk, "drop_fraction", NULL, may_drop_any(world), n, COUNTER_DROPPED, COUNTER_OFFERED);
    for (int reason = 0; reason < world->reasons; reason++) {
        share(walk, "drop_fraction", world->reason[reason], may_drop(world, reason), n,
              at->dropped_for + reason, COUNTER_OFFERED);
    }
    share(walk, "deadline_miss_fraction", NULL, may_be_late(world), n, COUNTER_DEADLINE_MISSES,
          COUNTER_OFFERED);
    metric(walk, "latency_mean_s", NULL, "s", n[COUNTER_LATENCY_S] / n[COUNTER_ANSWERED]);
    quantile(walk, "latency_p50_s", NULL, &tally->latency, 0.5);
    quantile(walk, "latency_p95_s", NULL, &tally->latency, 0.95);
    quantile(walk, "latency_p99_s", NULL, &tally->latency, 0.99);
    quantile(walk, "latency_p999_s", NULL, &tally->latency, 0.999);
}

static void walk_classes(const struct world *world, const struct tally *tally, struct walk *walk)
{
    const double *n = tally->counters;
    for (int i = 0; i < world->class_count && world->has_classes; i++) {
        const int first = world->counters.classes + i * CLASS_COUNTER_COUNT;
        const char *name = world->classes[i].name;
        const int offered = first + CLASS_OFFERED;
        share(walk, "offered_fraction", name, world->class_count > 1, n, offered, COUNTER_OFFERED);
        share(walk, "accuracy", name, may_be_wrong(world), n, first + CLASS_CORRECT,
              first + CLASS_ANSWERED);
        share(walk, "on_time_accuracy", name,
              may_be_wrong(world) || may_be_late(world) || may_drop_any(world), n,
              first + CLASS_ON_TIME_CORRECT, offered);
        share(walk, "offload_fraction", name, may_offload(world), n, first + CLASS_OFFLOADED,
              offered);
        share(walk, "deadline_miss_fraction", name, may_be_late(world), n,
              first + CLASS_DEADLINE_MISSES, offered);
        metric(walk, "latency_mean_s", name, "s",
               n[first + CLASS_LATENCY_S] / n[first + CLASS_ANSWERED]);
        quantile(walk, "latency_p95_s", name, &tally->class_latency[i], 0.95);
    }
}

static int compare_numbers(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return a < b ? -1 : a > b;
}

// The mean accuracy of the worst tenth of the labels, at least of one: of those that have answered
// samples, the number of them that is a tenth, rounded down. Which of equal ones it takes makes no
// difference.
static double worst_tenth(const struct world *world, const struct tally *tally)
{
    size_t count = 0;
    for (int i = 0; i < world->labels; i++) {
        if (tally->label_answered[i] > 0) {
            tally->label_accuracy[count++] = tally->label_correct[i] / tally->label_answered[i];
        }
    }
    if (!count) {
        return NAN;
    }
    qsort(tally->label_accuracy, count, sizeof(double), compare_numbers);
    const size_t worst = count < 10 ? 1 : count / 10;
    double sum = 0;
    for (size_t i = 0; i < worst; i++) {
        sum += tally->label_accuracy[i];
    }
    return sum / (double)worst;
}

static void walk_labels(const struct world *world, const struct tally *tally, struct walk *walk)
{
    if (!world->labels) {
        return;
    }
    metric(walk, "label_accuracy_worst_tenth", NULL, "",
           walk->values ? worst_tenth(world, tally) : NAN);
    for (int i = 0; i < world->labels && world->spec->measure.labels; i++) {
        const char *name = walk->define ? arena_format(walk->arena, "%d", i) : "";
        metric(walk, "label_accuracy", name, "",
               walk->values ? tally->label_correct[i] / tally->label_answered[i] : NAN);
    }
}

static void walk_totals(const struct world *world, const struct tally *tally, struct walk *walk)
{
    const double *n = tally->counters;
    const double offered = n[COUNTER_OFFERED];
    const double window_s = window_length(tally);
    metric(walk, "throughput_per_s", NULL, "/s", (double)tally->answered_in_window / window_s);
    metric(walk, "device_energy_mean_j", NULL, "J", n[world->counters.joules] / offered);
    metric(walk, "energy_mean_j", NULL, "J", n[COUNTER_JOULES] / offered);
    double up = 0;
    double down = 0;
    for (int link = 0; link < world->view.links; link++) {
        up += n[world->counters.bytes + 2 * link];
        down += n[world->counters.bytes + 2 * link + 1];
    }
    metric(walk, "bytes_up_mean", NULL, "B", up / offered);
    metric(walk, "bytes_down_mean", NULL, "B", down / offered);
}

// Whether the number of servers in use changes.
static bool station_scales(const struct world_station *station)
{
    return station->rules && station->rules->scaling;
}

static void walk_stations(const struct world *world, const struct tally *tally, struct walk *walk)
{
    const double window_s = window_length(tally);
    for (int i = 0; i < world->stations; i++) {
        const struct world_station *station = &world->station[i];
        const struct station_tally *t = &tally->stations[i];
        const double servers = station_scales(station) ? t->server_area_s / window_s
                                                       : (double)station->lanes * station->servers;
        if (walk->define) {
            walk->define->station[i].first_metric = walk->count;
        }
        metric(walk, "utilisation", station->name, "", t->busy_area_s / (servers * window_s));
        metric(walk, "offered_load", station->name, "", t->work_s / (servers * window_s));
        metric(walk, "queue_mean", station->name, "", t->queue_area_s / window_s);
        metric(walk, "present_mean", station->name, "",
               (t->queue_area_s + t->serving_area_s) / window_s);
        metric(walk, "wait_mean_s", station->name, "s", t->wait_s / (double)t->visits);
        metric(walk, "arrival_rate_per_s", station->name, "/s", (double)t->arrivals / window_s);
        metric(walk, "free_last_s", station->name, "s",
               t->arrivals ? t->free_last_s : NAN);
        if (station_scales(station)) {
            metric(walk, "servers_mean", station->name, "", t->server_area_s / window_s);
        }
        if (station->rules && station->rules->makes_batches) {
            metric(walk, "batch_mean", station->name, "",
                   (double)t->batched / (double)t->batches);
        }
        if (station->rules && station->rules->fails) {
            metric(walk, "availability", station->name, "",
                   t->works_area_s / (station->lanes * window_s));
        }
    }
}

// What was found of a warm-up that was to be found.
static void walk_warmup(const struct world *world, const struct tally *tally, struct walk *walk)
{
    if (world->spec->warmup_kind != WARMUP_AUTO) {
        return;
    }
    const struct warmup *warmup = tally->warmup && tally->warmup->settled ? tally->warmup : NULL;
    metric(walk, "warmup_s", NULL, "s", warmup ? warmup->cut_s : NAN);
    metric(walk, "settled_fraction", NULL, "", warmup ? warmup->is_settled : NAN);
    for (int i = 0; i < world->stations; i++) {
        metric(walk, "settled_fraction", world->station[i].name, "",
               warmup ? warmup->settled[i] : NAN);
    }
}

static void walk_all(const struct world *world, const struct tally *tally, struct walk *walk)
{
    walk_samples(world, tally, walk);
    walk_classes(world, tally, walk);
    walk_labels(world, tally, walk);
    walk_totals(world, tally, walk);
    walk_stations(world, tally, walk);
    walk_warmup(world, tally, walk);
    for (int i = 0; i < world->controls; i++) {
        any_metric(walk, "control", world->control[i].name, walk->values ? tally->controls[i] : NAN,
                   &(struct world_metric){.unit = "", .kind = METRIC_CONTROL});
    }
}

void metrics_define(struct world *world, struct arena *arena)
{
    // An empty tally stands in for the values, which are not looked at.
    struct tally *empty = arena_new(arena, struct tally);
    empty->counters = arena_new_array(arena, (size_t)world->counters.count, double);
    empty->class_latency = arena_new_array(arena, (size_t)world->class_count, struct histogram);
    empty->stations = arena_new_array(arena, (size_t)world->stations, struct station_tally);
    struct walk walk = {0};
    walk_all(world, empty, &walk);
    world->metrics = walk.count;
    world->metric = arena_new_array(arena, (size_t)walk.count, struct world_metric);
    walk = (struct walk){.define = world, .arena = arena};
    walk_all(world, empty, &walk);
}

void metrics_compute(const struct world *world, const struct tally *tally, double *ret_values)
{
    struct walk walk = {.values = ret_values};
    walk_all(world, tally, &walk);
    for (int i = 0; i < walk.count; i++) {
        if (isinf(ret_values[i])) {
            ret_values[i] = NAN; // a rate over an empty window
        }
    }
}
