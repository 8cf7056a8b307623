// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/arrival_times.h"

#include "base/hash.h"
#include "base/memory.h"
#include "scenario/csv.h"
#include "scenario/diagnostics.h"
#include "scenario/file.h"
#include "scenario/spec.h"

#include <stdlib.h>
#include <string.h>

#define TIMES_MOST_BYTES ((size_t)4 << 30)
#define TIMES_MOST_SPAN 1e12 // seconds; as for times in a scenario

struct reader {
    const struct arrival_times_request *request;
    struct diagnostics *diagnostics;
    struct csv csv;
    size_t columns;
    size_t column;
    bool has_dates;
    // The first stamp: a number, or seconds and a fraction.
    double first;
    long long first_seconds;
    double *at_s; // on the heap
    size_t count;
    size_t room;
};

// ---- dates ----

struct cursor {
    const char *at;
    const char *end;
};

static bool take(struct cursor *cursor, char wanted)
{
    if (cursor->at == cursor->end || *cursor->at != wanted) {
        return false;
    }
    cursor->at++;
    return true;
}

static bool is_digit(const struct cursor *cursor)
{
    return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
}

// A number of just so many digits, in a range.
static bool take_digits(struct cursor *cursor, int digits, int least, int most, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (!is_digit(cursor)) {
            return false;
        }
        value = 10 * value + (*cursor->at++ - '0');
    }
    *ret_value = value;
    return value >= least && value <= most;
}

// Days from 1970-01-01 to a date of the Gregorian calendar, counting years from March so that the
// leap day is a year's last (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013).
static long long days_of(int year, int month, int day)
{
    const int from_march = (month + 9) % 12;
    const long long years = year - (month < 3 ? 1 : 0);
    const long long era = years / 400;
    const long long of_era = years - 400 * era;
    const long long of_year = (153 * from_march + 2) / 5 + day - 1;
    return 146097 * era + 365 * of_era + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

// "Z", "+01:00", "-0530" or nothing: seconds ahead of universal time.
static bool take_zone(struct cursor *cursor, int *ret_ahead)
{
    *ret_ahead = 0;
    if (cursor->at == cursor->end || take(cursor, 'Z')) {
        return true;
    }
    const bool is_ahead = take(cursor, '+');
    int hours;
    int minutes = 0;
    if ((!is_ahead && !take(cursor, '-')) || !take_digits(cursor, 2, 0, 23, &hours)) {
        return false;
    }
    if (cursor->at < cursor->end) {
        take(cursor, ':');
        if (!take_digits(cursor, 2, 0, 59, &minutes)) {
            return false;
        }
    }
    *ret_ahead = (is_ahead ? 60 : -60) * (60 * hours + minutes);
    return true;
}

bool arrival_times_date(const struct csv_cell *cell, long long *ret_seconds, double *ret_fraction)
{
    struct cursor cursor = {cell->text, cell->text + cell->length};
    while (cursor.at < cursor.end && *cursor.at == ' ') {
        cursor.at++;
    }
    while (cursor.end > cursor.at && cursor.end[-1] == ' ') {
        cursor.end--;
    }
    int year;
    int month;
    int day;
    int hour;
    int minute;
    int second = 0;
    int ahead;
    if (!take_digits(&cursor, 4, 1, 9999, &year) || !take(&cursor, '-') ||
        !take_digits(&cursor, 2, 1, 12, &month) || !take(&cursor, '-') ||
        !take_digits(&cursor, 2, 1, days_in_month(year, month), &day) ||
        !(take(&cursor, ' ') || take(&cursor, 'T')) || !take_digits(&cursor, 2, 0, 23, &hour) ||
        !take(&cursor, ':') || !take_digits(&cursor, 2, 0, 59, &minute)) {
        return false;
    }
    double fraction = 0;
    if (take(&cursor, ':')) {
        if (!take_digits(&cursor, 2, 0, 60, &second)) {
            return false;
        }
        double digits = 0;
        double size = 1;
        if (take(&cursor, '.') || take(&cursor, ',')) {
            if (!is_digit(&cursor)) {
                return false;
            }
            // Beyond 15 digits a double of seconds holds nothing of them.
            for (; is_digit(&cursor); cursor.at++) {
                if (size < 1e15) {
                    digits = 10 * digits + (*cursor.at - '0');
                    size *= 10;
                }
            }
        }
        fraction = digits / size;
    }
    if (!take_zone(&cursor, &ahead) || cursor.at != cursor.end) {
        return false;
    }
    *ret_seconds = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - ahead;
    *ret_fraction = fraction;
    return true;
}

// ---- the file ----

static void refuse_cell(struct reader *reader, const char *problem, const char *hint)
{
    csv_refuse_cell(&reader->csv, reader->column, problem, hint, reader->diagnostics);
}

static void refuse_file(struct reader *reader, const char *problem, const char *hint)
{
    diagnostics_error(reader->diagnostics, &reader->request->mark, "arrivals file '%s' %s",
                      reader->request->path, problem);
    diagnostics_hint(reader->diagnostics, "%s", hint);
}

static int read_header(struct reader *reader)
{
    const int result = csv_next(&reader->csv);
    if (result < 0) {
        return csv_refuse(&reader->csv, reader->diagnostics);
    }
    if (result == 0) {
        refuse_file(reader, "is empty", "start it with a line of column names");
        return -1;
    }
    reader->columns = reader->csv.count;
    const char *wanted = reader->request->column;
    if (!wanted) {
        return 0;
    }
    struct arena *arena = &reader->diagnostics->arena;
    const char **names = arena_new_array(arena, reader->columns, const char *);
    for (size_t i = 0; i < reader->columns; i++) {
        names[i] = arena_text_n(arena, reader->csv.cells[i].text, reader->csv.cells[i].length);
        if (strcmp(names[i], wanted) == 0) {
            reader->column = i;
            return 0;
        }
    }
    diagnostics_error(reader->diagnostics, &reader->request->column_mark,
                      "arrivals file '%s' has no column '%s'", reader->request->path,
                      diagnostics_quote(reader->diagnostics, wanted));
    diagnostics_suggest(reader->diagnostics, wanted, names, reader->columns, "its columns");
    return -1;
}

// Seconds of a cell from the first stamp, which this one may be.
static bool read_stamp(struct reader *reader, double *ret_at_s)
{
    const struct csv_cell *cell = &reader->csv.cells[reader->column];
    double number;
    long long seconds;
    if (!reader->count) {
        reader->has_dates = !csv_number(cell, &number);
    }
    if (reader->has_dates && arrival_times_date(cell, &seconds, &number)) {
        if (!reader->count) {
            reader->first_seconds = seconds;
            reader->first = number;
        }
        *ret_at_s = (double)(seconds - reader->first_seconds) + (number - reader->first);
        return true;
    }
    if (reader->has_dates) {
        refuse_cell(reader, "is no time",
                    reader->count ? "write all like the first, such as 2023-11-16 18:15:46.68"
                                  : "write a number, or a date and a time such as 2023-11-16 "
                                    "18:15:46.68");
        return false;
    }
    if (!csv_number(cell, &number)) {
        refuse_cell(reader, "is no number", "the column starts with a number: write all as such");
        return false;
    }
    if (!reader->count) {
        reader->first = number;
    }
    *ret_at_s = (number - reader->first) * reader->request->scale;
    return true;
}

static void keep(struct reader *reader, double at_s)
{
    if (reader->count == reader->room) {
        reader->room = reader->room ? 2 * reader->room : 1024;
        reader->at_s = memory_resize(reader->at_s, reader->room, sizeof(double));
    }
    reader->at_s[reader->count++] = at_s;
}

static int read_rows(struct reader *reader)
{
    int result;
    while ((result = csv_next(&reader->csv)) > 0) {
        if (reader->csv.count != reader->columns) {
            struct source source;
            const struct mark mark = csv_mark(&reader->csv, reader->csv.row, 1, &source);
            diagnostics_error(reader->diagnostics, &mark, "the row has %zu field%s instead of %zu",
                              reader->csv.count, reader->csv.count == 1 ? "" : "s",
                              reader->columns);
            diagnostics_hint(reader->diagnostics, "give every row as many as the first line has");
            return -1;
        }
        double at_s;
        if (!read_stamp(reader, &at_s)) {
            return -1;
        }
        if (reader->count && at_s < reader->at_s[reader->count - 1]) {
            refuse_cell(reader, "is earlier than the time before it", "sort the rows by time");
            return -1;
        }
        if (at_s > TIMES_MOST_SPAN) {
            refuse_cell(reader, "is too late", "look at the unit of the column");
            return -1;
        }
        keep(reader, at_s);
    }
    if (result < 0) {
        return csv_refuse(&reader->csv, reader->diagnostics);
    }
    if (!reader->count) {
        refuse_file(reader, "has no rows below its header", "give it at least two times");
        return -1;
    }
    if (reader->at_s[reader->count - 1] <= 0) {
        refuse_file(reader, "spans no time", "give it at least two times that differ");
        return -1;
    }
    return 0;
}

int arrival_times_read(const struct arrival_times_request *request, struct arena *arena,
                       struct diagnostics *diagnostics, struct spec_times **ret_times)
{
    struct reader reader = {.request = request, .diagnostics = diagnostics};
    char *bytes;
    size_t length;
    struct file_problem problem;
    if (file_read(request->path, TIMES_MOST_BYTES, &bytes, &length, &problem) < 0) {
        diagnostics_error(diagnostics, &request->mark, "arrivals file '%s' %s", request->path,
                          problem.message);
        diagnostics_hint(diagnostics, "%s", problem.hint);
        return -1;
    }
    csv_init(&reader.csv, request->path, bytes, length, arena);
    const bool is_fine = read_header(&reader) == 0 && read_rows(&reader) == 0;
    if (is_fine) {
        struct spec_times *times = arena_new(arena, struct spec_times);
        double *at_s = arena_new_array(arena, reader.count, double);
        memcpy(at_s, reader.at_s, reader.count * sizeof(*at_s));
        const double span_s = at_s[reader.count - 1];
        *times = (struct spec_times){.path = request->path,
                                     .at_s = at_s,
                                     .count = reader.count,
                                     .period_s = span_s + span_s / (double)(reader.count - 1)};
        struct hash hash;
        hash_init(&hash);
        hash_add(&hash, bytes, length);
        hash_finish(&hash, times->hash);
        *ret_times = times;
    }
    csv_finish(&reader.csv);
    free(reader.at_s);
    free(bytes);
    return is_fine ? 0 : -1;
}
