// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/fit.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/fit_plan.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "scenario/diagnostics.h"
#include "scenario/spec.h"
#include "scenario/trace.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Generated samples that a fit is judged by: so many that what differs is the fit.
enum { JUDGED = 200000 };

// What is compared: the half that was fitted, what the fit generates, and the other half.
struct comparison {
    const struct trace *fitted;
    const struct trace *generated;
    const struct trace *held_out;
    struct fit_moments fitted_moments;
    struct fit_moments generated_moments;
    struct fit_moments held_out_moments;
    struct fit half; // that was compared
};

struct difference {
    double largest;
    double mean;
};

// Between correlations of two traces in a block of observables: confidences start at 0, being right
// at the number of exits. Pairs of one exit are left out where `crosses`.
static struct difference compare_block(const struct fit_moments *a, const struct fit_moments *b,
                                       int first_row, int first_column, bool crosses)
{
    struct difference difference = {0};
    const int size = 2 * a->exits;
    double count = 0;
    for (int i = 0; i < a->exits; i++) {
        for (int k = 0; k < (crosses ? a->exits : i); k++) {
            if (i == k) {
                continue;
            }
            const size_t at = (size_t)(first_row + i) * (size_t)size + (size_t)(first_column + k);
            const double distance = fabs(a->correlation[at] - b->correlation[at]);
            difference.largest = fmax(difference.largest, distance);
            difference.mean += distance;
            count++;
        }
    }
    difference.mean /= count > 0 ? count : 1;
    return difference;
}

static void compare(const struct trace *trace, const struct fit_names *names, uint64_t seed,
                    struct arena *arena, struct comparison *ret_comparison)
{
    struct comparison comparison = {.fitted = fit_half(trace, seed, false, arena),
                                    .held_out = fit_half(trace, seed, true, arena)};
    fit_samples(comparison.fitted, names, seed, arena, &comparison.half);
    comparison.generated = fit_draw(comparison.half.generated, seed, JUDGED, arena);
    fit_moments(comparison.fitted, arena, &comparison.fitted_moments);
    fit_moments(comparison.generated, arena, &comparison.generated_moments);
    fit_moments(comparison.held_out, arena, &comparison.held_out_moments);
    *ret_comparison = comparison;
}

// ---- the report ----

static void add_number(struct table *table, double value)
{
    if (isnan(value)) {
        table_add_null(table);
    } else {
        table_add_number(table, value);
    }
}

static void add_column(struct table *table, const char *name, const char *heading, int digits)
{
    struct table_column *column = table_add_column(table, name);
    column->heading = heading;
    column->notation = TABLE_FIXED;
    column->digits = digits;
}

static void add_exit_table(const struct comparison *comparison, const struct fit_names *names,
                           struct arena *arena, const struct table_style *style,
                           struct text *ret_text)
{
    const struct fit_moments *moments[] = {
        &comparison->fitted_moments, &comparison->generated_moments, &comparison->held_out_moments};
    struct table table = {0};
    const int exits = comparison->fitted_moments.exits;
    table_add_column(&table, "exit");
    add_column(&table, "accuracy_fitted", "accuracy fitted", 4);
    add_column(&table, "accuracy_generated", "generated", 4);
    add_column(&table, "accuracy_held_out", "held out", 4);
    add_column(&table, "ks_right", "KS right", 3);
    add_column(&table, "ks_wrong", "KS wrong", 3);
    add_column(&table, "lost_fitted", "lost next fitted", 4);
    add_column(&table, "lost_generated", "generated", 4);
    add_column(&table, "lost_held_out", "held out", 4);
    for (int exit = 0; exit < exits; exit++) {
        table_add_text(&table, names->exits[exit]);
        for (int i = 0; i < 3; i++) {
            add_number(&table, moments[i]->mean[exits + exit]);
        }
        for (int wrong = 0; wrong < 2; wrong++) {
            add_number(&table, fit_distance(comparison->generated, comparison->held_out, exit,
                                            !wrong, arena));
        }
        for (int i = 0; i < 3; i++) {
            add_number(&table,
                       exit + 1 < exits ? moments[i]->right_wrong[exit * exits + exit + 1] : NAN);
        }
    }
    table_print(&table, TABLE_ALIGNED, style, ret_text);
    table_finish(&table);
}

static void add_correlation_table(const struct comparison *comparison,
                                  const struct table_style *style, struct text *ret_text)
{
    const struct fit_moments *generated = &comparison->generated_moments;
    const struct fit_moments *held_out = &comparison->held_out_moments;
    const struct fit_moments *fitted = &comparison->fitted_moments;
    const int exits = generated->exits;
    static const char *const what[] = {"two confidences", "being right, of two exits",
                                       "being right and another's confidence"};
    struct table table = {0};
    table_add_column(&table, "correlation of");
    add_column(&table, "fitted_largest", "from fitted: largest", 3);
    add_column(&table, "fitted_mean", "mean", 3);
    add_column(&table, "held_out_largest", "from held out: largest", 3);
    add_column(&table, "held_out_mean", "mean", 3);
    add_column(&table, "halves_largest", "fitted from held out: largest", 3);
    for (int i = 0; i < 3; i++) {
        const int row = i ? exits : 0;
        const int column = i == 1 ? exits : 0;
        const struct difference own = compare_block(generated, fitted, row, column, i == 2);
        const struct difference other = compare_block(generated, held_out, row, column, i == 2);
        const struct difference halves = compare_block(fitted, held_out, row, column, i == 2);
        table_add_text(&table, what[i]);
        table_add_number(&table, own.largest);
        table_add_number(&table, own.mean);
        table_add_number(&table, other.largest);
        table_add_number(&table, other.mean);
        table_add_number(&table, halves.largest);
    }
    table_print(&table, TABLE_ALIGNED, style, ret_text);
    table_finish(&table);
}

static void add_remarks(const struct trace *trace, const struct fit *fit,
                        const struct fit_names *names, struct arena *arena, struct text *ret_text)
{
    struct fit_moments moments;
    fit_moments(trace, arena, &moments);
    for (int exit = 0; exit < trace->exits; exit++) {
        if (moments.deviation[exit] <= 0) {
            text_format(ret_text,
                        "remark: exit '%s' is always as confident, %.6g: it correlates with "
                        "nothing\n",
                        names->exits[exit], moments.mean[exit]);
        }
    }
    if (fit->is_clipped) {
        text_format(ret_text,
                    "remark: no samples can have exactly these correlations of confidences "
                    "(smallest eigenvalue\n%.3g); they were moved to near ones that can be\n",
                    fit->smallest);
    }
    if (fit->generated->feature_count) {
        double separation[3];
        fit_separation(fit->generated, separation);
        text_format(ret_text,
                    "features separate easy from moderate samples by %.2f, moderate from hard by "
                    "%.2f,\neasy from hard by %.2f standard deviations\n",
                    separation[0], separation[1], separation[2]);
    }
}

static void add_report(const struct comparison *comparison, const struct trace *trace,
                       const struct fit *fit, const struct fit_names *names, struct arena *arena,
                       const struct table_style *style, struct text *ret_text)
{
    text_format(ret_text,
                "A random half of the %zu samples was fitted; %d generated samples are compared "
                "with the\nother half. KS: largest distance between distributions of confidence. "
                "Lost next: share that\nis right here and wrong at the next exit.\n\n",
                trace->rows, JUDGED);
    add_exit_table(comparison, names, arena, style, ret_text);
    text_add(ret_text, "\nDifferences of generated correlations:\n\n");
    add_correlation_table(comparison, style, ret_text);
    text_add(ret_text, "\n");
    add_remarks(trace, fit, names, arena, ret_text);
    text_format(ret_text, "The parameters that are written were fitted to all %zu samples.\n",
                trace->rows);
}

// ---- the file ----

// Adds a paragraph as lines that start with '#', broken at words.
static void add_wrapped(const char *paragraph, struct text *ret_text)
{
    enum { WIDTH = 98 };
    size_t column = 0;
    while (*paragraph) {
        const size_t length = strcspn(paragraph, " ");
        if (column && column + 1 + length > WIDTH) {
            text_add(ret_text, "\n");
            column = 0;
        }
        text_add(ret_text, column ? " " : "# ");
        text_add_n(ret_text, paragraph, length);
        column += 1 + length;
        paragraph += length + strspn(paragraph + length, " ");
    }
    text_add(ret_text, "\n");
}

// The figures of the hold-out check that matter most.
static void add_check(const struct comparison *comparison, struct text *ret_text)
{
    const struct fit_moments *generated = &comparison->generated_moments;
    const struct fit_moments *held_out = &comparison->held_out_moments;
    const int exits = generated->exits;
    double accuracy = 0;
    double lost = 0;
    for (int i = 0; i < exits; i++) {
        accuracy = fmax(accuracy, fabs(generated->mean[exits + i] - held_out->mean[exits + i]));
        if (i + 1 < exits) {
            lost = fmax(lost, fabs(generated->right_wrong[i * exits + i + 1] -
                                   held_out->right_wrong[i * exits + i + 1]));
        }
    }
    const struct difference sure = compare_block(generated, held_out, 0, 0, false);
    text_format(ret_text,
                "Hold-out check: fitted to a random half and compared with the other, accuracies "
                "differ by at most %.4f, correlations of two confidences by at most %.3f and by "
                "%.3f on average, shares of samples right at an exit and wrong at the next by at "
                "most %.4f.",
                accuracy, sure.largest, sure.mean, lost);
}

static void add_comment(const struct comparison *comparison, const struct arguments *arguments,
                        const struct trace *trace, const struct fit *fit, struct text *ret_text)
{
    struct text line = {0};
    const char *slash = strrchr(arguments->operands[0], '/');
    add_wrapped(arguments->command_line, ret_text);
    text_add(ret_text, "#\n");
    text_format(&line, "Fitted to all %zu samples of %s, seed %s. ", trace->rows,
                slash ? slash + 1 : arguments->operands[0], arguments->seed);
    add_check(comparison, &line);
    if (fit->generated->feature_count) {
        double separation[3];
        fit_separation(fit->generated, separation);
        text_format(&line,
                    " Features separate easy from moderate samples by %.2f, moderate from hard by "
                    "%.2f, easy from hard by %.2f standard deviations.",
                    separation[0], separation[1], separation[2]);
    }
    add_wrapped(text_string(&line), ret_text);
    text_finish(&line);
}

static int write_output(const struct arguments *arguments, const struct text *text)
{
    if (!arguments->output) {
        return output_text(text);
    }
    FILE *file = fopen(arguments->output, "w");
    bool is_fine = file && fwrite(text->data, 1, text->length, file) == text->length;
    is_fine = (!file || fclose(file) == 0) && is_fine;
    return is_fine ? STATUS_FINE
                   : output_error(STATUS_RUN_FAILED, "cannot write to '%s': %s", arguments->output,
                                  strerror(errno));
}

static int parse_seed(const char *text, uint64_t *ret_seed)
{
    char *end;
    errno = 0;
    const unsigned long long seed = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno) {
        return output_error(STATUS_BAD_INPUT, "'--seed %s': it takes a whole number from 0", text);
    }
    *ret_seed = seed;
    return STATUS_FINE;
}

static int fit_trace(const struct arguments *arguments, uint64_t seed, const struct trace *trace,
                     const struct fit_names *names, struct arena *arena)
{
    struct text text = {0};
    if (fit_check(trace, names, &text) != 0) {
        const int status =
            output_error(STATUS_BAD_INPUT, "%s: %s", arguments->operands[0], text_string(&text));
        text_finish(&text);
        return status;
    }
    struct comparison comparison;
    struct fit fit;
    struct text comment = {0};
    compare(trace, names, seed, arena, &comparison);
    fit_samples(trace, names, seed, arena, &fit);
    if (!arguments->quiet) {
        const struct table_style style = output_style();
        add_report(&comparison, trace, &fit, names, arena, &style, &text);
        fputs(text_string(&text), stderr);
        text_clear(&text);
    }
    add_comment(&comparison, arguments, trace, &fit, &comment);
    fit_write(fit.generated, text_string(&comment), &text);
    const int status = write_output(arguments, &text);
    text_finish(&comment);
    text_finish(&text);
    return status;
}

int verb_fit(const struct arguments *arguments)
{
    struct arguments own = *arguments;
    own.seed = own.seed ? own.seed : "1";
    uint64_t seed = 0;
    int status = parse_seed(own.seed, &seed);
    if (status != STATUS_FINE) {
        return status;
    }
    struct arena arena = {0};
    struct diagnostics diagnostics = {0};
    struct fit_plan plan;
    struct trace *trace;
    const bool is_fine = fit_plan_make(&own, &arena, &diagnostics, &plan) == 0 &&
                         trace_read(&plan.trace, &arena, &diagnostics, &trace) == 0;
    if (diagnostics.errors || !own.quiet) {
        struct text text = {0};
        diagnostics_render(&diagnostics, &text);
        fputs(text_string(&text), stderr);
        text_finish(&text);
    }
    diagnostics_finish(&diagnostics);
    status = is_fine ? fit_trace(&own, seed, trace, &plan.names, &arena) : STATUS_BAD_INPUT;
    arena_finish(&arena);
    return status;
}
