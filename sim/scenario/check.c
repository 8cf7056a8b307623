// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/check.h"

#include "base/memory.h"
#include "policies/policy.h"
#include "scenario/diagnostics.h"
#include "scenario/settings.h"
#include "scenario/spec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct checker {
    struct spec *spec;
    struct settings *settings;
    struct arena *arena;
    struct diagnostics *diagnostics;
};

// Where a value was written; NULL, which a diagnostic without a place takes, if it was not.
static const struct mark *value_of(const struct checker *checker, const void *slot)
{
    const struct setting *setting = settings_find(checker->settings, slot);
    return setting ? &setting->value : NULL;
}

static const struct mark *key_of(const struct checker *checker, const void *slot)
{
    const struct setting *setting = settings_find(checker->settings, slot);
    return setting ? &setting->key : NULL;
}

static void check_warmup(const struct checker *checker)
{
    const struct spec *spec = checker->spec;
    if (spec->warmup_kind == WARMUP_SAMPLES && spec->stop_kind == STOP_SAMPLES &&
        spec->warmup_samples >= spec->stop_samples) {
        diagnostics_error(checker->diagnostics, value_of(checker, &spec->warmup_samples),
                          "the warm-up of %" PRIu64
                          " samples leaves nothing of the run of %" PRIu64,
                          spec->warmup_samples, spec->stop_samples);
        diagnostics_hint(checker->diagnostics, "make 'warmup' smaller than 'stop'");
    }
    if (spec->warmup_kind == WARMUP_TIME && spec->stop_kind == STOP_TIME &&
        spec->warmup_time_s >= spec->stop_time_s) {
        diagnostics_error(checker->diagnostics, value_of(checker, &spec->warmup_time_s),
                          "the warm-up of %g s leaves nothing of the run of %g s",
                          spec->warmup_time_s, spec->stop_time_s);
        diagnostics_hint(checker->diagnostics, "make 'warmup' smaller than 'stop'");
    }
}

// ---- models ----

static int compare_exits(const void *left, const void *right)
{
    const struct spec_exit *a = *(const struct spec_exit *const *)left;
    const struct spec_exit *b = *(const struct spec_exit *const *)right;
    if (a->after != b->after) {
        return a->after < b->after ? -1 : 1;
    }
    return a < b ? -1 : a > b;
}

// Gives every exit its layer: 1 to the number of layers in a scenario, 0-based from here on.
// Returns false after an error.
static bool place_exits(const struct checker *checker, struct spec_model *model, int index)
{
    bool is_fine = true;
    for (int i = 0; i < model->exit_count; i++) {
        struct spec_exit *exit = &model->exits[i];
        exit->model = index;
        if (exit->after > model->layers) {
            diagnostics_error(checker->diagnostics, value_of(checker, &exit->after),
                              "exit '%s' cannot stand after layer %d: model '%s' has %d",
                              exit->name, exit->after, model->name, model->layers);
            diagnostics_hint(checker->diagnostics, model->times
                                                       ? "lower 'after': the profile has no more"
                                                       : "lower 'after', or raise 'layers' of the "
                                                         "model");
            is_fine = false;
        }
        exit->after = (exit->after ? exit->after : model->layers) - 1;
    }
    return is_fine;
}

// Copies the exits of a model to `exits`, by layer.
static void sort_exits(const struct checker *checker, struct spec_model *model,
                       struct spec_exit *exits)
{
    size_t count = (size_t)model->exit_count;
    struct spec_exit **order = arena_new_array(checker->arena, count, struct spec_exit *);
    for (size_t i = 0; i < count; i++) {
        order[i] = &model->exits[i];
    }
    qsort(order, count, sizeof(*order), compare_exits);
    for (size_t i = 0; i < count; i++) {
        if (i && order[i]->after == order[i - 1]->after) {
            diagnostics_error(checker->diagnostics, key_of(checker, order[i]),
                              "exits '%s' and '%s' of model '%s' both stand after layer %d",
                              order[i - 1]->name, order[i]->name, model->name, order[i]->after + 1);
            diagnostics_hint(checker->diagnostics, "give each its own layer with 'after'");
        }
        exits[i] = *order[i];
        settings_move(checker->settings, order[i], sizeof(*order[i]), &exits[i]);
    }
    if (order[count - 1]->after != model->layers - 1) {
        diagnostics_error(checker->diagnostics, key_of(checker, order[count - 1]),
                          "model '%s' has no exit after its last layer, %d", model->name,
                          model->layers);
        diagnostics_hint(checker->diagnostics,
                         "a model that was run to its end must be able to answer: add an exit "
                         "without 'after'");
    }
    model->exits = exits;
}

static void check_models(const struct checker *checker)
{
    struct spec *spec = checker->spec;
    size_t count = 0;
    bool is_fine = true;
    for (int i = 0; i < spec->model_count; i++) {
        struct spec_model *model = &spec->models[i];
        if (!model->exit_count) {
            model->exits = arena_new(checker->arena, struct spec_exit);
            model->exits->name = "end";
            model->exit_count = 1;
        }
        model->first_exit = (int)count;
        count += (size_t)model->exit_count;
        is_fine = place_exits(checker, model, i) && is_fine;
    }
    if (!is_fine) {
        return;
    }
    spec->exits = arena_new_array(checker->arena, count, struct spec_exit);
    spec->exit_count = (int)count;
    for (int i = 0; i < spec->model_count; i++) {
        sort_exits(checker, &spec->models[i], spec->exits + spec->models[i].first_exit);
    }
}

// ---- tiers ----

static int compare_times(const void *left, const void *right)
{
    const struct spec_time *a = *(const struct spec_time *const *)left;
    const struct spec_time *b = *(const struct spec_time *const *)right;
    return a->model < b->model ? -1 : a->model > b->model;
}

static void check_times(const struct checker *checker, struct spec_tier *tier)
{
    size_t count = (size_t)tier->compute.time_count;
    struct spec_time **order = arena_new_array(checker->arena, count, struct spec_time *);
    for (size_t i = 0; i < count; i++) {
        struct spec_time *time = &tier->compute.times[i];
        const struct spec_model *model = &checker->spec->models[time->model];
        if (time->layer_count != model->layers) {
            diagnostics_error(checker->diagnostics, value_of(checker, &time->layers),
                              "model '%s' has %d layer%s, but %d service time%s here", model->name,
                              model->layers, model->layers == 1 ? "" : "s", time->layer_count,
                              time->layer_count == 1 ? "" : "s");
            diagnostics_hint(checker->diagnostics, "give a list of %d, one for each layer",
                             model->layers);
        }
        order[i] = time;
    }
    qsort(order, count, sizeof(*order), compare_times);
    struct spec_time *times = arena_new_array(checker->arena, count, struct spec_time);
    for (size_t i = 0; i < count; i++) {
        times[i] = *order[i];
        settings_move(checker->settings, order[i], sizeof(*order[i]), &times[i]);
    }
    tier->compute.times = times;
}

// ---- links ----

static void check_directions(const struct checker *checker)
{
    const struct spec *spec = checker->spec;
    for (int i = 0; i < spec->link_count; i++) {
        const struct spec_link *link = &spec->links[i];
        if (link->from < link->to) {
            continue;
        }
        const char *from = spec->tiers[link->from].name;
        const char *to = spec->tiers[link->to].name;
        diagnostics_error(checker->diagnostics, value_of(checker, &link->to),
                          link->from == link->to ? "a link cannot lead from '%s' to '%s'"
                                                 : "'%s' is not below '%s' in 'tiers'",
                          from, to);
        diagnostics_hint(checker->diagnostics,
                         link->from == link->to
                             ? "'from' and 'to' are two different tiers"
                             : "'from' is the lower tier; a link works in both directions");
    }
}

static void refuse_unreached(const struct checker *checker, int device_class, int tier)
{
    const struct spec *spec = checker->spec;
    const char *name = spec->tiers[tier].name;
    if (spec->has_classes) {
        const struct spec_tier *devices = &spec->classes[device_class];
        diagnostics_error(checker->diagnostics, value_of(checker, &devices->name),
                          "devices of class '%s' cannot reach tier '%s'", devices->name, name);
        diagnostics_hint(checker->diagnostics,
                         "add '{from: %s, class: %s, to: %s, ...}' to 'links'", spec->tiers[0].name,
                         devices->name, name);
        return;
    }
    diagnostics_error(checker->diagnostics, value_of(checker, &spec->tiers[tier].name),
                      "tier '%s' cannot be reached from '%s'", name, spec->tiers[0].name);
    diagnostics_hint(checker->diagnostics, "add '{from: %s, to: %s, ...}' to 'links'",
                     spec->tiers[tier - 1].name, name);
}

// Whether the devices of each class reach all tiers.
static void check_reach(const struct checker *checker)
{
    const struct spec *spec = checker->spec;
    bool *is_reached = arena_new_array(checker->arena, (size_t)spec->tier_count, bool);
    for (int k = 0; k < spec->class_count; k++) {
        // A link leads from a lower tier to a higher one, so tiers in order are reached in order.
        is_reached[0] = true;
        for (int tier = 1; tier < spec->tier_count; tier++) {
            is_reached[tier] = false;
            for (int i = 0; i < spec->link_count; i++) {
                const struct spec_link *link = &spec->links[i];
                const bool is_mine = link->device_class < 0 || link->device_class == k;
                is_reached[tier] |=
                    is_mine && link->to == tier && link->from < tier && is_reached[link->from];
            }
            if (!is_reached[tier]) {
                refuse_unreached(checker, k, tier);
            }
        }
    }
}

// ---- feedback ----

static void check_feedback(const struct checker *checker)
{
    const struct spec *spec = checker->spec;
    if (spec->feedback.when == FEEDBACK_NEVER) {
        if (spec->feedback.delay_s > 0) {
            diagnostics_warning(checker->diagnostics, value_of(checker, &spec->feedback.delay_s),
                                "the delay of feedback has no effect, because there is none");
            diagnostics_hint(checker->diagnostics, "set 'when' to offloaded or always");
        }
        return;
    }
    for (int i = 0; i < spec->policy_count; i++) {
        if (spec->policies[i].type->feedback) {
            return;
        }
    }
    diagnostics_warning(checker->diagnostics, value_of(checker, &spec->feedback.when),
                        "feedback has no effect: none of the policies learns from it");
    diagnostics_hint(checker->diagnostics, "remove 'feedback', or use a policy that learns");
}

int check_spec(struct spec *spec, struct settings *settings, struct arena *arena,
               struct diagnostics *diagnostics)
{
    size_t errors = diagnostics->errors;
    const struct checker checker = {spec, settings, arena, diagnostics};
    check_warmup(&checker);
    check_precision(spec, settings, diagnostics);
    check_models(&checker);
    check_workload(spec, settings, arena, diagnostics);
    for (int i = 0; i < spec_places(spec); i++) {
        check_times(&checker, spec_place(spec, i));
    }
    check_compute(spec, settings, diagnostics);
    check_directions(&checker);
    check_reach(&checker);
    check_links_alone(spec, settings, arena, diagnostics);
    check_feedback(&checker);
    settings_sort(settings);
    return diagnostics->errors > errors ? -1 : 0;
}
