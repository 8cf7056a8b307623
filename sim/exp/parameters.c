// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/parameters.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/unit.h"
#include "policies/policy.h"
#include "scenario/settings.h"
#include "scenario/spec.h"

#include <stdlib.h>
#include <string.h>

static void add_numbers(struct text *text, const struct policy_numbers *numbers)
{
    text_add(text, "[");
    for (int i = 0; i < numbers->count; i++) {
        text_add(text, i ? ", " : "");
        text_json_number(text, numbers->values[i]);
    }
    text_add(text, "]");
}

// Names of models or tiers; nothing for none.
static void add_names(struct text *text, const struct spec *spec, bool are_models,
                      const struct policy_indices *indices)
{
    for (int i = 0; i < indices->count; i++) {
        const int index = indices->values[i];
        text_add(text, i ? ", " : "[");
        text_json_string(text, are_models ? spec->models[index].name : spec->tiers[index].name);
        text_add(text, i + 1 == indices->count ? "]" : "");
    }
}

// Adds the value as JSON; nothing if it was left out.
static void add_value(struct text *text, const struct spec *spec,
                      const struct policy_parameter *parameter, const void *value)
{
    switch (parameter->kind) {
    case POLICY_NUMBER:
        text_json_number(text, *(const double *)value);
        break;
    case POLICY_INTEGER:
        text_format(text, "%d", *(const int *)value);
        break;
    case POLICY_BOOLEAN:
        text_add(text, *(const bool *)value ? "true" : "false");
        break;
    case POLICY_NUMBERS:
        add_numbers(text, value);
        break;
    case POLICY_CHOICE:
        text_json_string(text, parameter->choices[*(const int *)value]);
        break;
    case POLICY_TIER:
        if (*(const int *)value >= 0) {
            text_json_string(text, spec->tiers[*(const int *)value].name);
        }
        break;
    case POLICY_MODEL:
        if (*(const int *)value >= 0) {
            text_json_string(text, spec->models[*(const int *)value].name);
        }
        break;
    case POLICY_MODELS:
    case POLICY_TIERS:
        add_names(text, spec, parameter->kind == POLICY_MODELS, value);
        break;
    }
}

const struct point_parameter *point_parameters(const struct spec *spec, int policy,
                                               struct arena *arena, size_t *ret_count)
{
    const struct spec_policy *chosen = &spec->policies[policy];
    const struct policy_parameter *table = chosen->type->parameters;
    size_t most = 0;
    while (table && table[most].name) {
        most++;
    }
    struct point_parameter *parameters = arena_new_array(arena, most, struct point_parameter);
    size_t count = 0;
    for (size_t i = 0; i < most; i++) {
        const char *slot = (const char *)chosen->parameters + table[i].offset;
        if (!settings_find(spec->settings, slot)) {
            continue; // a default, which the reference has
        }
        struct text text = {0};
        add_value(&text, spec, &table[i], slot);
        if (text.length) {
            parameters[count++] = (struct point_parameter){
                .path = arena_format(arena, "policy.%s.%s", chosen->type->name, table[i].name),
                .name = table[i].name,
                .value = arena_text(arena, text_string(&text))};
        }
        text_finish(&text);
    }
    *ret_count = count;
    return parameters;
}

// Reads a number that ends where one of `ends` or the text does. NULL if there is none.
static const char *read_number(const char *text, const char *ends, double *ret_number)
{
    char *end;
    text += strspn(text, " ");
    *ret_number = strtod(text, &end);
    const size_t length = (size_t)(end - text);
    if (!length || strspn(text, "0123456789.+-eE") < length) { // not "inf", not "0x10"
        return NULL;
    }
    end += strspn(end, " ");
    return !*end || strchr(ends, *end) ? end : NULL;
}

// "[0.6, .7]" as a list of JSON. Returns false, with nothing added, if it is no list of numbers.
static bool add_list(struct text *text, const char *value)
{
    struct text list = {0};
    double number;
    const char *at = value;
    while (at && *at && strchr(value == at ? "[" : "[,", *at)) {
        text_add(&list, at == value ? "[" : ", ");
        at = read_number(at + 1, ",]", &number);
        if (at) {
            text_json_number(&list, number);
        }
    }
    const bool is_list = at && at > value && at[0] == ']' && !at[1 + strspn(at + 1, " ")];
    text_add(text, is_list ? text_string(&list) : "");
    text_add(text, is_list ? "]" : "");
    text_finish(&list);
    return is_list;
}

// "5 ms" in base units.
static bool read_quantity(const char *value, double *ret_number)
{
    const char *unit = NULL;
    const enum unit_result result = unit_parse(value, DIMENSION_NONE, ret_number, &unit);
    return result == UNIT_OK || (result == UNIT_WRONG && unit_parse(value, unit_dimension(unit),
                                                                    ret_number, NULL) == UNIT_OK);
}

// A text of YAML as JSON: numbers, booleans and lists of numbers as such, anything else as a
// string. `*ret_shown` is set if the number had a unit.
static const char *json_of_yaml(const char *value, struct arena *arena, const char **ret_shown)
{
    struct text text = {0};
    double number;
    value += strspn(value, " ");
    if (read_number(value, "", &number)) {
        text_json_number(&text, number);
    } else if (read_quantity(value, &number)) {
        text_json_number(&text, number);
        *ret_shown = value;
    } else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) {
        text_add(&text, value);
    } else if (!add_list(&text, value)) {
        text_json_string(&text, value);
    }
    const char *json = arena_text(arena, text_string(&text));
    text_finish(&text);
    return json;
}

struct point_parameter point_parameter_of_set(const char *set, struct arena *arena)
{
    const size_t length = strcspn(set, "=");
    const char *path = arena_text_n(arena, set, length);
    const char *dot = strrchr(path, '.');
    struct point_parameter parameter = {.path = path, .name = dot ? dot + 1 : path};
    parameter.value = json_of_yaml(arena_text(arena, set + length + (set[length] == '=')), arena,
                                   &parameter.shown);
    return parameter;
}

bool point_parameter_is_foreign(const struct point_parameter *parameter, const char *policy)
{
    static const char prefix[] = "policy.";
    if (strncmp(parameter->path, prefix, sizeof(prefix) - 1) != 0) {
        return false;
    }
    const char *name = parameter->path + sizeof(prefix) - 1;
    const size_t length = strcspn(name, ".");
    return strspn(name, "0123456789") < length &&
           !(strlen(policy) == length && strncmp(name, policy, length) == 0);
}
