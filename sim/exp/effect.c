// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/effect.h"

#include "base/text.h"
#include "exp/effect_parts.h"
#include "exp/experiment.h"
#include "exp/predict.h"
#include "policies/policy.h"
#include "scenario/diagnostics.h"
#include "scenario/read.h"
#include "scenario/settings.h"
#include "scenario/spec.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// So many samples that could have done something and did not are evidence that none does.
static const double LEAST_EVIDENCE = 10000;
// A pilot's samples are few. What takes so many times longer than a deadline does not meet it by
// chance.
static const double SURELY_LATE = 2;

// ---- where it was written ----

const struct mark *effect_mark(const struct evidence *evidence, const void *slot, struct mark *mark)
{
    return spec_mark(evidence->experiment->spec, slot, mark) ? mark : NULL;
}

// ---- what samples did ----

double effect_value(const struct evidence *evidence, size_t number, const char *family,
                    const char *member)
{
    char name[2 * NAME_ROOM];
    snprintf(name, sizeof(name), "%s%s%s", family, member ? "." : "", member ? member : "");
    const struct experiment_point *point = &evidence->experiment->points[number];
    for (int i = 0; i < point->names->metrics; i++) {
        if (strcmp(point->names->metric[i], name) == 0) {
            return point->estimates[i].mean;
        }
    }
    return NAN;
}

// Whether a metric is 0 in all points, and known in all.
static bool is_never(const struct evidence *evidence, const char *family, const char *member)
{
    for (size_t i = 0; i < evidence->experiment->point_count; i++) {
        const double value = effect_value(evidence, i, family, member);
        if (isnan(value) || value > 0) {
            return false;
        }
    }
    return true;
}

// The rate of a station of a link in a point.
static double link_rate(const struct evidence *evidence, size_t number, const char *link,
                        const char *direction)
{
    char name[NAME_ROOM];
    snprintf(name, sizeof(name), "%s.%s", link, direction);
    return effect_value(evidence, number, "arrival_rate_per_s", name);
}

// How many counted samples have been at a tier, about, in all replications of all points: of each
// point as many as it counts, by the share of those that links have brought there.
static double samples_at(const struct evidence *evidence, int tier)
{
    const struct experiment *experiment = evidence->experiment;
    const struct spec *spec = experiment->spec;
    double warmup;
    const double counted = effect_counted_samples(experiment, &warmup);
    double samples = 0;
    for (size_t i = 0; i < experiment->point_count; i++) {
        double share = tier == 0;
        for (int k = 0; k < spec->link_count && tier > 0; k++) {
            const double rate = spec->links[k].to == tier
                                    ? link_rate(evidence, i, spec->links[k].name, "up") /
                                          effect_value(evidence, i, "throughput_per_s", NULL)
                                    : 0;
            share += isfinite(rate) ? rate : 0;
        }
        samples += fmin(1, share) * counted * (double)experiment->points[i].replications;
    }
    return isfinite(samples) ? samples : 0;
}

static bool is_link_unused(const struct evidence *evidence, int number)
{
    const struct spec_link *link = &evidence->experiment->spec->links[number];
    for (size_t i = 0; i < evidence->experiment->point_count; i++) {
        const double rate =
            link_rate(evidence, i, link->name, "up") + link_rate(evidence, i, link->name, "down");
        if (isnan(rate) || rate > 0) {
            return false;
        }
    }
    return samples_at(evidence, link->from) >= LEAST_EVIDENCE;
}

// Whether nobody has come to a tier. One that is reached and computes nothing is another matter:
// its policy may know already what it would compute.
static bool is_tier_unused(const struct evidence *evidence, int tier)
{
    const struct spec *spec = evidence->experiment->spec;
    bool is_unused = is_never(evidence, "arrival_rate_per_s", spec->tiers[tier].name);
    for (int i = 0; i < spec->link_count && is_unused; i++) {
        is_unused = spec->links[i].to != tier || is_link_unused(evidence, i);
    }
    return is_unused;
}

// ---- links and tiers ----

static void check_links(const struct evidence *evidence)
{
    const struct spec *spec = evidence->experiment->spec;
    for (int i = 0; i < spec->link_count; i++) {
        struct mark mark;
        if (is_link_unused(evidence, i)) {
            diagnostics_warning(evidence->diagnostics,
                                effect_mark(evidence, &spec->links[i], &mark),
                                "link '%s' has no effect: no sample uses it", spec->links[i].name);
            diagnostics_hint(evidence->diagnostics,
                             "remove the link, or use a policy that sends samples over it");
        }
    }
}

static void check_tiers(const struct evidence *evidence)
{
    const struct spec *spec = evidence->experiment->spec;
    for (int i = 1; i < spec->tier_count; i++) {
        struct mark mark;
        if (spec->tiers[i].compute.present && is_tier_unused(evidence, i)) {
            diagnostics_warning(
                evidence->diagnostics, effect_mark(evidence, &spec->tiers[i].name, &mark),
                "tier '%s' has no effect: no sample comes there", spec->tiers[i].name);
            diagnostics_hint(evidence->diagnostics,
                             "remove the tier, or use a policy that sends samples there");
        }
    }
}

// ---- models ----

static bool runs_model(const struct spec_compute *compute, int model)
{
    for (int i = 0; i < compute->time_count; i++) {
        if (compute->times[i].model == model) {
            return true;
        }
    }
    return false;
}

// How many samples have been where a model could have been run. Who comes to a tier of devices
// with classes may be of a class that cannot run it, so of these none is sure.
static double samples_that_could_run(const struct evidence *evidence, int model)
{
    const struct spec *spec = evidence->experiment->spec;
    double samples = 0;
    for (int i = spec->has_classes; i < spec->tier_count; i++) {
        if (runs_model(&spec->tiers[i].compute, model)) {
            samples = fmax(samples, samples_at(evidence, i));
        }
    }
    return samples;
}

// Whether a policy may look at the outcomes of models that nobody runs.
static bool sees_outcomes(const struct experiment *experiment)
{
    bool sees = experiment->spec->samples.train > 0 || experiment->spec->samples.train_samples > 0;
    for (size_t i = 0; i < experiment->point_count; i++) {
        sees |= experiment->points[i].is_oracle;
    }
    return sees;
}

static void useless_model(const struct evidence *evidence, int model, const char *why,
                          const char *way_out)
{
    const struct spec *spec = evidence->experiment->spec;
    const struct setting *setting = settings_find(spec->settings, &spec->models[model]);
    diagnostics_warning(evidence->diagnostics, setting ? &setting->key : NULL,
                        "model '%s' has no effect: %s", spec->models[model].name, why);
    diagnostics_hint(evidence->diagnostics, "remove the model, or %s", way_out);
}

static void check_models(const struct evidence *evidence)
{
    const struct spec *spec = evidence->experiment->spec;
    for (int i = 0; i < spec->model_count && !sees_outcomes(evidence->experiment); i++) {
        if (is_never(evidence, "calls_mean", spec->models[i].name) &&
            samples_that_could_run(evidence, i) >= LEAST_EVIDENCE) {
            useless_model(evidence, i, "no sample is computed by it", "use a policy that runs it");
        }
    }
}

// Models that cannot be run anywhere.
static void check_certain_models(const struct evidence *evidence)
{
    const struct spec *spec = evidence->experiment->spec;
    for (int i = 0; i < spec->model_count && !sees_outcomes(evidence->experiment); i++) {
        bool can_run = false;
        for (int k = 0; k < spec_places(spec); k++) {
            can_run |= runs_model(&spec_place(spec, k)->compute, i);
        }
        if (!can_run) {
            useless_model(evidence, i, "nothing has service times for it",
                          "give a tier its times under 'compute'");
        }
    }
}

// ---- prices ----

static void useless_price(const struct evidence *evidence, const void *slot, const char *name,
                          const char *why)
{
    struct mark mark;
    diagnostics_warning(evidence->diagnostics, effect_mark(evidence, slot, &mark),
                        "price '%s' has no effect: %s", name, why);
    diagnostics_hint(evidence->diagnostics, "remove it: no setting of it changes any cost");
}

// Prices of links that differ are each judged for itself. Where they are alike it may be one price
// for all, which has an effect if any link is used.
static void check_offload_prices(const struct evidence *evidence)
{
    const struct spec *spec = evidence->experiment->spec;
    const struct spec_prices *prices = &spec->prices;
    bool are_alike = true;
    bool is_useless = spec->link_count > 0;
    for (int i = 0; i < spec->link_count; i++) {
        are_alike &= !(fabs(prices->offload[i] - prices->offload[0]) > 0);
        is_useless &= prices->offload[i] > 0 && is_link_unused(evidence, i);
    }
    if (is_useless) {
        useless_price(evidence, &prices->offload, "offload", "nothing is offloaded");
    }
    for (int i = 0; i < spec->link_count && !are_alike && !is_useless; i++) {
        char name[NAME_ROOM];
        snprintf(name, sizeof(name), "offload.%s", spec->links[i].name);
        if (prices->offload[i] > 0 && is_link_unused(evidence, i)) {
            useless_price(evidence, &prices->offload, name, "nothing is sent over the link");
        }
    }
}

static void check_prices(const struct evidence *evidence)
{
    const struct spec_prices *prices = &evidence->experiment->spec->prices;
    check_offload_prices(evidence);
    if (prices->energy_per_j > 0 && is_never(evidence, "energy_mean_j", NULL)) {
        useless_price(evidence, &prices->energy_per_j, "energy", "nothing takes any energy");
    }
    if (prices->byte > 0 && is_never(evidence, "bytes_up_mean", NULL) &&
        is_never(evidence, "bytes_down_mean", NULL)) {
        useless_price(evidence, &prices->byte, "byte", "nothing is sent");
    }
    if (prices->latency_per_s > 0 && is_never(evidence, "latency_mean_s", NULL)) {
        useless_price(evidence, &prices->latency_per_s, "latency", "nothing takes any time");
    }
}

// ---- deadlines ----

static const void *deadline_slot(const struct spec *spec, int device_class)
{
    const struct spec_tier *devices = &spec->classes[device_class];
    return devices->deadline_s > 0 ? (const void *)&devices->deadline_s
                                   : (const void *)&spec->samples.deadline_s;
}

static double deadline_of(const struct spec *spec, int device_class)
{
    const double own = spec->classes[device_class].deadline_s;
    return own > 0 ? own : spec->samples.deadline_s;
}

// Whether all samples of a class missed their deadline in a point, as far as that is known.
static bool is_missed(const struct evidence *evidence, size_t number, int device_class)
{
    const struct spec *spec = evidence->experiment->spec;
    if (evidence->predictions) {
        const struct prediction *prediction = &evidence->predictions[number];
        const double shortest_s = prediction->shortest_s[device_class];
        return isfinite(shortest_s) && shortest_s > SURELY_LATE * deadline_of(spec, device_class);
    }
    const char *member = spec->has_classes ? spec->classes[device_class].name : NULL;
    // Where samples only wait, a server is missing and not time.
    return evidence->experiment->points[number].verdict != VERDICT_OVERLOADED &&
           !isnan(effect_value(evidence, number, "latency_mean_s", member)) &&
           effect_value(evidence, number, "deadline_miss_fraction", member) >= 1;
}

static void check_deadlines(const struct evidence *evidence)
{
    const struct spec *spec = evidence->experiment->spec;
    const void *said = NULL;
    for (int i = 0; i < spec->class_count; i++) {
        bool is_hopeless = isfinite(deadline_of(spec, i)) && deadline_slot(spec, i) != said;
        for (size_t k = 0; k < evidence->experiment->point_count && is_hopeless; k++) {
            is_hopeless = is_missed(evidence, k, i);
        }
        if (!is_hopeless) {
            continue;
        }
        struct mark mark;
        said = deadline_slot(spec, i);
        diagnostics_warning(evidence->diagnostics, effect_mark(evidence, said, &mark),
                            "nothing can meet the deadline of %g s%s%s%s: no sample of %s is "
                            "answered by then",
                            deadline_of(spec, i), spec->has_classes ? " of class '" : "",
                            spec->has_classes ? spec->classes[i].name : "",
                            spec->has_classes ? "'" : "",
                            evidence->predictions ? "a pilot" : "any run");
        diagnostics_hint(evidence->diagnostics,
                         "give samples more time, or make devices, links or servers faster");
    }
}

// ---- what the scenario alone says ----

// Whether an axis of a sweep changes more than prices, and policies if those are left out, so that
// the scenario without its sweep does not speak for the points.
static bool sweeps_the_world(const struct experiment *experiment, bool and_policies)
{
    for (size_t i = 0; i < experiment->swept_count; i++) {
        const char *path = experiment->swept[i];
        if ((and_policies || strncmp(path, "policy", 6) != 0) && strncmp(path, "prices.", 7) != 0 &&
            strcmp(path, "seed") != 0) {
            return true;
        }
    }
    return false;
}

static bool has_deadline(const struct spec *spec)
{
    for (int i = 0; i < spec->class_count; i++) {
        if (isfinite(deadline_of(spec, i))) {
            return true;
        }
    }
    return false;
}

// Whether samples can be wrong: without a trace and a generator all answers are right.
static bool has_outcomes(const struct spec *spec)
{
    bool later = false;
    for (int i = 0; i < spec->drift_count; i++) {
        later |= spec->drift[i].trace || spec->drift[i].generated;
    }
    return spec->trace || spec->generated || later;
}

static bool may_drop(const struct spec *spec)
{
    for (int i = 0; i < spec_places(spec); i++) {
        const struct spec_compute *compute = &spec_place(spec, i)->compute;
        if (compute->present &&
            (compute->room >= 0 || isfinite(compute->patience_s) || compute->failures.present)) {
            return true;
        }
    }
    for (int i = 0; i < spec->link_count; i++) {
        const struct spec_link *link = &spec->links[i];
        if (link->room >= 0 || link->loss.present || link->outages.present ||
            link->up.kind != RATE_CONSTANT || link->down.kind != RATE_CONSTANT) {
            return true;
        }
    }
    for (int i = 0; i < spec->policy_count; i++) {
        if (spec->policies[i].type->reasons) {
            return true;
        }
    }
    return spec->drift_count > 0;
}

static void check_certain_prices(const struct evidence *evidence)
{
    const struct spec *spec = evidence->experiment->spec;
    const struct spec_prices *prices = &spec->prices;
    if (prices->deadline_miss > 0 && !has_deadline(spec)) {
        useless_price(evidence, &prices->deadline_miss, "deadline_miss",
                      "no sample has a deadline");
    }
    if (prices->error > 0 && !has_outcomes(spec)) {
        useless_price(evidence, &prices->error, "error",
                      "without a trace or a generator every answer is right");
    }
    if (prices->drop > 0 && !may_drop(spec)) {
        useless_price(evidence, &prices->drop, "drop", "nothing can drop a sample");
    }
    if (prices->byte > 0 && !spec->link_count) {
        useless_price(evidence, &prices->byte, "byte", "there is no link");
    }
}

// What no policy looks at.
static void check_observations(const struct evidence *evidence)
{
    const struct spec *spec = evidence->experiment->spec;
    unsigned observed = 0;
    for (int i = 0; i < spec->policy_count; i++) {
        const struct spec_policy *policy = &spec->policies[i];
        observed |= policy->type->observes ? policy->type->observes(policy->parameters) : 0;
    }
    for (int i = 0; i < spec->tier_count && !(observed & POLICY_OBSERVES_REPORTS); i++) {
        struct mark mark;
        if (spec->tiers[i].reports.present) {
            diagnostics_warning(evidence->diagnostics,
                                effect_mark(evidence, &spec->tiers[i].reports.every_s, &mark),
                                "the reports of tier '%s' have no effect: no policy here looks at "
                                "them",
                                spec->tiers[i].name);
            diagnostics_hint(evidence->diagnostics,
                             "remove 'reports', or use a policy that observes them");
        }
    }
    for (int i = 0; i < spec->link_count && !(observed & POLICY_OBSERVES_LINKS); i++) {
        struct mark mark;
        if (isfinite(spec->links[i].probe_s)) {
            diagnostics_warning(evidence->diagnostics,
                                effect_mark(evidence, &spec->links[i].probe_s, &mark),
                                "'probe' of link '%s' has no effect: no policy here looks at links",
                                spec->links[i].name);
            diagnostics_hint(evidence->diagnostics,
                             "remove 'probe', or use a policy that observes links");
        }
    }
}

// ---- all of it ----

void effect_check_scenario(const struct experiment *experiment, struct diagnostics *diagnostics)
{
    const struct evidence evidence = {experiment, NULL, diagnostics};
    if (sweeps_the_world(experiment, true)) {
        return;
    }
    effect_check_length(&evidence);
    effect_check_unlimited(&evidence);
    if (experiment->spec->stop_kind == STOP_TIME) {
        effect_check_late(&evidence);
    }
    check_certain_models(&evidence);
    check_certain_prices(&evidence);
    check_observations(&evidence);
}

void effect_check_predictions(const struct experiment *experiment,
                              const struct prediction *predictions, struct diagnostics *diagnostics)
{
    const struct evidence evidence = {experiment, predictions, diagnostics};
    check_deadlines(&evidence);
}

void effect_check_results(const struct experiment *experiment, struct diagnostics *diagnostics)
{
    const struct evidence evidence = {experiment, NULL, diagnostics};
    if (!sweeps_the_world(experiment, false) && samples_at(&evidence, 0) >= LEAST_EVIDENCE) {
        if (experiment->spec->stop_kind == STOP_SAMPLES) {
            effect_check_late(&evidence);
        }
        check_links(&evidence);
        check_tiers(&evidence);
        check_models(&evidence);
        check_prices(&evidence);
        check_deadlines(&evidence);
    }
}
