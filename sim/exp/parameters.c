// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/parameters.h"

#include "base/memory.h"
#include "base/text.h"
#include "policies/policy.h"
#include "scenario/spec.h"

#include <stdbool.h>

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
        struct text text = {0};
        add_value(&text, spec, &table[i], (const char *)chosen->parameters + table[i].offset);
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
