// SPDX-License-Identifier: GPL-3.0-or-later

// Field types in words, for messages and the reference.

#include "scenario/field.h"

#include "base/memory.h"
#include "base/text.h"

const char *field_set_noun(enum field_set set)
{
    static const char *const nouns[FIELD_SET_COUNT_] = {"name", "model", "tier", "class", "link"};
    return nouns[set];
}

const char *field_set_plural(enum field_set set)
{
    static const char *const nouns[FIELD_SET_COUNT_] = {"names", "models", "tiers", "classes",
                                                        "links"};
    return nouns[set];
}

static const char *choice_text(const struct field_type *type, struct arena *arena)
{
    struct text text = {0};
    for (size_t i = 0; type->choices[i]; i++) {
        const char *comma = !i ? "" : type->choices[i + 1] ? ", " : " or ";
        text_format(&text, "%s%s", comma, type->choices[i]);
    }
    const char *copy = arena_text(arena, text_string(&text));
    text_finish(&text);
    return copy;
}

static const char *variant_text(const struct field_type *type, struct arena *arena)
{
    struct text text = {0};
    for (const struct field_case *c = type->cases; c->name; c++) {
        const char *comma = c == type->cases ? "" : c[1].name ? ", " : " or ";
        text_format(&text, "%s%s", comma, c->name);
    }
    const char *copy = arena_text(arena, text_string(&text));
    text_finish(&text);
    return copy;
}

static const char *number_text(const struct field_type *type, const char *what, struct arena *arena)
{
    return type->word ? arena_format(arena, "%s or '%s'", what, type->word) : what;
}

const char *field_type_text(const struct field_type *type, struct arena *arena)
{
    switch (type->kind) {
    case FIELD_TEXT:
        return "a text";
    case FIELD_NAME:
        return "a name";
    case FIELD_COLUMN:
        return "a column of the trace";
    case FIELD_NUMBER:
        return number_text(type,
                           type->dimension == FIELD_SAME_DIMENSION
                               ? "a number"
                               : unit_dimension_name(type->dimension),
                           arena);
    case FIELD_UNIT:
        return "a unit";
    case FIELD_INTEGER:
    case FIELD_LONG:
    case FIELD_UNSIGNED:
        return number_text(type, "a whole number", arena);
    case FIELD_BOOLEAN:
        return "true or false";
    case FIELD_CHOICE:
        return choice_text(type, arena);
    case FIELD_REFERENCE:
        return arena_format(arena, "the name of a %s", field_set_noun(type->set));
    case FIELD_OBJECT:
        return "a mapping";
    case FIELD_VARIANT:
        if (type->dimension == DIMENSION_NONE) {
            return variant_text(type, arena);
        }
        return arena_format(arena, "%s or its distribution", unit_dimension_name(type->dimension));
    case FIELD_POLICY:
        return "a policy";
    case FIELD_LIST:
        return arena_format(
            arena, type->flags & FIELD_OR_SINGLE ? "%s, or a list of them" : "a list, each item %s",
            field_type_text(type->element, arena));
    case FIELD_MAP:
        return arena_format(arena, "a mapping from names of %ss", type->key->noun);
    case FIELD_ELSEWHERE:
        return "a mapping from paths to values";
    case FIELD_AMOUNTS:
        return arena_format(arena, "a number, or a mapping from names of %s to numbers",
                            field_set_plural(type->set));
    }
    return "";
}
