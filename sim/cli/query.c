// SPDX-License-Identifier: GPL-3.0-or-later
#include "results/query.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/unit.h"
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

// A table for people is cut here unless told otherwise; what other programs read is whole.
enum { ROWS_OF_A_TABLE = 1000 };

// Rows in csv and json are printed as they come, in pieces. The first piece is kept back until it
// is full, so that a query that fails early prints nothing but its error.
enum { ROWS_AT_ONCE = 256, PIECE_BYTES = 64 * 1024 };

// A query's rows on their way to standard output.
struct printing {
    struct table table;
    enum table_format format;
    struct text text;
    int status; // of writing
};

static void write_text(struct printing *printing)
{
    if (printing->status == STATUS_FINE) {
        printing->status = output_text(&printing->text);
    }
    text_clear(&printing->text);
}

static void fill_columns(void *context, const char *const *names, size_t count)
{
    struct table *table = &((struct printing *)context)->table;
    for (size_t i = 0; i < count; i++) {
        struct table_column *column = table_add_column(table, arena_text(&table->arena, names[i]));
        column->is_json = is_json_column(names[i]);
    }
    table_pair_half_widths(table);
}

static void fill_row(void *context, const struct query_value *values, size_t count)
{
    struct printing *printing = context;
    struct table *table = &printing->table;
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
    if (table_can_drain(printing->format) && table_row_count(table) == ROWS_AT_ONCE) {
        table_drain(table, printing->format, &printing->text);
        if (printing->text.length >= PIECE_BYTES) {
            write_text(printing);
        }
    }
}

// What is left of the table. Returns the exit status.
static int print_rest(struct printing *printing)
{
    const struct table_style style = output_style();
    table_print(&printing->table, printing->format, &style, &printing->text);
    write_text(printing);
    return printing->status;
}

static void finish_printing(struct printing *printing)
{
    text_finish(&printing->text);
    table_finish(&printing->table);
}

static int list_queries(enum table_format format)
{
    struct printing printing = {.format = format};
    struct table *table = &printing.table;
    table_add_column(table, "query");
    table_add_column(table, "answers")->is_wrapped = true;
    for (const struct query_name *query = query_names; query->name; query++) {
        table_add_text(table, query->name);
        table_add_text(table, query->summary);
    }
    const int status = print_rest(&printing);
    finish_printing(&printing);
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

static int64_t row_limit(const struct arguments *arguments, enum table_format format)
{
    if (arguments->limit) {
        return (int64_t)arguments->limit;
    }
    return format == TABLE_ALIGNED ? ROWS_OF_A_TABLE : -1;
}

static int read_timeout(const struct arguments *arguments, struct query_options *options,
                        struct text *ret_error)
{
    if (arguments->timeout &&
        (unit_parse(arguments->timeout, DIMENSION_TIME, &options->time_s, NULL) != UNIT_OK ||
         !(options->time_s >= 1e-3))) {
        text_format(ret_error, "'--timeout %s': it takes a time of at least 1 ms, such as %s",
                    arguments->timeout, unit_example(DIMENSION_TIME));
        return -1;
    }
    return 0;
}

int verb_query(const struct arguments *arguments)
{
    enum table_format format;
    struct text error = {0};
    struct printing printing = {0};
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
        printing.table.key_columns = query->key_columns;
    }
    printing.format = format;
    const struct query_sink sink = {&printing, fill_columns, fill_row};
    struct query_options options = {.rows = row_limit(arguments, format)};
    struct query_result result;
    if (read_timeout(arguments, &options, &error) != 0 ||
        read_bindings(arguments, &printing.table.arena, &options, &error) != 0 ||
        query_run(arguments->db, sql, &options, &sink, &result, &error) != 0) {
        goto failed;
    }
    status = print_rest(&printing);
    if (result.is_truncated && !arguments->quiet) {
        fprintf(stderr, "only the first %lld rows; ask for more with --limit\n",
                (long long)result.rows);
    }
failed:
    status = output_message(status, &error);
    text_finish(&error);
    finish_printing(&printing);
    return status;
}
