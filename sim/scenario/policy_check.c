// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/policy_check.h"

#include "base/memory.h"
#include "base/text.h"
#include "policies/policy.h"
#include "scenario/diagnostics.h"
#include "scenario/field.h"
#include "scenario/settings.h"

#include <math.h>
#include <stdalign.h>
#include <stdarg.h>
#include <string.h>

enum { LONGEST_NAME = 64 };

struct check {
    const struct policy_type *policy;
    struct text *message;
    struct text *hint;
};

__attribute__((format(printf, 3, 4))) static int refuse(const struct check *check, const char *hint,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_format_list(check->message, format, arguments);
    va_end(arguments);
    text_add(check->hint, hint);
    return -1;
}

// As keys of a scenario are: no dots, which separate them in a path.
static bool is_name(const char *name)
{
    size_t length = 0;
    for (; name[length]; length++) {
        const char c = name[length];
        if (!((c >= 'a' && c <= 'z') || (length && ((c >= '0' && c <= '9') || c == '_')))) {
            return false;
        }
    }
    return length >= 1 && length <= LONGEST_NAME;
}

#define NAME_HINT "use lower case letters, digits and '_', a letter first, at most 64 in all"

static const struct {
    size_t bytes;
    size_t alignment;
    const char *type;
} values[] = {
    [POLICY_NUMBER] = {sizeof(double), alignof(double), "double"},
    [POLICY_INTEGER] = {sizeof(int), alignof(int), "int"},
    [POLICY_BOOLEAN] = {sizeof(bool), alignof(bool), "bool"},
    [POLICY_NUMBERS] = {sizeof(struct policy_numbers), alignof(struct policy_numbers),
                        "struct policy_numbers"},
    [POLICY_CHOICE] = {sizeof(int), alignof(int), "int"},
    [POLICY_TIER] = {sizeof(int), alignof(int), "int"},
    [POLICY_MODEL] = {sizeof(int), alignof(int), "int"},
    [POLICY_MODELS] = {sizeof(struct policy_indices), alignof(struct policy_indices),
                       "struct policy_indices"},
    [POLICY_TIERS] = {sizeof(struct policy_indices), alignof(struct policy_indices),
                      "struct policy_indices"},
};

enum { KINDS = sizeof(values) / sizeof(values[0]) };

static int check_place(const struct check *check, const struct policy_parameter *parameter)
{
    const size_t bytes = values[parameter->kind].bytes;
    const size_t room = check->policy->parameter_bytes;
    if (room < bytes || parameter->offset > room - bytes) {
        return refuse(check,
                      "set '.parameter_bytes' to the size of the parameter structure, and "
                      "'.offset' with offsetof()",
                      "parameter '%s' does not lie within the %zu bytes of its structure",
                      parameter->name, room);
    }
    if (parameter->offset % values[parameter->kind].alignment) {
        return refuse(check, "set '.offset' with offsetof()",
                      "parameter '%s' lies at %zu, where no %s can be", parameter->name,
                      parameter->offset, values[parameter->kind].type);
    }
    return 0;
}

static int check_choices(const struct check *check, const struct policy_parameter *parameter)
{
    const char *const *choices = parameter->choices;
    if (!choices || !choices[0]) {
        return refuse(check, "list them in '.choices', with NULL at the end",
                      "parameter '%s' is a choice without choices", parameter->name);
    }
    for (size_t i = 0; choices[i]; i++) {
        if (!is_name(choices[i])) {
            return refuse(check, NAME_HINT, "'%s' cannot be a choice of parameter '%s'", choices[i],
                          parameter->name);
        }
    }
    return 0;
}

static int check_number(const struct check *check, const struct policy_parameter *parameter)
{
    const char *unit = parameter->unit ? parameter->unit : "";
    if (isnan(parameter->least) || isnan(parameter->most) || parameter->least > parameter->most) {
        char least[TEXT_NUMBER_ROOM];
        char most[TEXT_NUMBER_ROOM];
        text_number(least, parameter->least);
        text_number(most, parameter->most);
        return refuse(check, "set '.least' and '.most' to the smallest and the largest value",
                      "the range of parameter '%s' is empty: %s to %s", parameter->name, least,
                      most);
    }
    if (*unit && (unit_dimension(unit) == DIMENSION_NONE ||
                  strcmp(unit_symbol(unit_dimension(unit)), unit) != 0)) {
        return refuse(check, "it is one of s, B, B/s, /s, W, J, or nothing",
                      "parameter '%s' cannot be in '%s'", parameter->name, unit);
    }
    return 0;
}

static int check_parameter(const struct check *check, size_t number)
{
    const struct policy_parameter *parameter = &check->policy->parameters[number];
    if (!is_name(parameter->name)) {
        return refuse(check, NAME_HINT, "'%s' cannot be the name of a parameter", parameter->name);
    }
    for (size_t i = 0; i < number; i++) {
        if (strcmp(check->policy->parameters[i].name, parameter->name) == 0) {
            return refuse(check, "give each its own name", "two parameters are called '%s'",
                          parameter->name);
        }
    }
    if ((unsigned)parameter->kind >= KINDS) {
        return refuse(check, "set '.kind' to one of enum policy_kind_of_value",
                      "parameter '%s' is of no kind that there is", parameter->name);
    }
    if (!parameter->meaning) {
        return refuse(check, "say it in '.meaning', in a sentence",
                      "parameter '%s' does not say what it means", parameter->name);
    }
    if (check_place(check, parameter) != 0) {
        return -1;
    }
    switch (parameter->kind) {
    case POLICY_CHOICE:
        return check_choices(check, parameter);
    case POLICY_NUMBER:
    case POLICY_INTEGER:
    case POLICY_NUMBERS:
        return check_number(check, parameter);
    default:
        return 0;
    }
}

// Reads each default as a scenario's own value would be read. Only nothing can be the default of a
// tier or a model: no scenario need have any that is named here.
static int check_defaults(const struct check *check, struct arena *arena)
{
    const struct field *fields = field_policy_fields(check->policy, arena);
    char *place = arena_alloc(arena, check->policy->parameter_bytes);
    for (const struct field *field = fields; field->name; field++) {
        if (!field->default_text) {
            continue;
        }
        const struct field one[] = {*field, {.name = NULL}};
        struct settings settings = {.arena = arena};
        struct diagnostics diagnostics = {0};
        struct field_reader reader = {
            .arena = arena, .diagnostics = &diagnostics, .settings = &settings, .root = one};
        struct field_at at = {.key = field->name};
        for (size_t set = 0; set < FIELD_SET_COUNT_; set++) {
            reader.names.is_complete[set] = true;
        }
        field_read_members(&reader, one, NULL, place, "", NULL, &at);
        const char *problem = diagnostics.errors ? diagnostics.items[0].message : NULL;
        if (problem) {
            refuse(check, "set '.default_text' to what a scenario would write, or to NULL",
                   "a default is wrong: %s", problem);
        }
        diagnostics_finish(&diagnostics);
        if (problem) {
            return -1;
        }
    }
    return 0;
}

static int check_reasons(const struct check *check)
{
    const char *const *reasons = check->policy->reasons;
    for (size_t i = 0; reasons && reasons[i]; i++) {
        if (!is_name(reasons[i])) {
            return refuse(check, NAME_HINT, "'%s' cannot be a reason of a drop", reasons[i]);
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(reasons[k], reasons[i]) == 0) {
                return refuse(check, "give each its own name", "two reasons are called '%s'",
                              reasons[i]);
            }
        }
    }
    return 0;
}

int policy_check(const struct policy_type *policy, struct text *ret_message, struct text *ret_hint)
{
    const struct check check = {policy, ret_message, ret_hint};
    if (!is_name(policy->name)) {
        return refuse(&check, NAME_HINT, "'%s' cannot be the name of a policy", policy->name);
    }
    if (!policy->summary || !*policy->summary) {
        return refuse(&check, "say in '.summary' what it does, in one line",
                      "policy '%s' does not say what it does", policy->name);
    }
    for (size_t i = 0; policy->parameters && policy->parameters[i].name; i++) {
        if (check_parameter(&check, i) != 0) {
            return -1;
        }
    }
    struct arena arena = {0};
    const int status = check_defaults(&check, &arena) != 0 ? -1 : check_reasons(&check);
    arena_finish(&arena);
    return status;
}
