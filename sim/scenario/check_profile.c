// SPDX-License-Identifier: GPL-3.0-or-later

// Layers, outputs, times and energies of models, where they are stated or where a profile has them.

#include "base/memory.h"
#include "scenario/check.h"
#include "scenario/diagnostics.h"
#include "scenario/file.h"
#include "scenario/profile.h"
#include "scenario/settings.h"
#include "scenario/spec.h"

#include <stdlib.h>
#include <string.h>

struct profiles {
    struct spec *spec;
    const char *scenario; // path of the file
    struct settings *settings;
    struct arena *arena;
    struct diagnostics *diagnostics;
};

static const struct mark *value_of(const struct profiles *profiles, const void *slot)
{
    const struct setting *setting = settings_find(profiles->settings, slot);
    return setting ? &setting->value : NULL;
}

static const struct mark *key_of(const struct profiles *profiles, const void *slot)
{
    const struct setting *setting = settings_find(profiles->settings, slot);
    return setting ? &setting->key : NULL;
}

static void take_profile(const struct profiles *profiles, struct spec_model *model)
{
    struct profile_request request = {
        .profile = &model->profile,
        .path = file_beside(profiles->scenario, model->profile.path, profiles->arena),
        .model = model->name};
    const struct mark *mark = value_of(profiles, &model->profile.path);
    if (mark) {
        request.mark = *mark;
    }
    struct profile *profile;
    if (model->output_count) {
        diagnostics_error(profiles->diagnostics, key_of(profiles, &model->output_bytes),
                          "model '%s' has both 'output' and a profile", model->name);
        diagnostics_hint(profiles->diagnostics, "the profile knows the outputs; remove one");
    }
    if (profile_read(&request, profiles->arena, profiles->diagnostics, &profile) != 0) {
        return;
    }
    const struct mark *layers = value_of(profiles, &model->layers);
    if (layers && model->layers != profile->layer_count) {
        diagnostics_error(profiles->diagnostics, layers,
                          "'layers' is %d, but the profile of model '%s' has %d", model->layers,
                          model->name, profile->layer_count);
        diagnostics_hint(profiles->diagnostics, "leave 'layers' out");
    }
    model->layers = profile->layer_count;
    model->times = profile;
    model->output_bytes = profile->output_bytes;
    model->output_count = profile->layer_count;
}

static void check_outputs(const struct profiles *profiles, const struct spec_model *model)
{
    if (model->output_count && model->output_count != model->layers) {
        diagnostics_error(profiles->diagnostics, value_of(profiles, &model->output_bytes),
                          "model '%s' has %d layer%s, but %d output%s", model->name, model->layers,
                          model->layers == 1 ? "" : "s", model->output_count,
                          model->output_count == 1 ? "" : "s");
        diagnostics_hint(profiles->diagnostics, "give one for each layer");
    }
}

static bool has_times(const struct spec_compute *compute, int model)
{
    for (int i = 0; i < compute->time_count; i++) {
        if (compute->times[i].model == model) {
            return true;
        }
    }
    return false;
}

static struct spec_time times_of(const struct profiles *profiles, int model,
                                 const struct profile_platform *platform)
{
    const int layers = profiles->spec->models[model].layers;
    struct distribution_parameters *times =
        arena_new_array(profiles->arena, (size_t)layers, struct distribution_parameters);
    for (int i = 0; i < layers; i++) {
        times[i].kind = DISTRIBUTION_CONSTANT;
        times[i].mean = platform->times_s[i];
    }
    return (struct spec_time){.model = model, .layers = times, .layer_count = layers};
}

static void refuse_platform(const struct profiles *profiles, const struct spec_compute *compute)
{
    const struct spec *spec = profiles->spec;
    const char *names[64];
    size_t count = 0;
    for (int i = 0; i < spec->model_count; i++) {
        const struct profile *profile = spec->models[i].times;
        for (int k = 0; profile && k < profile->platform_count && count < 64; k++) {
            names[count++] = profile->platforms[k].name;
        }
    }
    diagnostics_error(profiles->diagnostics, value_of(profiles, &compute->platform),
                      count ? "no profile has a platform '%s'"
                            : "platform '%s' is of no use: no model has a profile",
                      compute->platform);
    if (count) {
        diagnostics_suggest(profiles->diagnostics, compute->platform, names, count, "platforms");
    } else {
        diagnostics_hint(profiles->diagnostics, "add 'profile: FILE.csv' to a model");
    }
}

// Returns false after an error.
static bool take_platform(const struct profiles *profiles, struct spec_compute *compute)
{
    const struct spec *spec = profiles->spec;
    struct spec_time *times = arena_new_array(
        profiles->arena, (size_t)(compute->time_count + spec->model_count), struct spec_time);
    int count = compute->time_count;
    bool is_known = false;
    if (count) {
        memcpy(times, compute->times, (size_t)count * sizeof(*times));
        settings_move(profiles->settings, compute->times, (size_t)count * sizeof(*times), times);
    }
    for (int i = 0; i < spec->model_count; i++) {
        const struct profile *profile = spec->models[i].times;
        const struct profile_platform *platform =
            profile ? profile_find(profile, compute->platform) : NULL;
        is_known |= platform != NULL;
        if (platform && !has_times(compute, i)) {
            times[count++] = times_of(profiles, i, platform);
        }
    }
    if (!is_known) {
        refuse_platform(profiles, compute);
        return false;
    }
    compute->times = times;
    compute->time_count = count;
    return true;
}

static void check_energies(const struct profiles *profiles, const struct spec_tier *tier)
{
    for (int i = 0; i < tier->compute.energy_count; i++) {
        const struct spec_energy *energy = &tier->compute.energies[i];
        const struct spec_model *model = &profiles->spec->models[energy->model];
        if (energy->layer_count != model->layers) {
            diagnostics_error(profiles->diagnostics, value_of(profiles, &energy->layers),
                              "model '%s' has %d layer%s, but %d energ%s here", model->name,
                              model->layers, model->layers == 1 ? "" : "s", energy->layer_count,
                              energy->layer_count == 1 ? "y" : "ies");
            diagnostics_hint(profiles->diagnostics, "give one for each layer");
        }
        if (!has_times(&tier->compute, energy->model)) {
            diagnostics_error(profiles->diagnostics, key_of(profiles, &energy->layers),
                              "%s '%s' has an energy but no time for model '%s'",
                              check_noun(profiles->spec, tier), tier->name,
                              model->name);
            diagnostics_hint(profiles->diagnostics, "add the model to 'time'");
        }
    }
}

static int compare_energies(const void *left, const void *right)
{
    const struct spec_energy *a = *(const struct spec_energy *const *)left;
    const struct spec_energy *b = *(const struct spec_energy *const *)right;
    return a->model < b->model ? -1 : a->model > b->model;
}

// By model, as the times are, so that their order in the file makes no difference.
static void sort_energies(const struct profiles *profiles, struct spec_compute *compute)
{
    const size_t count = (size_t)compute->energy_count;
    struct spec_energy **order = arena_new_array(profiles->arena, count, struct spec_energy *);
    struct spec_energy *energies = arena_new_array(profiles->arena, count, struct spec_energy);
    for (size_t i = 0; i < count; i++) {
        order[i] = &compute->energies[i];
    }
    if (count) {
        qsort(order, count, sizeof(*order), compare_energies);
    }
    for (size_t i = 0; i < count; i++) {
        energies[i] = *order[i];
        settings_move(profiles->settings, order[i], sizeof(*order[i]), &energies[i]);
    }
    compute->energies = energies;
}

// Below its idle power, a node would save energy by working.
static void check_power(const struct profiles *profiles, const struct spec_tier *tier)
{
    const struct spec_compute *compute = &tier->compute;
    if (!compute->steps && compute->active_w < compute->idle_w &&
        compute->energy_count < compute->time_count) {
        diagnostics_error(profiles->diagnostics, value_of(profiles, &compute->idle_w),
                          "%s '%s' takes %g W when idle, but only %g W when active",
                          check_noun(profiles->spec, tier), tier->name,
                          compute->idle_w, compute->active_w);
        diagnostics_hint(profiles->diagnostics,
                         "'active' is the power of a node with all servers busy; without it, give "
                         "'energy' for every model");
    }
}

int check_profiles(struct spec *spec, const char *scenario, struct settings *settings,
                   struct arena *arena, struct diagnostics *diagnostics)
{
    const size_t errors = diagnostics->errors;
    const struct profiles profiles = {spec, scenario, settings, arena, diagnostics};
    for (int i = 0; i < spec->model_count; i++) {
        if (spec->models[i].profile.path) {
            take_profile(&profiles, &spec->models[i]);
        }
        check_outputs(&profiles, &spec->models[i]);
    }
    const bool has_models = diagnostics->errors == errors;
    for (int i = 0; i < spec_places(spec) && has_models; i++) {
        struct spec_tier *tier = spec_place(spec, i);
        if (tier->compute.platform && !take_platform(&profiles, &tier->compute)) {
            continue;
        }
        if (tier->compute.present && !tier->compute.time_count) {
            diagnostics_error(diagnostics, value_of(&profiles, &tier->name),
                              "%s '%s' has 'compute', but no model that can run there",
                              check_noun(spec, tier), tier->name);
            diagnostics_hint(diagnostics, "add 'time: {MODEL: 18 ms}' or a 'platform' of a profile "
                                          "to its 'compute'");
        }
        check_energies(&profiles, tier);
        check_power(&profiles, tier);
        sort_energies(&profiles, &tier->compute);
    }
    settings_sort(settings);
    return diagnostics->errors > errors ? -1 : 0;
}
