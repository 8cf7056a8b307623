// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/reprice.h"

#include "base/text.h"
#include "exp/estimate.h"
#include "exp/parameters.h"
#include "exp/stored.h"
#include "model/price.h"
#include "model/world.h"
#include "scenario/diagnostics.h"
#include "scenario/field.h"
#include "scenario/grammar.h"
#include "scenario/override.h"
#include "scenario/settings.h"
#include "scenario/spec.h"
#include "scenario/sweep.h"
#include "scenario/tree.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SETTING_BLOCK_BYTES = 16 * 1024 };

// The section of a scenario that holds the prices.
static const struct field *price_section(void)
{
    const struct field *field = grammar_fields;
    while (!(field->flags & FIELD_PRICE)) {
        field++;
    }
    return field;
}

// ---- which prices are set ----

static void refuse_path(struct diagnostics *diagnostics, const char *path, const char *section)
{
    size_t count = 0;
    while (price_table[count].key) {
        count++;
    }
    const char **keys = arena_new_array(&diagnostics->arena, count, const char *);
    for (size_t i = 0; i < count; i++) {
        keys[i] = price_table[i].key;
    }
    const char *rest = diagnostics_quote(diagnostics, path + strcspn(path, "."));
    const char *first = arena_text_n(&diagnostics->arena, path, strcspn(path, "."));
    const char *key = text_nearest(first, keys, count);
    diagnostics_error(diagnostics, NULL, "'%s' is no price, and only prices can be set anew",
                      diagnostics_quote(diagnostics, path));
    if (text_nearest(first, &section, 1)) {
        diagnostics_hint(diagnostics, "did you mean '%s%s'?", section, rest);
    } else if (key) {
        diagnostics_hint(diagnostics, "did you mean '%s.%s%s'?", section, key, rest);
    } else {
        diagnostics_hint(diagnostics, "anything else needs 'offloadsim sweep', which simulates");
    }
}

// Whether a path sets the price of a counter: "prices", "prices.KEY" or "prices.KEY.NAME".
static bool sets_price(const char *path, const char *counter)
{
    const char *section = price_section()->name;
    const size_t length = strlen(section);
    if (strncmp(path, section, length) != 0 || (path[length] && path[length] != '.')) {
        return false;
    }
    const char *key = path[length] ? path + length + 1 : NULL;
    const size_t key_length = key ? strcspn(key, ".") : 0;
    const char *name = key && key[key_length] ? key + key_length + 1 : NULL;
    const char *member = counter + strcspn(counter, ".");
    for (const struct price *price = price_table; price->key; price++) {
        if (price_weighs(price, counter)) {
            return !key ||
                   (strlen(price->key) == key_length && strncmp(price->key, key, key_length) == 0 &&
                    (!name || (*member && strcmp(member + 1, name) == 0)));
        }
    }
    return false;
}

// Notes which counters get a new price. What is wrong with a path below the section shows when it
// is read as part of a scenario.
static void note_path(struct reprice *reprice, struct diagnostics *diagnostics, const char *set)
{
    const char *section = price_section()->name;
    const size_t length = strlen(section);
    const char *path = arena_text_n(&reprice->arena, set, strcspn(set, "="));
    if (strcspn(path, ".") != length || strncmp(path, section, length) != 0) {
        refuse_path(diagnostics, path, section);
    } else if (!path[length]) {
        diagnostics_error(diagnostics, NULL, "'%s' is all prices at once", section);
        diagnostics_hint(diagnostics, "set them one by one, such as %s.%s=0.3", section,
                         price_table[0].key);
    }
    for (size_t i = 0; i < reprice->experiment->counters.count; i++) {
        reprice->is_new[i] |= sets_price(path, reprice->experiment->counters.names[i]);
    }
}

static void note_paths(struct reprice *reprice, struct diagnostics *diagnostics)
{
    const struct sweep *sweep = reprice->sweep;
    for (size_t i = 0; i < sweep->set_count; i++) {
        note_path(reprice, diagnostics, sweep->sets[i]);
    }
    for (size_t i = 0; i < sweep->axis_count; i++) {
        for (size_t k = 0; k < sweep->axes[i].path_count; k++) {
            note_path(reprice, diagnostics, sweep->axes[i].paths[k]);
        }
    }
}

// ---- what they are ----

// Reads the prices as the scenario that has these overrides would.
static int read_prices(const struct reprice *reprice, const char *const *sets, size_t set_count,
                       struct arena *arena, struct diagnostics *diagnostics,
                       struct spec_prices *ret_prices)
{
    const struct stored_experiment *experiment = reprice->experiment;
    const struct field *section = price_section();
    const size_t errors = diagnostics->errors;
    const struct mark nowhere = {0};
    struct node *root = node_new(arena, NODE_MAPPING, &nowhere);
    for (size_t i = 0; i < set_count; i++) {
        if (override_apply(&root, "--set", sets[i], NULL, arena, diagnostics) != 0) {
            return -1;
        }
    }
    struct settings *settings = arena_new(arena, struct settings);
    settings->arena = arena;
    struct field_reader reader = {
        .arena = arena, .diagnostics = diagnostics, .settings = settings, .root = grammar_fields};
    reader.names.names[FIELD_LINKS] = experiment->links.names;
    reader.names.count[FIELD_LINKS] = experiment->links.count;
    reader.names.is_complete[FIELD_LINKS] = true;
    reader.names.names[FIELD_TIERS] = experiment->tiers.names;
    reader.names.count[FIELD_TIERS] = experiment->tiers.count;
    reader.names.is_complete[FIELD_TIERS] = true;
    const struct node_item *item = node_find(root, section->name);
    const struct field_at at = {.key = section->name, .key_mark = &item->key_mark};
    const char *owner = arena_format(arena, "'%s'", section->name);
    field_read_members(&reader, section->type.fields, item->value, ret_prices, owner,
                       &item->key_mark, &at);
    return diagnostics->errors > errors ? -1 : 0;
}

static int read_setting(struct reprice *reprice, uint64_t setting, struct diagnostics *diagnostics)
{
    const struct stored_experiment *experiment = reprice->experiment;
    arena_finish(&reprice->scratch);
    arena_init(&reprice->scratch, SETTING_BLOCK_BYTES);
    size_t count;
    size_t swept;
    const char *const *sets =
        sweep_point(reprice->sweep, setting, &reprice->scratch, &count, &swept);
    struct spec_prices prices = {0};
    if (read_prices(reprice, sets, count, &reprice->scratch, diagnostics, &prices) != 0) {
        return -1;
    }
    for (const struct price *price = price_table; price->key; price++) {
        size_t index = 0;
        for (size_t i = 0; i < experiment->counters.count; i++) {
            if (price_weighs(price, experiment->counters.names[i])) {
                reprice->prices[i] = price_value(price, &prices, index++);
            }
        }
    }
    reprice->parameters = arena_new_array(&reprice->scratch, count, struct point_parameter);
    reprice->parameter_count = count;
    for (size_t i = 0; i < count; i++) {
        reprice->parameters[i] = point_parameter_of_set(sets[i], &reprice->scratch);
    }
    return 0;
}

// ---- points that became the same ----

// Whether a stored parameter is a price of which nothing is left: all that it sets has a new price.
static bool is_replaced(const struct reprice *reprice, const struct point_parameter *parameter)
{
    const struct stored_experiment *experiment = reprice->experiment;
    bool is_price = false;
    for (size_t i = 0; i < experiment->counters.count; i++) {
        if (sets_price(parameter->path, experiment->counters.names[i])) {
            is_price = true;
            if (!reprice->is_new[i]) {
                return false;
            }
        }
    }
    return is_price;
}

static void find_replaced(struct reprice *reprice)
{
    const struct stored_experiment *experiment = reprice->experiment;
    reprice->is_replaced = arena_new_array(&reprice->arena, experiment->parameter_count, bool);
    for (size_t i = 0; i < experiment->parameter_count; i++) {
        reprice->is_replaced[i] = is_replaced(reprice, &experiment->parameters[i]);
    }
}

struct candidate {
    const struct stored_point *point;
    const char *key; // all that makes it what it is at the new prices
};

static int by_key(const void *left, const void *right)
{
    const struct candidate *a = left;
    const struct candidate *b = right;
    const int order = strcmp(a->key, b->key);
    return order ? order : (a->point > b->point) - (a->point < b->point);
}

static int by_order(const void *left, const void *right)
{
    const struct stored_point *a = *(const struct stored_point *const *)left;
    const struct stored_point *b = *(const struct stored_point *const *)right;
    return (a > b) - (a < b);
}

// Other prices of a simulation come from other parameters.
static const char *key_of(const struct reprice *reprice, const struct stored_point *point,
                          struct arena *arena)
{
    const struct stored_experiment *experiment = reprice->experiment;
    struct text key = {0};
    text_format(&key, "%s %s %" PRIu64 " %a", point->policy, point->simulation, point->replications,
                point->confidence);
    for (size_t i = 0; i < point->parameter_count; i++) {
        const size_t at = point->first_parameter + i;
        if (!reprice->is_replaced[at]) {
            text_format(&key, " %s=%s", experiment->parameters[at].path,
                        experiment->parameters[at].value);
        }
    }
    const char *copy = arena_text(arena, text_string(&key));
    text_finish(&key);
    return copy;
}

// Keeps the first of the points that are the same.
static void choose_points(struct reprice *reprice)
{
    const struct stored_experiment *experiment = reprice->experiment;
    struct arena arena = {0};
    struct candidate *candidates =
        arena_new_array(&arena, experiment->point_count, struct candidate);
    for (size_t i = 0; i < experiment->point_count; i++) {
        const struct stored_point *point = &experiment->points[i];
        candidates[i] = (struct candidate){point, key_of(reprice, point, &arena)};
    }
    qsort(candidates, experiment->point_count, sizeof(*candidates), by_key);
    reprice->points =
        arena_new_array(&reprice->arena, experiment->point_count, const struct stored_point *);
    for (size_t i = 0; i < experiment->point_count; i++) {
        if (!i || strcmp(candidates[i].key, candidates[i - 1].key) != 0) {
            reprice->points[reprice->point_count++] = candidates[i].point;
        }
    }
    qsort(reprice->points, reprice->point_count, sizeof(*reprice->points), by_order);
    arena_finish(&arena);
}

// ---- all of it ----

int reprice_begin(struct reprice *reprice, const struct stored_experiment *experiment,
                  const char *const *sets, size_t set_count, struct diagnostics *diagnostics)
{
    *reprice = (struct reprice){.experiment = experiment};
    reprice->is_new = arena_new_array(&reprice->arena, experiment->counters.count, bool);
    reprice->prices = arena_new_array(&reprice->arena, experiment->counters.count, double);
    if (sweep_read(NULL, 0, sets, set_count, 0, &reprice->arena, diagnostics, &reprice->sweep) !=
        0) {
        return -1;
    }
    note_paths(reprice, diagnostics);
    if (diagnostics->errors || read_setting(reprice, 0, diagnostics) != 0) {
        return -1;
    }
    find_replaced(reprice);
    choose_points(reprice);
    reprice->settings = reprice->sweep->points;
    if (reprice->settings > REPRICE_MOST_ROWS / reprice->point_count) {
        diagnostics_error(diagnostics, NULL,
                          "%zu points at %" PRIu64 " settings of the prices are more than %d rows",
                          reprice->point_count, reprice->settings, REPRICE_MOST_ROWS);
        diagnostics_hint(diagnostics, "take fewer values");
        return -1;
    }
    for (uint64_t setting = 1; setting < reprice->settings; setting++) {
        if (read_setting(reprice, setting, diagnostics) != 0) {
            return -1;
        }
    }
    return 0;
}

void reprice_finish(struct reprice *reprice)
{
    arena_finish(&reprice->scratch);
    arena_finish(&reprice->arena);
    *reprice = (struct reprice){0};
}

void reprice_set(struct reprice *reprice, uint64_t setting)
{
    struct diagnostics none = {0}; // it was read before
    read_setting(reprice, setting, &none);
    diagnostics_finish(&none);
}

struct experiment_estimate reprice_cost(const struct reprice *reprice, size_t number)
{
    const struct stored_point *point = reprice->points[number];
    const size_t count = reprice->experiment->counters.count;
    double *prices = memory_resize(NULL, count, sizeof(*prices));
    double *costs = memory_resize(NULL, (size_t)point->replications, sizeof(*costs));
    for (size_t i = 0; i < count; i++) {
        prices[i] = reprice->is_new[i] ? reprice->prices[i] : point->prices[i];
    }
    for (uint64_t i = 0; i < point->replications; i++) {
        costs[i] = world_cost(prices, point->source->counters + i * count, (int)count);
    }
    const struct experiment_estimate estimate =
        estimate_costs(costs, point->replications, point->confidence, point->replications_per_unit);
    free(costs);
    free(prices);
    return estimate;
}

const struct point_parameter *reprice_parameters(struct reprice *reprice, size_t number,
                                                 size_t *ret_count)
{
    const struct stored_point *point = reprice->points[number];
    struct point_parameter *parameters =
        arena_new_array(&reprice->scratch, point->parameter_count + reprice->parameter_count,
                        struct point_parameter);
    size_t count = 0;
    for (size_t i = 0; i < point->parameter_count; i++) {
        const size_t at = point->first_parameter + i;
        if (!reprice->is_replaced[at]) {
            parameters[count++] = reprice->experiment->parameters[at];
        }
    }
    memcpy(parameters + count, reprice->parameters, reprice->parameter_count * sizeof(*parameters));
    *ret_count = count + reprice->parameter_count;
    return parameters;
}
