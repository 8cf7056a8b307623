// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/memory.h"
#include "model/lane.h"
#include "model/tally.h"
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

static void metric(struct walk *walk, const char *family, const char *member, const char *unit,
                   double value)
{
    if (walk->values) {
        walk->values[walk->count] = value;
    } else if (walk->define) {
        walk->define->metric[walk->count].name =
            member ? arena_format(walk->arena, "%s.%s", family, member) : family;
        walk->define->metric[walk->count].unit = unit;
    }
    walk->count++;
}

static void walk_samples(const struct world *world, const struct tally *tally, struct walk *walk)
{
    const double *n = tally->counters;
    const double offered = n[COUNTER_OFFERED];
    const double answered = n[COUNTER_ANSWERED];
    metric(walk, "accuracy", NULL, "", n[COUNTER_CORRECT] / answered);
    metric(walk, "on_time_accuracy", NULL, "", n[COUNTER_ON_TIME_CORRECT] / offered);
    metric(walk, "cost_mean", NULL, "",
           world_cost(world->counters.prices, n, world->counters.count));
    metric(walk, "offload_fraction", NULL, "", n[COUNTER_OFFLOADED] / offered);
    for (int tier = 0; tier < world->tiers; tier++) {
        metric(walk, "answered_fraction", world->view.tier[tier].name, "",
               n[world->counters.answered_at + tier] / offered);
    }
    for (int exit = 0; exit < world->view.exits; exit++) {
        const struct policy_exit *e = &world->view.exit[exit];
        const char *member = walk->define ? arena_format(walk->arena, "%s.%s",
                                                         world->view.model[e->model].name, e->name)
                                          : e->name;
        metric(walk, "exit_fraction", member, "", n[world->counters.answered_by + exit] / offered);
    }
    metric(walk, "drop_fraction", NULL, "", n[COUNTER_DROPPED] / offered);
    for (int reason = 0; reason < world->reasons; reason++) {
        metric(walk, "drop_fraction", world->reason[reason], "",
               n[world->counters.dropped_for + reason] / offered);
    }
    metric(walk, "deadline_miss_fraction", NULL, "", n[COUNTER_DEADLINE_MISSES] / offered);
    metric(walk, "latency_mean_s", NULL, "s", n[COUNTER_LATENCY_S] / answered);
    metric(walk, "latency_p50_s", NULL, "s", histogram_quantile(&tally->latency, 0.5));
    metric(walk, "latency_p95_s", NULL, "s", histogram_quantile(&tally->latency, 0.95));
    metric(walk, "latency_p99_s", NULL, "s", histogram_quantile(&tally->latency, 0.99));
    metric(walk, "latency_p999_s", NULL, "s", histogram_quantile(&tally->latency, 0.999));
}

static void walk_classes(const struct world *world, const struct tally *tally, struct walk *walk)
{
    for (int i = 0; i < world->class_count && world->has_classes; i++) {
        const double *n =
            tally->counters + world->counters.classes + (ptrdiff_t)i * CLASS_COUNTER_COUNT;
        const char *name = world->classes[i].name;
        const double offered = n[CLASS_OFFERED];
        metric(walk, "offered_fraction", name, "", offered / tally->counters[COUNTER_OFFERED]);
        metric(walk, "accuracy", name, "", n[CLASS_CORRECT] / n[CLASS_ANSWERED]);
        metric(walk, "on_time_accuracy", name, "", n[CLASS_ON_TIME_CORRECT] / offered);
        metric(walk, "offload_fraction", name, "", n[CLASS_OFFLOADED] / offered);
        metric(walk, "deadline_miss_fraction", name, "", n[CLASS_DEADLINE_MISSES] / offered);
        metric(walk, "latency_mean_s", name, "s", n[CLASS_LATENCY_S] / n[CLASS_ANSWERED]);
        metric(walk, "latency_p95_s", name, "s",
               histogram_quantile(&tally->class_latency[i], 0.95));
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

static void walk_all(const struct world *world, const struct tally *tally, struct walk *walk)
{
    walk_samples(world, tally, walk);
    walk_classes(world, tally, walk);
    walk_labels(world, tally, walk);
    walk_totals(world, tally, walk);
    walk_stations(world, tally, walk);
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
