// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/sweep.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/unit.h"
#include "scenario/diagnostics.h"
#include "scenario/override.h"
#include "scenario/read.h"
#include "scenario/sweep_values.h"
#include "scenario/tree.h"

#include <stdbool.h>
#include <string.h>

struct reader {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct sweep *sweep;
    size_t axis_room;
    uint64_t seed;
};

static struct sweep_axis *add_axis(struct reader *reader)
{
    struct sweep *sweep = reader->sweep;
    if (sweep->axis_count == reader->axis_room) {
        reader->axis_room = reader->axis_room ? 2 * reader->axis_room : 8;
        struct sweep_axis *axes =
            arena_new_array(reader->arena, reader->axis_room, struct sweep_axis);
        if (sweep->axis_count) {
            memcpy(axes, sweep->axes, sweep->axis_count * sizeof(*axes));
        }
        sweep->axes = axes;
    }
    return &sweep->axes[sweep->axis_count++];
}

// Gives an axis room for its paths.
static void add_paths(struct reader *reader, struct sweep_axis *axis, size_t count)
{
    axis->paths = arena_new_array(reader->arena, count, const char *);
    axis->origins = arena_new_array(reader->arena, count, struct override_origin);
    axis->path_count = count;
}

// Makes a path of an axis that which is the key of `item`.
static void set_path(struct sweep_axis *axis, size_t index, const struct node_item *item)
{
    axis->paths[index] = item->key;
    axis->origins[index] = (struct override_origin){.path = item->key_mark, .value = item->value};
}

// Gives the single path of an axis its values.
static void set_values(struct reader *reader, struct sweep_axis *axis,
                       const struct sweep_values *values)
{
    axis->count = values->count;
    axis->values = arena_new_array(reader->arena, values->count, const char **);
    for (size_t i = 0; i < values->count; i++) {
        axis->values[i] = (const char **)&values->texts[i];
    }
}

static void refuse(struct reader *reader, const struct mark *mark, const char *problem,
                   const char *hint)
{
    diagnostics_error(reader->diagnostics, mark, "%s", problem);
    diagnostics_hint(reader->diagnostics, "%s", hint);
}

// ---- lockstep ----

static void add_zip(struct reader *reader, const struct node *node, const struct mark *mark)
{
    if (node->kind != NODE_MAPPING || !node->count) {
        refuse(reader, mark, "'zip' is no mapping of paths to values",
               "write 'zip: {PATH: [...], PATH: [...]}'");
        return;
    }
    struct sweep_values *columns = arena_new_array(reader->arena, node->count, struct sweep_values);
    for (size_t i = 0; i < node->count; i++) {
        if (sweep_values_read(node->items[i].value, reader->arena, reader->diagnostics,
                              &columns[i]) != 0) {
            return;
        }
        if (columns[i].count != columns[0].count) {
            diagnostics_error(reader->diagnostics, &node->items[i].key_mark,
                              "'%s' has %zu values, but '%s' has %zu", node->items[i].key,
                              columns[i].count, node->items[0].key, columns[0].count);
            diagnostics_hint(reader->diagnostics, "values in lockstep are as many for each path");
            return;
        }
    }
    struct sweep_axis *axis = add_axis(reader);
    add_paths(reader, axis, node->count);
    axis->count = columns[0].count;
    axis->values = arena_new_array(reader->arena, axis->count, const char **);
    for (size_t step = 0; step < axis->count; step++) {
        axis->values[step] = arena_new_array(reader->arena, node->count, const char *);
        for (size_t i = 0; i < node->count; i++) {
            set_path(axis, i, &node->items[i]);
            axis->values[step][i] = columns[i].texts[step];
        }
    }
}

// ---- designs ----

static bool read_points(struct reader *reader, const struct node *node, const struct mark *mark,
                        size_t *ret_points)
{
    const struct node_item *item = node_find(node, "points");
    double points;
    if (!item || item->value->kind != NODE_SCALAR ||
        unit_parse(item->value->text, DIMENSION_NONE, &points, NULL) != UNIT_OK || points < 1 ||
        points > 1e6 || points != (double)(size_t)points) {
        refuse(reader, item ? &item->value->mark : mark,
               "a design needs 'points', a whole number from 1 to 1000000",
               "write '{points: 64, ranges: {PATH: {from: 0, to: 1}}}'");
        return false;
    }
    *ret_points = (size_t)points;
    return true;
}

static void add_design(struct reader *reader, enum sweep_design design, const struct node *node,
                       const struct mark *mark)
{
    size_t points;
    if (node->kind != NODE_MAPPING) {
        refuse(reader, mark, "a design is a mapping",
               "write '{points: 64, ranges: {PATH: {from: 0, to: 1}}}'");
        return;
    }
    if (!read_points(reader, node, mark, &points)) {
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (strcmp(node->items[i].key, "points") != 0 &&
            strcmp(node->items[i].key, "ranges") != 0) {
            diagnostics_error(reader->diagnostics, &node->items[i].key_mark,
                              "unknown key '%s' in a design", node->items[i].key);
            diagnostics_hint(reader->diagnostics, "it takes 'points' and 'ranges'");
            return;
        }
    }
    const struct node_item *ranges = node_find(node, "ranges");
    if (!ranges || ranges->value->kind != NODE_MAPPING || !ranges->value->count ||
        ranges->value->count > SWEEP_MOST_RANGES) {
        refuse(reader, ranges ? &ranges->value->mark : mark,
               "a design needs 'ranges', a mapping of 1 to 40 paths",
               "write 'ranges: {PATH: {from: 0, to: 1}}'");
        return;
    }
    const size_t count = ranges->value->count;
    struct sweep_range *read = arena_new_array(reader->arena, count, struct sweep_range);
    for (size_t i = 0; i < count; i++) {
        if (sweep_range_read(ranges->value->items[i].value, reader->diagnostics, &read[i]) != 0) {
            return; // before there is an axis, which overrides would find
        }
    }
    struct sweep_axis *axis = add_axis(reader);
    add_paths(reader, axis, count);
    for (size_t i = 0; i < count; i++) {
        set_path(axis, i, &ranges->value->items[i]);
    }
    axis->count = points;
    axis->values = sweep_design_values(design, read, count, points, reader->seed, reader->arena);
}

// ---- the block and the overrides ----

static void read_block(struct reader *reader, const struct node *block)
{
    if (block->kind != NODE_MAPPING) {
        refuse(reader, &block->mark, "'sweep' is no mapping of paths to values",
               "write 'sweep: {PATH: [VALUE, VALUE]}'");
        return;
    }
    for (size_t i = 0; i < block->count; i++) {
        const struct node_item *item = &block->items[i];
        struct sweep_values values;
        if (strcmp(item->key, "zip") == 0) {
            add_zip(reader, item->value, &item->key_mark);
        } else if (strcmp(item->key, "latin_hypercube") == 0) {
            add_design(reader, SWEEP_LATIN_HYPERCUBE, item->value, &item->key_mark);
        } else if (strcmp(item->key, "sobol") == 0) {
            add_design(reader, SWEEP_SOBOL, item->value, &item->key_mark);
        } else if (sweep_values_read(item->value, reader->arena, reader->diagnostics, &values) ==
                   0) {
            struct sweep_axis *axis = add_axis(reader);
            add_paths(reader, axis, 1);
            set_path(axis, 0, item);
            set_values(reader, axis, &values);
        }
    }
}

// The axis that sweeps a path, and which of its paths that is; NULL if it is not swept.
static struct sweep_axis *find_axis(const struct sweep *sweep, const char *path, size_t length,
                                    size_t *ret_index)
{
    for (size_t i = 0; i < sweep->axis_count; i++) {
        struct sweep_axis *axis = &sweep->axes[i];
        for (size_t k = 0; k < axis->path_count; k++) {
            if (strlen(axis->paths[k]) == length && strncmp(axis->paths[k], path, length) == 0) {
                *ret_index = k;
                return axis;
            }
        }
    }
    return NULL;
}

// A single value for a path that is swept: the axis stays, and has this value throughout.
static void hold_value(struct reader *reader, struct sweep_axis *axis, size_t index,
                       const char *value)
{
    axis->origins[index] = (struct override_origin){0};
    if (axis->path_count == 1) {
        axis->count = 1;
    }
    for (size_t step = 0; step < axis->count; step++) {
        const char **values = arena_new_array(reader->arena, axis->path_count, const char *);
        memcpy(values, axis->values[step], axis->path_count * sizeof(*values));
        values[index] = value;
        axis->values[step] = values;
    }
}

// The block is read as a whole before there are points, so a point cannot change it.
static void refuse_block(struct reader *reader, const char *path, const struct mark *mark)
{
    static const char block[] = "sweep";
    const size_t length = sizeof(block) - 1;
    if (strncmp(path, block, length) == 0 && (!path[length] || strchr(".=", path[length]))) {
        diagnostics_error(reader->diagnostics, mark, "'sweep' itself cannot be overridden");
        diagnostics_hint(reader->diagnostics, "override an axis by its path: --set PATH=VALUE,...");
    }
}

// An override sets one value, or sweeps several.
static void read_set(struct reader *reader, const char *set)
{
    const char *equals = strchr(set, '=');
    struct sweep_values values;
    const int swept = equals ? sweep_values_parse(set, (size_t)(equals + 1 - set), reader->arena,
                                                  reader->diagnostics, &values)
                             : 0;
    if (swept < 0) {
        return;
    }
    size_t index;
    struct sweep_axis *axis =
        equals ? find_axis(reader->sweep, set, (size_t)(equals - set), &index) : NULL;
    if (swept > 0 && axis && axis->path_count > 1) {
        diagnostics_error(reader->diagnostics, NULL,
                          "'%s' is swept together with other paths already", axis->paths[index]);
        diagnostics_hint(reader->diagnostics, "set it to a single value, or change the scenario");
    } else if (swept > 0) {
        axis = axis ? axis : add_axis(reader);
        add_paths(reader, axis, 1);
        axis->paths[0] = arena_text_n(reader->arena, set, (size_t)(equals - set));
        set_values(reader, axis, &values);
    } else if (axis) {
        hold_value(reader, axis, index, equals + 1);
    } else {
        reader->sweep->sets[reader->sweep->set_count++] = set;
    }
}

// A path that is swept by two axes, or that is no key to sweep.
static void check_paths(struct reader *reader)
{
    const struct sweep *sweep = reader->sweep;
    for (size_t i = 0; i < sweep->axis_count; i++) {
        for (size_t k = 0; k < sweep->axes[i].path_count; k++) {
            const char *path = sweep->axes[i].paths[k];
            const struct mark *mark = &sweep->axes[i].origins[k].path;
            size_t index;
            if (find_axis(sweep, path, strlen(path), &index) != &sweep->axes[i]) {
                diagnostics_error(reader->diagnostics, mark, "'%s' is swept twice", path);
                diagnostics_hint(reader->diagnostics, "leave one of its axes out");
            }
            if (strchr(path, '=')) {
                diagnostics_error(reader->diagnostics, mark, "'%s' is no path: it has a '='",
                                  diagnostics_quote(reader->diagnostics, path));
                diagnostics_hint(reader->diagnostics, "write 'PATH: [VALUE, VALUE]'");
            }
            refuse_block(reader, path, mark);
        }
    }
    for (size_t i = 0; i < sweep->set_count; i++) {
        refuse_block(reader, sweep->sets[i], NULL);
    }
}

int sweep_read(const struct scenario *scenario, int with_block, const char *const *sets,
               size_t set_count, uint64_t seed, struct arena *arena,
               struct diagnostics *diagnostics, struct sweep **ret_sweep)
{
    const size_t errors = diagnostics->errors;
    struct sweep *sweep = arena_new(arena, struct sweep);
    struct reader reader = {
        .arena = arena, .diagnostics = diagnostics, .sweep = sweep, .seed = seed};
    sweep->sets = arena_new_array(arena, set_count, const char *);
    const struct node *block = with_block ? scenario_block(scenario, "sweep") : NULL;
    if (block) {
        read_block(&reader, block);
    }
    for (size_t i = 0; i < set_count; i++) {
        read_set(&reader, sets[i]);
    }
    check_paths(&reader);
    sweep->points = 1;
    for (size_t i = 0; i < sweep->axis_count && diagnostics->errors == errors; i++) {
        sweep->points *= sweep->axes[i].count;
        if (sweep->points > SWEEP_MOST_POINTS) {
            diagnostics_error(diagnostics, NULL, "the sweep has more than %d points",
                              SWEEP_MOST_POINTS);
            diagnostics_hint(diagnostics, "take fewer values, or a design such as 'sobol'");
        }
    }
    if (diagnostics->errors > errors) {
        return -1;
    }
    *ret_sweep = sweep;
    return 0;
}

const char *const *sweep_point(const struct sweep *sweep, uint64_t number, struct arena *arena,
                               size_t *ret_count, size_t *ret_swept)
{
    size_t swept = 0;
    for (size_t i = 0; i < sweep->axis_count; i++) {
        swept += sweep->axes[i].path_count;
    }
    const char **sets = arena_new_array(arena, sweep->set_count + swept, const char *);
    memcpy(sets, sweep->sets, sweep->set_count * sizeof(*sets));
    size_t at = sweep->set_count + swept;
    for (size_t i = sweep->axis_count; i-- > 0;) { // the last axis varies fastest
        const struct sweep_axis *axis = &sweep->axes[i];
        const char **values = axis->values[number % axis->count];
        number /= axis->count;
        for (size_t k = axis->path_count; k-- > 0;) {
            sets[--at] = arena_format(arena, "%s=%s", axis->paths[k], values[k]);
        }
    }
    *ret_count = sweep->set_count + swept;
    *ret_swept = swept;
    return sets;
}

const struct override_origin *sweep_point_origins(const struct sweep *sweep, uint64_t number,
                                                  struct arena *arena)
{
    size_t swept = 0;
    for (size_t i = 0; i < sweep->axis_count; i++) {
        swept += sweep->axes[i].path_count;
    }
    size_t at = sweep->set_count + swept;
    struct override_origin *origins = arena_new_array(arena, at, struct override_origin);
    for (size_t i = sweep->axis_count; i-- > 0;) {
        const struct sweep_axis *axis = &sweep->axes[i];
        const size_t step = (size_t)(number % axis->count);
        number /= axis->count;
        for (size_t k = axis->path_count; k-- > 0;) {
            origins[--at] = axis->origins[k];
            const struct node *written = origins[at].value;
            if (written && written->kind == NODE_SEQUENCE) {
                origins[at].value = written->items[step].value;
            }
        }
    }
    return origins;
}
