// SPDX-License-Identifier: GPL-3.0-or-later
#include "results/export.h"

#include "base/text.h"
#include "results/query.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

// One part: its name and the SQL that gives its rows. "@" stands for the number of the experiment,
// "{points}" and "{replications}" for the columns of the metrics and counters.
struct part {
    const char *name;
    const char *sql;
    bool is_optional; // left out if it has no rows
};

#define USED_REPLICATIONS                                                                          \
    " JOIN (SELECT DISTINCT coalesce(source_id, id) AS source_id FROM points"                      \
    " WHERE experiment_id = @) AS used ON used.source_id = replications.point_id"

static const struct part parts[] = {
    {"experiment",
     "SELECT id, kind, scenario, about, path, command, scenario_hash, sweep_json, seed, version,"
     " host, started_at, wall_s, status, scenario_json FROM experiments WHERE id = @",
     false},
    {"points",
     "SELECT id AS point, coalesce(source_id, id) AS source, ordinal, policy, is_oracle,"
     " uses_prices, replications, verdict, is_complete, hash{points}"
     " FROM points WHERE experiment_id = @ ORDER BY ordinal",
     false},
    {"prices",
     "SELECT points.id AS point, counter_names.name AS counter, price FROM points"
     " JOIN prices ON prices.point_id = points.id"
     " JOIN counter_names ON counter_names.id = prices.counter_id"
     " WHERE experiment_id = @ ORDER BY ordinal, counter",
     false},
    {"replications",
     "SELECT point_id AS source, number, seed, events, simulated_s, wall_s, offered, answered,"
     " dropped, in_flight{replications} FROM replications" USED_REPLICATIONS
     " ORDER BY point_id, number",
     false},
    {"samples",
     "SELECT replications.point_id AS source, replications.number AS replication, device,"
     " samples.number AS number, trace_row, arrived_s, latency_s, wait_s, service_s, transfer_s,"
     " energy_j, cost, tier.text AS tier, exit.text AS exit, confidence, is_correct, is_offloaded,"
     " drop_reason.text AS drop_reason, decision.text AS decision FROM "
     "replications" USED_REPLICATIONS " JOIN samples ON samples.replication_id = replications.id"
     " LEFT JOIN texts AS tier ON tier.id = tier_id LEFT JOIN texts AS exit ON exit.id = exit_id"
     " LEFT JOIN texts AS drop_reason ON drop_reason.id = drop_reason_id"
     " LEFT JOIN texts AS decision ON decision.id = decision_id"
     " ORDER BY point_id, replications.number, device, samples.number",
     true},
};

enum { PART_COUNT = sizeof(parts) / sizeof(parts[0]) };

// Static columns of the parts that go by another name than in the tables.
static const char dictionary_head[] =
    "VALUES ('points', 'point', '', 'number of the point'),"
    " ('points', 'source', '', 'point whose replications it rests on'),"
    " ('prices', 'point', '', 'number of the point'),"
    " ('prices', 'counter', '', 'counter that is priced'),"
    " ('prices', 'price', '', 'cost of one unit of the counter'),"
    " ('replications', 'source', '', 'point that the replication was simulated for'),"
    " ('samples', 'source', '', 'point that the replication was simulated for'),"
    " ('samples', 'replication', '', 'number of the replication, from 0'),"
    " ('samples', 'tier', '', 'tier that answered; null without an answer'),"
    " ('samples', 'exit', '', 'exit that answered; null without an answer'),"
    " ('samples', 'drop_reason', '', 'why it was given up; null if it was not'),"
    " ('samples', 'decision', '', 'reason of the last decision; null if none was given')"
    " UNION ALL SELECT CASE table_name WHEN 'experiments' THEN 'experiment' ELSE table_name END,"
    " column_name, unit, meaning FROM column_meanings WHERE table_name = 'experiments'"
    " OR (table_name = 'points' AND column_name IN ('ordinal', 'policy', 'is_oracle',"
    " 'uses_prices', 'replications', 'verdict', 'is_complete', 'hash'))"
    " OR (table_name = 'replications' AND column_name NOT IN ('id', 'point_id'))"
    " OR (table_name = 'samples' AND column_name NOT IN ('replication_id', 'tier_id', 'exit_id',"
    " 'drop_reason_id', 'decision_id'))";

// Everything is delivered, however long it takes.
static const struct query_options no_limits = {.rows = -1, .time_s = -1};

struct export
{
    const char *path;
    int64_t experiment;
    struct text point_columns; // SQL
    struct text replication_columns;
    struct text dictionary; // SQL
};

// ---- SQL ----

static void add_quoted(struct text *sql, const char *value, char quote)
{
    text_add_n(sql, &quote, 1);
    for (const char *c = value; *c; c++) {
        text_add_n(sql, c, 1);
        if (*c == quote) {
            text_add_n(sql, c, 1);
        }
    }
    text_add_n(sql, &quote, 1);
}

static void add_entry(struct text *dictionary, const char *part, const char *column,
                      const char *suffix, const char *unit, const char *meaning)
{
    struct text name = {0};
    text_format(&name, "%s%s", column, suffix);
    text_add(dictionary, " UNION ALL SELECT ");
    add_quoted(dictionary, part, '\'');
    text_add(dictionary, ", ");
    add_quoted(dictionary, text_string(&name), '\'');
    text_add(dictionary, ", ");
    add_quoted(dictionary, unit, '\'');
    text_add(dictionary, ", ");
    add_quoted(dictionary, meaning, '\'');
    text_finish(&name);
}

static void add_parameter(struct export *export, const char *path)
{
    text_add(&export->point_columns,
             ", (SELECT value FROM parameters WHERE point_id = points.id AND path = ");
    add_quoted(&export->point_columns, path, '\'');
    text_add(&export->point_columns, ") AS ");
    add_quoted(&export->point_columns, path, '"');
    add_entry(&export->dictionary, "points", path, "", "",
              "setting of the point, in base units; null if it has none");
}

static void add_metric(struct export *export, int64_t id, const char *name, const char *unit,
                       const char *meaning)
{
    struct text *points = &export->point_columns;
    struct text half = {0};
    text_format(&half, "%s_half_width", name);
    text_format(points,
                ", (SELECT mean FROM estimates WHERE point_id = points.id AND metric_id = %" PRId64
                ") AS ",
                id);
    add_quoted(points, name, '"');
    text_format(points,
                ", (SELECT half_width FROM estimates WHERE point_id = points.id"
                " AND metric_id = %" PRId64 ") AS ",
                id);
    add_quoted(points, text_string(&half), '"');
    text_format(&export->replication_columns,
                ", (SELECT value FROM metrics WHERE replication_id = replications.id"
                " AND metric_id = %" PRId64 ") AS ",
                id);
    add_quoted(&export->replication_columns, name, '"');
    add_entry(&export->dictionary, "points", name, "", unit, meaning);
    add_entry(&export->dictionary, "points", name, "_half_width", unit,
              "half the width of its confidence interval");
    add_entry(&export->dictionary, "replications", name, "", unit, meaning);
    text_finish(&half);
}

static void add_counter(struct export *export, int64_t id, const char *name, const char *unit,
                        const char *meaning)
{
    struct text column = {0};
    text_format(&column, "counter.%s", name);
    text_format(&export->replication_columns,
                ", (SELECT value FROM counters WHERE replication_id = replications.id"
                " AND counter_id = %" PRId64 ") AS ",
                id);
    add_quoted(&export->replication_columns, text_string(&column), '"');
    add_entry(&export->dictionary, "replications", text_string(&column), "", unit, meaning);
    text_finish(&column);
}

// Rows of kind, id, name, unit, meaning.
static void read_name(void *context, const struct query_value *values, size_t count)
{
    struct export *export = context;
    (void)count;
    const char *name = values[2].kind == QUERY_TEXT ? values[2].text : "";
    const char *unit = values[3].kind == QUERY_TEXT ? values[3].text : "";
    const char *meaning = values[4].kind == QUERY_TEXT ? values[4].text : "";
    switch (values[0].integer) {
    case 0:
        add_parameter(export, name);
        break;
    case 1:
        add_metric(export, values[1].integer, name, unit, meaning);
        break;
    default:
        add_counter(export, values[1].integer, name, unit, meaning);
        break;
    }
}

static void ignore_columns(void *context, const char *const *names, size_t count)
{
    (void)context;
    (void)names;
    (void)count;
}

// Replaces "@" and the names in braces.
static void fill_in(const struct export *export, const char *sql, struct text *ret_sql)
{
    for (const char *c = sql; *c; c++) {
        if (*c == '@') {
            text_format(ret_sql, "%" PRId64, export->experiment);
        } else if (strncmp(c, "{points}", 8) == 0) {
            text_add(ret_sql, text_string(&export->point_columns));
            c += 7;
        } else if (strncmp(c, "{replications}", 14) == 0) {
            text_add(ret_sql, text_string(&export->replication_columns));
            c += 13;
        } else {
            text_add_n(ret_sql, c, 1);
        }
    }
}

// Names of the experiment's parameters, metrics and counters become columns.
static int read_names(struct export *export, struct text *ret_error)
{
    static const char names[] =
        "SELECT 0 AS kind, 0 AS id, path AS name, '' AS unit, '' AS meaning FROM"
        " (SELECT DISTINCT path FROM points JOIN parameters ON parameters.point_id = points.id"
        " WHERE experiment_id = @)"
        " UNION ALL SELECT 1, id, name, unit, meaning FROM metric_names WHERE id IN"
        " (SELECT metric_id FROM points JOIN estimates ON estimates.point_id = points.id"
        " WHERE experiment_id = @ UNION SELECT metric_id FROM replications" USED_REPLICATIONS
        " JOIN metrics ON metrics.replication_id = replications.id)"
        " UNION ALL SELECT 2, id, name, unit, meaning FROM counter_names WHERE id IN"
        " (SELECT counter_id FROM replications" USED_REPLICATIONS
        " JOIN counters ON counters.replication_id = replications.id)"
        " ORDER BY kind, id, name";
    struct text sql = {0};
    fill_in(export, names, &sql);
    text_format(&export->dictionary,
                "SELECT column1 AS part, column2 AS \"column\", column3 AS unit,"
                " column4 AS meaning FROM (%s",
                dictionary_head);
    const struct query_sink sink = {export, ignore_columns, read_name};
    const int result =
        query_run(export->path, text_string(&sql), &no_limits, &sink, NULL, ret_error);
    text_add(&export->dictionary, ")");
    text_finish(&sql);
    return result;
}

static int begin(struct export *export, const char *path, int64_t experiment,
                 struct text *ret_error)
{
    *export = (struct export){.path = path, .experiment = experiment};
    return export_find(path, &export->experiment, ret_error) < 0 ? -1
                                                                 : read_names(export, ret_error);
}

static void finish(struct export *export)
{
    text_finish(&export->point_columns);
    text_finish(&export->replication_columns);
    text_finish(&export->dictionary);
}

// ---- experiments ----

static void read_integer(void *context, const struct query_value *values, size_t count)
{
    (void)count;
    *(int64_t *)context = values[0].kind == QUERY_INTEGER ? values[0].integer : 0;
}

int export_find(const char *path, int64_t *experiment, struct text *ret_error)
{
    int64_t found = 0;
    struct text sql = {0};
    if (*experiment == 0) {
        text_add(&sql, "SELECT max(id) FROM experiments");
    } else {
        text_format(&sql, "SELECT id FROM experiments WHERE id = %" PRId64, *experiment);
    }
    const struct query_sink sink = {&found, ignore_columns, read_integer};
    int result = query_run(path, text_string(&sql), NULL, &sink, NULL, ret_error);
    text_finish(&sql);
    if (result == 0 && found == 0) {
        text_format(ret_error, "cannot export from '%s': ", path);
        if (*experiment == 0) {
            text_add(ret_error, "there is no experiment in it");
        } else {
            text_format(ret_error,
                        "there is no experiment %" PRId64 "; 'offloadsim query runs' lists them",
                        *experiment);
        }
        result = -1;
    }
    if (result == 0) {
        *experiment = found;
    }
    return result;
}

// ---- files ----

struct output {
    FILE *file;
    bool is_json;
    size_t rows;
    struct text columns; // names of the columns, each ended by a NUL
    struct text line;
};

static void add_value(struct output *output, const struct query_value *value)
{
    struct text *line = &output->line;
    switch (value->kind) {
    case QUERY_NULL:
        text_add(line, output->is_json ? "null" : "");
        break;
    case QUERY_INTEGER:
        text_format(line, "%" PRId64, value->integer);
        break;
    case QUERY_NUMBER:
        if (output->is_json) {
            text_json_number(line, value->number);
        } else {
            char number[TEXT_NUMBER_ROOM];
            text_number(number, value->number);
            text_add(line, number);
        }
        break;
    case QUERY_TEXT:
        if (output->is_json) {
            text_json_string(line, value->text);
        } else {
            text_csv_string(line, value->text);
        }
        break;
    }
}

static void write_columns(void *context, const char *const *names, size_t count)
{
    struct output *output = context;
    text_clear(&output->columns);
    text_clear(&output->line);
    for (size_t i = 0; i < count; i++) {
        text_add_n(&output->columns, names[i], strlen(names[i]) + 1);
        text_add(&output->line, i ? "," : "");
        text_csv_string(&output->line, names[i]);
    }
    if (!output->is_json) {
        fprintf(output->file, "%s\r\n", text_string(&output->line));
    }
}

static void write_row(void *context, const struct query_value *values, size_t count)
{
    struct output *output = context;
    const char *name = text_string(&output->columns);
    text_clear(&output->line);
    for (size_t i = 0; i < count; i++) {
        if (output->is_json) {
            text_add(&output->line, i ? ", " : "");
            text_json_string(&output->line, name);
            text_add(&output->line, ": ");
            name += strlen(name) + 1;
        } else {
            text_add(&output->line, i ? "," : "");
        }
        add_value(output, &values[i]);
    }
    if (output->is_json) {
        fprintf(output->file, "%s\n  {%s}", output->rows ? "," : "", text_string(&output->line));
    } else {
        fprintf(output->file, "%s\r\n", text_string(&output->line));
    }
    output->rows++;
}

static int write_part(const struct export *export, const char *sql, struct output *output,
                      struct text *ret_error)
{
    struct text filled = {0};
    fill_in(export, sql, &filled);
    const struct query_sink sink = {output, write_columns, write_row};
    output->rows = 0;
    const int result =
        query_run(export->path, text_string(&filled), &no_limits, &sink, NULL, ret_error);
    text_finish(&filled);
    return result;
}

static int cannot_write(const char *name, struct text *ret_error)
{
    text_blame(ret_error, errno);
    text_format(ret_error, "cannot write '%s': %s; name another place with --output", name,
                strerror(errno));
    return -1;
}

static int write_csv_file(const struct export *export, const struct part *part, const char *folder,
                          struct text *ret_error)
{
    struct text name = {0};
    struct output output = {0};
    text_format(&name, "%s/%s.csv", folder, part->name);
    int result = -1;
    output.file = fopen(text_string(&name), "wb");
    if (!output.file) {
        cannot_write(text_string(&name), ret_error);
        goto end;
    }
    result = write_part(export, part->sql, &output, ret_error);
    const bool is_bad = ferror(output.file) != 0;
    if ((fclose(output.file) != 0 || is_bad) && result == 0) {
        result = cannot_write(text_string(&name), ret_error);
    }
    if (result == 0 && part->is_optional && output.rows == 0) {
        remove(text_string(&name));
    }
end:
    text_finish(&output.columns);
    text_finish(&output.line);
    text_finish(&name);
    return result;
}

int export_csv(const char *path, int64_t experiment, const char *folder, struct text *ret_error)
{
    struct export export;
    int result = begin(&export, path, experiment, ret_error);
    if (result == 0 && mkdir(folder, 0777) != 0 && errno != EEXIST) {
        result = cannot_write(folder, ret_error);
    }
    for (size_t i = 0; i < PART_COUNT && result == 0; i++) {
        result = write_csv_file(&export, &parts[i], folder, ret_error);
    }
    if (result == 0) {
        const struct part dictionary = {"dictionary", text_string(&export.dictionary), false};
        result = write_csv_file(&export, &dictionary, folder, ret_error);
    }
    finish(&export);
    return result;
}

int export_json(const char *path, int64_t experiment, FILE *file, const char *name,
                struct text *ret_error)
{
    struct export export;
    struct output output = {.file = file, .is_json = true};
    int result = begin(&export, path, experiment, ret_error);
    for (size_t i = 0; i <= PART_COUNT && result == 0; i++) {
        const bool is_last = i == PART_COUNT;
        fprintf(file, "%s\"%s\": [", i ? ", " : "{", is_last ? "dictionary" : parts[i].name);
        result = write_part(&export, is_last ? text_string(&export.dictionary) : parts[i].sql,
                            &output, ret_error);
        fputs("\n]", file);
    }
    if (result == 0) {
        fputs("}\n", file);
        if (fflush(file) != 0 || ferror(file)) {
            result = cannot_write(name, ret_error);
        }
    }
    text_finish(&output.columns);
    text_finish(&output.line);
    finish(&export);
    return result;
}
