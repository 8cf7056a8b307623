// SPDX-License-Identifier: GPL-3.0-or-later

// How what a scenario says of servers and their queues fits together.

#include "base/memory.h"
#include "rng/distribution.h"
#include "scenario/check.h"
#include "scenario/check_parts.h"
#include "scenario/diagnostics.h"
#include "scenario/settings.h"
#include "scenario/spec.h"

#include <inttypes.h>
#include <math.h>

// The compute of a tier, or of a class of devices.
struct computing {
    struct spec *spec;
    const struct spec_tier *tier;
    struct spec_compute *compute;
    int index; // of the tier
    const struct settings *settings;
    struct diagnostics *diagnostics;
};

static const struct mark *value_of(const struct computing *c, const void *slot)
{
    const struct setting *setting = settings_find(c->settings, slot);
    return setting ? &setting->value : NULL;
}

static const struct mark *key_of(const struct computing *c, const void *slot)
{
    const struct setting *setting = settings_find(c->settings, slot);
    return setting ? &setting->key : NULL;
}

// Two keys that exclude each other.
static void refuse_both(const struct computing *c, const void *slot, const char *key,
                        const char *other, const char *hint)
{
    diagnostics_error(c->diagnostics, key_of(c, slot), "'%s' does not go with '%s' at tier '%s'",
                      key, other, c->tier->name);
    diagnostics_hint(c->diagnostics, "%s", hint);
}

static void check_speeds(const struct computing *c)
{
    struct spec_compute *compute = c->compute;
    if (!compute->speeds) {
        return;
    }
    const struct mark *servers = value_of(c, &compute->servers);
    if (servers && compute->servers != compute->speed_count) {
        diagnostics_error(c->diagnostics, servers, "there are %d servers, but %d speed%s",
                          compute->servers, compute->speed_count,
                          compute->speed_count == 1 ? "" : "s");
        diagnostics_hint(c->diagnostics, "leave 'servers' out: 'speeds' has one for each");
    }
    compute->servers = compute->speed_count;
}

static void check_discipline(const struct computing *c)
{
    const struct spec_compute *compute = c->compute;
    const bool is_shared = compute->discipline == DISCIPLINE_SHARING;
    if (compute->batch.present && (is_shared || compute->discipline == DISCIPLINE_PREEMPTIVE)) {
        refuse_both(c, &compute->batch, "batch",
                    is_shared ? "discipline: sharing" : "discipline: preemptive",
                    "a batch is served as a whole: use fifo, priority or shortest");
    }
    if (!is_shared) {
        return;
    }
    static const char shared[] = "discipline: sharing";
    if (compute->speeds) {
        refuse_both(c, &compute->speeds, "speeds", shared,
                    "servers that are shared are all alike: use 'servers'");
    }
    if (compute->steps) {
        refuse_both(c, &compute->steps, "steps", shared,
                    "a step is chosen when a service starts: use another discipline");
    }
    if (compute->scaling.present) {
        refuse_both(c, &compute->scaling, "scaling", shared, "use another discipline");
    }
    if (isfinite(compute->patience_s)) {
        refuse_both(c, &compute->patience_s, "patience", shared,
                    "nobody waits there: remove one of the two");
    }
    if (compute->cold_start.present) {
        refuse_both(c, &compute->cold_start, "cold_start", shared,
                    "nobody waits there: use another discipline");
    }
    if (compute->failures.present && compute->failures.jobs != FAILED_RESUME) {
        diagnostics_error(c->diagnostics, value_of(c, &compute->failures.jobs),
                          "samples that share the servers of tier '%s' can only resume",
                          c->tier->name);
        diagnostics_hint(c->diagnostics, "use 'jobs: resume', or another discipline");
    }
}

// Whether some samples have another priority than others.
static bool has_priorities(const struct spec *spec)
{
    for (int i = 1; i < spec->class_count; i++) {
        if (spec->classes[i].priority != spec->classes[0].priority) {
            return true;
        }
    }
    return false;
}

static bool looks_at_priority(const struct spec_compute *compute)
{
    return compute->present && (compute->discipline == DISCIPLINE_PRIORITY ||
                                compute->discipline == DISCIPLINE_PREEMPTIVE);
}

// A priority that no node looks at. Samples of different classes meet above the first tier only.
static void warn_of_idle_priority(const struct computing *c)
{
    const struct mark *priority = value_of(c, &c->tier->priority);
    if (c->index > 0 || !priority) {
        return;
    }
    for (int i = 1; i < c->spec->tier_count; i++) {
        if (looks_at_priority(&c->spec->tiers[i].compute)) {
            return;
        }
    }
    diagnostics_warning(c->diagnostics, priority,
                        "'priority' has no effect: no node above the devices looks at it");
    diagnostics_hint(c->diagnostics, "give a higher tier 'discipline: priority' or "
                                     "'discipline: preemptive', or remove 'priority'");
}

static void warn_of_priority(const struct computing *c)
{
    if (!looks_at_priority(c->compute)) {
        return;
    }
    if (c->index == 0) {
        diagnostics_warning(c->diagnostics, value_of(c, &c->compute->discipline),
                            "all samples of a device have the same priority, so the first to come "
                            "is first");
        diagnostics_hint(c->diagnostics, "classes of devices meet at higher tiers");
    } else if (!has_priorities(c->spec)) {
        diagnostics_warning(c->diagnostics, value_of(c, &c->compute->discipline),
                            "all samples have the same priority, so the first to come is first");
        diagnostics_hint(c->diagnostics, "give the 'classes' of the first tier a 'priority' each");
    }
}

// Who finds neither a server nor a place is gone; waiting has other causes, too.
static bool nobody_waits(const struct spec_compute *compute)
{
    return compute->room == 0 && !compute->batch.present && !compute->failures.present &&
           !compute->cold_start.present && !compute->scaling.present;
}

static void check_patience(const struct computing *c)
{
    const struct spec_compute *compute = c->compute;
    if (!isfinite(compute->patience_s)) {
        return;
    }
    if (compute->batch.present && compute->patience_s < compute->batch.wait_s) {
        diagnostics_error(c->diagnostics, value_of(c, &compute->patience_s),
                          "samples have left after %g s, before a batch at tier '%s' has waited "
                          "for %g s",
                          compute->patience_s, c->tier->name, compute->batch.wait_s);
        diagnostics_hint(c->diagnostics, "make 'patience' at least the 'wait' of 'batch'");
    } else if (nobody_waits(compute)) {
        diagnostics_warning(c->diagnostics, value_of(c, &compute->patience_s),
                            "'patience' has no effect, for with 'room: 0' nobody waits");
        diagnostics_hint(c->diagnostics, "raise 'room', or remove 'patience'");
    }
}

static void check_room(const struct computing *c)
{
    const struct spec_compute *compute = c->compute;
    if (compute->full != FULL_BLOCK) {
        return;
    }
    if (c->index == 0) {
        diagnostics_error(c->diagnostics, value_of(c, &compute->full),
                          "tier '%s' cannot hold samples back", c->tier->name);
        diagnostics_hint(c->diagnostics, "they arise there: use 'full: drop'");
    } else if (compute->room < 0) {
        diagnostics_error(c->diagnostics, value_of(c, &compute->full),
                          "'full: block' has no effect, for the room is unlimited");
        diagnostics_hint(c->diagnostics, "add 'room'");
    }
}

// Reviews of a node's servers whose orders may be under way at a time.
#define MOST_ORDERS_UNDER_WAY 1000

static void check_scaling(const struct computing *c)
{
    const struct spec_compute *compute = c->compute;
    const struct spec_scaling *scaling = &compute->scaling;
    if (!scaling->present) {
        return;
    }
    if (compute->speeds) {
        refuse_both(c, &compute->speeds, "speeds", "scaling",
                    "servers that come and go are all alike: use 'servers'");
        return;
    }
    if ((scaling->utilisation > 0) == (scaling->queue > 0)) {
        diagnostics_error(c->diagnostics, key_of(c, scaling),
                          scaling->queue > 0 ? "'scaling' has both 'utilisation' and 'queue'"
                                             : "'scaling' has neither 'utilisation' nor 'queue'");
        diagnostics_hint(c->diagnostics, "give one of them: it is what is held");
    }
    if (scaling->start_s > MOST_ORDERS_UNDER_WAY * scaling->every_s) {
        diagnostics_error(c->diagnostics, value_of(c, &scaling->start_s),
                          "more than %d reviews of tier '%s' would pass until a server starts",
                          MOST_ORDERS_UNDER_WAY, c->tier->name);
        diagnostics_hint(c->diagnostics, "raise 'every', or lower 'start'");
    }
    if (scaling->least > scaling->most) {
        diagnostics_error(c->diagnostics, value_of(c, &scaling->most),
                          "'most' is %d, but 'least' is %d", scaling->most, scaling->least);
        diagnostics_hint(c->diagnostics, "make 'most' at least 'least'");
    } else if (compute->servers < scaling->least || compute->servers > scaling->most) {
        const struct mark *servers = value_of(c, &compute->servers);
        diagnostics_error(c->diagnostics, servers ? servers : key_of(c, scaling),
                          "tier '%s' starts with %d server%s, but scales from %d to %d",
                          c->tier->name, compute->servers, compute->servers == 1 ? "" : "s",
                          scaling->least, scaling->most);
        diagnostics_hint(c->diagnostics, "set 'servers' to the number to start with");
    }
}

// Below its idle power, a node would save energy by working.
static void check_step_power(const struct computing *c, const struct spec_step *step)
{
    const struct spec_compute *compute = c->compute;
    if (step->active_w < compute->idle_w && compute->energy_count < compute->time_count) {
        diagnostics_error(c->diagnostics, value_of(c, &compute->idle_w),
                          "tier '%s' takes %g W when idle, but only %g W at speed %g",
                          c->tier->name, compute->idle_w, step->active_w, step->speed);
        diagnostics_hint(c->diagnostics,
                         "'active' is the power of a node with all servers busy; without it, give "
                         "'energy' for every model");
    }
}

static void check_steps(const struct computing *c)
{
    const struct spec_compute *compute = c->compute;
    for (int i = 0; i < compute->step_count; i++) {
        const struct spec_step *step = &compute->steps[i];
        const bool is_last = i + 1 == compute->step_count;
        const int64_t before = i ? compute->steps[i - 1].most_present : 0;
        if (is_last != (step->most_present < 0)) {
            const struct mark *most = value_of(c, &step->most_present);
            diagnostics_error(c->diagnostics, most ? most : value_of(c, step),
                              is_last ? "the last step has a 'most_present'"
                                      : "step %d has no 'most_present', so no later one is used",
                              i + 1);
            diagnostics_hint(c->diagnostics, "all steps but the last have one");
            return;
        }
        if (!is_last && step->most_present <= before) {
            diagnostics_error(c->diagnostics, value_of(c, &step->most_present),
                              "'most_present' does not increase: %" PRId64 " after %" PRId64,
                              step->most_present, before);
            diagnostics_hint(c->diagnostics, "list the steps from the slowest");
        }
        check_step_power(c, step);
    }
    if (compute->steps && value_of(c, &compute->active_w)) {
        diagnostics_error(c->diagnostics, value_of(c, &compute->active_w),
                          "tier '%s' has 'steps', and each has its own power", c->tier->name);
        diagnostics_hint(c->diagnostics, "move 'active' from 'power' to the steps");
    }
}

static void check_failures(const struct computing *c)
{
    const struct spec_failures *failures = &c->compute->failures;
    if (!failures->present) {
        return;
    }
    check_takes_time(&failures->every, "every", c->settings, c->diagnostics);
}

// Times by the size of a batch where there are no batches.
static void warn_of_batch_times(const struct computing *c)
{
    const struct spec_compute *compute = c->compute;
    for (int i = 0; i < compute->time_count && !compute->batch.present; i++) {
        const struct spec_time *time = &compute->times[i];
        for (int k = 0; k < time->layer_count; k++) {
            const struct distribution_parameters *layer = &time->layers[k];
            if (layer->kind == DISTRIBUTION_LINEAR ||
                (layer->kind == DISTRIBUTION_TABLE && layer->count > 1)) {
                diagnostics_warning(c->diagnostics, value_of(c, &layer->kind),
                                    "tier '%s' makes no batches, so this is the time of one sample",
                                    c->tier->name);
                diagnostics_hint(c->diagnostics, "add 'batch: {most: 8}' to its 'compute'");
                return;
            }
        }
    }
}

static void check_balance(const struct computing *c)
{
    const struct spec_tier *tier = c->tier;
    const char *const wrong = c->index == 0 ? "samples arise at its nodes"
                              : !tier->compute.present && tier->balance != BALANCE_ROUND_ROBIN &&
                                      tier->balance != BALANCE_RANDOM
                                  ? "its nodes compute nothing and have no queues"
                                  : NULL;
    if (tier->balance != BALANCE_HOME && wrong) {
        diagnostics_error(c->diagnostics, value_of(c, &tier->balance),
                          "tier '%s' cannot balance: %s", tier->name, wrong);
        diagnostics_hint(c->diagnostics, c->index
                                             ? "use round_robin or random"
                                             : "remove 'balance', or move it to a higher tier");
    } else if (tier->balance != BALANCE_HOME && tier->nodes == 1) {
        diagnostics_warning(c->diagnostics, value_of(c, &tier->balance),
                            "tier '%s' has one node, so there is nothing to balance", tier->name);
        diagnostics_hint(c->diagnostics, "set its 'nodes'");
    }
}

// Reports that are under way to the devices are kept, each for every node.
#define MOST_REPORTS_UNDER_WAY 1000

static void check_reports(const struct computing *c)
{
    const struct spec_reports *reports = &c->tier->reports;
    const char *const wrong = c->index == 0               ? "it is the devices' own"
                              : !c->tier->compute.present ? "its nodes compute nothing"
                                                          : NULL;
    if (!reports->present) {
        return;
    }
    if (wrong) {
        diagnostics_error(c->diagnostics, value_of(c, &reports->every_s),
                          "tier '%s' has nothing to report: %s", c->tier->name, wrong);
        diagnostics_hint(c->diagnostics, "remove 'reports', or move it to a tier that computes");
    } else if (reports->delay_s > MOST_REPORTS_UNDER_WAY * reports->every_s) {
        diagnostics_error(c->diagnostics, value_of(c, &reports->delay_s),
                          "more than %d reports of tier '%s' would be under way at any time",
                          MOST_REPORTS_UNDER_WAY, c->tier->name);
        diagnostics_hint(c->diagnostics, "make 'every' longer or 'delay' shorter");
    }
}

static void check_one(const struct computing *c)
{
    check_balance(c);
    check_reports(c);
    warn_of_idle_priority(c);
    if (!c->compute->present) {
        return;
    }
    check_speeds(c);
    check_discipline(c);
    warn_of_priority(c);
    check_patience(c);
    check_room(c);
    check_scaling(c);
    check_steps(c);
    check_failures(c);
    warn_of_batch_times(c);
}

void check_compute(struct spec *spec, const struct settings *settings,
                   struct diagnostics *diagnostics)
{
    for (int i = 0; i < spec->tier_count; i++) {
        struct spec_tier *tier = &spec->tiers[i];
        struct computing computing = {.spec = spec,
                                      .tier = tier,
                                      .compute = &tier->compute,
                                      .index = i,
                                      .settings = settings,
                                      .diagnostics = diagnostics};
        check_one(&computing);
        for (int k = 0; k < tier->class_count; k++) {
            computing.tier = &tier->classes[k];
            computing.compute = &tier->classes[k].compute;
            check_one(&computing);
        }
    }
}
