// SPDX-License-Identifier: GPL-3.0-or-later

// The canonical text of what was read: JSON, from the same tables.

#include "scenario/field.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "policies/policy.h"
#include "scenario/spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// The fields of a policy are few.
enum { POLICY_BLOCK_BYTES = 4096 };

static void write_value(const struct field_writer *writer, const struct field_type *type,
                        const char *base, size_t offset, struct text *text);

static void write_key(struct text *text, const char *key, bool *is_first)
{
    text_add(text, *is_first ? "" : ",");
    text_json_string(text, key);
    text_add(text, ":");
    *is_first = false;
}

static const struct field_case *case_of(const struct field_case *cases, int value)
{
    while (cases->name && cases->value != value) {
        cases++;
    }
    return cases->name ? cases : NULL;
}

static bool is_zero(const char *place)
{
    double number;
    memcpy(&number, place, sizeof(number));
    return !(number < 0 || number > 0);
}

// What was left out and has no default is left out here too. So a key that is added to the tables
// later does not change the text of scenarios without it.
static bool is_left_out(const struct field *field, const char *base)
{
    const struct field_type *type = &field->type;
    const char *place = base + field->offset;
    int number;
    const void *pointer;
    switch (type->kind) {
    case FIELD_TEXT:
    case FIELD_NAME:
    case FIELD_COLUMN:
    case FIELD_LIST:
    case FIELD_MAP:
        memcpy(&pointer, place, sizeof(pointer));
        return !pointer;
    case FIELD_REFERENCE:
        memcpy(&number, place, sizeof(number));
        return number < 0;
    case FIELD_VARIANT:
        memcpy(&number, place + type->kind_offset, sizeof(number));
        return (type->flags & FIELD_HAS_PRESENCE)
                   ? !*(const bool *)(place + type->count_offset)
                   : !case_of(type->cases, number);
    case FIELD_INTEGER:
        memcpy(&number, place, sizeof(number));
        return (field->flags & FIELD_OPTIONAL) && !number;
    case FIELD_NUMBER:
        return (field->flags & FIELD_OPTIONAL) && is_zero(place);
    case FIELD_ELSEWHERE:
        return true;
    case FIELD_OBJECT:
        return (type->flags & FIELD_HAS_PRESENCE) && !*(const bool *)(place + type->count_offset);
    default:
        return false;
    }
}

void field_write_members(const struct field_writer *writer, const struct field *fields,
                         const void *base, struct text *ret_text)
{
    bool is_first = true;
    text_add(ret_text, "{");
    for (const struct field *field = fields; field && field->name; field++) {
        if ((field->flags & writer->without) || is_left_out(field, base)) {
            continue;
        }
        write_key(ret_text, field->name, &is_first);
        write_value(writer, &field->type, base, field->offset, ret_text);
    }
    text_add(ret_text, "}");
}

static void write_number(const struct field_type *type, double value, struct text *text)
{
    if (type->word && value == type->word_value) {
        text_json_string(text, type->word);
    } else {
        text_json_number(text, value);
    }
}

static void write_whole(const struct field_type *type, int64_t value, struct text *text)
{
    if (type->word && (double)value == type->word_value) {
        text_json_string(text, type->word);
    } else {
        text_format(text, "%" PRId64, value);
    }
}

// The first unit of that size.
static void write_unit(enum dimension dimension, double size, struct text *text)
{
    const char *unit;
    for (size_t i = 0; (unit = unit_list(dimension, i)) != NULL; i++) {
        char one[32];
        double value;
        snprintf(one, sizeof(one), "1 %s", unit);
        if (unit_parse(one, dimension, &value, NULL) == UNIT_OK && value == size) {
            text_json_string(text, unit);
            return;
        }
    }
    text_json_string(text, unit_symbol(dimension));
}

// A case without values is a bare name, one with a bare value has it in place of its members.
static void write_case(const struct field_writer *writer, const struct field_case *chosen,
                       const char *place, struct text *text)
{
    if (!chosen->fields || !chosen->fields->name) {
        text_json_string(text, chosen->name);
        return;
    }
    bool is_first = true;
    text_add(text, "{");
    write_key(text, chosen->name, &is_first);
    if (chosen->is_bare) {
        write_value(writer, &chosen->fields->type, place, chosen->fields->offset, text);
    } else {
        field_write_members(writer, chosen->fields, place, text);
    }
    text_add(text, "}");
}

static void write_variant(const struct field_writer *writer, const struct field_type *type,
                          const char *place, struct text *text)
{
    int kind;
    memcpy(&kind, place + type->kind_offset, sizeof(kind));
    struct field_writer below = *writer;
    below.dimension = field_dimension(type, writer->dimension);
    const struct field_case *chosen = case_of(type->cases, kind);
    CHECK(NULL, chosen);
    write_case(&below, chosen, place, text);
}

static void write_policy(const struct field_writer *writer, const struct spec_policy *policy,
                         struct text *text)
{
    struct arena arena;
    arena_init(&arena, POLICY_BLOCK_BYTES);
    struct field_case chosen = {.name = policy->type->name,
                                .fields = field_policy_fields(policy->type, &arena)};
    write_case(writer, &chosen, policy->parameters, text);
    arena_finish(&arena);
}

static size_t load_count(const struct field_type *type, const char *base)
{
    if (type->flags & FIELD_SIZE_COUNT) {
        size_t count;
        memcpy(&count, base + type->count_offset, sizeof(count));
        return count;
    }
    int count;
    memcpy(&count, base + type->count_offset, sizeof(count));
    return (size_t)count;
}

static void write_list(const struct field_writer *writer, const struct field_type *type,
                       const char *base, size_t offset, struct text *text)
{
    const char *items;
    memcpy(&items, base + offset, sizeof(items));
    size_t count = items ? load_count(type, base) : 0;
    bool is_first = true;
    text_add(text, "[");
    for (size_t i = 0; i < count; i++) {
        if (type->element->kind == FIELD_POLICY && writer->policy >= 0 &&
            i != (size_t)writer->policy) {
            continue;
        }
        text_add(text, is_first ? "" : ",");
        is_first = false;
        write_value(writer, type->element, items + i * type->element_bytes, 0, text);
    }
    text_add(text, "]");
}

static void write_map(const struct field_writer *writer, const struct field_type *type,
                      const char *base, size_t offset, struct text *text)
{
    const char *items;
    memcpy(&items, base + offset, sizeof(items));
    size_t count = items ? load_count(type, base) : 0;
    bool is_first = true;
    text_add(text, "{");
    for (size_t i = 0; i < count; i++) {
        const char *item = items + i * type->element_bytes;
        const char *name;
        if (type->key->kind == FIELD_REFERENCE) {
            int index;
            memcpy(&index, item + type->key_offset, sizeof(index));
            name = writer->names->names[type->key->set][index];
        } else {
            memcpy(&name, item + type->key_offset, sizeof(name));
        }
        write_key(text, name, &is_first);
        write_value(writer, type->element, item, type->element_offset, text);
    }
    text_add(text, "}");
}

static void write_amounts(const struct field_writer *writer, const struct field_type *type,
                          const double *amounts, struct text *text)
{
    bool is_first = true;
    text_add(text, "{");
    for (size_t i = 0; i < writer->names->count[type->set]; i++) {
        write_key(text, writer->names->names[type->set][i], &is_first);
        text_json_number(text, amounts[i]);
    }
    text_add(text, "}");
}

static void write_scalar(const struct field_writer *writer, const struct field_type *type,
                         const void *slot, struct text *text)
{
    switch (type->kind) {
    case FIELD_UNIT:
        write_unit(field_dimension(type, writer->dimension), *(const double *)slot, text);
        break;
    case FIELD_NUMBER:
        write_number(type, *(const double *)slot, text);
        break;
    case FIELD_INTEGER:
        if (type->flags & FIELD_FROM_ONE) {
            text_format(text, "%d", *(const int *)slot + 1);
        } else {
            write_whole(type, *(const int *)slot, text);
        }
        break;
    case FIELD_LONG:
        write_whole(type, *(const int64_t *)slot, text);
        break;
    case FIELD_UNSIGNED:
        text_format(text, "%" PRIu64, *(const uint64_t *)slot);
        break;
    case FIELD_BOOLEAN:
        text_add(text, *(const bool *)slot ? "true" : "false");
        break;
    case FIELD_CHOICE:
        text_json_string(text, type->choices[*(const int *)slot]);
        break;
    case FIELD_REFERENCE:
        text_json_string(text, writer->names->names[type->set][*(const int *)slot]);
        break;
    default:
        text_json_string(text, *(const char *const *)slot);
    }
}

static void write_value(const struct field_writer *writer, const struct field_type *type,
                        const char *base, size_t offset, struct text *text)
{
    const char *place = base + offset;
    switch (type->kind) {
    case FIELD_OBJECT:
        field_write_members(writer, type->fields, place, text);
        break;
    case FIELD_VARIANT:
        write_variant(writer, type, place, text);
        break;
    case FIELD_POLICY:
        write_policy(writer, (const struct spec_policy *)(const void *)place, text);
        break;
    case FIELD_LIST:
        write_list(writer, type, base, offset, text);
        break;
    case FIELD_MAP:
        write_map(writer, type, base, offset, text);
        break;
    case FIELD_AMOUNTS:
        write_amounts(writer, type, *(double *const *)(const void *)place, text);
        break;
    default:
        write_scalar(writer, type, place, text);
    }
}
