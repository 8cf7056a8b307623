// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/csv.h"

#include "base/memory.h"
#include "scenario/diagnostics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 4096 };

void csv_init(struct csv *csv, const char *name, const char *bytes, size_t length,
              struct arena *arena)
{
    bool has_mark = length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0;
    *csv = (struct csv){.name = name,
                        .bytes = bytes,
                        .length = length,
                        .at = has_mark ? 3 : 0,
                        .next_line = 1,
                        .arena = arena,
                        .nul = length ? memchr(bytes, '\0', length) : NULL};
}

void csv_finish(struct csv *csv)
{
    if (csv) {
        free(csv->cells);
        *csv = (struct csv){0};
    }
}

static struct csv_cell *add_cell(struct csv *csv)
{
    if (csv->count == csv->room) {
        csv->room = csv->room ? csv->room * 2 : 32;
        csv->cells = memory_resize(csv->cells, csv->room, sizeof(*csv->cells));
    }
    return &csv->cells[csv->count++];
}

static const char *skip_line_end(struct csv *csv, const char *at, const char *end)
{
    if (at < end && *at == '\r' && at + 1 < end && at[1] == '\n') {
        at++;
    }
    if (at < end && *at == '\n') {
        at++;
        csv->next_line++;
    }
    return at;
}

static const char quotes[] =
    "a field in quotes ends with a quote before the comma; a quote within it is doubled";

// Nothing can be read from here on.
static const char *stop(struct csv *csv, const char *at, const char *problem, const char *hint)
{
    csv->problem = problem;
    csv->problem_at = at;
    csv->hint = hint;
    return NULL;
}

static void drop_doubled_quotes(struct csv *csv, struct csv_cell *cell)
{
    char *copy = arena_alloc(csv->arena, cell->length + 1);
    size_t length = 0;
    for (size_t i = 0; i < cell->length; i++) {
        copy[length++] = cell->text[i];
        i += cell->text[i] == '"';
    }
    cell->text = copy;
    cell->length = length;
}

// Reads a cell in quotes that starts at `at`. Returns what follows it, or NULL if it is broken.
static const char *read_quoted(struct csv *csv, const char *at, const char *end)
{
    struct csv_cell *cell = add_cell(csv);
    *cell = (struct csv_cell){.text = at + 1, .start = at};
    bool has_doubled = false;
    const char *c = at + 1;
    for (;; c++) {
        if (c == end) {
            return stop(csv, at, "a quote is not closed", quotes);
        }
        csv->next_line += *c == '\n';
        if (*c != '"') {
            continue;
        }
        if (c + 1 < end && c[1] == '"') {
            has_doubled = true;
            c++;
            continue;
        }
        break;
    }
    cell->length = (size_t)(c - cell->text);
    if (has_doubled) {
        drop_doubled_quotes(csv, cell);
    }
    c++;
    bool is_end =
        c == end || *c == ',' || *c == '\n' || (*c == '\r' && c + 1 < end && c[1] == '\n');
    if (!is_end) {
        return stop(csv, c, "text after a closing quote", quotes);
    }
    return c;
}

static const char *read_plain(struct csv *csv, const char *at, const char *end)
{
    const char *c = at;
    while (c < end && *c != ',' && *c != '\n') {
        c++;
    }
    size_t length = (size_t)(c - at);
    bool ends_line = c == end || *c == '\n';
    if (ends_line && length && c[-1] == '\r') {
        length--;
        c--;
    }
    *add_cell(csv) = (struct csv_cell){.text = at, .length = length, .start = at};
    return c;
}

// Whether the field that was read last is one that a table can have. `at` is behind it.
static bool is_sane(struct csv *csv, const char *at)
{
    const struct csv_cell *cell = &csv->cells[csv->count - 1];
    if (csv->nul && csv->nul < at) {
        stop(csv, csv->nul, "NUL character in the file", "a table is a text file");
        return false;
    }
    if (csv->count > CSV_MOST_FIELDS) {
        stop(csv, cell->start,
             arena_format(csv->arena, "more than %d fields in a row", CSV_MOST_FIELDS),
             "is it the right file?");
        return false;
    }
    if (cell->length > CSV_MOST_FIELD_BYTES) {
        stop(csv, cell->start,
             arena_format(csv->arena, "a field of more than %d bytes", CSV_MOST_FIELD_BYTES),
             "is it the right file? lines end with LF or CR LF");
        return false;
    }
    return true;
}

int csv_next(struct csv *csv)
{
    const char *at = csv->bytes + csv->at;
    const char *end = csv->bytes + csv->length;
    while (at < end && (*at == '\n' || (*at == '\r' && at + 1 < end && at[1] == '\n'))) {
        at = skip_line_end(csv, at, end);
    }
    if (at == end) {
        csv->at = csv->length;
        return 0;
    }
    csv->row = at;
    csv->row_line = csv->next_line;
    csv->count = 0;
    for (;;) {
        at = at < end && *at == '"' ? read_quoted(csv, at, end) : read_plain(csv, at, end);
        if (!at || !is_sane(csv, at)) {
            return -1;
        }
        if (at == end || *at != ',') {
            break;
        }
        at++;
    }
    at += at < end && *at == '\r' && at + 1 == end;
    at = skip_line_end(csv, at, end);
    csv->at = (size_t)(at - csv->bytes);
    return 1;
}

struct mark csv_mark(const struct csv *csv, const char *at, size_t length,
                     struct source *ret_source)
{
    // What is shown of the line is short, whatever its length.
    const size_t left = (size_t)(csv->bytes + csv->length - at);
    const size_t shown = length < SHOWN_BYTES ? length + SHOWN_BYTES : SHOWN_BYTES;
    *ret_source = (struct source){.name = csv->name,
                                  .text = csv->row,
                                  .length = (size_t)(at - csv->row) + (left < shown ? left : shown),
                                  .first_line = csv->row_line};
    struct mark mark = source_mark(ret_source, (size_t)(at - csv->row));
    mark.length = length;
    return mark;
}

int csv_refuse(const struct csv *csv, struct diagnostics *diagnostics)
{
    struct source source;
    const struct mark mark = csv_mark(csv, csv->problem_at, 0, &source);
    diagnostics_error(diagnostics, &mark, "%s", csv->problem);
    diagnostics_hint(diagnostics, "%s", csv->hint);
    return -1;
}

void csv_refuse_cell(const struct csv *csv, size_t column, const char *problem, const char *hint,
                     struct diagnostics *diagnostics)
{
    const struct csv_cell *cell = &csv->cells[column];
    struct source source;
    const struct mark mark = csv_mark(csv, cell->start, cell->length, &source);
    diagnostics_error(diagnostics, &mark, "'%.*s' %s", (int)(cell->length < 40 ? cell->length : 40),
                      cell->text, problem);
    diagnostics_hint(diagnostics, "%s", hint);
}

bool csv_equal(const struct csv_cell *cell, const char *text)
{
    return strlen(text) == cell->length && memcmp(cell->text, text, cell->length) == 0;
}

static void trim(const struct csv_cell *cell, const char **ret_start, const char **ret_end)
{
    const char *start = cell->text;
    const char *end = start + cell->length;
    while (start < end && (*start == ' ' || *start == '\t')) {
        start++;
    }
    while (start < end && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    *ret_start = start;
    *ret_end = end;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Digits with at most one point, collected without the point. Returns what follows them.
static const char *read_digits(const char *at, const char *end, uint64_t *ret_digits,
                               int *ret_significant, int *ret_decimals, bool *ret_any)
{
    bool has_point = false;
    for (; at < end; at++) {
        if (*at == '.' && !has_point) {
            has_point = true;
        } else if (is_digit(*at)) {
            *ret_any = true;
            *ret_significant += *ret_digits != 0 || *at != '0';
            *ret_decimals += has_point;
            // Wraps for long numbers, which take the slow path.
            *ret_digits = *ret_digits * 10 + (uint64_t)(*at - '0');
        } else {
            break;
        }
    }
    return at;
}

bool csv_number(const struct csv_cell *cell, double *ret_value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *start;
    const char *end;
    trim(cell, &start, &end);
    bool is_negative = start < end && *start == '-';
    const char *at = start + (start < end && (*start == '-' || *start == '+'));
    uint64_t digits = 0;
    int significant = 0;
    int decimals = 0;
    bool has_digits = false;
    at = read_digits(at, end, &digits, &significant, &decimals, &has_digits);
    if (!has_digits) {
        return false;
    }
    // Up to 15 digits and a small power of ten are exact doubles, so one division rounds correctly.
    if (at == end && significant <= 15 && decimals <= 22) {
        double value = (double)digits / powers[decimals];
        *ret_value = is_negative ? -value : value;
        return true;
    }
    for (const char *c = at; c < end; c++) {
        if (!is_digit(*c) && (!*c || !strchr("eE+-", *c))) {
            return false;
        }
    }
    char buffer[128];
    size_t length = (size_t)(end - start);
    if (length >= sizeof(buffer)) {
        return false;
    }
    memcpy(buffer, start, length);
    buffer[length] = '\0';
    char *stop;
    double value = strtod(buffer, &stop);
    if (*stop || !isfinite(value)) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool csv_whole(const struct csv_cell *cell, int32_t most, int32_t *ret_value)
{
    double value;
    if (!csv_number(cell, &value) || value < 0 || value > most || value != floor(value)) {
        return false;
    }
    *ret_value = (int32_t)value;
    return true;
}

bool csv_boolean(const struct csv_cell *cell, int32_t *ret_value)
{
    static const struct {
        const char *word;
        int32_t value;
    } words[] = {{"1", 1},    {"0", 0},     {"true", 1}, {"false", 0},
                 {"True", 1}, {"False", 0}, {"TRUE", 1}, {"FALSE", 0}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (csv_equal(cell, words[i].word)) {
            *ret_value = words[i].value;
            return true;
        }
    }
    return csv_whole(cell, 1, ret_value);
}
