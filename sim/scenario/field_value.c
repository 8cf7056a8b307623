// SPDX-License-Identifier: GPL-3.0-or-later

// Values without structure: numbers with units, integers, words, names and references.

#include "scenario/field.h"

#include "base/memory.h"
#include "base/text.h"
#include "scenario/diagnostics.h"
#include "scenario/tree.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 64, LONGEST_TEXT = 4096 };

// Doubles hold integers exactly up to here.
#define MOST_EXACT 9007199254740992.0

struct reading {
    struct field_reader *reader;
    const struct field_type *type;
    const struct node *node;
    const struct field_at *at;
    enum dimension dimension;
};

static const char *quote(const struct reading *reading)
{
    return diagnostics_quote(reading->reader->diagnostics, reading->node->text);
}

enum dimension field_dimension(const struct field_type *type, enum dimension outer)
{
    return type->dimension == FIELD_SAME_DIMENSION ? outer : type->dimension;
}

static bool has_limits(const struct field_type *type)
{
    return type->least != 0 || type->most != 0;
}

static bool is_whole(const struct field_type *type)
{
    return type->kind == FIELD_INTEGER || type->kind == FIELD_LONG || type->kind == FIELD_UNSIGNED;
}

static void add_amount(const struct field_type *type, double value, enum dimension dimension,
                       struct text *text)
{
    if (is_whole(type)) {
        text_format(text, "%.0f", value);
        return;
    }
    char number[TEXT_NUMBER_ROOM];
    text_number(number, value);
    const char *symbol = unit_symbol(dimension);
    text_format(text, "%s%s%s", number, *symbol ? " " : "", symbol);
}

const char *field_range(const struct field_type *type, enum dimension dimension,
                        struct arena *arena)
{
    struct text text = {0};
    bool is_bounded_below = has_limits(type) && isfinite(type->least);
    if (is_bounded_below) {
        text_add(&text, type->flags & FIELD_OPEN_LEAST ? "greater than " : "at least ");
        add_amount(type, type->least, dimension, &text);
    }
    if (has_limits(type) && isfinite(type->most)) {
        text_add(&text, is_bounded_below ? " and " : "");
        text_add(&text, type->flags & FIELD_OPEN_MOST ? "less than " : "at most ");
        add_amount(type, type->most, dimension, &text);
    }
    const char *copy = arena_text(arena, text_string(&text));
    text_finish(&text);
    return copy;
}

// `written` is how the user wrote the value.
static bool check_range(const struct reading *reading, double value)
{
    const struct field_type *type = reading->type;
    if (!has_limits(type)) {
        return true;
    }
    bool is_small = type->flags & FIELD_OPEN_LEAST ? value <= type->least : value < type->least;
    bool is_large = type->flags & FIELD_OPEN_MOST ? value >= type->most : value > type->most;
    if (!is_small && !is_large) {
        return true;
    }
    struct diagnostics *diagnostics = reading->reader->diagnostics;
    diagnostics_error(diagnostics, &reading->node->mark, "'%s' must be %s, not '%s'",
                      reading->at->key, field_range(type, reading->dimension, &diagnostics->arena),
                      quote(reading));
    if (type->word) {
        diagnostics_hint(diagnostics, "or write '%s'", type->word);
    }
    return false;
}

static void hint_units(const struct reading *reading)
{
    struct text list = {0};
    const char *unit;
    for (size_t i = 0; (unit = unit_list(reading->dimension, i)) != NULL; i++) {
        text_format(&list, "%s%s", i ? ", " : "", unit);
    }
    diagnostics_hint(reading->reader->diagnostics, "%s takes one of the units %s",
                     unit_dimension_name(reading->dimension), text_string(&list));
    text_finish(&list);
}

static void refuse_unit(const struct reading *reading, enum unit_result result, const char *unit)
{
    struct diagnostics *diagnostics = reading->reader->diagnostics;
    const char *key = reading->at->key;
    const struct mark *mark = &reading->node->mark;
    const char *name = unit_dimension_name(reading->dimension);
    const char *example = unit_example(reading->dimension);
    switch (result) {
    case UNIT_MISSING:
        diagnostics_error(diagnostics, mark, "'%s' needs a unit: '%s'", key, quote(reading));
        hint_units(reading);
        break;
    case UNIT_UNKNOWN:
        diagnostics_error(diagnostics, mark, "unknown unit '%s' in '%s'",
                          diagnostics_quote(diagnostics, unit), key);
        if (reading->dimension == DIMENSION_NONE) {
            diagnostics_hint(diagnostics, "write a plain number such as %s", example);
        } else {
            hint_units(reading);
        }
        break;
    case UNIT_WRONG:
        diagnostics_error(diagnostics, mark, "'%s' must be %s, but '%s' is %s", key, name,
                          quote(reading), unit_dimension_name(unit_dimension(unit)));
        diagnostics_hint(diagnostics, "write for example %s", example);
        break;
    case UNIT_TOO_LARGE:
        diagnostics_error(diagnostics, mark, "'%s' is too large a number: '%s'", key,
                          quote(reading));
        diagnostics_hint(diagnostics, "the largest number is about 1.8e308");
        break;
    default:
        diagnostics_error(diagnostics, mark, "'%s' must be %s, not '%s'", key, name,
                          quote(reading));
        if (reading->type->word) {
            diagnostics_hint(diagnostics, "write for example %s, or '%s'", example,
                             reading->type->word);
        } else {
            diagnostics_hint(diagnostics, "write for example %s", example);
        }
    }
}

static bool read_number(const struct reading *reading, double *ret_value)
{
    double value = 0;
    const char *unit = "";
    enum unit_result result = unit_parse(reading->node->text, reading->dimension, &value, &unit);
    if (result != UNIT_OK) {
        refuse_unit(reading, result, unit);
        return false;
    }
    if (!check_range(reading, value)) {
        return false;
    }
    *ret_value = value;
    return true;
}

static void read_unit(const struct reading *reading, double *slot)
{
    const char *unit = NULL;
    const char *text = *reading->node->text ? reading->node->text : NULL;
    double value = 1;
    if (text) {
        const char *one = arena_format(reading->reader->arena, "1 %s", text);
        enum unit_result result = unit_parse(one, reading->dimension, &value, &unit);
        if (result == UNIT_OK) {
            *slot = value;
            return;
        }
        struct diagnostics *diagnostics = reading->reader->diagnostics;
        // "a time", "an energy": the name without its article.
        const char *name = strchr(unit_dimension_name(reading->dimension), ' ');
        diagnostics_error(diagnostics, &reading->node->mark, "'%s' is not a unit of%s",
                          quote(reading), name ? name : " anything");
        hint_units(reading);
        return;
    }
    *slot = value;
}

static void refuse_integer(const struct reading *reading, bool is_too_large)
{
    struct diagnostics *diagnostics = reading->reader->diagnostics;
    const char *range = field_range(reading->type, DIMENSION_NONE, &diagnostics->arena);
    if (is_too_large) {
        diagnostics_error(diagnostics, &reading->node->mark, "'%s' is too large a number: '%s'",
                          reading->at->key, quote(reading));
    } else {
        diagnostics_error(diagnostics, &reading->node->mark,
                          "'%s' must be a whole number, not '%s'", reading->at->key,
                          quote(reading));
    }
    const char *word = reading->type->word;
    diagnostics_hint(diagnostics, "write a whole number%s%s%s%s%s", *range ? ", " : "", range,
                     word ? ", or '" : "", word ? word : "", word ? "'" : "");
}

// Whole numbers below 2^63. Digits are read exactly; "1e6" and "2.0" count if they are whole.
static bool read_whole(const struct reading *reading, int64_t *ret_value)
{
    const char *text = reading->node->text;
    const char *digits = text + (*text == '-' || *text == '+');
    int64_t value;
    if (*digits && strspn(digits, "0123456789") == strlen(digits)) {
        errno = 0;
        long long number = strtoll(text, NULL, 10);
        if (errno == ERANGE) {
            refuse_integer(reading, true);
            return false;
        }
        value = number;
    } else {
        double number;
        const char *unit = "";
        enum unit_result result = unit_parse(text, DIMENSION_NONE, &number, &unit);
        if (result != UNIT_OK || *unit || number != floor(number)) {
            refuse_integer(reading, result == UNIT_TOO_LARGE);
            return false;
        }
        if (fabs(number) > MOST_EXACT) {
            refuse_integer(reading, true);
            return false;
        }
        value = (int64_t)number;
    }
    // The largest numbers below 2^63 would round up to it.
    double nearest = (double)value;
    if (nearest >= 0x1p63) {
        nearest = nextafter(0x1p63, 0);
    }
    if (!check_range(reading, nearest)) {
        return false;
    }
    *ret_value = value;
    return true;
}

static void read_integer(const struct reading *reading, void *slot)
{
    int64_t value;
    if (!read_whole(reading, &value)) {
        return;
    }
    if (reading->type->kind == FIELD_LONG) {
        *(int64_t *)slot = value;
    } else if (reading->type->kind == FIELD_UNSIGNED) {
        // The tables give every unsigned field a least value of 0 or more.
        *(uint64_t *)slot = (uint64_t)value;
    } else if (value < INT_MIN || value > INT_MAX) {
        refuse_integer(reading, true);
    } else {
        *(int *)slot = (int)value;
    }
}

static size_t count_choices(const char *const *choices)
{
    size_t count = 0;
    while (choices[count]) {
        count++;
    }
    return count;
}

static void read_choice(const struct reading *reading, void *slot)
{
    const char *const *choices = reading->type->choices;
    size_t count = count_choices(choices);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(choices[i], reading->node->text) == 0) {
            *(int *)slot = (int)i;
            return;
        }
    }
    struct diagnostics *diagnostics = reading->reader->diagnostics;
    diagnostics_error(diagnostics, &reading->node->mark, "'%s' cannot be '%s'", reading->at->key,
                      quote(reading));
    diagnostics_suggest(diagnostics, reading->node->text, choices, count, "it is one of");
}

static void read_boolean(const struct reading *reading, void *slot)
{
    bool is_true = strcmp(reading->node->text, "true") == 0;
    if (!is_true && strcmp(reading->node->text, "false") != 0) {
        diagnostics_error(reading->reader->diagnostics, &reading->node->mark,
                          "'%s' must be true or false, not '%s'", reading->at->key, quote(reading));
        diagnostics_hint(reading->reader->diagnostics, "write true or false");
        return;
    }
    *(bool *)slot = is_true;
}

static void read_reference(const struct reading *reading, void *slot)
{
    *(int *)slot = -1;
    // The default of a parameter that may be left out.
    if (!*reading->node->text && !reading->node->mark.source) {
        return;
    }
    enum field_set set = reading->type->set;
    const struct field_names *names = &reading->reader->names;
    for (size_t i = 0; i < names->count[set]; i++) {
        if (names->names[set][i] && strcmp(names->names[set][i], reading->node->text) == 0) {
            *(int *)slot = (int)i;
            return;
        }
    }
    // After an error in what is referred to, a complaint here would only repeat it.
    if (!names->is_complete[set]) {
        return;
    }
    struct diagnostics *diagnostics = reading->reader->diagnostics;
    diagnostics_error(diagnostics, &reading->node->mark, "unknown %s '%s' in '%s'",
                      field_set_noun(set), quote(reading), reading->at->key);
    diagnostics_suggest(diagnostics, reading->node->text, names->names[set], names->count[set],
                        field_set_plural(set));
}

static bool is_name_character(char c, const char *punctuation)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr(punctuation, c));
}

static void read_name(const struct reading *reading, void *slot)
{
    const char *text = reading->node->text;
    const char *punctuation = reading->type->punctuation;
    size_t length = strlen(text);
    size_t fine = 0;
    while (is_name_character(text[fine], punctuation)) {
        fine++;
    }
    struct diagnostics *diagnostics = reading->reader->diagnostics;
    if (!length || fine < length) {
        diagnostics_error(diagnostics, &reading->node->mark, "'%s' cannot be a name of a %s",
                          quote(reading), reading->type->noun);
        struct text list = {0};
        for (const char *c = punctuation; *c; c++) {
            text_format(&list, "%s'%c'", c[1] ? ", " : " and ", *c);
        }
        diagnostics_hint(diagnostics, "use letters, digits%s", text_string(&list));
        text_finish(&list);
        return;
    }
    if (length > LONGEST_NAME) {
        diagnostics_error(diagnostics, &reading->node->mark,
                          "the name of a %s has %zu characters, more than %d", reading->type->noun,
                          length, LONGEST_NAME);
        diagnostics_hint(diagnostics, "shorten it; 'about' has room for a description");
        return;
    }
    *(const char **)slot = text;
}

static void read_text(const struct reading *reading, void *slot)
{
    const char *text = reading->node->text;
    struct diagnostics *diagnostics = reading->reader->diagnostics;
    if (reading->type->kind == FIELD_COLUMN && !*text) {
        diagnostics_error(diagnostics, &reading->node->mark, "'%s' is empty", reading->at->key);
        diagnostics_hint(diagnostics, "give the name of a column of the trace");
        return;
    }
    if (strlen(text) > LONGEST_TEXT) {
        diagnostics_error(diagnostics, &reading->node->mark, "'%s' is longer than %d bytes",
                          reading->at->key, LONGEST_TEXT);
        diagnostics_hint(diagnostics, "shorten it");
        return;
    }
    *(const char **)slot = text;
}

static bool read_word(const struct reading *reading, void *slot)
{
    const struct field_type *type = reading->type;
    if (!type->word || strcmp(type->word, reading->node->text) != 0) {
        return false;
    }
    if (type->kind == FIELD_NUMBER) {
        *(double *)slot = type->word_value;
    } else if (type->kind == FIELD_LONG) {
        *(int64_t *)slot = (int64_t)type->word_value;
    } else {
        *(int *)slot = (int)type->word_value;
    }
    return true;
}

// Of a scalar below a key; NULL if there is none.
static const char *text_below(const struct node *node, const char *key)
{
    const struct node_item *item = node_find(node, key);
    return item && item->value->kind == NODE_SCALAR ? item->value->text : NULL;
}

// What stands in the block 'sweep' for values in steps, as --set takes it; NULL for anything else.
static const char *text_of_steps(const struct node *node, struct arena *arena)
{
    const struct node_item *log = node_find(node, "log");
    const struct node *ends = log ? log->value : node;
    const char *from = text_below(ends, "from");
    const char *to = text_below(ends, "to");
    const char *step = text_below(ends, log ? "count" : "step");
    if (!from || !to) {
        return NULL;
    }
    return arena_format(arena, "%s(%s,%s,%s)", log ? "log" : "range", from, to,
                        step  ? step
                        : log ? "COUNT"
                              : "STEP");
}

// Whether the node is a value at all.
static bool check_scalar(const struct reading *reading)
{
    struct diagnostics *diagnostics = reading->reader->diagnostics;
    if (reading->node->kind != NODE_SCALAR) {
        diagnostics_error(diagnostics, &reading->node->mark, "'%s' must be %s, not %s",
                          reading->at->key, field_type_text(reading->type, &diagnostics->arena),
                          node_kind_name(reading->node->kind));
        const char *steps = text_of_steps(reading->node, &diagnostics->arena);
        if (steps) {
            diagnostics_hint(diagnostics, "the command 'sweep' takes several values: --set PATH=%s",
                             steps);
        } else {
            diagnostics_hint(diagnostics, "write one value, without brackets and keys");
        }
        return false;
    }
    if (node_is_null(reading->node)) {
        const struct mark *mark = reading->node->mark.length || !reading->at->key_mark
                                      ? &reading->node->mark
                                      : reading->at->key_mark;
        diagnostics_error(diagnostics, mark, "'%s' has no value", reading->at->key);
        diagnostics_hint(diagnostics, "give it %s",
                         field_type_text(reading->type, &diagnostics->arena));
        return false;
    }
    return true;
}

void field_read_scalar(struct field_reader *reader, const struct field_type *type,
                       const struct node *node, void *slot, const struct field_at *at)
{
    struct reading reading = {reader, type, node, at, field_dimension(type, at->dimension)};
    if (type->kind == FIELD_REFERENCE) {
        *(int *)slot = -1;
    }
    if (!check_scalar(&reading) || read_word(&reading, slot)) {
        return;
    }
    switch (type->kind) {
    case FIELD_NUMBER:
        read_number(&reading, slot);
        break;
    case FIELD_UNIT:
        read_unit(&reading, slot);
        break;
    case FIELD_INTEGER:
    case FIELD_LONG:
    case FIELD_UNSIGNED:
        read_integer(&reading, slot);
        break;
    case FIELD_BOOLEAN:
        read_boolean(&reading, slot);
        break;
    case FIELD_CHOICE:
        read_choice(&reading, slot);
        break;
    case FIELD_REFERENCE:
        read_reference(&reading, slot);
        break;
    case FIELD_NAME:
        read_name(&reading, slot);
        break;
    default:
        read_text(&reading, slot);
    }
}
