// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/until.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "exp/estimate.h"
#include "model/replication.h"
#include "scenario/spec.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Of what there is, a round adds this part at least and at most.
static const double LEAST_GROWTH = 0.1;
static const double MOST_GROWTH = 1;
// Whole numbers of samples are exact up to here.
static const double MOST_SAMPLES = 0x1p53;

static int find_metric(const struct experiment_names *names, const char *name)
{
    for (int i = 0; i < names->metrics; i++) {
        if (strcmp(names->metric[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

int until_plan(const struct spec *spec, struct experiment_point *point, struct arena *arena)
{
    struct until_rule *rules = arena_new_array(arena, (size_t)spec->until_count, struct until_rule);
    for (int i = 0; i < spec->until_count; i++) {
        const struct spec_until *stated = &spec->until[i];
        const int metric = find_metric(point->names, stated->metric);
        if (metric < 0) {
            return i;
        }
        const bool is_relative = stated->relative > 0;
        rules[i] = (struct until_rule){
            .name = point->names->metric[metric],
            .metric = metric,
            .is_relative = is_relative,
            .half_width = is_relative ? stated->relative : stated->absolute,
            .confidence = stated->confidence > 0 ? stated->confidence : spec->confidence,
            .least = (uint64_t)stated->least,
            .most = (uint64_t)stated->most};
        if (point->has_batches) {
            rules[i].least = spec->stop_samples;
            rules[i].most = (uint64_t)fmin((double)spec->stop_samples * stated->most, MOST_SAMPLES);
        }
    }
    point->rules = rules;
    point->rule_count = spec->until_count;
    return -1;
}

bool until_grows(const struct experiment_point *point)
{
    return point->rule_count && point->has_batches;
}

// Whole units: antithetic replications come in pairs.
static uint64_t whole(const struct experiment_point *point, uint64_t replications)
{
    const uint64_t per_unit = point->replications_per_unit;
    return (replications + per_unit - 1) / per_unit * per_unit;
}

// What an interval rests on is units, so these are what `least` counts: no interval of few pairs is
// looked at.
uint64_t until_first(const struct experiment_point *point)
{
    uint64_t first = 0;
    for (int i = 0; i < point->rule_count; i++) {
        const struct until_rule *rule = &point->rules[i];
        const uint64_t least = rule->least * point->replications_per_unit;
        const uint64_t most = whole(point, rule->most);
        const uint64_t own = least < most ? least : most;
        first = own > first ? own : first;
    }
    return first;
}

uint64_t until_most(const struct experiment_point *point)
{
    uint64_t most = until_first(point);
    for (int i = 0; i < point->rule_count; i++) {
        const uint64_t own = whole(point, point->rules[i].most);
        most = own > most ? own : most;
    }
    return most;
}

// ---- looking ----

// How many times as wide as wanted an interval is; infinite if there is none.
static double excess(const struct until_rule *rule, const struct experiment_estimate *estimate)
{
    const double wanted =
        rule->is_relative ? rule->half_width * fabs(estimate->mean) : rule->half_width;
    if (isnan(estimate->half_width) || isnan(wanted)) {
        return INFINITY;
    }
    // An interval without width is as narrow as any, even about 0.
    return estimate->half_width > 0 ? estimate->half_width / wanted : 0;
}

static double excess_of_batches(const struct experiment_point *point, const struct until_rule *rule,
                                const struct replication_batches *batches)
{
    const struct experiment_estimate estimate =
        estimate_metric_of_batches(point, batches, NULL, rule->metric, rule->confidence);
    return batches->has_not_converged ? INFINITY : excess(rule, &estimate);
}

// How many replications or samples it takes by one rule, of which there are `now`.
static uint64_t wanted_by(const struct experiment_point *point, const struct until_rule *rule,
                          double times, uint64_t now)
{
    const uint64_t most = whole(point, rule->most);
    if (times <= 1 || now >= most) {
        return now;
    }
    const double growth = fmin(fmax(times * times - 1, LEAST_GROWTH), MOST_GROWTH);
    const uint64_t wanted = whole(point, now + (uint64_t)ceil(growth * (double)now));
    return wanted < most ? wanted : most;
}

static uint64_t go_on(const void *context, uint64_t samples,
                      const struct replication_batches *batches)
{
    const struct experiment_point *point = context;
    uint64_t next = samples;
    for (int i = 0; i < point->rule_count; i++) {
        const struct until_rule *rule = &point->rules[i];
        const double times = excess_of_batches(point, rule, batches);
        const uint64_t own = wanted_by(point, rule, times, samples);
        next = own > next ? own : next;
    }
    return next;
}

void until_let_grow(const struct experiment_point *point, struct replication_options *options)
{
    if (until_grows(point)) {
        options->go_on = go_on;
        options->go_on_context = point;
    }
}

// ---- saying why ----

static void add_width(const struct until_rule *rule, double half_width, struct text *text)
{
    if (rule->is_relative) {
        text_format(text, "%.3g %%", 100 * half_width);
    } else {
        text_format(text, "%.3g", half_width);
    }
}

static void add_widths(const struct until_rule *rule, const struct experiment_estimate *estimate,
                       struct text *text)
{
    text_format(text, "%s has a half width of ", rule->name);
    if (isnan(estimate->half_width)) {
        text_add(text, "nothing, for it has no interval");
    } else {
        add_width(rule,
                  rule->is_relative ? estimate->half_width / fabs(estimate->mean)
                                    : estimate->half_width,
                  text);
    }
    text_add(text, ", wanted: ");
    add_width(rule, rule->half_width, text);
}

// The run of a point that grows is over.
static void add_reasons_of_run(const struct experiment_point *point,
                               const struct replication_result *run, struct text *text)
{
    const struct replication_batches *batches = &run->batches;
    text_format(text, "after %" PRIu64 " samples: ", run->offered);
    for (int i = 0; i < point->rule_count; i++) {
        const struct until_rule *rule = &point->rules[i];
        const struct experiment_estimate estimate =
            estimate_metric_of_batches(point, batches, run, rule->metric, rule->confidence);
        text_add(text, i ? "; " : "");
        add_widths(rule, &estimate, text);
        if (excess_of_batches(point, rule, batches) <= 1) {
            continue;
        }
        if (batches->count && batches->has_not_converged) {
            text_format(text, ", but batches of %s are too much alike",
                        point->names->metric[batches->metric]);
        }
        if (run->offered < run->wanted) {
            text_add(text, ", but no more samples came");
        } else if (run->offered >= rule->most) {
            text_format(text, ", but %" PRIu64 " times 'stop' are the most",
                        rule->most / rule->least);
        }
    }
}

// Looks at the replications of a point, and says what there is to say of each rule. Returns how
// many there are to be.
static uint64_t look_at_replications(const struct experiment_point *point,
                                     const struct replication_result *results, struct text *text)
{
    const uint64_t now = point->replications;
    uint64_t next = now;
    for (int i = 0; i < point->rule_count; i++) {
        const struct until_rule *rule = &point->rules[i];
        const struct experiment_estimate estimate =
            estimate_metric(point, results, now, rule->metric, rule->confidence);
        const double times = excess(rule, &estimate);
        const uint64_t own = wanted_by(point, rule, times, now);
        next = own > next ? own : next;
        text_add(text, i ? "; " : "");
        add_widths(rule, &estimate, text);
        if (times > 1) {
            text_format(text, ", but %" PRIu64 " replications are the most", rule->most);
        }
    }
    return next;
}

uint64_t until_next(struct experiment_point *point, const struct replication_result *results,
                    struct arena *arena)
{
    uint64_t next = point->replications;
    struct text reasons = {0};
    if (until_grows(point)) {
        add_reasons_of_run(point, results, &reasons);
    } else {
        next = look_at_replications(point, results, &reasons);
    }
    if (next == point->replications) {
        until_read_stopped(point, text_string(&reasons), arena);
    }
    text_finish(&reasons);
    return next;
}

void until_read_stopped(struct experiment_point *point, const char *stopped, struct arena *arena)
{
    static const char after[] = "after ";
    point->stopped = arena_text(arena, stopped);
    if (until_grows(point) && strncmp(stopped, after, strlen(after)) == 0) {
        point->samples = strtoull(stopped + strlen(after), NULL, 10);
    }
}

// ---- what rules are ----

void until_hash(const struct experiment_point *point, struct hash *hash)
{
    for (int i = 0; i < point->rule_count; i++) {
        const struct until_rule *rule = &point->rules[i];
        hash_add(hash, rule->name, strlen(rule->name) + 1);
        hash_add(hash, &rule->is_relative, sizeof(rule->is_relative));
        hash_add(hash, &rule->half_width, sizeof(rule->half_width));
        hash_add(hash, &rule->confidence, sizeof(rule->confidence));
        hash_add(hash, &rule->least, sizeof(rule->least));
        hash_add(hash, &rule->most, sizeof(rule->most));
    }
}

bool until_is_same(const struct experiment_point *a, const struct experiment_point *b)
{
    bool is_same = a->rule_count == b->rule_count;
    for (int i = 0; i < a->rule_count && is_same; i++) {
        const struct until_rule *one = &a->rules[i];
        const struct until_rule *other = &b->rules[i];
        is_same = strcmp(one->name, other->name) == 0 && one->is_relative == other->is_relative &&
                  one->half_width == other->half_width && one->confidence == other->confidence &&
                  one->least == other->least && one->most == other->most;
    }
    return is_same;
}
