// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/rate_trace.h"

#include "base/hash.h"
#include "base/memory.h"
#include "scenario/csv.h"
#include "scenario/diagnostics.h"
#include "scenario/file.h"
#include "scenario/read.h"
#include "scenario/spec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_MOST_BYTES ((size_t)1 << 30)
#define MOST_SPAN 1e9       // seconds
#define MOST_RATE 1e15      // bytes per second; as for rates in a scenario
#define LEAST_RATE 1e-3     // the same
#define PACKET_BYTES 1500.0 // of an opportunity
#define SLOT_S 1e-3

enum { MOST_STEPS = 100 * 1000 * 1000 };

struct reader {
    const struct spec *spec;
    const struct spec_rate *rate;
    const char *path;
    struct diagnostics *diagnostics;
    struct csv csv;
    // The steps, on the heap.
    double *times_s;
    double *rates;
    size_t count;
    size_t room;
    double length_s;
};

struct known_rate_trace {
    struct known_rate_trace *next;
    struct spec_rate asked; // what decides what is read from a file
    const struct spec_rate_trace *trace;
};

static void refuse_cell(struct reader *reader, size_t column, const char *problem, const char *hint)
{
    csv_refuse_cell(&reader->csv, column, problem, hint, reader->diagnostics);
}

// An error about the file as a whole, or one of its columns, at its name in the scenario.
static const struct mark *mark_of(const struct reader *reader, const void *slot,
                                  struct mark *ret_mark)
{
    return spec_mark(reader->spec, slot, ret_mark) ? ret_mark : NULL;
}

static int refuse_file(struct reader *reader, const char *problem, const char *hint)
{
    struct mark mark;
    diagnostics_error(reader->diagnostics, mark_of(reader, &reader->rate->path, &mark),
                      "rate trace '%s' %s", reader->path, problem);
    diagnostics_hint(reader->diagnostics, "%s", hint);
    return -1;
}

static int add_step(struct reader *reader, double time_s, double rate)
{
    if (reader->count == reader->room) {
        reader->room = reader->room ? 2 * reader->room : 1024;
        reader->times_s = memory_resize(reader->times_s, reader->room, sizeof(double));
        reader->rates = memory_resize(reader->rates, reader->room, sizeof(double));
    }
    if (reader->count >= MOST_STEPS) {
        return refuse_file(reader, "is too long", "use a part of it");
    }
    reader->times_s[reader->count] = time_s;
    reader->rates[reader->count++] = rate;
    return 0;
}

// ---- CSV ----

struct columns {
    size_t count;
    size_t time;
    size_t rate;
};

static int find_column(struct reader *reader, const char *const *slot, size_t *ret_column)
{
    const size_t count = reader->csv.count;
    struct arena *arena = &reader->diagnostics->arena;
    const char **names = arena_new_array(arena, count, const char *);
    for (size_t i = 0; i < count; i++) {
        const struct csv_cell *cell = &reader->csv.cells[i];
        names[i] = arena_text_n(arena, cell->text, cell->length);
        if (strcmp(names[i], *slot) == 0) {
            *ret_column = i;
            return 0;
        }
    }
    struct mark mark;
    diagnostics_error(reader->diagnostics, mark_of(reader, slot, &mark),
                      "rate trace '%s' has no column '%s'", reader->path,
                      diagnostics_quote(reader->diagnostics, *slot));
    diagnostics_suggest(reader->diagnostics, *slot, names, count, "its columns");
    return -1;
}

static int read_header(struct reader *reader, struct columns *ret_columns)
{
    const int result = csv_next(&reader->csv);
    if (result < 0) {
        return csv_refuse(&reader->csv, reader->diagnostics);
    }
    if (result == 0) {
        return refuse_file(reader, "is empty", "start it with a line of column names");
    }
    ret_columns->count = reader->csv.count;
    const int time = find_column(reader, &reader->rate->time_column, &ret_columns->time);
    return find_column(reader, &reader->rate->rate_column, &ret_columns->rate) < 0 ? -1 : time;
}

static int read_row(struct reader *reader, const struct columns *columns, double first)
{
    double time;
    double rate;
    if (!csv_number(&reader->csv.cells[columns->time], &time)) {
        refuse_cell(reader, columns->time, "is no number", "write all times as numbers");
        return -1;
    }
    if (!csv_number(&reader->csv.cells[columns->rate], &rate)) {
        refuse_cell(reader, columns->rate, "is no number", "write all rates as numbers");
        return -1;
    }
    const double time_s = reader->count ? (time - first) * reader->rate->time_scale : 0;
    rate *= reader->rate->rate_scale;
    if (reader->count && !(time_s > reader->times_s[reader->count - 1])) {
        refuse_cell(reader, columns->time, "is not later than the time before it",
                    "sort the rows by time, each time once");
        return -1;
    }
    if (!(time_s <= MOST_SPAN)) {
        refuse_cell(reader, columns->time, "is too late", "look at the unit of the column");
        return -1;
    }
    if (rate < 0 || (rate > 0 && rate < LEAST_RATE) || !(rate <= MOST_RATE)) {
        refuse_cell(reader, columns->rate, "is no rate that a link can have",
                    "it is 0, or from 0.001 B/s to 1e15 B/s; look at the unit of the column");
        return -1;
    }
    return add_step(reader, time_s, rate);
}

static int read_csv(struct reader *reader)
{
    struct columns columns = {0};
    if (read_header(reader, &columns) < 0) {
        return -1;
    }
    double first = 0;
    int result;
    while ((result = csv_next(&reader->csv)) > 0) {
        if (reader->csv.count != columns.count) {
            struct source source;
            const struct mark mark = csv_mark(&reader->csv, reader->csv.row, 1, &source);
            diagnostics_error(reader->diagnostics, &mark, "the row has %zu fields instead of %zu",
                              reader->csv.count, columns.count);
            diagnostics_hint(reader->diagnostics, "give every row as many as the first line has");
            return -1;
        }
        if (!reader->count) {
            csv_number(&reader->csv.cells[columns.time], &first);
        }
        if (read_row(reader, &columns, first) < 0) {
            return -1;
        }
    }
    if (result < 0) {
        return csv_refuse(&reader->csv, reader->diagnostics);
    }
    if (reader->count < 2) {
        return refuse_file(reader, "has fewer than two rows below its header",
                           "give it at least two; for a constant rate write the rate itself");
    }
    const double last_s = reader->times_s[reader->count - 1];
    reader->length_s = last_s + (last_s - reader->times_s[reader->count - 2]);
    return 0;
}

// ---- Mahimahi ----

// A millisecond with its opportunities; those in between have none.
static int add_slot(struct reader *reader, long long slot, long long packets, long long *next)
{
    if (slot > *next && add_step(reader, (double)*next * SLOT_S, 0) < 0) {
        return -1;
    }
    *next = slot + 1;
    return add_step(reader, (double)slot * SLOT_S, (double)packets * (PACKET_BYTES / SLOT_S));
}

static int read_opportunities(struct reader *reader, long long **ret_slots, size_t *ret_count)
{
    long long *slots = NULL;
    size_t count = 0;
    size_t room = 0;
    int result;
    while ((result = csv_next(&reader->csv)) > 0) {
        double value;
        if (reader->csv.count != 1 || !csv_number(&reader->csv.cells[0], &value) || value < 0 ||
            value > MOST_SPAN / SLOT_S || floor(value) < value) {
            refuse_cell(reader, 0, "is no millisecond", "write one whole number from 0 up a line");
            break;
        }
        if (count && value < (double)slots[count - 1]) {
            refuse_cell(reader, 0, "is earlier than the millisecond before it", "sort the lines");
            break;
        }
        if (count == room) {
            room = room ? 2 * room : 1024;
            slots = memory_resize(slots, room, sizeof(*slots));
        }
        slots[count++] = (long long)value;
    }
    *ret_slots = slots;
    *ret_count = count;
    return result < 0 ? csv_refuse(&reader->csv, reader->diagnostics) : -result;
}

static int add_slots(struct reader *reader, const long long *slots, size_t count)
{
    if (!count || slots[count - 1] <= 0) {
        return refuse_file(reader, count ? "has no millisecond above 0" : "is empty",
                           "write a line for each millisecond in which a packet can go");
    }
    const long long end = slots[count - 1];
    const bool repeats = reader->rate->repeats;
    size_t last = count; // opportunities at the end that belong to the next round
    while (repeats && last > 0 && slots[last - 1] == end) {
        last--;
    }
    long long packets = (long long)(count - last);
    long long next = 0;
    size_t at = 0;
    // Millisecond 0 also has those of the end of the round before.
    for (; at < last && slots[at] == 0; at++) {
        packets++;
    }
    if (packets && add_slot(reader, 0, packets, &next) < 0) {
        return -1;
    }
    while (at < last) {
        const long long slot = slots[at];
        for (packets = 0; at < last && slots[at] == slot; at++) {
            packets++;
        }
        if (add_slot(reader, slot, packets, &next) < 0) {
            return -1;
        }
    }
    reader->length_s = (double)(repeats ? end : end + 1) * SLOT_S;
    if (repeats && next < end) {
        return add_step(reader, (double)next * SLOT_S, 0);
    }
    return 0;
}

static int read_mahimahi(struct reader *reader)
{
    long long *slots;
    size_t count;
    const int result =
        read_opportunities(reader, &slots, &count) < 0 ? -1 : add_slots(reader, slots, count);
    free(slots);
    return result;
}

// ---- files ----

static int read_file(struct reader *reader, struct arena *arena,
                     const struct spec_rate_trace **ret_trace)
{
    char *bytes;
    size_t length;
    struct file_problem problem;
    if (file_read(reader->path, TRACE_MOST_BYTES, &bytes, &length, &problem) < 0) {
        return refuse_file(reader, problem.message, problem.hint);
    }
    csv_init(&reader->csv, reader->path, bytes, length, arena);
    int result = reader->rate->kind == RATE_TRACE ? read_csv(reader) : read_mahimahi(reader);
    double highest = 0;
    for (size_t i = 0; result == 0 && i < reader->count; i++) {
        highest = fmax(highest, reader->rates[i]);
    }
    if (result == 0 && highest <= 0) {
        result = refuse_file(reader, "has no rate above 0", "give it at least one");
    }
    if (result == 0) {
        struct spec_rate_trace *trace = arena_new(arena, struct spec_rate_trace);
        double *times_s = arena_new_array(arena, reader->count, double);
        double *rates = arena_new_array(arena, reader->count, double);
        memcpy(times_s, reader->times_s, reader->count * sizeof(*times_s));
        memcpy(rates, reader->rates, reader->count * sizeof(*rates));
        *trace = (struct spec_rate_trace){.path = reader->path,
                                          .times_s = times_s,
                                          .rates = rates,
                                          .count = (int)reader->count,
                                          .length_s = reader->length_s};
        struct hash hash;
        hash_init(&hash);
        hash_add(&hash, bytes, length);
        hash_finish(&hash, trace->hash);
        *ret_trace = trace;
    }
    csv_finish(&reader->csv);
    free(reader->times_s);
    free(reader->rates);
    free(bytes);
    return result;
}

static bool is_same(double left, double right)
{
    return !(left < right) && !(left > right);
}

static bool asks_the_same(const struct spec_rate *left, const struct spec_rate *right)
{
    if (left->kind != right->kind || strcmp(left->path, right->path) != 0) {
        return false;
    }
    if (left->kind == RATE_MAHIMAHI) {
        return left->repeats == right->repeats;
    }
    return strcmp(left->time_column, right->time_column) == 0 &&
           strcmp(left->rate_column, right->rate_column) == 0 &&
           is_same(left->time_scale, right->time_scale) &&
           is_same(left->rate_scale, right->rate_scale);
}

static int find_trace(struct rate_traces *traces, const struct spec *spec, struct spec_rate *rate,
                      struct diagnostics *diagnostics)
{
    struct known_rate_trace *known = traces->known;
    while (known && !asks_the_same(&known->asked, rate)) {
        known = known->next;
    }
    if (!known) {
        struct reader reader = {.spec = spec,
                                .rate = rate,
                                .path = file_beside(traces->scenario, rate->path, traces->arena),
                                .diagnostics = diagnostics};
        const struct spec_rate_trace *trace = NULL;
        if (read_file(&reader, traces->arena, &trace) < 0) {
            return -1;
        }
        known = arena_new(traces->arena, struct known_rate_trace);
        known->asked = *rate;
        // The spec goes away before the files do.
        known->asked.path = arena_text(traces->arena, rate->path);
        if (rate->kind == RATE_TRACE) {
            known->asked.time_column = arena_text(traces->arena, rate->time_column);
            known->asked.rate_column = arena_text(traces->arena, rate->rate_column);
        }
        known->trace = trace;
        known->next = traces->known;
        traces->known = known;
    }
    rate->trace = known->trace;
    if (!rate->repeats && rate->start_s >= rate->trace->length_s) {
        struct mark mark;
        diagnostics_error(diagnostics, spec_mark(spec, &rate->start_s, &mark) ? &mark : NULL,
                          "rate trace '%s' ends after %g s, before its 'start'", rate->trace->path,
                          rate->trace->length_s);
        diagnostics_hint(diagnostics, "let it start earlier, or repeat");
        return -1;
    }
    return 0;
}

int rate_traces_read(struct rate_traces *traces, struct spec *spec, struct diagnostics *diagnostics)
{
    int result = 0;
    for (int i = 0; i < spec->link_count; i++) {
        struct spec_rate *rates[] = {&spec->links[i].up, &spec->links[i].down};
        for (int down = 0; down < 2; down++) {
            if (rates[down]->kind != RATE_TRACE && rates[down]->kind != RATE_MAHIMAHI) {
                continue;
            }
            if (find_trace(traces, spec, rates[down], diagnostics) < 0) {
                result = -1;
            }
        }
    }
    return result;
}
