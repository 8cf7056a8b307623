// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/generated.h"

#include "base/hash.h"
#include "base/memory.h"
#include "rng/correlation.h"
#include "scenario/diagnostics.h"
#include "scenario/file.h"
#include "scenario/settings.h"
#include "scenario/spec.h"
#include "scenario/tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OUTCOMES = 64 };

struct checker {
    struct spec_generated *generated;
    struct settings *settings;
    struct arena *arena;
    struct diagnostics *diagnostics;
};

static const struct mark *key_of(const struct checker *checker, const void *slot)
{
    const struct setting *setting = settings_find(checker->settings, slot);
    return setting ? &setting->key : NULL;
}

// ---- quantiles ----

static void check_quantiles(const struct checker *checker)
{
    const struct spec_generated *generated = checker->generated;
    const int count = generated->quantile_count;
    bool is_fine =
        count >= 2 && generated->quantiles[0] == 0 && generated->quantiles[count - 1] == 1;
    for (int i = 1; i < count; i++) {
        is_fine = is_fine && generated->quantiles[i] > generated->quantiles[i - 1];
    }
    if (!is_fine) {
        diagnostics_error(checker->diagnostics, key_of(checker, &generated->quantiles),
                          "'quantiles' must rise from 0 to 1");
        diagnostics_hint(checker->diagnostics, "write for example [0, 0.25, 0.5, 0.75, 1]");
    }
}

static void refuse_count(const struct checker *checker, const void *slot, const char *key,
                         const char *exit, int count, int wanted, const char *what)
{
    diagnostics_error(checker->diagnostics, key_of(checker, slot),
                      "'%s' of exit '%s' has %d number%s instead of %d", key, exit, count,
                      count == 1 ? "" : "s", wanted);
    diagnostics_hint(checker->diagnostics, "give one for %s", what);
}

static void check_confidence(const struct checker *checker, const struct spec_outcome *outcome)
{
    const int quantiles = checker->generated->quantile_count;
    if (outcome->confidence_count != quantiles) {
        refuse_count(checker, &outcome->confidence, "confidence", outcome->name,
                     outcome->confidence_count, quantiles, "each of the quantiles");
    }
    for (int i = 1; i < outcome->confidence_count; i++) {
        if (outcome->confidence[i] < outcome->confidence[i - 1]) {
            diagnostics_error(checker->diagnostics, key_of(checker, &outcome->confidence[i]),
                              "'confidence' of exit '%s' falls from %g to %g", outcome->name,
                              outcome->confidence[i - 1], outcome->confidence[i]);
            diagnostics_hint(checker->diagnostics, "confidence rises from quantile to quantile");
            break;
        }
    }
    if (outcome->right_count != quantiles - 1) {
        refuse_count(checker, &outcome->right, "right", outcome->name, outcome->right_count,
                     quantiles - 1, "the samples between each two quantiles");
    }
}

// ---- correlations ----

// Makes a list of `wanted` out of one number that stands for all; `own` is the place that stays 0,
// or -1.
static void fill_list(const struct checker *checker, const char *key, const char *exit, int wanted,
                      int own, const double **list, int *count)
{
    if (*count == wanted || wanted == 0) {
        if (*count > wanted || (own >= 0 && wanted > 1 && (*list)[own] != 0)) {
            diagnostics_error(checker->diagnostics, key_of(checker, list),
                              own >= 0 ? "'%s' of exit '%s' is not 0 in its own place"
                                       : "'%s' of exit '%s' has no exit above it to refer to",
                              key, exit);
            diagnostics_hint(checker->diagnostics,
                             own >= 0 ? "the exit's own confidence tells what it tells in 'right'"
                                      : "remove the key");
            return;
        }
    } else if (*count != 1) {
        diagnostics_error(checker->diagnostics, key_of(checker, list),
                          "'%s' of exit '%s' has %d numbers instead of %d", key, exit, *count,
                          wanted);
        diagnostics_hint(checker->diagnostics, "give one for each exit%s, or one number for all",
                         own >= 0 ? "" : " above it");
        return;
    }
    if (*count == 1) {
        double *all = arena_new_array(checker->arena, (size_t)wanted, double);
        for (int i = 0; i < wanted; i++) {
            all[i] = i == own ? 0 : **list;
        }
        *list = all;
        *count = wanted;
    }
}

static void check_correlations(const struct checker *checker, struct spec_outcome *outcome,
                               int above)
{
    const struct mark *mark = key_of(checker, outcome);
    const bool is_given[] = {outcome->confidence_with != NULL, outcome->right_with != NULL};
    static const char *const keys[] = {"confidence_with", "right_with"};
    for (int i = 0; i < 2 && above; i++) {
        if (!is_given[i]) {
            diagnostics_error(checker->diagnostics, mark, "exit '%s' lacks the key '%s'",
                              outcome->name, keys[i]);
            diagnostics_hint(checker->diagnostics,
                             "outcomes of one sample depend on each other: give the correlations "
                             "with the %d exit%s above, or one number for all",
                             above, above == 1 ? "" : "s");
        }
    }
    if (outcome->confidence_with) {
        fill_list(checker, keys[0], outcome->name, above, -1, &outcome->confidence_with,
                  &outcome->confidence_with_count);
    }
    if (outcome->right_with) {
        fill_list(checker, keys[1], outcome->name, above, -1, &outcome->right_with,
                  &outcome->right_with_count);
    }
    fill_list(checker, "right_with_confidence", outcome->name, checker->generated->outcome_count,
              above, &outcome->right_with_confidence, &outcome->right_with_confidence_count);
}

int generated_factor(struct spec_generated *generated, struct arena *arena)
{
    const size_t count = (size_t)generated->outcome_count;
    const size_t size = 2 * count;
    double *matrix = arena_new_array(arena, size * size, double);
    double *factor = arena_new_array(arena, size * size, double);
    for (size_t i = 0; i < count; i++) {
        const struct spec_outcome *outcome = &generated->outcomes[i];
        double *confidence = matrix + 2 * i * size;
        double *right = confidence + size;
        confidence[2 * i] = right[2 * i + 1] = 1;
        for (size_t j = 0; j < i; j++) {
            const struct spec_outcome *above = &generated->outcomes[j];
            confidence[2 * j] = outcome->confidence_with[j];
            confidence[2 * j + 1] = above->right_with_confidence[i];
            right[2 * j] = outcome->right_with_confidence[j];
            right[2 * j + 1] = outcome->right_with[j];
        }
    }
    generated->factor = factor;
    const size_t rows = correlation_factor(matrix, size, factor);
    return rows == size ? -1 : (int)(rows / 2);
}

// ---- labels and features ----

static void check_classes(const struct checker *checker)
{
    const struct spec_generated *generated = checker->generated;
    double sum = 0;
    for (int i = 0; i < generated->class_count; i++) {
        sum += generated->classes[i];
    }
    if (generated->classes && (generated->class_count < 2 || fabs(sum - 1) > 0.001)) {
        diagnostics_error(checker->diagnostics, key_of(checker, &generated->classes),
                          "'classes' has %d share%s that add up to %g", generated->class_count,
                          generated->class_count == 1 ? "" : "s", sum);
        diagnostics_hint(checker->diagnostics, "give the shares of two labels or more, 1 together");
    }
}

static void check_features(const struct checker *checker)
{
    const struct spec_generated *generated = checker->generated;
    if (generated->pools &&
        (generated->pool_count != SPEC_POOLS - 1 || generated->pools[0] > generated->pools[1])) {
        diagnostics_error(checker->diagnostics, key_of(checker, &generated->pools),
                          "'pools' must be two rising difficulties");
        diagnostics_hint(checker->diagnostics, "write for example [0.1, 0.3]");
    }
    if (generated->feature_count && !generated->pools) {
        diagnostics_error(checker->diagnostics, key_of(checker, &generated->features),
                          "'features' needs the key 'pools'");
        diagnostics_hint(checker->diagnostics,
                         "features differ between easy, moderate and hard samples: say where those "
                         "begin, for example 'pools: [0.1, 0.3]'");
    }
    for (int i = 0; i < generated->feature_count; i++) {
        const struct spec_feature *feature = &generated->features[i];
        if (feature->mean_count != SPEC_POOLS || feature->spread_count != SPEC_POOLS) {
            diagnostics_error(checker->diagnostics, key_of(checker, feature),
                              "feature '%s' needs %d means and %d spreads", feature->name,
                              SPEC_POOLS, SPEC_POOLS);
            diagnostics_hint(checker->diagnostics,
                             "give one each for easy, moderate and hard samples");
        }
    }
}

// ---- the file ----

static int check_generated(const struct checker *checker)
{
    struct spec_generated *generated = checker->generated;
    const size_t errors = checker->diagnostics->errors;
    if (generated->outcome_count > MOST_OUTCOMES) {
        diagnostics_error(checker->diagnostics, key_of(checker, &generated->outcomes),
                          "%d exits are more than %d", generated->outcome_count, MOST_OUTCOMES);
        diagnostics_hint(checker->diagnostics, "remove some");
        return -1;
    }
    check_quantiles(checker);
    for (int i = 0; i < generated->outcome_count; i++) {
        check_confidence(checker, &generated->outcomes[i]);
        check_correlations(checker, &generated->outcomes[i], i);
    }
    check_classes(checker);
    check_features(checker);
    if (checker->diagnostics->errors > errors) {
        return -1;
    }
    const int contradicting = generated_factor(generated, checker->arena);
    if (contradicting >= 0) {
        const struct spec_outcome *outcome = &generated->outcomes[contradicting];
        diagnostics_error(checker->diagnostics, key_of(checker, outcome),
                          "no samples can have the correlations of exit '%s' and of those above it",
                          outcome->name);
        diagnostics_hint(checker->diagnostics,
                         "move them towards 0, or nearer to each other; 'offloadsim fit' writes "
                         "some that fit together");
        return -1;
    }
    return 0;
}

static int read_fields(const struct node *root, struct checker *checker)
{
    const size_t errors = checker->diagnostics->errors;
    if (root->kind != NODE_MAPPING) {
        diagnostics_error(checker->diagnostics, &root->mark,
                          "a file to generate samples from is a mapping, not %s",
                          node_kind_name(root->kind));
        diagnostics_hint(checker->diagnostics, "'offloadsim fit TRACE.csv' makes one");
        return -1;
    }
    const struct field_policies no_policies = {.is_complete = true};
    struct field_reader reader = {.arena = checker->arena,
                                  .diagnostics = checker->diagnostics,
                                  .settings = checker->settings,
                                  .policies = &no_policies,
                                  .root = grammar_generated_fields};
    const struct field_at at = {.key = "generator"};
    const struct mark mark = {.source = root->mark.source};
    field_read_members(&reader, grammar_generated_fields, root, checker->generated, "the generator",
                       &mark, &at);
    settings_sort(checker->settings);
    return checker->diagnostics->errors > errors ? -1 : 0;
}

// The same bytes are the same samples.
static int hash_file(const char *path, const struct mark *mark, struct diagnostics *diagnostics,
                     uint64_t ret_words[HASH_WORDS])
{
    char *bytes;
    size_t length;
    struct file_problem problem;
    if (file_read(path, TREE_MOST_BYTES, &bytes, &length, &problem) < 0) {
        diagnostics_error(diagnostics, mark, "generator '%s' %s", path, problem.message);
        diagnostics_hint(diagnostics, "%s", problem.hint);
        return -1;
    }
    struct hash hash;
    hash_init(&hash);
    hash_add(&hash, bytes, length);
    hash_finish(&hash, ret_words);
    free(bytes);
    return 0;
}

int generated_read(const char *path, const struct mark *mark, struct arena *arena,
                   struct diagnostics *diagnostics, struct spec_generated **ret_generated)
{
    struct spec_generated *generated = arena_new(arena, struct spec_generated);
    struct settings settings = {.arena = arena};
    struct checker checker = {generated, &settings, arena, diagnostics};
    struct node *root;
    if (hash_file(path, mark, diagnostics, generated->hash) < 0 ||
        tree_read(path, arena, diagnostics, &root) < 0 || read_fields(root, &checker) < 0 ||
        check_generated(&checker) < 0) {
        return -1;
    }
    *ret_generated = generated;
    return 0;
}

// ---- the scenario ----

static void match_exit(const struct spec *spec, struct spec_exit *exit,
                       const struct settings *settings, struct diagnostics *diagnostics)
{
    const struct spec_generated *generated = spec->generated;
    const char *wanted = exit->outcome_name ? exit->outcome_name : exit->name;
    const size_t count = (size_t)generated->outcome_count;
    const char **names = arena_new_array(&diagnostics->arena, count + 1, const char *);
    for (size_t i = 0; i < count; i++) {
        names[i] = generated->outcomes[i].name;
        if (strcmp(names[i], wanted) == 0) {
            exit->outcome = (int)i;
            return;
        }
    }
    const struct setting *setting = settings_find(settings, &exit->outcome_name);
    const struct mark *mark = setting ? &setting->value : NULL;
    if (!mark) {
        setting = settings_find(settings, exit);
        setting = setting ? setting : settings_find(settings, &spec->models[exit->model]);
        mark = setting ? &setting->key : NULL;
    }
    diagnostics_error(diagnostics, mark,
                      "generator '%s' has no exit '%s' for exit '%s' of model '%s'",
                      generated->name, diagnostics_quote(diagnostics, wanted), exit->name,
                      spec->models[exit->model].name);
    if (exit->outcome_name) {
        diagnostics_suggest(diagnostics, wanted, names, count, "its exits");
    } else {
        diagnostics_hint(diagnostics,
                         "add 'outcome: NAME' to the exit; exits of the generator "
                         "start with '%s'",
                         names[0]);
    }
}

static void match_feature(const struct spec *spec, const char *const *slot,
                          const struct settings *settings, struct diagnostics *diagnostics)
{
    const struct spec_generated *generated = spec->generated;
    const size_t count = (size_t)generated->feature_count;
    const char **names = arena_new_array(&diagnostics->arena, count + 1, const char *);
    for (size_t i = 0; i < count; i++) {
        names[i] = generated->features[i].name;
        if (strcmp(names[i], *slot) == 0) {
            return;
        }
    }
    const struct setting *setting = settings_find(settings, slot);
    diagnostics_error(diagnostics, setting ? &setting->value : NULL,
                      "generator '%s' has no feature '%s'", generated->name,
                      diagnostics_quote(diagnostics, *slot));
    if (count) {
        diagnostics_suggest(diagnostics, *slot, names, count, "its features");
    } else {
        diagnostics_hint(diagnostics, "it has none at all");
    }
}

int generated_match(struct spec *spec, const struct settings *settings,
                    struct diagnostics *diagnostics)
{
    const size_t errors = diagnostics->errors;
    for (int i = 0; i < spec->exit_count; i++) {
        match_exit(spec, &spec->exits[i], settings, diagnostics);
    }
    for (int i = 0; i < spec->samples.feature_count; i++) {
        match_feature(spec, &spec->samples.feature_columns[i], settings, diagnostics);
    }
    return diagnostics->errors > errors ? -1 : 0;
}
