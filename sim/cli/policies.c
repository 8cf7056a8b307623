// SPDX-License-Identifier: GPL-3.0-or-later
#include "policies/registry.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/plugin_set.h"
#include "cli/verbs.h"
#include "policies/policy.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

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
    case POLICY_TIERS:
        return "list of tiers";
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
    } else if (has_numbers && (parameter->least != 0 || parameter->most != 0)) {
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

// What else there is to know of a policy, a line each.
static void add_remarks(const struct policy_type *policy, const char *bullet, struct text *text)
{
    const char *paper = policy->paper && policy->paper[0] ? policy->paper : "none";
    text_format(text, "%spaper: %s\n", bullet, paper);
    if (policy->is_oracle) {
        text_format(text, "%san oracle: it sees the truth, which no deployed policy can\n", bullet);
    }
    if (policy->needs_training) {
        text_format(text, "%slearns before the run, from samples set aside for training\n", bullet);
    }
    if (policy->feedback) {
        text_format(text, "%slearns during the run, where the scenario has 'feedback'\n", bullet);
    }
    if (policy->reasons && policy->reasons[0]) {
        text_format(text, "%sdrops: ", bullet);
        for (int i = 0; policy->reasons[i]; i++) {
            text_format(text, "%s%s", i ? ", " : "", policy->reasons[i]);
        }
        text_add(text, "\n");
    }
}

static void add_policy(const struct policy_type *policy, enum table_format format,
                       struct text *text)
{
    const struct table_style style = output_style();
    const bool is_markdown = format == TABLE_MARKDOWN;
    const char *example = policy->example ? policy->example : "";
    struct table table = {0};
    add_parameter_rows(policy, &table);
    if (format == TABLE_ALIGNED || is_markdown) {
        text_format(text, is_markdown ? "## %s\n\n%s\n\n" : "%s: %s\n", policy->name,
                    policy->summary);
        add_remarks(policy, is_markdown ? "- " : "", text);
        if (example[0]) {
            text_format(text, is_markdown ? "- example: `%s`\n" : "example: %s\n", example);
        }
        text_add(text, "\n");
    }
    if (table_row_count(&table) || format == TABLE_CSV || format == TABLE_JSON) {
        table_print(&table, format, &style, text);
    } else {
        text_add(text, is_markdown ? "It has no parameters.\n" : "no parameters\n");
    }
    table_finish(&table);
}

// The policies of the program, and that of a plug-in behind them.
struct shelf {
    const struct policy_type **types;
    size_t count;
};

static void add_list(const struct shelf *shelf, enum table_format format, struct text *text)
{
    const struct table_style style = output_style();
    struct table table = {0};
    table_add_column(&table, "policy");
    table_add_column(&table, "summary")->is_wrapped = true;
    table_add_column(&table, "paper")->is_wrapped = true;
    for (size_t i = 0; i < shelf->count; i++) {
        table_add_text(&table, shelf->types[i]->name);
        table_add_text(&table, shelf->types[i]->summary);
        table_add_text(&table, shelf->types[i]->paper ? shelf->types[i]->paper : "");
    }
    table_print(&table, format, &style, text);
    table_finish(&table);
}

// The reference of all policies as a page: docs/policies.md is one.
static void add_page(const struct shelf *shelf, struct text *text)
{
    text_add(text, "# Policies\n\nThis page is what `offloadsim policies --format md` prints. "
                   "A parameter without a default has to\nbe given.\n\n");
    add_list(shelf, TABLE_MARKDOWN, text);
    for (size_t i = 0; i < shelf->count; i++) {
        text_add(text, "\n");
        add_policy(shelf->types[i], TABLE_MARKDOWN, text);
    }
}

static int unknown_policy(const struct shelf *shelf, const char *name, struct arena *arena)
{
    const char **names = arena_new_array(arena, shelf->count, const char *);
    for (size_t i = 0; i < shelf->count; i++) {
        names[i] = shelf->types[i]->name;
    }
    const char *nearest = text_nearest(name, names, shelf->count);
    if (nearest) {
        return output_error(STATUS_BAD_INPUT, "unknown policy '%s'; did you mean '%s'?", name,
                            nearest);
    }
    return output_error(STATUS_BAD_INPUT, "unknown policy '%s'; 'offloadsim policies' lists them",
                        name);
}

// Puts the policies on the shelf. Returns 0, or -1 if the plug-in cannot be had, which it says.
static int fill_shelf(const char *path, struct plugin_set *plugins, struct arena *arena,
                      struct shelf *ret_shelf)
{
    size_t count;
    const struct policy_type *const *registry = policy_registry(&count);
    *ret_shelf =
        (struct shelf){arena_new_array(arena, count + 1, const struct policy_type *), count};
    memcpy(ret_shelf->types, registry, count * sizeof(registry[0]));
    if (!path) {
        return 0;
    }
    const struct plugin_opener opener = plugin_set_opener(plugins);
    struct text message = {0};
    struct text hint = {0};
    uint64_t hash[4];
    int status = plugin_load(&opener, path, &ret_shelf->types[count], hash, &message, &hint);
    if (status != 0) {
        output_error(0, "plug-in '%s' %s; %s", path, text_string(&message), text_string(&hint));
    } else if (policy_find(ret_shelf->types[count]->name)) {
        output_error(0,
                     "plug-in '%s' calls its policy '%s' like one of the program's own; give it "
                     "another '.name'",
                     path, ret_shelf->types[count]->name);
        status = -1;
    } else {
        ret_shelf->count++;
    }
    text_finish(&message);
    text_finish(&hint);
    return status;
}

// Adds what was asked for. Returns an exit status.
static int add_answer(const struct arguments *arguments, const struct shelf *shelf,
                      enum table_format format, struct arena *arena, struct text *text)
{
    const char *name = arguments->operands[0];
    if (!name) {
        if (format == TABLE_MARKDOWN) {
            add_page(shelf, text);
        } else {
            add_list(shelf, format, text);
        }
        return STATUS_FINE;
    }
    for (size_t i = 0; i < shelf->count; i++) {
        if (strcmp(shelf->types[i]->name, name) == 0) {
            add_policy(shelf->types[i], format, text);
            return STATUS_FINE;
        }
    }
    return unknown_policy(shelf, name, arena);
}

int verb_policies(const struct arguments *arguments)
{
    enum table_format format;
    struct text text = {0};
    struct arena arena = {0};
    struct plugin_set plugins = {0};
    struct shelf shelf;
    int status = STATUS_BAD_INPUT;
    if (table_format_parse(arguments->format, &format, &text) != 0) {
        output_error(status, "%s", text_string(&text));
    } else if (fill_shelf(arguments->plugin, &plugins, &arena, &shelf) == 0) {
        status = add_answer(arguments, &shelf, format, &arena, &text);
        if (status == STATUS_FINE) {
            status = output_text(&text);
        }
    }
    text_finish(&text);
    plugin_set_finish(&plugins);
    arena_finish(&arena);
    return status;
}
