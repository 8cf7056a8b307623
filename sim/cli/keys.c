// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/text.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "policies/registry.h"
#include "scenario/reference.h"

#include <string.h>

static void add_row(struct table *table, const struct reference_key *key)
{
    table_add_text(table, key->path);
    table_add_text(table, key->type);
    table_add_text(table, key->unit);
    table_add_text(table, key->is_required ? "required" : key->default_text);
    table_add_text(table, key->range);
    table_add_text(table, key->meaning);
}

int verb_keys(const struct arguments *arguments)
{
    enum table_format format;
    struct text text = {0};
    if (table_format_parse(arguments->format, &format, &text) != 0) {
        const int status = output_error(STATUS_BAD_INPUT, "%s", text_string(&text));
        text_finish(&text);
        return status;
    }
    struct table table = {0};
    table_add_column(&table, "key")->is_wrapped = true;
    table_add_column(&table, "type")->is_wrapped = true;
    table_add_column(&table, "unit");
    table_add_column(&table, "default")->is_wrapped = true;
    table_add_column(&table, "range")->is_wrapped = true;
    table_add_column(&table, "meaning")->is_wrapped = true;
    size_t policy_count;
    const struct policy_type *const *policies = policy_registry(&policy_count);
    size_t count;
    const struct reference_key *keys = reference_list(policies, policy_count, &table.arena, &count);
    const char *wanted = arguments->operands[0] ? arguments->operands[0] : "";
    for (size_t i = 0; i < count; i++) {
        if (strstr(keys[i].path, wanted)) {
            add_row(&table, &keys[i]);
        }
    }
    int status;
    if (table_row_count(&table)) {
        const struct table_style style = output_style();
        table_print(&table, format, &style, &text);
        status = output_text(&text);
    } else {
        status = output_error(STATUS_BAD_INPUT,
                              "no key has '%s' in its path; 'offloadsim keys' lists all", wanted);
    }
    table_finish(&table);
    text_finish(&text);
    return status;
}
