// SPDX-License-Identifier: GPL-3.0-or-later

// How many replications there are, and what their estimates are made of.

#include "scenario/check.h"
#include "scenario/diagnostics.h"
#include "scenario/settings.h"
#include "scenario/spec.h"

#include <stddef.h>

struct checker {
    const struct spec *spec;
    const struct settings *settings;
    struct diagnostics *diagnostics;
};

static const struct mark *value_of(const struct checker *checker, const void *slot)
{
    const struct setting *setting = settings_find(checker->settings, slot);
    return setting ? &setting->value : NULL;
}

static void check_rule(const struct checker *checker, const struct spec_until *rule)
{
    const struct mark *mark = value_of(checker, &rule->metric);
    if (rule->relative > 0 && rule->absolute > 0) {
        diagnostics_error(checker->diagnostics, value_of(checker, &rule->absolute),
                          "'until' has both 'relative' and 'absolute'");
        diagnostics_hint(checker->diagnostics,
                         "leave one of them out, or make a list of two rules");
    } else if (!(rule->relative > 0) && !(rule->absolute > 0)) {
        diagnostics_error(checker->diagnostics, mark,
                          "'until' does not say how narrow the interval of '%s' has to be",
                          diagnostics_quote(checker->diagnostics, rule->metric));
        diagnostics_hint(checker->diagnostics,
                         "add 'relative', such as 1 %%, or 'absolute', in the unit of the metric");
    }
    const struct mark *least = value_of(checker, &rule->least);
    if (checker->spec->intervals == INTERVALS_BATCH_MEANS) {
        if (least) {
            diagnostics_error(checker->diagnostics, least,
                              "'least' counts replications, but there is one run, which is looked "
                              "at first when it is as long as 'stop' says");
            diagnostics_hint(checker->diagnostics, "leave 'least' out, and let 'stop' be longer");
        }
    } else if (rule->least > rule->most) {
        diagnostics_error(checker->diagnostics, least ? least : value_of(checker, &rule->most),
                          "'until' runs at least %d and at most %d replications", rule->least,
                          rule->most);
        diagnostics_hint(checker->diagnostics, "make 'least' no larger than 'most'");
    }
}

static void check_until(const struct checker *checker)
{
    const struct spec *spec = checker->spec;
    for (int i = 0; i < spec->until_count; i++) {
        if (spec->until[i].metric) {
            check_rule(checker, &spec->until[i]);
        }
    }
    const struct setting *given = settings_find(checker->settings, &spec->replications);
    if (spec->until_count && given && spec->intervals == INTERVALS_REPLICATIONS) {
        diagnostics_error(checker->diagnostics, &given->value,
                          "the number of replications is given, and so is 'until', which finds it");
        diagnostics_hint(checker->diagnostics,
                         "leave one of them out; 'least' and 'most' of 'until' bound the number");
    }
}

// Batches are the units of one run; whatever makes units of replications does not go with them.
static void check_batches(const struct checker *checker)
{
    const struct spec *spec = checker->spec;
    const struct mark *mark = value_of(checker, &spec->intervals);
    const struct mark *given = value_of(checker, &spec->replications);
    const char *other = spec->antithetic         ? "antithetic"
                        : spec->control_variates ? "control_variates"
                                                 : NULL;
    if (spec->intervals != INTERVALS_BATCH_MEANS) {
        return;
    }
    if (other) {
        diagnostics_error(checker->diagnostics, mark,
                          "intervals come from the batches of one run, but '%s' needs replications",
                          other);
        diagnostics_hint(checker->diagnostics, "leave '%s' out, or 'intervals'", other);
    } else if (spec->replications != 1 && (given || !spec->until_count)) {
        diagnostics_error(
            checker->diagnostics, given ? given : mark,
            "intervals come from the batches of one run, but there are %d replications",
            spec->replications);
        diagnostics_hint(checker->diagnostics, "set 'replications' to 1, and let the run be long");
    }
    if (spec->until_count && spec->stop_kind != STOP_SAMPLES) {
        const struct mark *stop = value_of(checker, &spec->stop_time_s);
        diagnostics_error(checker->diagnostics, stop ? stop : mark,
                          "the run stops at a time, but 'until' has it go on by samples");
        diagnostics_hint(checker->diagnostics,
                         "let it 'stop' after samples, such as {samples: 100000}, when it is "
                         "looked at first");
    }
}

static void check_reduction(const struct checker *checker)
{
    const struct spec *spec = checker->spec;
    if (spec->antithetic && !spec->until_count && spec->intervals == INTERVALS_REPLICATIONS &&
        spec->replications % 2) {
        const struct mark *mark = value_of(checker, &spec->replications);
        diagnostics_error(checker->diagnostics, mark ? mark : value_of(checker, &spec->antithetic),
                          "antithetic replications come in pairs, and %d is odd",
                          spec->replications);
        diagnostics_hint(checker->diagnostics, "make 'replications' an even number");
    }
}

static void check_transient(const struct checker *checker)
{
    const struct spec *spec = checker->spec;
    if (!spec->transient) {
        return;
    }
    if (spec->warmup_kind != WARMUP_NONE || spec->stop_kind != STOP_TIME) {
        diagnostics_error(checker->diagnostics, value_of(checker, &spec->transient),
                          "a transient run counts everything from its start to a given time");
        diagnostics_hint(checker->diagnostics, spec->stop_kind != STOP_TIME
                                                   ? "let it 'stop' at a time, such as {time: 1 h}"
                                                   : "leave 'warmup' out, or set it to none");
    }
}

void check_precision(const struct spec *spec, const struct settings *settings,
                     struct diagnostics *diagnostics)
{
    const struct checker checker = {spec, settings, diagnostics};
    check_until(&checker);
    check_batches(&checker);
    check_reduction(&checker);
    check_transient(&checker);
}
