// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/estimate.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "exp/experiment.h"
#include "model/replication.h"
#include "model/world.h"
#include "stats/control.h"
#include "stats/interval.h"
#include "stats/moments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double experiment_cost(const struct experiment_point *point, const double *counters)
{
    return world_cost(point->prices, counters, point->names->counters);
}

// ---- units ----

// The units of a metric that say something.
struct units {
    double *values;
    double *denominators; // of proportions
    double *controls;     // [unit][control_count]
    double *scratch;
    size_t control_count;
    size_t count;
    double offered;        // samples of a replication each, added up over the units
    struct moments single; // of the replications alone
};

static void units_init(struct units *units, uint64_t replications)
{
    const size_t most = (size_t)replications;
    double *room = memory_resize(NULL, most * (3 + CONTROL_MOST), sizeof(double));
    *units = (struct units){.values = room,
                            .denominators = room + most,
                            .scratch = room + 2 * most,
                            .controls = room + 3 * most};
}

static void units_finish(struct units *units)
{
    free(units->values);
}

static double value_of(const struct experiment_point *point,
                       const struct replication_result *result, int metric)
{
    return metric == point->names->cost_metric ? experiment_cost(point, result->counters)
                                               : result->metrics[metric];
}

static bool is_usable(const struct replication_result *results, uint64_t replications, int control)
{
    for (uint64_t i = 0; i < replications; i++) {
        if (!isfinite(results[i].metrics[control])) {
            return false;
        }
    }
    return true;
}

// The controls that correct a metric: as many as the units leave freedom for, those that are likely
// to matter first. They are chosen by what they are, never by the results, which would make
// intervals too narrow. Shares depend on the samples more than on the queues.
static size_t choose_controls(const struct experiment_point *point,
                              const struct replication_result *results, uint64_t replications,
                              enum metric_kind kind, int ret_controls[CONTROL_MOST])
{
    const struct experiment_names *names = point->names;
    const uint64_t units = replications / point->replications_per_unit;
    const size_t most =
        units < 3 * CONTROL_MOST + 2 ? (size_t)(units < 5 ? 0 : (units - 2) / 3) : CONTROL_MOST;
    size_t count = 0;
    if (kind == METRIC_QUANTILE || kind == METRIC_CONTROL || !names->controls) {
        return 0;
    }
    for (int turn = 0; turn < 2; turn++) {
        const bool wants_samples = (turn == 0) == (kind == METRIC_PROPORTION);
        for (int i = names->metrics - names->controls; i < names->metrics && count < most; i++) {
            if (names->is_of_samples[i] == wants_samples && is_usable(results, replications, i)) {
                ret_controls[count++] = i;
            }
        }
    }
    return count;
}

// Collects the values of a metric, `per_unit` replications a unit. A last unit that is not whole is
// left out, and so is one of which a replication says nothing.
static void collect(const struct experiment_point *point, const struct replication_result *results,
                    uint64_t replications, int metric, const int *controls, struct units *units)
{
    const uint64_t per_unit = point->replications_per_unit;
    const int denominator = point->names->denominator[metric];
    const size_t control_count = units->control_count;
    CHECK(NULL, controls || !control_count);
    units->count = 0;
    units->offered = 0;
    units->single = (struct moments){0};
    for (uint64_t first = 0; first + per_unit <= replications; first += per_unit) {
        double sum = 0;
        double denominators = 0;
        double offered = 0;
        double *of_unit = units->controls + units->count * control_count;
        memset(of_unit, 0, control_count * sizeof(*of_unit));
        for (uint64_t i = first; i < first + per_unit; i++) {
            const double value = value_of(point, &results[i], metric);
            sum += value;
            denominators += results[i].counters[denominator];
            offered += results[i].counters[COUNTER_OFFERED] / (double)per_unit;
            if (!isnan(value)) {
                moments_add(&units->single, value);
            }
            for (size_t k = 0; k < control_count; k++) {
                of_unit[k] += results[i].metrics[controls[k]] / (double)per_unit;
            }
        }
        if (!isnan(sum)) {
            units->values[units->count] = sum / (double)per_unit;
            units->denominators[units->count] = denominators;
            units->offered += offered;
            units->count++;
        }
    }
}

// ---- estimates ----

// How often a share of what a counter counts has happened, and has not: the lesser of the two.
static double events(const struct units *units)
{
    double happened = 0;
    double trials = 0;
    for (size_t i = 0; i < units->count; i++) {
        happened += units->values[i] * units->denominators[i];
        trials += units->denominators[i];
    }
    return fmin(happened, trials - happened);
}

// Units that agree to the bit on a share that is neither 0 nor 1 were given it: each has met all
// samples of a trace.
static bool all_agree(const struct units *units)
{
    for (size_t i = 1; i < units->count; i++) {
        if (units->values[i] != units->values[0]) {
            return false;
        }
    }
    return true;
}

static struct interval plain(const struct units *units, enum metric_kind kind, double confidence)
{
    switch (kind) {
    case METRIC_MEAN:
    case METRIC_CONTROL:
        break;
    case METRIC_QUANTILE:
        return interval_of_median(units->values, units->count, confidence, units->scratch);
    case METRIC_PROPORTION:
        if (all_agree(units) && events(units) >= INTERVAL_PROPORTION_EVENTS) {
            break;
        }
        return interval_of_proportion(units->values, units->denominators, units->count, confidence);
    }
    return interval_of_mean(units->values, units->count, confidence);
}

// The variance of as many replications that are independent, by that of the units.
static double gain_of_units(const struct units *units, uint64_t per_unit)
{
    struct moments moments = {0};
    for (size_t i = 0; i < units->count; i++) {
        moments_add(&moments, units->values[i]);
    }
    return moments_variance(&units->single) / (double)per_unit / moments_variance(&moments);
}

static bool controlled(const struct units *units, enum metric_kind kind, double confidence,
                       struct control_result *ret_result)
{
    const double known[CONTROL_MOST] = {0}; // that is what a control is made for
    if (!units->control_count ||
        (kind == METRIC_PROPORTION && !(events(units) >= INTERVAL_PROPORTION_EVENTS)) ||
        !control_estimate(units->values, units->controls, known, units->count, units->control_count,
                          confidence, ret_result)) {
        return false;
    }
    return kind != METRIC_PROPORTION ||
           (ret_result->interval.low >= 0 && ret_result->interval.high <= 1);
}

// Ratios of a replication that stops after n samples are off by one or two n-th parts of their
// value, as the last of them ends it. That hides behind chance unless control variates take nearly
// all of that away.
static void allow_for_bias(const struct units *units, struct interval *interval)
{
    const double samples = units->offered / (double)units->count;
    const double bias = samples > 0 ? 2 * fabs(interval->mean) / samples : 0;
    interval->low -= bias;
    interval->high += bias;
    interval->half_width += bias;
}

static struct experiment_estimate estimate_units(const struct units *units, enum metric_kind kind,
                                                 double confidence, uint64_t per_unit)
{
    struct interval interval = plain(units, kind, confidence);
    if (units->count < 2) { // a share has bounds of its own, but no spread to widen them by
        interval.low = interval.high = interval.half_width = NAN;
    }
    double gain = per_unit > 1 ? gain_of_units(units, per_unit) : NAN;
    struct control_result control;
    if (controlled(units, kind, confidence, &control)) {
        interval = control.interval;
        allow_for_bias(units, &interval);
        gain = isnan(gain) ? control.variance_ratio : gain * control.variance_ratio;
    }
    return (struct experiment_estimate){.mean = interval.mean,
                                        .low = interval.low,
                                        .high = interval.high,
                                        .half_width = interval.half_width,
                                        .replications = interval.units,
                                        .variance_ratio = isfinite(gain) ? gain : NAN};
}

struct experiment_estimate estimate_metric(const struct experiment_point *point,
                                           const struct replication_result *results,
                                           uint64_t replications, int metric, double confidence)
{
    struct units units;
    int controls[CONTROL_MOST] = {0};
    units_init(&units, replications);
    units.control_count =
        choose_controls(point, results, replications, point->names->kind[metric], controls);
    collect(point, results, replications, metric, controls, &units);
    const struct experiment_estimate estimate = estimate_units(
        &units, point->names->kind[metric], confidence, point->replications_per_unit);
    units_finish(&units);
    return estimate;
}

struct experiment_estimate estimate_costs(const double *costs, uint64_t count, double confidence,
                                          uint64_t per_unit)
{
    struct units units;
    units_init(&units, count);
    for (uint64_t first = 0; first + per_unit <= count; first += per_unit) {
        double sum = 0;
        for (uint64_t i = first; i < first + per_unit; i++) {
            sum += costs[i];
            if (!isnan(costs[i])) {
                moments_add(&units.single, costs[i]);
            }
        }
        if (!isnan(sum)) {
            units.values[units.count++] = sum / (double)per_unit;
        }
    }
    const struct experiment_estimate estimate =
        estimate_units(&units, METRIC_MEAN, confidence, per_unit);
    units_finish(&units);
    return estimate;
}

// ---- verdicts ----

// A station to which work comes faster than its servers can do it never settles: its queue grows
// for as long as samples arise. In a closed loop the queue is bounded by the samples in flight.
static void judge_loads(struct experiment_point *point)
{
    const struct experiment_names *names = point->names;
    for (int i = 0; i < names->stations && point->is_open_loop; i++) {
        const struct experiment_estimate *load =
            &point->estimates[names->first_metric[i] + STATION_OFFERED_LOAD];
        // Beyond chance: the whole interval, where there is one, lies above.
        const double sure = isnan(load->low) ? load->mean : load->low;
        if (sure >= 1 && load->mean > point->overloaded_load) {
            point->verdict = VERDICT_OVERLOADED;
            point->overloaded_station = i;
            point->overloaded_load = load->mean;
            point->overloaded_since_s =
                point->estimates[names->first_metric[i] + STATION_FREE_LAST].mean;
        }
    }
}

// A metric by the name of its family and, after a dot, its member; -1: there is none.
static int find_metric(const struct experiment_names *names, const char *family, const char *member)
{
    const size_t length = strlen(family);
    for (int i = 0; i < names->metrics; i++) {
        const char *name = names->metric[i];
        if (strncmp(name, family, length) == 0 &&
            (member ? name[length] == '.' && strcmp(name + length + 1, member) == 0
                    : name[length] == '\0')) {
            return i;
        }
    }
    return -1;
}

// In so many replications the end of the warm-up has to be found. In some it is not by chance: of
// an M/M/1 queue with a load of 0.9 in 4 % if the run has 20,000 samples, and in 40 % at a load
// of 1.
static const double LEAST_SETTLED = 0.75;
// A queue whose wait is a smaller part of the latency than this has no say.
static const double LEAST_PART = 0.01;

static bool is_unsettled(const struct experiment_point *point, const char *member)
{
    const int metric = find_metric(point->names, "settled_fraction", member);
    return metric >= 0 && point->estimates[metric].mean < LEAST_SETTLED;
}

static bool has_say(const struct experiment_point *point, int station)
{
    const int wait = point->names->first_metric[station] + STATION_WAIT_MEAN;
    const int latency = find_metric(point->names, "latency_mean_s", NULL);
    return point->estimates[wait].mean >= LEAST_PART * point->estimates[latency].mean;
}

// Queues first: where one has not settled, nothing behind it has.
static void judge_warmup(struct experiment_point *point)
{
    const struct experiment_names *names = point->names;
    int unsettled = -1;
    for (int i = 0; i < names->stations && unsettled < 0; i++) {
        if (is_unsettled(point, names->station[i]) && has_say(point, i)) {
            unsettled = names->first_metric[i] + STATION_QUEUE_MEAN;
        }
    }
    if (unsettled < 0 && is_unsettled(point, NULL)) {
        unsettled = find_metric(names, "latency_mean_s", NULL);
    }
    if (unsettled >= 0) {
        point->verdict = VERDICT_NOT_CONVERGED;
        point->unsettled = names->metric[unsettled];
    }
}

static void judge(struct experiment_point *point, const struct replication_batches *batches)
{
    point->verdict = VERDICT_STABLE;
    point->overloaded_load = 0;
    if (point->is_transient) {
        point->verdict = VERDICT_TRANSIENT;
        return;
    }
    judge_loads(point);
    if (point->verdict == VERDICT_STABLE) {
        judge_warmup(point);
    }
    if (point->verdict == VERDICT_STABLE && batches->has_not_converged) {
        point->verdict = VERDICT_NOT_CONVERGED;
        point->unsettled = point->names->metric[batches->metric];
    }
}

// The estimate of a run that is cut into batches: what the run as a whole says, and the interval of
// its batches about it.
static struct experiment_estimate move_to(double whole, enum metric_kind kind,
                                          struct experiment_estimate estimate)
{
    const double shift = whole - estimate.mean;
    estimate.mean = whole;
    estimate.low += shift;
    estimate.high += shift;
    if (kind == METRIC_PROPORTION) {
        estimate.low = fmax(0, estimate.low);
        estimate.high = fmin(1, estimate.high);
    }
    return estimate;
}

struct experiment_estimate estimate_metric_of_batches(const struct experiment_point *point,
                                                      const struct replication_batches *batches,
                                                      const struct replication_result *whole,
                                                      int metric, double confidence)
{
    const enum metric_kind kind = point->names->kind[metric];
    struct units units;
    units_init(&units, batches->count + 1);
    collect(point, batches->each, batches->count, metric, NULL, &units);
    const struct experiment_estimate estimate = estimate_units(&units, kind, confidence, 1);
    units_finish(&units);
    return whole ? move_to(value_of(point, whole, metric), kind, estimate) : estimate;
}

static void estimate_batches(struct experiment_point *point, const struct replication_result *whole)
{
    for (int metric = 0; metric < point->names->metrics; metric++) {
        point->estimates[metric] =
            estimate_metric_of_batches(point, &whole->batches, whole, metric, point->confidence);
    }
}

static void estimate_replications(struct experiment_point *point,
                                  const struct replication_result *results)
{
    const struct experiment_names *names = point->names;
    struct units units;
    int controls[CONTROL_MOST] = {0};
    units_init(&units, point->replications);
    for (int metric = 0; metric < names->metrics; metric++) {
        units.control_count =
            choose_controls(point, results, point->replications, names->kind[metric], controls);
        collect(point, results, point->replications, metric, controls, &units);
        point->estimates[metric] = estimate_units(&units, names->kind[metric], point->confidence,
                                                  point->replications_per_unit);
    }
    units_finish(&units);
}

void estimate_point(struct experiment_point *point, const struct replication_result *results)
{
    if (results[0].batches.count) {
        estimate_batches(point, results);
    } else {
        estimate_replications(point, results);
    }
    judge(point, &results[0].batches);
}

void experiment_verdict_text(const struct experiment_point *point, struct text *ret_text)
{
    switch (point->verdict) {
    case VERDICT_STABLE:
        text_add(ret_text, "stable");
        break;
    case VERDICT_OVERLOADED:
        text_format(ret_text, "overloaded: %s (offered load %.3g since %.3g s)",
                    point->names->station[point->overloaded_station], point->overloaded_load,
                    point->overloaded_since_s);
        break;
    case VERDICT_NOT_CONVERGED:
        text_format(ret_text, "not converged: %s", point->unsettled);
        break;
    case VERDICT_TRANSIENT:
        text_add(ret_text, "transient");
        break;
    }
}

// Whether a text is `prefix` and then `name`, as a whole or up to a remark in brackets.
static bool names(const char *text, const char *prefix, const char *name)
{
    const size_t prefix_length = strlen(prefix);
    const size_t length = strlen(name);
    if (strncmp(text, prefix, prefix_length) != 0 ||
        strncmp(text + prefix_length, name, length) != 0) {
        return false;
    }
    const char *rest = text + prefix_length + length;
    return *rest == '\0' || strncmp(rest, " (", 2) == 0;
}

void estimate_read_verdict(struct experiment_point *point, const char *text)
{
    point->verdict = strcmp(text, "transient") == 0 ? VERDICT_TRANSIENT : VERDICT_STABLE;
    for (int i = 0; i < point->names->stations; i++) {
        if (names(text, "overloaded: ", point->names->station[i])) {
            point->verdict = VERDICT_OVERLOADED;
            point->overloaded_station = i;
            point->overloaded_load =
                point->estimates[point->names->first_metric[i] + STATION_OFFERED_LOAD].mean;
            point->overloaded_since_s =
                point->estimates[point->names->first_metric[i] + STATION_FREE_LAST].mean;
        }
    }
    for (int i = 0; i < point->names->metrics; i++) {
        if (names(text, "not converged: ", point->names->metric[i])) {
            point->verdict = VERDICT_NOT_CONVERGED;
            point->unsettled = point->names->metric[i];
        }
    }
}
