// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/label.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "exp/parameters.h"

#include <stdlib.h>
#include <string.h>

// A parameter that some point has: once for all policies, or for a single one if it is its own.
struct axis {
    const char *path;
    const char *policy; // NULL: of all
    const char *value;  // of the first point that has it
    size_t points;      // that have it
    bool differs;       // some have another value
};

struct axes {
    struct axis *items;
    size_t count;
    size_t room;
};

// Where a parameter of a point counts.
static const char *scope_of(const char *path, const char *policy)
{
    static const char prefix[] = "policy.";
    return strncmp(path, prefix, sizeof(prefix) - 1) == 0 ? policy : NULL;
}

static bool same_scope(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct axis *find_axis(const struct axes *axes, const char *path, const char *policy)
{
    const char *scope = scope_of(path, policy);
    for (size_t i = 0; i < axes->count; i++) {
        struct axis *axis = &axes->items[i];
        if (strcmp(axis->path, path) == 0 && same_scope(axis->policy, scope)) {
            return axis;
        }
    }
    return NULL;
}

static void note_parameter(struct axes *axes, const struct point_parameter *parameter,
                           const char *policy)
{
    struct axis *axis = find_axis(axes, parameter->path, policy);
    if (!axis) {
        if (axes->count == axes->room) {
            axes->room = axes->room ? 2 * axes->room : 16;
            axes->items = memory_resize(axes->items, axes->room, sizeof(*axes->items));
        }
        axis = &axes->items[axes->count++];
        *axis = (struct axis){.path = parameter->path,
                              .policy = scope_of(parameter->path, policy),
                              .value = parameter->value};
    }
    axis->points++;
    axis->differs = axis->differs || strcmp(axis->value, parameter->value) != 0;
}

// What some points have and others have not tells them apart as well.
static void note_absence(struct axes *axes, const struct label_point *points, size_t count)
{
    for (size_t i = 0; i < axes->count; i++) {
        struct axis *axis = &axes->items[i];
        size_t all = 0;
        for (size_t k = 0; k < count; k++) {
            all += !axis->policy || strcmp(points[k].policy, axis->policy) == 0;
        }
        axis->differs = axis->differs || axis->points < all;
    }
}

static bool ends_with(const char *path, const char *end)
{
    const size_t length = strlen(path);
    const size_t end_length = strlen(end);
    return length >= end_length && strcmp(path + length - end_length, end) == 0 &&
           (length == end_length || path[length - end_length - 1] == '.');
}

// "nodes", or "device.nodes" where there is also "tiers.edge.nodes".
static const char *short_name(const struct axes *axes, const struct axis *axis, const char *policy)
{
    const char *name = axis->path + strlen(axis->path);
    bool is_shared = true;
    while (is_shared && name > axis->path) {
        do {
            name--;
        } while (name > axis->path && name[-1] != '.');
        is_shared = false;
        for (size_t i = 0; i < axes->count; i++) {
            const struct axis *other = &axes->items[i];
            is_shared |= other != axis && other->differs && ends_with(other->path, name) &&
                         (!other->policy || strcmp(other->policy, policy) == 0);
        }
    }
    return name;
}

// JSON for people: a plain text without its quotes.
static void add_value(const char *json, struct text *text)
{
    const size_t length = strlen(json);
    if (length >= 2 && json[0] == '"' && !strchr(json, '\\')) {
        text_add_n(text, json + 1, length - 2);
    } else {
        text_add(text, json);
    }
}

static const char *make_label(const struct axes *axes, const struct label_point *point,
                              struct arena *arena)
{
    struct text text = {0};
    size_t shown = 0;
    text_format(&text, "%s%s", point->policy, point->is_oracle ? " (bound)" : "");
    for (size_t i = 0; i < point->parameter_count; i++) {
        const struct axis *axis = find_axis(axes, point->parameters[i].path, point->policy);
        CHECK(NULL, axis);
        if (axis->differs) {
            text_format(&text, "%s%s=", shown++ ? ", " : " (",
                        short_name(axes, axis, point->policy));
            if (point->parameters[i].shown) {
                text_add(&text, point->parameters[i].shown);
            } else {
                add_value(point->parameters[i].value, &text);
            }
        }
    }
    text_add(&text, shown ? ")" : "");
    const char *label = arena_text(arena, text_string(&text));
    text_finish(&text);
    return label;
}

const char *const *labels_make(const struct label_point *points, size_t count, struct arena *arena)
{
    struct axes axes = {0};
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < points[i].parameter_count; k++) {
            note_parameter(&axes, &points[i].parameters[k], points[i].policy);
        }
    }
    note_absence(&axes, points, count);
    const char **labels = arena_new_array(arena, count, const char *);
    for (size_t i = 0; i < count; i++) {
        labels[i] = make_label(&axes, &points[i], arena);
    }
    free(axes.items);
    return labels;
}
