// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/check_parts.h"

#include "base/memory.h"
#include "scenario/diagnostics.h"
#include "scenario/settings.h"
#include "scenario/spec.h"

#include <math.h>
#include <stdbool.h>

struct checker {
    const struct settings *settings;
    struct arena *arena;
    struct diagnostics *diagnostics;
};

static const struct mark *value_of(const struct checker *checker, const void *slot)
{
    const struct setting *setting = settings_find(checker->settings, slot);
    return setting ? &setting->value : NULL;
}

// Whether each state of a chain leads to each other, perhaps over several steps.
static bool is_connected(const struct spec_states *chain, bool forward, struct arena *arena)
{
    const int count = chain->count;
    bool *is_reached = arena_new_array(arena, (size_t)count, bool);
    int *queue = arena_new_array(arena, (size_t)count, int);
    int reached = 1;
    is_reached[0] = true;
    for (int next = 0; next < reached; next++) {
        for (int i = 0; i < count; i++) {
            const int here = queue[next];
            const double share =
                forward ? chain->next[here].values[i] : chain->next[i].values[here];
            if (share > 0 && !is_reached[i]) {
                is_reached[i] = true;
                queue[reached++] = i;
            }
        }
    }
    return reached == count;
}

static void check_rows(const struct checker *checker, struct spec_states *chain)
{
    struct diagnostics *diagnostics = checker->diagnostics;
    const struct mark *mark = value_of(checker, &chain->next);
    const size_t errors = diagnostics->errors;
    if (chain->next_count != chain->count) {
        diagnostics_error(diagnostics, mark, "'next' has %d row%s for %d states", chain->next_count,
                          chain->next_count == 1 ? "" : "s", chain->count);
        diagnostics_hint(diagnostics, "give one for each of 'rates'");
        return;
    }
    for (int i = 0; i < chain->count; i++) {
        struct spec_row *row = &chain->next[i];
        double sum = 0;
        for (int k = 0; k < row->count; k++) {
            sum += row->values[k];
        }
        if (row->count != chain->count || fabs(sum - 1) > 1e-6) {
            diagnostics_error(diagnostics, value_of(checker, &row->values),
                              "row %d of 'next' has %d probabilities that add up to %.9g", i + 1,
                              row->count, sum);
            diagnostics_hint(diagnostics, "give %d that add up to 1", chain->count);
            continue;
        }
        for (int k = 0; k < row->count; k++) {
            row->values[k] /= sum;
        }
    }
    if (diagnostics->errors == errors && (!is_connected(chain, true, checker->arena) ||
                                          !is_connected(chain, false, checker->arena))) {
        diagnostics_error(diagnostics, mark, "some state of 'next' does not lead to all others");
        diagnostics_hint(diagnostics, "the chain would end up in some of its states for good: let "
                                      "each be reached from each, over several steps perhaps");
    }
}

void check_chain(struct spec_states *chain, const struct settings *settings, struct arena *arena,
                 struct diagnostics *diagnostics)
{
    const struct checker checker = {settings, arena, diagnostics};
    double highest = 0;
    for (int i = 0; i < chain->count; i++) {
        highest = fmax(highest, chain->rates[i]);
    }
    if (highest <= 0) {
        diagnostics_error(diagnostics, value_of(&checker, &chain->rates), "all rates are 0");
        diagnostics_hint(diagnostics, "give at least one rate above 0");
    }
    if (chain->next) {
        check_rows(&checker, chain);
    }
}

// Less would let time stand still, as a sum of so little with a time does not grow.
static const double least_mean_s = 1e-9;

static double empirical_mean(const struct distribution_parameters *parameters)
{
    double sum = 0;
    double weights = 0;
    for (size_t i = 0; i < parameters->count; i++) {
        const double weight = parameters->weights ? parameters->weights[i] : 1;
        sum += weight * parameters->values[i];
        weights += weight;
    }
    return sum / weights;
}

static double mean_of(const struct distribution_parameters *parameters)
{
    switch (parameters->kind) {
    case DISTRIBUTION_UNIFORM:
        return (parameters->from + parameters->to) / 2;
    case DISTRIBUTION_EMPIRICAL:
        return empirical_mean(parameters);
    default:
        return parameters->mean;
    }
}

void check_takes_time(const struct distribution_parameters *parameters, const char *key,
                      const struct settings *settings, struct diagnostics *diagnostics)
{
    const double mean_s = mean_of(parameters);
    if (mean_s >= least_mean_s) {
        return;
    }
    const struct setting *setting = settings_find(settings, &parameters->kind);
    const struct mark *mark = setting ? &setting->value : NULL;
    if (mean_s > 0) {
        diagnostics_error(diagnostics, mark, "'%s' is %g s on average, less than %g s", key, mean_s,
                          least_mean_s);
        diagnostics_hint(diagnostics, "give a longer time");
    } else {
        diagnostics_error(diagnostics, mark, "'%s' is always 0 s", key);
        diagnostics_hint(diagnostics, "give a time above 0");
    }
}
