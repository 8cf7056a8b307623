// SPDX-License-Identifier: GPL-3.0-or-later
#include "results/query.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>

// Columns that hold JSON in every view and every named query.
static bool is_json_column(const char *name)
{
    static const char *const names[] = {"parameters", "others", "below_parameters",
                                        "above_parameters"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void fill_columns(void *context, const char *const *names, size_t count)
{
    struct table *table = context;
    for (size_t i = 0; i < count; i++) {
        struct table_column *column = table_add_column(table, arena_text(&table->arena, names[i]));
        column->is_json = is_json_column(names[i]);
    }
    table_pair_half_widths(table);
}

static void fill_row(void *context, const struct query_value *values, size_t count)
{
    struct table *table = context;
    for (size_t i = 0; i < count; i++) {
        switch (values[i].kind) {
        case QUERY_NULL:
            table_add_null(table);
            break;
        case QUERY_INTEGER:
            table_add_integer(table, values[i].integer);
            break;
        case QUERY_NUMBER:
            table_add_number(table, values[i].number);
            break;
        case QUERY_TEXT:
            table_add_text(table, values[i].text);
            break;
        }
    }
}

static int print_table(const struct table *table, enum table_format format)
{
    struct text text = {0};
    const struct table_style style = output_style();
    table_print(table, format, &style, &text);
    const int status = output_text(&text);
    text_finish(&text);
    return status;
}

static int list_queries(enum table_format format)
{
    struct table table = {0};
    table_add_column(&table, "query");
    table_add_column(&table, "answers")->is_wrapped = true;
    for (const struct query_name *query = query_names; query->name; query++) {
        table_add_text(&table, query->name);
        table_add_text(&table, query->summary);
    }
    const int status = print_table(&table, format);
    table_finish(&table);
    return status;
}

static int print_sql(const char *sql)
{
    struct text text = {0};
    text_add(&text, sql);
    const int status = output_text(&text);
    text_finish(&text);
    return status;
}

// Takes the words of --param apart.
static int read_bindings(const struct arguments *arguments, struct arena *arena,
                         struct query_options *options, struct text *ret_error)
{
    struct query_binding *bindings =
        arena_new_array(arena, arguments->set_count, struct query_binding);
    for (size_t i = 0; i < arguments->set_count; i++) {
        const char *word = arguments->sets[i];
        const char *sign = strchr(word, '=');
        if (!sign || sign == word) {
            text_format(ret_error, "'--param %s': write --param NAME=VALUE", word);
            return -1;
        }
        bindings[i].name = arena_text_n(arena, word, (size_t)(sign - word));
        bindings[i].value = sign + 1;
    }
    options->bindings = bindings;
    options->binding_count = arguments->set_count;
    return 0;
}

int verb_query(const struct arguments *arguments)
{
    enum table_format format;
    struct text error = {0};
    struct table table = {0};
    const char *sql = arguments->operands[0];
    int status = STATUS_BAD_INPUT;
    if (table_format_parse(arguments->format, &format, &error) != 0) {
        goto failed;
    }
    if (!sql) {
        return list_queries(format);
    }
    // A statement has more than one word, a name has just one.
    if (!strpbrk(sql, " \t\n(;")) {
        const struct query_name *query = query_find(sql, &error);
        if (!query) {
            goto failed;
        }
        sql = query->sql;
        if (arguments->explain) {
            status = print_sql(sql);
            goto failed;
        }
        table.key_columns = query->key_columns;
    }
    const struct query_sink sink = {&table, fill_columns, fill_row};
    struct query_options options = {.rows = (int64_t)arguments->limit};
    struct query_result result;
    if (read_bindings(arguments, &table.arena, &options, &error) != 0 ||
        query_run(arguments->db, sql, &options, &sink, &result, &error) != 0) {
        goto failed;
    }
    status = print_table(&table, format);
    if (result.is_truncated && !arguments->quiet) {
        fprintf(stderr, "only the first %lld rows; ask for more with --limit\n",
                (long long)result.rows);
    }
failed:
    if (error.length) {
        output_error(status, "%s", text_string(&error));
    }
    text_finish(&error);
    table_finish(&table);
    return status;
}
