// SPDX-License-Identifier: GPL-3.0-or-later

// The parameter tables of policies as field tables. policies/policy.h knows nothing of scenarios,
// so its simpler table is translated here.

#include "scenario/field.h"

#include "base/memory.h"
#include "policies/policy.h"

#include <assert.h>
#include <string.h>

static_assert(offsetof(struct policy_numbers, values) == 0 &&
                  offsetof(struct policy_indices, values) == 0 &&
                  offsetof(struct policy_numbers, count) == offsetof(struct policy_indices, count),
              "both lists are laid out as field lists expect");

static const struct field_type model_type = {.kind = FIELD_REFERENCE, .set = FIELD_MODELS};
static const struct field_type tier_type = {.kind = FIELD_REFERENCE, .set = FIELD_TIERS};

static enum dimension unit_of(const char *unit)
{
    return unit && *unit ? unit_dimension(unit) : DIMENSION_NONE;
}

static struct field_type number_type(const struct policy_parameter *parameter, enum field_kind kind)
{
    return (struct field_type){.kind = kind,
                               .dimension =
                                   kind == FIELD_NUMBER ? unit_of(parameter->unit) : DIMENSION_NONE,
                               .least = parameter->least,
                               .most = parameter->most};
}

static struct field_type list_type(const struct policy_parameter *parameter,
                                   const struct field_type *element, size_t element_bytes)
{
    return (struct field_type){.kind = FIELD_LIST,
                               .flags = FIELD_OR_SINGLE,
                               .element = element,
                               .element_bytes = element_bytes,
                               .count_offset =
                                   parameter->offset + offsetof(struct policy_numbers, count)};
}

static struct field_type parameter_type(const struct policy_parameter *parameter,
                                        struct arena *arena)
{
    struct field_type *element;
    switch (parameter->kind) {
    case POLICY_NUMBER:
        return number_type(parameter, FIELD_NUMBER);
    case POLICY_INTEGER:
        return number_type(parameter, FIELD_INTEGER);
    case POLICY_BOOLEAN:
        return (struct field_type){.kind = FIELD_BOOLEAN};
    case POLICY_NUMBERS:
        element = arena_new(arena, struct field_type);
        *element = number_type(parameter, FIELD_NUMBER);
        return list_type(parameter, element, sizeof(double));
    case POLICY_CHOICE:
        return (struct field_type){.kind = FIELD_CHOICE, .choices = parameter->choices};
    case POLICY_TIER:
        return tier_type;
    case POLICY_MODEL:
        return model_type;
    case POLICY_MODELS:
        return list_type(parameter, &model_type, sizeof(int));
    case POLICY_TIERS:
        return list_type(parameter, &tier_type, sizeof(int));
    }
    return (struct field_type){.kind = FIELD_TEXT};
}

const struct field *field_policy_fields(const struct policy_type *type, struct arena *arena)
{
    size_t count = 0;
    while (type->parameters && type->parameters[count].name) {
        count++;
    }
    struct field *fields = arena_new_array(arena, count + 1, struct field);
    for (size_t i = 0; i < count; i++) {
        const struct policy_parameter *parameter = &type->parameters[i];
        fields[i] = (struct field){.name = parameter->name,
                                   .offset = parameter->offset,
                                   .type = parameter_type(parameter, arena),
                                   .default_text = parameter->default_text,
                                   .meaning = parameter->meaning};
    }
    return fields;
}

void field_policies_init(struct field_policies *policies, const struct policy_type *const *types,
                         size_t count, struct arena *arena)
{
    struct field_case *cases = arena_new_array(arena, count + 1, struct field_case);
    for (size_t i = 0; i < count; i++) {
        cases[i] = (struct field_case){.name = types[i]->name,
                                       .value = (int)i,
                                       .fields = field_policy_fields(types[i], arena),
                                       .meaning = types[i]->summary,
                                       .bytes = types[i]->parameter_bytes};
    }
    *policies = (struct field_policies){
        .types = types, .count = count, .cases = cases, .is_complete = true};
}
