// SPDX-License-Identifier: GPL-3.0-or-later
#include "policies/registry.h"

#include "base/text.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "policies/policy.h"

#include <math.h>
#include <stdio.h>

static const char *kind_name(enum policy_kind_of_value kind)
{
    switch (kind) {
    case POLICY_NUMBER:
        return "number";
    case POLICY_INTEGER:
        return "whole number";
    case POLICY_BOOLEAN:
        return "true or false";
    case POLICY_NUMBERS:
        return "list of numbers";
    case POLICY_CHOICE:
        return "choice";
    case POLICY_TIER:
        return "name of a tier";
    case POLICY_MODEL:
        return "name of a model";
    case POLICY_MODELS:
        return "list of models";
    }
    return "";
}

static void add_choices(const struct policy_parameter *parameter, struct text *text)
{
    for (int i = 0; parameter->choices && parameter->choices[i]; i++) {
        text_format(text, "%s%s", i ? ", " : "", parameter->choices[i]);
    }
}

static void add_range(const struct policy_parameter *parameter, struct text *text)
{
    const bool has_numbers = parameter->kind == POLICY_NUMBER ||
                             parameter->kind == POLICY_INTEGER || parameter->kind == POLICY_NUMBERS;
    if (parameter->kind == POLICY_CHOICE) {
        add_choices(parameter, text);
    } else if (has_numbers) {
        char least[TEXT_NUMBER_ROOM];
        char most[TEXT_NUMBER_ROOM];
        text_number(least, parameter->least);
        text_number(most, parameter->most);
        text_format(text, isinf(parameter->most) ? "%s or more" : "%s to %s", least, most);
    }
}

static void add_parameter_rows(const struct policy_type *policy, struct table *table)
{
    table_add_column(table, "parameter");
    table_add_column(table, "type")->is_wrapped = true;
    table_add_column(table, "unit");
    table_add_column(table, "default");
    table_add_column(table, "range")->is_wrapped = true;
    table_add_column(table, "meaning")->is_wrapped = true;
    const struct policy_parameter *parameter = policy->parameters;
    for (; parameter && parameter->name; parameter++) {
        struct text range = {0};
        add_range(parameter, &range);
        const char *fallback = parameter->default_text;
        table_add_text(table, parameter->name);
        table_add_text(table, kind_name(parameter->kind));
        table_add_text(table, parameter->unit);
        table_add_text(table, !fallback ? "required" : fallback[0] ? fallback : "see meaning");
        table_add_text(table, text_string(&range));
        table_add_text(table, parameter->meaning);
        text_finish(&range);
    }
}

static void add_policy(const struct policy_type *policy, enum table_format format,
                       struct text *text)
{
    const struct table_style style = output_style();
    struct table table = {0};
    add_parameter_rows(policy, &table);
    if (format == TABLE_ALIGNED || format == TABLE_MARKDOWN) {
        text_format(text, format == TABLE_MARKDOWN ? "## %s\n\n%s\n\n" : "%s: %s\n", policy->name,
                    policy->summary);
        text_format(text, "paper: %s\n", policy->paper[0] ? policy->paper : "none; a baseline");
        if (policy->is_oracle) {
            text_add(text, "an oracle: it sees the truth, which no deployed policy can\n");
        }
        if (format == TABLE_MARKDOWN) {
            text_add(text, "\n");
        }
        text_format(text, "example: %s\n\n", policy->example);
    }
    if (table_row_count(&table) || format == TABLE_CSV || format == TABLE_JSON) {
        table_print(&table, format, &style, text);
    } else {
        text_add(text, "no parameters\n");
    }
    table_finish(&table);
}

static void add_list(enum table_format format, struct text *text)
{
    const struct table_style style = output_style();
    struct table table = {0};
    size_t count;
    const struct policy_type *const *policies = policy_registry(&count);
    table_add_column(&table, "policy");
    table_add_column(&table, "summary")->is_wrapped = true;
    table_add_column(&table, "paper")->is_wrapped = true;
    for (size_t i = 0; i < count; i++) {
        table_add_text(&table, policies[i]->name);
        table_add_text(&table, policies[i]->summary);
        table_add_text(&table, policies[i]->paper);
    }
    table_print(&table, format, &style, text);
    table_finish(&table);
}

static int unknown_policy(const char *name)
{
    size_t count;
    const struct policy_type *const *policies = policy_registry(&count);
    const char *names[64];
    for (size_t i = 0; i < count && i < 64; i++) {
        names[i] = policies[i]->name;
    }
    const char *nearest = text_nearest(name, names, count < 64 ? count : 64);
    if (nearest) {
        return output_error(STATUS_BAD_INPUT, "unknown policy '%s'; did you mean '%s'?", name,
                            nearest);
    }
    return output_error(STATUS_BAD_INPUT, "unknown policy '%s'; 'offloadsim policies' lists them",
                        name);
}

int verb_policies(const struct arguments *arguments)
{
    enum table_format format;
    struct text text = {0};
    int status = STATUS_BAD_INPUT;
    if (table_format_parse(arguments->format, &format, &text) != 0) {
        output_error(status, "%s", text_string(&text));
    } else if (!arguments->operands[0]) {
        add_list(format, &text);
        status = output_text(&text);
    } else {
        const struct policy_type *policy = policy_find(arguments->operands[0]);
        if (!policy) {
            status = unknown_policy(arguments->operands[0]);
        } else {
            add_policy(policy, format, &text);
            status = output_text(&text);
        }
    }
    text_finish(&text);
    return status;
}
