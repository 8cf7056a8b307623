// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/fit_plan.h"

#include "base/memory.h"
#include "cli/options.h"
#include "scenario/csv.h"
#include "scenario/diagnostics.h"
#include "scenario/file.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_EXITS = FIT_MOST_EXITS, MOST_FEATURES = 1000 };

struct planner {
    const char *path;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct csv csv;
    const char **columns; // of the file's header
    size_t column_count;
    const char *exit_names[MOST_EXITS];
    struct fit_plan *plan;
};

// ---- words of options ----

// The next part of an option's value, up to one of `ends` or to its end; marks point into the
// value. NULL after the last.
static const char *next_part(const struct planner *planner, const struct source *source,
                             const char *ends, size_t *offset, struct mark *ret_mark)
{
    if (*offset > source->length) {
        return NULL;
    }
    const char *start = source->text + *offset;
    const size_t length = strcspn(start, ends);
    *ret_mark = source_mark(source, *offset);
    ret_mark->length = length;
    *offset += length + 1;
    return arena_text_n(planner->arena, start, length);
}

static struct source *option_source(const struct planner *planner, const char *option,
                                    const char *value)
{
    struct source *source = arena_new(planner->arena, struct source);
    *source = (struct source){.name = option, .text = value, .length = strlen(value)};
    return source;
}

static const char *find_column(const struct planner *planner, const char *name)
{
    for (size_t i = 0; i < planner->column_count; i++) {
        if (strcmp(planner->columns[i], name) == 0) {
            return planner->columns[i];
        }
    }
    return NULL;
}

static void refuse_file(const struct planner *planner, const char *message, const char *hint)
{
    struct source *source = option_source(planner, planner->path, "");
    const struct mark mark = {.source = source};
    diagnostics_error(planner->diagnostics, &mark, "%s", message);
    diagnostics_hint(planner->diagnostics, "%s", hint);
}

// A name of an exit or a feature out of a user's text, as a generator's file can have it.
static const char *name_of(const struct planner *planner, const char *text, const char *prefix)
{
    const bool needs_prefix = !((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'));
    char *name = arena_format(planner->arena, "%s%s", needs_prefix ? prefix : "", text);
    for (char *c = name; *c; c++) {
        const bool is_fine = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                             (*c >= '0' && *c <= '9') || *c == '-';
        *c = is_fine ? *c : '_';
    }
    return name;
}

// ---- exits ----

static struct trace_exit *add_exit(struct planner *planner, const char *name,
                                   const struct mark *mark)
{
    struct trace_plan *trace = &planner->plan->trace;
    name = name_of(planner, name, "e");
    if (trace->exit_count == MOST_EXITS) {
        diagnostics_error(planner->diagnostics, mark, "there are more than %d exits", MOST_EXITS);
        diagnostics_hint(planner->diagnostics, "name those to fit with --exit");
        return NULL;
    }
    for (size_t i = 0; i < trace->exit_count; i++) {
        if (strcmp(planner->exit_names[i], name) == 0) {
            diagnostics_error(planner->diagnostics, mark, "two exits are called '%s'", name);
            diagnostics_hint(planner->diagnostics, "names of exits consist of letters, digits, "
                                                   "'-' and '_', and differ from each other");
            return NULL;
        }
    }
    planner->exit_names[trace->exit_count] = name;
    struct trace_exit *exit = &trace->exits[trace->exit_count++];
    *exit = (struct trace_exit){.name = name, .mark = *mark};
    return exit;
}

// NAME=CONFIDENCE,CORRECT[,PREDICTION]
static void add_given_exit(struct planner *planner, const char *value)
{
    const struct source *source = option_source(planner, "--exit", value);
    size_t offset = 0;
    struct mark mark;
    struct mark name_mark;
    const char *name = next_part(planner, source, "=", &offset, &name_mark);
    struct trace_column columns[3] = {{0}};
    size_t count = 0;
    const char *part;
    while (count < 3 && (part = next_part(planner, source, ",", &offset, &mark))) {
        columns[count++] = (struct trace_column){part, mark};
    }
    if (!name || !*name || count < 2 || offset <= source->length) {
        const struct mark whole = {.source = source, .line = 1, .column = 1};
        diagnostics_error(planner->diagnostics, &whole, "'%s' does not tell what an exit says",
                          diagnostics_quote(planner->diagnostics, value));
        diagnostics_hint(planner->diagnostics,
                         "write NAME=CONFIDENCE,CORRECT with the names of two columns, and "
                         "',PREDICTION' behind them if there is one");
        return;
    }
    struct trace_exit *exit = add_exit(planner, name, &name_mark);
    if (exit) {
        exit->confidence = columns[0];
        exit->correct = columns[1];
        exit->prediction = columns[2];
    }
}

// Pairs of columns X_conf and X_ok, with X_pred where there is one.
static void find_wide_exits(struct planner *planner)
{
    static const char ending[] = "_conf";
    const size_t length = strlen(ending);
    const struct mark mark = {.source = option_source(planner, planner->path, "")};
    for (size_t i = 0; i < planner->column_count; i++) {
        const char *column = planner->columns[i];
        const size_t stem = strlen(column) < length ? 0 : strlen(column) - length;
        if (!stem || strcmp(column + stem, ending) != 0) {
            continue;
        }
        const char *name = arena_text_n(planner->arena, column, stem);
        const char *correct = find_column(planner, arena_format(planner->arena, "%s_ok", name));
        struct trace_exit *exit = correct ? add_exit(planner, name, &mark) : NULL;
        if (exit) {
            exit->confidence.name = column;
            exit->correct.name = correct;
            exit->prediction.name =
                find_column(planner, arena_format(planner->arena, "%s_pred", name));
        }
    }
    if (!planner->plan->trace.exit_count) {
        refuse_file(planner, "no two columns are called X_conf and X_ok, so there are no exits",
                    "name the columns with --exit NAME=CONFIDENCE,CORRECT, once for each exit, or "
                    "with --long for a row each sample and exit");
    }
}

// ---- the long layout ----

// sample=COLUMN,exit=COLUMN,confidence=COLUMN,prediction=COLUMN,label=COLUMN,correct=COLUMN
static void read_long(struct planner *planner, const char *value)
{
    struct trace_plan *trace = &planner->plan->trace;
    static const char *const keys[] = {"sample",     "exit",  "confidence",
                                       "prediction", "label", "correct"};
    enum { KEYS = sizeof(keys) / sizeof(keys[0]) };
    struct trace_column *slots[KEYS] = {&trace->sample,     &trace->exit,  &trace->confidence,
                                        &trace->prediction, &trace->label, &trace->correct};
    const struct source *source = option_source(planner, "--long", value);
    const struct mark whole = {.source = source, .line = 1, .column = 1};
    size_t offset = 0;
    struct mark mark;
    const char *key;
    while ((key = next_part(planner, source, "=,", &offset, &mark))) {
        size_t number = 0;
        while (number < KEYS && strcmp(keys[number], key) != 0) {
            number++;
        }
        if (number == KEYS) {
            diagnostics_error(planner->diagnostics, &mark, "unknown key '%s'",
                              diagnostics_quote(planner->diagnostics, key));
            diagnostics_suggest(planner->diagnostics, key, keys, KEYS, "its keys");
            return;
        }
        const char *column =
            value[offset - 1] == '=' ? next_part(planner, source, ",", &offset, &mark) : NULL;
        if (!column || !*column) {
            diagnostics_error(planner->diagnostics, &mark, "'%s' names no column", key);
            diagnostics_hint(planner->diagnostics, "write %s=COLUMN", key);
            return;
        }
        *slots[number] = (struct trace_column){column, mark};
    }
    for (size_t i = 0; i < 3; i++) {
        if (!slots[i]->name) {
            diagnostics_error(planner->diagnostics, &whole, "'%s' is missing", keys[i]);
            diagnostics_hint(planner->diagnostics, "add '%s=COLUMN'", keys[i]);
        }
    }
    if (!trace->correct.name && !(trace->prediction.name && trace->label.name)) {
        diagnostics_error(planner->diagnostics, &whole, "nothing says which answers are right");
        diagnostics_hint(planner->diagnostics,
                         "add 'correct=COLUMN', or both 'prediction=COLUMN' and 'label=COLUMN'");
    }
}

struct value {
    const char *text;
    double number;
    bool is_number;
    size_t order;
};

static int compare_values(const void *a, const void *b)
{
    const struct value *left = a;
    const struct value *right = b;
    if (left->is_number && right->is_number && left->number != right->number) {
        return left->number < right->number ? -1 : 1;
    }
    return (left->order > right->order) - (left->order < right->order);
}

// The exits of a long trace are the values of its exit column: numbers in their order, anything
// else in order of appearance.
static void find_long_exits(struct planner *planner)
{
    struct trace_plan *trace = &planner->plan->trace;
    struct value values[MOST_EXITS];
    size_t count = 0;
    size_t column = 0;
    bool all_numbers = true;
    while (column < planner->column_count &&
           strcmp(planner->columns[column], trace->exit.name) != 0) {
        column++;
    }
    if (column == planner->column_count) {
        diagnostics_error(planner->diagnostics, &trace->exit.mark, "trace '%s' has no column '%s'",
                          planner->path, diagnostics_quote(planner->diagnostics, trace->exit.name));
        diagnostics_suggest(planner->diagnostics, trace->exit.name, planner->columns,
                            planner->column_count, "its columns");
        return;
    }
    while (csv_next(&planner->csv) == 1) {
        const struct csv_cell *cell = &planner->csv.cells[column];
        size_t known = 0;
        if (column >= planner->csv.count) {
            continue; // complained of when the trace is read
        }
        while (known < count && !csv_equal(cell, values[known].text)) {
            known++;
        }
        if (known < count) {
            continue;
        }
        if (count == MOST_EXITS) {
            diagnostics_error(planner->diagnostics, &trace->exit.mark,
                              "column '%s' holds more than %d different values", trace->exit.name,
                              MOST_EXITS);
            diagnostics_hint(planner->diagnostics, "name the column that tells the exits apart");
            return;
        }
        struct value *value = &values[count];
        *value = (struct value){.text = arena_text_n(planner->arena, cell->text, cell->length),
                                .order = count};
        value->is_number = csv_number(cell, &value->number);
        all_numbers = all_numbers && value->is_number;
        count++;
    }
    if (all_numbers) {
        qsort(values, count, sizeof(values[0]), compare_values);
    }
    for (size_t i = 0; i < count; i++) {
        struct trace_exit *exit = add_exit(planner, values[i].text, &trace->exit.mark);
        if (exit) {
            exit->value = values[i].text;
        }
    }
}

// ---- what belongs to the sample ----

static void add_feature(struct planner *planner, const char *name, const struct mark *mark)
{
    struct trace_plan *trace = &planner->plan->trace;
    trace->features[trace->feature_count++] = (struct trace_column){name, *mark};
}

static void find_features(struct planner *planner, const char *given)
{
    struct trace_plan *trace = &planner->plan->trace;
    struct mark mark = {.source = option_source(planner, planner->path, "")};
    trace->features = arena_new_array(planner->arena, MOST_FEATURES, struct trace_column);
    if (given) {
        const struct source *source = option_source(planner, "--features", given);
        size_t offset = 0;
        const char *name;
        while (trace->feature_count < MOST_FEATURES &&
               (name = next_part(planner, source, ",", &offset, &mark))) {
            if (*name) {
                add_feature(planner, name, &mark);
            }
        }
    } else {
        const char *name;
        while (trace->feature_count < MOST_FEATURES &&
               (name = find_column(
                    planner, arena_format(planner->arena, "f%zu", trace->feature_count + 1)))) {
            add_feature(planner, name, &mark);
        }
    }
    const char **names = arena_new_array(planner->arena, trace->feature_count, const char *);
    for (size_t i = 0; i < trace->feature_count; i++) {
        names[i] = name_of(planner, trace->features[i].name, "f");
    }
    planner->plan->names.features = names;
}

static void find_label(struct planner *planner, const char *given)
{
    struct trace_column *label = &planner->plan->trace.label;
    if (given) {
        const struct source *source = option_source(planner, "--label", given);
        *label = (struct trace_column){given, {source, 1, 1, strlen(given)}};
    } else if (!label->name) {
        label->name = find_column(planner, "label");
        label->mark.source = option_source(planner, planner->path, "");
    }
}

// "digits" of "data/digits.csv".
static const char *generator_name(const struct planner *planner, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path;
    const char *dot = strrchr(file, '.');
    const size_t length = dot && dot != file ? (size_t)(dot - file) : strlen(file);
    return name_of(planner, arena_text_n(planner->arena, file, length), "trace-");
}

// ---- the whole ----

static int read_header(struct planner *planner)
{
    if (csv_next(&planner->csv) != 1) {
        refuse_file(planner, "the file has no header",
                    "a trace is a table of comma-separated "
                    "values whose first line names its columns");
        return -1;
    }
    planner->column_count = planner->csv.count;
    planner->columns = arena_new_array(planner->arena, planner->column_count, const char *);
    for (size_t i = 0; i < planner->column_count; i++) {
        const struct csv_cell *cell = &planner->csv.cells[i];
        planner->columns[i] = arena_text_n(planner->arena, cell->text, cell->length);
    }
    return 0;
}

static void fill_plan(struct planner *planner, const struct arguments *arguments)
{
    struct fit_plan *plan = planner->plan;
    const size_t errors = planner->diagnostics->errors;
    plan->trace.path = planner->path;
    plan->trace.exits = arena_new_array(planner->arena, MOST_EXITS, struct trace_exit);
    if (arguments->long_columns && arguments->set_count) {
        const struct mark mark = {
            .source = option_source(planner, "--exit", arguments->sets[0]), .line = 1, .column = 1};
        diagnostics_error(planner->diagnostics, &mark, "'--exit' excludes '--long'");
        diagnostics_hint(planner->diagnostics, "a trace has columns for each exit, or a row");
        return;
    }
    if (arguments->long_columns) {
        plan->trace.layout = LAYOUT_LONG;
        read_long(planner, arguments->long_columns);
    }
    find_label(planner, arguments->label);
    find_features(planner, arguments->features);
    for (size_t i = 0; i < arguments->set_count; i++) {
        add_given_exit(planner, arguments->sets[i]);
    }
    if (planner->diagnostics->errors == errors) {
        if (arguments->long_columns) {
            find_long_exits(planner);
        } else if (!arguments->set_count) {
            find_wide_exits(planner);
        }
    }
    // Without a label a prediction tells nothing.
    for (size_t i = 0; i < plan->trace.exit_count && !plan->trace.label.name; i++) {
        plan->trace.exits[i].prediction.name = NULL;
    }
    const char **names = arena_new_array(planner->arena, plan->trace.exit_count, const char *);
    for (size_t i = 0; i < plan->trace.exit_count; i++) {
        names[i] = planner->exit_names[i];
    }
    plan->names.exits = names;
    plan->names.generator =
        generator_name(planner, arguments->output ? arguments->output : planner->path);
    plan->names.about = arguments->about;
}

int fit_plan_make(const struct arguments *arguments, struct arena *arena,
                  struct diagnostics *diagnostics, struct fit_plan *ret_plan)
{
    const size_t errors = diagnostics->errors;
    *ret_plan = (struct fit_plan){0};
    struct planner planner = {.path = arguments->operands[0],
                              .arena = arena,
                              .diagnostics = diagnostics,
                              .plan = ret_plan};
    char *bytes;
    size_t length;
    struct file_problem problem;
    if (file_read(planner.path, (size_t)4 << 30, &bytes, &length, &problem) < 0) {
        refuse_file(&planner, problem.message, problem.hint);
        return -1;
    }
    csv_init(&planner.csv, planner.path, bytes, length, arena);
    if (read_header(&planner) == 0) {
        fill_plan(&planner, arguments);
    }
    csv_finish(&planner.csv);
    free(bytes);
    return diagnostics->errors > errors ? -1 : 0;
}
