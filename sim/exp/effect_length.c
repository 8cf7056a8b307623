// SPDX-License-Identifier: GPL-3.0-or-later

// How long a run is, what comes too late for it, and what has nothing to act on.

#include "exp/effect_parts.h"

#include "exp/experiment.h"
#include "scenario/diagnostics.h"
#include "scenario/spec.h"
#include "scenario/trace.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>

// With fewer counted samples a replication says little about anything.
static const double LEAST_COUNTED = 100;
// A warm-up that takes more of a run than that leaves it little to measure.
static const double MOST_WARMUP = 0.9;
// How long a run takes that stops after so many samples is an estimate, and so is how long links
// go on once the last sample has arrived. What comes after so many times as long comes after it.
static const double SURELY_OVER = 2;

// ---- how long a run is ----

// Of the devices of a class; files that repeat have no end.
static double arrivals_of(const struct spec *spec, const struct spec_tier *devices)
{
    const struct spec_arrivals *arrivals = &devices->arrivals;
    if (devices->bursts.present) {
        return INFINITY;
    }
    if (arrivals->kind == ARRIVALS_TRACE) {
        return (double)(spec->trace->rows - trace_training_rows(spec->trace, spec->samples.train));
    }
    return arrivals->kind == ARRIVALS_TIMES && !arrivals->repeats ? (double)arrivals->times->count
                                                                  : INFINITY;
}

static double arrivals_at_most(const struct spec *spec)
{
    double samples = 0;
    for (int i = 0; i < spec->class_count; i++) {
        samples += arrivals_of(spec, &spec->classes[i]);
    }
    return samples;
}

double effect_counted_samples(const struct experiment *experiment, double *ret_warmup)
{
    const struct spec *spec = experiment->spec;
    if (spec->stop_kind == STOP_SAMPLES) {
        const double whole = fmin((double)spec->stop_samples, arrivals_at_most(spec));
        const double warmup =
            spec->warmup_kind == WARMUP_SAMPLES ? (double)spec->warmup_samples : 0;
        *ret_warmup = warmup / whole;
        return whole - warmup;
    }
    const struct experiment_simulation *simulation = &experiment->simulations[0];
    const double whole_s = spec->stop_time_s;
    *ret_warmup = spec->warmup_kind == WARMUP_TIME ? spec->warmup_time_s / whole_s : 0;
    return simulation->expected_is_known ? simulation->expected * (1 - *ret_warmup) : INFINITY;
}

static void check_end(const struct evidence *evidence)
{
    const struct spec *spec = evidence->experiment->spec;
    const double most = arrivals_at_most(spec);
    struct mark mark;
    if (spec->stop_kind == STOP_SAMPLES && most < (double)spec->stop_samples) {
        diagnostics_warning(
            evidence->diagnostics, effect_mark(evidence, &spec->stop_samples, &mark),
            "the run ends before %" PRIu64 " samples: only %.0f arrive", spec->stop_samples, most);
        diagnostics_hint(evidence->diagnostics,
                         "lower 'stop', or take arrivals that do not end (a file of times may "
                         "repeat)");
    }
}

void effect_check_length(const struct evidence *evidence)
{
    const struct spec *spec = evidence->experiment->spec;
    double warmup;
    const double counted = effect_counted_samples(evidence->experiment, &warmup);
    struct mark mark;
    check_end(evidence);
    if (warmup > MOST_WARMUP) {
        const void *slot = spec->warmup_kind == WARMUP_SAMPLES ? (const void *)&spec->warmup_samples
                                                               : (const void *)&spec->warmup_time_s;
        diagnostics_warning(evidence->diagnostics, effect_mark(evidence, slot, &mark),
                            "the run is too short: the warm-up takes %.3g %% of it", 100 * warmup);
        diagnostics_hint(evidence->diagnostics, "raise 'stop', or lower 'warmup'");
    } else if (counted < LEAST_COUNTED && !spec->transient) {
        const void *slot = spec->stop_kind == STOP_SAMPLES ? (const void *)&spec->stop_samples
                                                           : (const void *)&spec->stop_time_s;
        diagnostics_warning(evidence->diagnostics, effect_mark(evidence, slot, &mark),
                            "the run is too short: a replication counts about %.0f samples",
                            counted);
        diagnostics_hint(evidence->diagnostics,
                         "raise 'stop': with fewer than %.0f counted samples a replication says "
                         "little",
                         LEAST_COUNTED);
    }
}

// ---- what comes too late ----

// When the run is surely over; INFINITY if that is not known.
static double surely_over(const struct evidence *evidence)
{
    const struct experiment *experiment = evidence->experiment;
    const struct spec *spec = experiment->spec;
    if (spec->stop_kind == STOP_TIME) {
        return spec->stop_time_s;
    }
    double longest_s = 0;
    for (size_t i = 0; i < experiment->point_count; i++) {
        const double answered = 1 - effect_value(evidence, i, "drop_fraction", NULL);
        const double rate = effect_value(evidence, i, "throughput_per_s", NULL) / answered;
        if (!(rate > 0) || isinf(rate)) {
            return INFINITY;
        }
        longest_s = fmax(longest_s, (double)spec->stop_samples / rate);
    }
    return SURELY_OVER * longest_s;
}

static void too_late(const struct evidence *evidence, const void *slot, const char *what,
                     double at_s)
{
    const struct spec *spec = evidence->experiment->spec;
    struct mark mark;
    if (spec->stop_kind == STOP_TIME) {
        diagnostics_warning(evidence->diagnostics, effect_mark(evidence, slot, &mark),
                            "%s %g s comes too late: the run stops at %g s", what, at_s,
                            spec->stop_time_s);
    } else {
        diagnostics_warning(evidence->diagnostics, effect_mark(evidence, slot, &mark),
                            "%s %g s comes too late: the run stops after %" PRIu64
                            " samples, long before",
                            what, at_s, spec->stop_samples);
    }
    diagnostics_hint(evidence->diagnostics, "raise 'stop', or remove it");
}

// Steps of which only the first that is too late is named. What has a period describes a day, say,
// of which a run may take a part.
static void check_steps(const struct evidence *evidence, const void *slot, const char *what,
                        const double *times_s, int count, double period_s, double over_s)
{
    for (int i = 0; i < count && isinf(period_s); i++) {
        if (times_s[i] >= over_s) {
            too_late(evidence, slot, what, times_s[i]);
            return;
        }
    }
}

static void check_link_steps(const struct evidence *evidence, const struct spec_link *link,
                             double over_s)
{
    const struct spec_rate *rates[] = {&link->up, &link->down};
    for (int i = 0; i < 2; i++) {
        // Where it does not start at its beginning, its steps come at other times.
        if (rates[i]->kind == RATE_STEPS && !(fabs(rates[i]->start_s) > 0)) {
            check_steps(evidence, &rates[i]->times_s, "the rate of the link from",
                        rates[i]->times_s, rates[i]->count, rates[i]->period_s, over_s);
        }
    }
    if (link->outages.present && link->outages.kind == OUTAGES_SCHEDULE) {
        check_steps(evidence, &link->outages.starts_s, "the outage at", link->outages.starts_s,
                    link->outages.count, link->outages.period_s, over_s);
    }
}

void effect_check_late(const struct evidence *evidence)
{
    const struct spec *spec = evidence->experiment->spec;
    const double over_s = surely_over(evidence);
    const double drained_s = spec->stop_kind == STOP_TIME ? SURELY_OVER * over_s : over_s;
    for (int i = 0; i < spec->class_count; i++) {
        const struct spec_pattern *profile = &spec->classes[i].profile;
        if (profile->present) {
            check_steps(evidence, &profile->times_s, "the factor of the profile from",
                        profile->times_s, profile->count, profile->period_s, over_s);
        }
    }
    for (int i = 0; i < spec->link_count; i++) {
        check_link_steps(evidence, &spec->links[i], drained_s);
    }
    for (int i = 0; i < spec->drift_count; i++) {
        const struct spec_drift *change = &spec->drift[i];
        if (change->at_s >= (change->link_count ? drained_s : over_s)) {
            too_late(evidence, &change->at_s, "the change at", change->at_s);
        }
    }
}

// ---- links without a limit ----

static bool is_unlimited(const struct spec_link *link)
{
    return link->up.kind == RATE_CONSTANT && isinf(link->up.bytes_per_s) &&
           link->down.kind == RATE_CONSTANT && isinf(link->down.bytes_per_s);
}

static void useless_rate(const struct evidence *evidence, const void *slot, const char *what,
                         const struct spec_link *link)
{
    struct mark mark;
    diagnostics_warning(evidence->diagnostics, effect_mark(evidence, slot, &mark),
                        "%s has no effect: link '%s' has no limit of its rate", what, link->name);
    diagnostics_hint(evidence->diagnostics, "give the link a rate with 'up' and 'down', or remove "
                                            "it");
}

void effect_check_unlimited(const struct evidence *evidence)
{
    const struct spec *spec = evidence->experiment->spec;
    for (int i = 0; i < spec->link_count; i++) {
        const struct spec_link *link = &spec->links[i];
        if (is_unlimited(link) && link->sharing == SHARING_FAIR) {
            useless_rate(evidence, &link->sharing, "'sharing: fair'", link);
        }
        if (is_unlimited(link) && link->duplex == DUPLEX_HALF) {
            useless_rate(evidence, &link->duplex, "'duplex: half'", link);
        }
    }
    for (int i = 0; i < spec->drift_count; i++) {
        const struct spec_drift *change = &spec->drift[i];
        for (int k = 0; k < change->link_count; k++) {
            const struct spec_link *link = &spec->links[change->links[k].link];
            if (is_unlimited(link)) {
                useless_rate(evidence, &change->links[k].factor, "the factor", link);
            }
        }
    }
}
