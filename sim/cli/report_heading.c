// SPDX-License-Identifier: GPL-3.0-or-later

// What comes before the tables of a report.

#include "cli/report_parts.h"

#include "base/text.h"
#include "exp/experiment.h"
#include "scenario/spec.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// More points than this are counted, not named; their table says which they are.
enum { MOST_NAMED = 5 };

static size_t count_verdict(const struct experiment *experiment, enum experiment_verdict verdict)
{
    size_t count = 0;
    for (size_t i = 0; i < experiment->point_count; i++) {
        count += experiment->points[i].verdict == verdict;
    }
    return count;
}

static void add_verdict(const struct experiment_point *point, const char *label, struct text *text)
{
    switch (point->verdict) {
    case VERDICT_STABLE:
        break;
    case VERDICT_OVERLOADED:
        text_format(
            text,
            "OVERLOADED: %s gets %.3g times the work it can do under policy '%s';\n"
            "its queue has grown since %.3g s, and the figures depend on the length of the run\n",
            point->names->station[point->overloaded_station], point->overloaded_load, label,
            point->overloaded_since_s);
        break;
    case VERDICT_NOT_CONVERGED:
        text_format(text,
                    "NOT CONVERGED: %s has not settled under policy '%s';\n"
                    "the run is too short for it, and the figures depend on its length\n",
                    point->unsettled, label);
        break;
    case VERDICT_TRANSIENT:
        text_format(text, "TRANSIENT: under policy '%s' the figures are those of the given time\n",
                    label);
        break;
    }
}

static void add_verdicts(const struct experiment *experiment, const char *const *labels,
                         struct text *text)
{
    static const struct {
        enum experiment_verdict verdict;
        const char *name;
    } shown[] = {{VERDICT_OVERLOADED, "OVERLOADED"},
                 {VERDICT_NOT_CONVERGED, "NOT CONVERGED"},
                 {VERDICT_TRANSIENT, "TRANSIENT"}};
    for (size_t k = 0; k < sizeof(shown) / sizeof(shown[0]); k++) {
        const size_t count = count_verdict(experiment, shown[k].verdict);
        if (count > MOST_NAMED) {
            text_format(text, "%s: %zu of %zu points; the column 'verdict' says which\n",
                        shown[k].name, count, experiment->point_count);
            continue;
        }
        for (size_t i = 0; i < experiment->point_count; i++) {
            if (experiment->points[i].verdict == shown[k].verdict) {
                add_verdict(&experiment->points[i], labels[i], text);
            }
        }
    }
}

static uint64_t replications_of(const struct experiment_point *point)
{
    return point->replications;
}

static uint64_t samples_of(const struct experiment_point *point)
{
    return point->samples;
}

// "20", or "between 10 and 640" where each point has its own number. Returns the most.
static uint64_t add_range(const struct experiment *experiment,
                          uint64_t (*number_of)(const struct experiment_point *point),
                          struct text *text)
{
    uint64_t least = number_of(&experiment->points[0]);
    uint64_t most = least;
    for (size_t i = 0; i < experiment->point_count; i++) {
        const uint64_t own = number_of(&experiment->points[i]);
        least = own < least ? own : least;
        most = own > most ? own : most;
    }
    if (least < most) {
        text_format(text, "between %" PRIu64 " and ", least);
    }
    text_format(text, "%" PRIu64, most);
    return most;
}

// How many replications there are, and how long each of them is.
static void add_extent(const struct experiment *experiment, struct text *text)
{
    const struct spec *spec = experiment->spec;
    const uint64_t most = add_range(experiment, replications_of, text);
    text_format(text, " replication%s of ", most == 1 ? "" : "s");
    if (experiment->points[0].samples) {
        add_range(experiment, samples_of, text);
        text_add(text, " samples");
    } else if (spec->stop_kind == STOP_SAMPLES) {
        text_format(text, "%" PRIu64 " samples", spec->stop_samples);
    } else {
        text_format(text, "%g s", spec->stop_time_s);
    }
}

static void add_stopped(const struct experiment *experiment, const char *const *labels,
                        struct text *text)
{
    for (size_t i = 0; i < experiment->point_count && experiment->point_count <= MOST_NAMED; i++) {
        const struct experiment_point *point = &experiment->points[i];
        if (point->stopped) {
            text_format(text, "%s: stopped ", labels[i]);
            if (!point->samples) {
                text_format(text, "after %" PRIu64 " replications: ", point->replications);
            }
            text_format(text, "%s\n", point->stopped);
        }
    }
}

// The gain of the metric that variance reduction is mostly for.
static void add_gain(const struct experiment *experiment, const char *const *labels,
                     struct text *text)
{
    static const char metric[] = "latency_mean_s";
    bool is_first = true;
    for (size_t i = 0; i < experiment->point_count && experiment->point_count <= MOST_NAMED; i++) {
        const struct experiment_point *point = &experiment->points[i];
        int number = 0;
        while (number < point->names->metrics &&
               strcmp(point->names->metric[number], metric) != 0) {
            number++;
        }
        if (number < point->names->metrics && !isnan(point->estimates[number].variance_ratio)) {
            text_format(text, "%s%.3g (%s)",
                        is_first ? "variance of latency_mean_s without / with its reduction: "
                                 : ", ",
                        point->estimates[number].variance_ratio, labels[i]);
            is_first = false;
        }
    }
    text_add(text, is_first ? "" : "\n");
}

static double mean_of(const struct experiment_point *point, const char *metric)
{
    for (int i = 0; i < point->names->metrics; i++) {
        if (strcmp(point->names->metric[i], metric) == 0) {
            return point->estimates[i].mean;
        }
    }
    return NAN;
}

// What was found to be the start of runs, if it was to be found: the mean of each point, from the
// least to the most.
static void add_warmup(const struct experiment *experiment, struct text *text)
{
    double least = INFINITY;
    double most = -INFINITY;
    for (size_t i = 0; i < experiment->point_count; i++) {
        const double own = mean_of(&experiment->points[i], "warmup_s");
        least = fmin(least, own);
        most = fmax(most, own);
    }
    if (least < most) {
        text_format(text, "warm-up that was found and cut: %.3g s to %.3g s\n", least, most);
    } else if (least <= most) {
        text_format(text, "warm-up that was found and cut: %.3g s\n", most);
    }
}

void report_add_heading(const struct experiment *experiment, const char *const *labels,
                        struct text *text)
{
    const struct spec *spec = experiment->spec;
    add_verdicts(experiment, labels, text);
    text_format(text, "%s%s%s\n", spec->name, spec->about[0] ? ": " : "", spec->about);
    add_extent(experiment, text);
    text_format(text, ", seed %" PRIu64, spec->seed);
    if (experiment->points[0].replications > 1) {
        text_format(text, "; mean and half width of the %g %% confidence interval\n",
                    100 * spec->confidence);
    } else if (experiment->points[0].has_batches) {
        text_format(text,
                    "; mean and half width of the %g %% confidence interval from its batches\n",
                    100 * spec->confidence);
    } else {
        text_add(text, "; no confidence interval from a single one\n");
    }
    add_warmup(experiment, text);
    add_stopped(experiment, labels, text);
    add_gain(experiment, labels, text);
    text_add(text, "\n");
}
