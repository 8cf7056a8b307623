// SPDX-License-Identifier: GPL-3.0-or-later

// Lists, maps, and amounts for each of several names.

#include "scenario/field_parts.h"

#include "base/memory.h"
#include "scenario/diagnostics.h"
#include "scenario/tree.h"

#include <string.h>

static void store_count(const struct field_type *type, char *base, size_t count)
{
    if (type->flags & FIELD_SIZE_COUNT) {
        *(size_t *)(void *)(base + type->count_offset) = count;
    } else {
        *(int *)(void *)(base + type->count_offset) = (int)count;
    }
}

static size_t stored_count(const struct field_type *type, const char *base)
{
    const void *place = base + type->count_offset;
    if (type->flags & FIELD_SIZE_COUNT) {
        return *(const size_t *)place;
    }
    return (size_t)(*(const int *)place);
}

// A list that goes with the list before it must have as many items.
static void check_same_count(struct field_reader *reader, const struct field_type *type,
                             const char *base, const struct node *node, size_t count,
                             const struct field_at *at)
{
    const size_t wanted = stored_count(type, base);
    if (wanted && wanted != count) {
        diagnostics_error(reader->diagnostics, &node->mark, "'%s' has %zu items instead of %zu",
                          at->key, count, wanted);
        diagnostics_hint(reader->diagnostics, "give one for each item of the list before it");
    }
}

static void check_item_count(struct field_reader *reader, const struct field_type *type,
                             const struct node *node, size_t count, const struct field_at *at)
{
    if ((type->flags & FIELD_NOT_EMPTY) && !count) {
        const struct mark *mark = at->key_mark ? at->key_mark : &node->mark;
        diagnostics_error(reader->diagnostics, mark, "'%s' is empty", at->key);
        diagnostics_hint(reader->diagnostics, "give it at least one item");
    }
    if (type->most > 0 && (double)count > type->most) {
        diagnostics_error(reader->diagnostics, at->key_mark ? at->key_mark : &node->mark,
                          "'%s' has %zu items, more than %.0f", at->key, count, type->most);
        diagnostics_hint(reader->diagnostics, "remove some");
    }
}

// Collects the names of the items for references to them. Two of the same name are an error.
static void define_names(struct field_reader *reader, const struct field_type *type,
                         const struct node *node, const char *items, size_t count)
{
    struct field_names *names = &reader->names;
    const char **list = arena_new_array(reader->arena, count + 1, const char *);
    bool is_complete = true;
    for (size_t i = 0; i < count; i++) {
        list[i] = type->name_item(items + i * type->element_bytes, names, reader->arena);
        is_complete = is_complete && list[i];
        for (size_t j = 0; list[i] && j < i; j++) {
            if (!list[j] || strcmp(list[j], list[i]) != 0) {
                continue;
            }
            struct mark mark = node->items[i].value->mark;
            diagnostics_error(reader->diagnostics, &mark, "duplicate %s '%s'",
                              field_set_noun(type->set), list[i]);
            diagnostics_hint(reader->diagnostics, "it was given in line %zu already",
                             node->items[j].value->mark.line);
            break;
        }
    }
    names->names[type->set] = list;
    names->count[type->set] = count;
    names->is_complete[type->set] = is_complete && count;
}

void field_read_list(struct field_reader *reader, const struct field_type *type,
                     const struct node *node, char *base, size_t offset, const struct field_at *at)
{
    bool is_single = node->kind != NODE_SEQUENCE && (type->flags & FIELD_OR_SINGLE);
    if (node->kind != NODE_SEQUENCE && (!is_single || node_is_null(node))) {
        diagnostics_error(reader->diagnostics, node->mark.length ? &node->mark : at->key_mark,
                          "'%s' must be a list, not %s", at->key,
                          node_is_null(node) ? "empty" : node_kind_name(node->kind));
        diagnostics_hint(reader->diagnostics,
                         "write it as '%s: [..., ...]', or one item a line "
                         "after '- '",
                         at->key);
        return;
    }
    size_t count = is_single ? 1 : node->count;
    char *items = arena_array(reader->arena, count, type->element_bytes);
    struct field_at below = {.key = at->key,
                             .key_mark = is_single ? at->key_mark : NULL,
                             .dimension = field_dimension(type, at->dimension)};
    for (size_t i = 0; i < count; i++) {
        const struct node *item = is_single ? node : node->items[i].value;
        if (type->noun) {
            below.key = arena_format(&reader->diagnostics->arena, "%zu", i);
        }
        field_read_value(reader, type->element, item, items + i * type->element_bytes, 0, &below);
    }
    memcpy(base + offset, &items, sizeof(items));
    if (type->flags & FIELD_SAME_COUNT) {
        check_same_count(reader, type, base, node, count, at);
    } else {
        store_count(type, base, count);
    }
    check_item_count(reader, type, node, count, at);
    if (type->set) {
        define_names(reader, type, node, items, count);
    }
}

static bool refuse_non_mapping(struct field_reader *reader, const struct field_type *type,
                               const struct node *node, const struct field_at *at)
{
    if (node->kind == NODE_MAPPING) {
        return false;
    }
    diagnostics_error(reader->diagnostics, node->mark.length ? &node->mark : at->key_mark,
                      "'%s' must be %s, not %s", at->key,
                      field_type_text(type, &reader->diagnostics->arena),
                      node_is_null(node) ? "empty" : node_kind_name(node->kind));
    diagnostics_hint(reader->diagnostics,
                     "write it as '%s: {NAME: ...}', or one 'NAME: ...' a "
                     "line",
                     at->key);
    return true;
}

void field_read_map(struct field_reader *reader, const struct field_type *type,
                    const struct node *node, char *base, size_t offset, const struct field_at *at)
{
    if (refuse_non_mapping(reader, type, node, at)) {
        return;
    }
    char *items = arena_array(reader->arena, node->count, type->element_bytes);
    const char **names = arena_new_array(reader->arena, node->count + 1, const char *);
    for (size_t i = 0; i < node->count; i++) {
        const struct node_item *item = &node->items[i];
        char *element = items + i * type->element_bytes;
        struct node key = {
            .kind = NODE_SCALAR, .text = item->key, .is_quoted = true, .mark = item->key_mark};
        struct field_at key_at = {.key = at->key, .key_mark = &item->key_mark};
        field_read_scalar(reader, type->key, &key, element + type->key_offset, &key_at);
        names[i] = item->key;
        struct field_at below = {.key = item->key,
                                 .key_mark = &item->key_mark,
                                 .dimension = field_dimension(type, at->dimension)};
        field_read_value(reader, type->element, item->value, element, type->element_offset, &below);
    }
    memcpy(base + offset, &items, sizeof(items));
    store_count(type, base, node->count);
    check_item_count(reader, type, node, node->count, at);
    if (type->set) {
        reader->names.names[type->set] = names;
        reader->names.count[type->set] = node->count;
        reader->names.is_complete[type->set] = node->count > 0;
    }
}

// One number for all names, or a mapping from some of them; the others are 0.
void field_read_amounts(struct field_reader *reader, const struct field_type *type,
                        const struct node *node, double **slot, const struct field_at *at)
{
    size_t count = reader->names.count[type->set];
    double *amounts = arena_new_array(reader->arena, count, double);
    *slot = amounts;
    struct field_type number = *type;
    number.kind = FIELD_NUMBER;
    if (node->kind != NODE_MAPPING) {
        double amount = 0;
        field_read_scalar(reader, &number, node, &amount, at);
        for (size_t i = 0; i < count; i++) {
            amounts[i] = amount;
        }
        return;
    }
    const struct field_type reference = {.kind = FIELD_REFERENCE, .set = type->set};
    for (size_t i = 0; i < node->count; i++) {
        const struct node_item *item = &node->items[i];
        struct node key = {
            .kind = NODE_SCALAR, .text = item->key, .is_quoted = true, .mark = item->key_mark};
        struct field_at below = *at;
        below.key_mark = &item->key_mark;
        int index = -1;
        if (!item->is_shorthand) {
            field_read_scalar(reader, &reference, &key, &index, &below);
        }
        double amount = 0;
        below.key = item->is_shorthand ? at->key : item->key;
        field_read_scalar(reader, &number, item->value, &amount, &below);
        for (size_t j = 0; j < count; j++) {
            amounts[j] = item->is_shorthand || (int)j == index ? amount : amounts[j];
        }
    }
}
