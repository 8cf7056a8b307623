// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/reference.h"

#include "base/memory.h"
#include "scenario/field.h"
#include "scenario/grammar.h"

#include <ctype.h>
#include <string.h>

struct list {
    struct arena *arena;
    const struct field_policies *policies;
    struct reference_key *keys;
    size_t count;
    size_t room;
};

static void add_fields(struct list *list, const char *path, const struct field *fields,
                       enum dimension dimension);

static const char *join(const struct list *list, const char *path, const char *name)
{
    return *path ? arena_format(list->arena, "%s.%s", path, name) : name;
}

static const char *capitals(const struct list *list, const char *name)
{
    char *copy = arena_text(list->arena, name);
    for (char *c = copy; *c; c++) {
        *c = (char)toupper((unsigned char)*c);
    }
    return copy;
}

static void add_key(struct list *list, struct reference_key key)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 128;
        struct reference_key *keys = arena_new_array(list->arena, room, struct reference_key);
        if (list->count) {
            memcpy(keys, list->keys, list->count * sizeof(*keys));
        }
        list->keys = keys;
        list->room = room;
    }
    list->keys[list->count++] = key;
}

static void add_cases(struct list *list, const char *path, const struct field_case *cases,
                      const char *noun, enum dimension dimension)
{
    for (const struct field_case *c = cases; c->name; c++) {
        const char *below = join(list, path, c->name);
        if (c->is_bare) {
            add_fields(list, path, c->fields, dimension);
            continue;
        }
        add_key(list, (struct reference_key){.path = below,
                                             .type = noun,
                                             .unit = "",
                                             .default_text = "",
                                             .range = "",
                                             .meaning = c->meaning});
        add_fields(list, below, c->fields, dimension);
    }
}

// What is below a key: members, items, cases.
static void add_below(struct list *list, const char *path, const struct field_type *type,
                      enum dimension dimension)
{
    const char *name;
    switch (type->kind) {
    case FIELD_OBJECT:
        add_fields(list, path, type->fields, dimension);
        break;
    case FIELD_VARIANT:
        if (type->cases == grammar_service_times) {
            add_cases(list, path, grammar_batch_times, "times of a batch", dimension);
        } else if (type->cases != grammar_distributions) {
            add_cases(list, path, type->cases, type->noun, dimension);
        }
        break;
    case FIELD_POLICY:
        add_cases(list, path, list->policies->cases, "policy", dimension);
        break;
    case FIELD_LIST:
        name = type->set == FIELD_LINKS ? "FROM-TO"
               : type->noun             ? capitals(list, type->noun)
                                        : NULL;
        add_below(list, name ? join(list, path, name) : path, type->element, dimension);
        break;
    case FIELD_MAP:
        name = capitals(list, type->key->noun);
        add_below(list, join(list, path, name), type->element, dimension);
        break;
    default:
        break;
    }
}

// The number that a value comes down to, for its unit and range.
static const struct field_type *innermost(const struct field_type *type)
{
    while (type->kind == FIELD_LIST && !type->noun) {
        type = type->element;
    }
    return type;
}

static bool is_number(const struct field_type *type)
{
    return type->kind == FIELD_NUMBER || type->kind == FIELD_INTEGER || type->kind == FIELD_LONG ||
           type->kind == FIELD_UNSIGNED || type->kind == FIELD_AMOUNTS;
}

static void add_fields(struct list *list, const char *path, const struct field *fields,
                       enum dimension outer)
{
    for (const struct field *field = fields; field && field->name; field++) {
        const struct field_type *type = innermost(&field->type);
        const char *here = join(list, path, field->name);
        const bool has_unit = is_number(type) && type->dimension != FIELD_SAME_DIMENSION;
        struct reference_key key = {
            .path = here,
            .type = field_type_text(&field->type, list->arena),
            .unit = has_unit ? unit_symbol(type->dimension) : "",
            .default_text = field->default_text ? field->default_text : "",
            .range =
                is_number(type)
                    ? field_range(type, has_unit ? type->dimension : DIMENSION_NONE, list->arena)
                    : "",
            .meaning = field->meaning,
            .is_required =
                !field->default_text && !(field->flags & (FIELD_OPTIONAL | FIELD_SECTION))};
        add_key(list, key);
        add_below(list, here, &field->type, field_dimension(&field->type, outer));
    }
}

struct reference_key *reference_list(const struct policy_type *const *policies, size_t policy_count,
                                     struct arena *arena, size_t *ret_count)
{
    struct field_policies cases;
    field_policies_init(&cases, policies, policy_count, arena);
    struct list list = {.arena = arena, .policies = &cases};
    add_fields(&list, "", grammar_fields, DIMENSION_NONE);
    add_cases(&list, "DISTRIBUTION", grammar_distributions, "distribution", DIMENSION_NONE);
    *ret_count = list.count;
    return list.keys;
}
