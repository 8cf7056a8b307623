// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/sweep_values.h"

#include "base/memory.h"
#include "base/text.h"
#include "rng/elementary.h"
#include "rng/stream.h"
#include "scenario/diagnostics.h"
#include "scenario/tree.h"

#include <gsl/gsl_qrng.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char way_out[] =
    "write a list, {from: 0, to: 1, step: 0.1}, {from: 0, to: 1, count: 11} or {log: {from: 1, to: "
    "100, count: 5}}";

// ---- numbers with units ----

// A number and the unit behind it, as text.
static bool split_number(const char *text, double *ret_number, const char **ret_unit)
{
    char *end;
    while (*text == ' ') {
        text++;
    }
    if (!strchr("+-.0123456789", *text) || !*text) {
        return false;
    }
    const double number = strtod(text, &end);
    if (end == text || !isfinite(number)) {
        return false;
    }
    *ret_number = number;
    while (*end == ' ') {
        end++;
    }
    *ret_unit = end;
    return true;
}

// A decimal with 12 digits behind the first one of `scale`, the largest number that went into it:
// 0 + 3 * 0.1 is 0.3 and not 0.30000000000000004, and -0.3 + 3 * 0.1 is 0.
static const char *number_text(double number, double scale, const char *unit, struct arena *arena)
{
    char buffer[TEXT_NUMBER_ROOM];
    const char *exponent = strchr(arena_format(arena, "%.0e", scale), 'e');
    const int decimals = exponent ? 12 - (int)strtol(exponent + 1, NULL, 10) : 0;
    const double rounded =
        strtod(arena_format(arena, "%.*f", decimals > 0 ? decimals : 0, number), NULL);
    text_number(buffer, rounded == 0 ? 0 : rounded); // no "-0"
    return *unit ? arena_format(arena, "%s %s", buffer, unit) : arena_text(arena, buffer);
}

struct steps {
    double from;
    double to;
    double step;  // 0: `count` is given
    double count; // 0: `step` is given
    const char *unit;
    bool is_log;
};

// Returns what is wrong, or NULL.
static const char *expand_steps(const struct steps *steps, struct arena *arena,
                                struct sweep_values *ret_values)
{
    double count = steps->count;
    double step = steps->step;
    if (steps->is_log && (!(steps->from > 0) || !(steps->to > 0))) {
        return "equal ratios need both ends above 0";
    }
    if (count <= 0) {
        if (!(step != 0) || (steps->to - steps->from) / step < 0) {
            return "the step does not lead from the one end to the other";
        }
        count = floor((steps->to - steps->from) / step * (1 + 1e-12) + 1e-9) + 1;
    } else if (count != floor(count)) {
        return "the count is no whole number";
    }
    if (count > SWEEP_MOST_VALUES) {
        return "that is more than a million values";
    }
    const double largest = fmax(fabs(steps->from), fabs(steps->to));
    ret_values->count = (size_t)count;
    ret_values->texts = arena_new_array(arena, ret_values->count, const char *);
    for (size_t i = 0; i < ret_values->count; i++) {
        const double share = count > 1 ? (double)i / (count - 1) : 0;
        double value = steps->count <= 0 ? steps->from + (double)i * step
                                         : steps->from + share * (steps->to - steps->from);
        if (steps->is_log) {
            value = steps->from * elementary_exp(share * elementary_log(steps->to / steps->from));
        }
        ret_values->texts[i] =
            number_text(value, steps->is_log ? value : largest, steps->unit, arena);
    }
    return NULL;
}

// ---- YAML texts of values ----

// A scalar within brackets, where commas and brackets mean something: those of a plain text, which
// is no number then, need quotes, and nothing has to be written as null.
static void add_flow_scalar(const char *value, bool is_quoted, struct text *text)
{
    if (is_quoted || strpbrk(value, ",[]{}:#")) {
        text_json_string(text, value); // a double-quoted scalar of YAML
    } else {
        text_add(text, *value ? value : "~");
    }
}

static void add_flow(const struct node *node, struct text *text)
{
    if (node->kind == NODE_SCALAR) {
        add_flow_scalar(node->text, node->is_quoted, text);
        return;
    }
    text_add(text, node->kind == NODE_SEQUENCE ? "[" : "{");
    for (size_t i = 0; i < node->count; i++) {
        text_add(text, i ? ", " : "");
        if (node->kind == NODE_MAPPING) {
            add_flow_scalar(node->items[i].key, !*node->items[i].key, text);
            text_add(text, ": ");
        }
        add_flow(node->items[i].value, text);
    }
    text_add(text, node->kind == NODE_SEQUENCE ? "]" : "}");
}

static const char *flow_text(const struct node *node, struct arena *arena)
{
    struct text text = {0};
    if (node->kind == NODE_SCALAR && !node->is_quoted) {
        text_add(&text, node->text); // as it is, so that it stays a number
    } else {
        add_flow(node, &text);
    }
    const char *copy = arena_text(arena, text_string(&text));
    text_finish(&text);
    return copy;
}

// ---- reading ----

static int refuse(struct diagnostics *diagnostics, const struct mark *mark, const char *problem)
{
    diagnostics_error(diagnostics, mark, "%s", problem);
    diagnostics_hint(diagnostics, "%s", way_out);
    return -1;
}

// One end of a range; both must have the same unit.
static bool read_end(const struct node *mapping, const char *key, double *ret_number,
                     const char **unit)
{
    const struct node_item *item = node_find(mapping, key);
    const char *own_unit;
    if (!item || item->value->kind != NODE_SCALAR ||
        !split_number(item->value->text, ret_number, &own_unit)) {
        return false;
    }
    if (*unit && strcmp(*unit, own_unit) != 0) {
        return false;
    }
    *unit = own_unit;
    return true;
}

static int read_mapping(const struct node *node, struct arena *arena,
                        struct diagnostics *diagnostics, struct sweep_values *ret_values)
{
    struct steps steps = {0};
    const struct node_item *log = node_find(node, "log");
    if (log) {
        steps.is_log = true;
        node = log->value;
    }
    const char *unit = NULL;
    const char *no_unit = NULL;
    if (node->kind != NODE_MAPPING || !read_end(node, "from", &steps.from, &unit) ||
        !read_end(node, "to", &steps.to, &unit)) {
        return refuse(diagnostics, &node->mark,
                      "a range needs 'from' and 'to', numbers with the same unit");
    }
    const bool has_step = !steps.is_log && read_end(node, "step", &steps.step, &unit);
    const bool has_count =
        read_end(node, "count", &steps.count, &no_unit) && !*no_unit && steps.count >= 1;
    if (has_step == has_count || node->count != 3) {
        return refuse(diagnostics, &node->mark,
                      steps.is_log ? "equal ratios need 'from', 'to' and 'count'"
                                   : "a range needs 'from', 'to' and either 'step' or 'count'");
    }
    steps.unit = unit;
    const char *problem = expand_steps(&steps, arena, ret_values);
    return problem ? refuse(diagnostics, &node->mark, problem) : 0;
}

// "range(0, 1, 0.1)" and "log(1, 100, 5)". Returns 1, 0 if the text is neither, -1 after an error.
static int read_call(const char *text, const struct mark *mark, struct arena *arena,
                     struct diagnostics *diagnostics, struct sweep_values *ret_values)
{
    const bool is_log = strncmp(text, "log(", 4) == 0;
    if (!is_log && strncmp(text, "range(", 6) != 0) {
        return 0;
    }
    char *copy = arena_text(arena, text + (is_log ? 4 : 6));
    char *close = strrchr(copy, ')');
    double numbers[3];
    const char *unit = NULL;
    char *at = copy;
    int count = 0;
    if (!close || close[1]) {
        return refuse(diagnostics, mark, "')' is missing at the end");
    }
    *close = '\0';
    for (char *part = at; count < 3 && part; count++) {
        char *comma = strchr(part, ',');
        const char *own_unit;
        if (comma) {
            *comma = '\0';
        }
        if (!split_number(part, &numbers[count], &own_unit)) {
            return refuse(diagnostics, mark, "what stands in parentheses are three numbers");
        }
        if (count == 0 || (*own_unit && !*unit)) {
            unit = own_unit; // range(1, 5, 1 ms) and range(1 ms, 5 ms, 1 ms) mean the same
        } else if (*own_unit && strcmp(unit, own_unit) != 0) {
            return refuse(diagnostics, mark, "the numbers have different units");
        }
        at = comma ? comma + 1 : NULL;
        part = at;
    }
    if (count != 3 || at) {
        return refuse(diagnostics, mark,
                      is_log ? "it takes log(FROM, TO, COUNT)" : "it takes range(FROM, TO, STEP)");
    }
    const struct steps steps = {.from = numbers[0],
                                .to = numbers[1],
                                .step = is_log ? 0 : numbers[2],
                                .count = is_log ? numbers[2] : 0,
                                .unit = unit,
                                .is_log = is_log};
    const char *problem =
        is_log && numbers[2] < 1 ? "the count is below 1" : expand_steps(&steps, arena, ret_values);
    return problem ? refuse(diagnostics, mark, problem) : 1;
}

int sweep_values_read(const struct node *node, struct arena *arena, struct diagnostics *diagnostics,
                      struct sweep_values *ret_values)
{
    *ret_values = (struct sweep_values){0};
    if (node->kind == NODE_MAPPING) {
        return read_mapping(node, arena, diagnostics, ret_values);
    }
    if (node->kind == NODE_SCALAR) {
        const int result = read_call(node->text, &node->mark, arena, diagnostics, ret_values);
        return result > 0   ? 0
               : result < 0 ? -1
                            : refuse(diagnostics, &node->mark, "a single value is not swept");
    }
    if (!node->count) {
        return refuse(diagnostics, &node->mark, "the list is empty");
    }
    ret_values->count = node->count;
    ret_values->texts = arena_new_array(arena, node->count, const char *);
    for (size_t i = 0; i < node->count; i++) {
        ret_values->texts[i] = flow_text(node->items[i].value, arena);
    }
    return 0;
}

// The end of the value that starts at `text`: a comma outside of brackets and quotes, or the end.
static size_t value_length(const char *text)
{
    int depth = 0;
    char quote = '\0';
    size_t i = 0;
    for (; text[i]; i++) {
        const char c = text[i];
        if (quote) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (strchr("[{(", c)) {
            depth++;
        } else if (strchr("]})", c)) {
            depth--;
        } else if (c == ',' && depth <= 0) {
            break;
        }
    }
    return i;
}

int sweep_values_parse(const char *set, size_t offset, struct arena *arena,
                       struct diagnostics *diagnostics, struct sweep_values *ret_values)
{
    *ret_values = (struct sweep_values){0};
    struct source *source = arena_new(arena, struct source);
    *source =
        (struct source){.name = "--set", .text = arena_text(arena, set), .length = strlen(set)};
    const struct mark mark = source_mark(source, offset);
    const char *text = source->text + offset;
    const int called = read_call(text, &mark, arena, diagnostics, ret_values);
    if (called != 0) {
        return called;
    }
    if (!text[value_length(text)]) {
        return 0;
    }
    size_t count = 1;
    for (const char *at = text; at[value_length(at)]; at += value_length(at) + 1) {
        count++;
    }
    ret_values->texts = arena_new_array(arena, count, const char *);
    for (const char *at = text; ret_values->count < count; at += value_length(at) + 1) {
        const size_t length = value_length(at);
        if (strspn(at, " ") >= length) {
            return refuse(diagnostics, &mark, "a value is missing between two commas");
        }
        ret_values->texts[ret_values->count++] = arena_text_n(arena, at, length);
    }
    return 1;
}

// ---- designs ----

int sweep_range_read(const struct node *node, struct diagnostics *diagnostics,
                     struct sweep_range *ret_range)
{
    const struct node_item *log = node->kind == NODE_MAPPING ? node_find(node, "log") : NULL;
    const struct node *ends = log ? log->value : node;
    *ret_range = (struct sweep_range){.is_log = log != NULL};
    if (ends->kind != NODE_MAPPING || ends->count != 2 ||
        !read_end(ends, "from", &ret_range->from, &ret_range->unit) ||
        !read_end(ends, "to", &ret_range->to, &ret_range->unit)) {
        return refuse(diagnostics, &node->mark,
                      "a range of a design needs 'from' and 'to', numbers with the same unit");
    }
    if (log && (!(ret_range->from > 0) || !(ret_range->to > 0))) {
        return refuse(diagnostics, &node->mark, "equal ratios need both ends above 0");
    }
    return 0;
}

static const char *value_at(const struct sweep_range *range, double share, struct arena *arena)
{
    double value = range->from + share * (range->to - range->from);
    if (range->is_log) {
        value = range->from * elementary_exp(share * elementary_log(range->to / range->from));
    }
    return number_text(value, value, range->unit, arena);
}

const char ***sweep_design_values(enum sweep_design design, const struct sweep_range *ranges,
                                  size_t range_count, size_t points, uint64_t seed,
                                  struct arena *arena)
{
    const char ***values = arena_new_array(arena, points, const char **);
    double shares[SWEEP_MOST_RANGES];
    gsl_qrng *sobol =
        design == SWEEP_SOBOL ? gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)range_count) : NULL;
    const struct stream_key key = {.seed = seed};
    for (size_t point = 0; point < points; point++) {
        values[point] = arena_new_array(arena, range_count, const char *);
        if (sobol) {
            gsl_qrng_get(sobol, shares);
        }
        for (size_t i = 0; i < range_count; i++) {
            if (!sobol) {
                // A stratum of its own for each point, and a place within it.
                const uint64_t purpose = stream_purpose("latin_hypercube", "");
                const struct stream_permutation strata =
                    stream_permutation(key, purpose, i, points);
                const struct stream_at at = {key, purpose, i, point};
                shares[i] = ((double)stream_permuted(&strata, point) + stream_uniform(&at)) /
                            (double)points;
            }
            values[point][i] = value_at(&ranges[i], shares[i], arena);
        }
    }
    if (sobol) {
        gsl_qrng_free(sobol);
    }
    return values;
}
