// SPDX-License-Identifier: GPL-3.0-or-later
#include "fit_case.h"

#include "base/text.h"
#include "scenario/diagnostics.h"
#include "scenario/generated.h"
#include "scenario/trace_read.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *fit_case_path(const char *name, struct arena *arena)
{
    const char *root = getenv("OFFLOADSIM_ROOT");
    ck_assert_msg(root, "OFFLOADSIM_ROOT is not set");
    return arena_format(arena, "%s/%s", root, name);
}

static void expect_fine(int status, struct diagnostics *diagnostics)
{
    struct text text = {0};
    diagnostics_render(diagnostics, &text);
    ck_assert_msg(status == 0, "%s", text_string(&text));
    text_finish(&text);
    diagnostics_finish(diagnostics);
}

struct spec_generated *fit_case_generator(const char *path, struct arena *arena)
{
    struct diagnostics diagnostics = {0};
    struct spec_generated *generated = NULL;
    const int status = generated_read(path, NULL, arena, &diagnostics, &generated);
    expect_fine(status, &diagnostics);
    return generated;
}

struct spec_generated *fit_case_generator_of(const char *yaml, struct arena *arena)
{
    char path[] = "/tmp/offloadsim-fit-XXXXXX";
    const int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    FILE *file = fdopen(descriptor, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(yaml, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    struct diagnostics diagnostics = {0};
    struct spec_generated *generated = NULL;
    const int status = generated_read(path, NULL, arena, &diagnostics, &generated);
    unlink(path);
    expect_fine(status, &diagnostics);
    return generated;
}

static const struct trace *read_trace(struct trace_plan *plan,
                                      const struct spec_generated *generated, struct arena *arena)
{
    struct diagnostics diagnostics = {0};
    struct trace *trace = NULL;
    plan->exit_count = (size_t)generated->outcome_count;
    const int status = trace_read(plan, arena, &diagnostics, &trace);
    expect_fine(status, &diagnostics);
    return trace;
}

const struct trace *fit_case_wide(const char *path, const struct spec_generated *generated,
                                  struct arena *arena)
{
    struct trace_plan plan = {.path = path, .layout = LAYOUT_WIDE, .label = {.name = "label"}};
    plan.exits = arena_new_array(arena, (size_t)generated->outcome_count, struct trace_exit);
    for (int i = 0; i < generated->outcome_count; i++) {
        const char *name = generated->outcomes[i].name;
        plan.exits[i] = (struct trace_exit){
            .name = name,
            .confidence = {.name = arena_format(arena, "%s_conf", name)},
            .prediction = {.name = arena_format(arena, "%s_pred", name)},
            .correct = {.name = arena_format(arena, "%s_ok", name)},
        };
    }
    plan.feature_count = (size_t)generated->feature_count;
    plan.features = arena_new_array(arena, plan.feature_count, struct trace_column);
    for (size_t i = 0; i < plan.feature_count; i++) {
        plan.features[i].name = generated->features[i].name;
    }
    return read_trace(&plan, generated, arena);
}

const struct trace *fit_case_long(const char *path, const struct spec_generated *generated,
                                  struct arena *arena)
{
    struct trace_plan plan = {.path = path,
                              .layout = LAYOUT_LONG,
                              .sample = {.name = "Sample_ID"},
                              .exit = {.name = "Exit"},
                              .confidence = {.name = "Confidence"},
                              .prediction = {.name = "Prediction"},
                              .label = {.name = "Label"}};
    plan.exits = arena_new_array(arena, (size_t)generated->outcome_count, struct trace_exit);
    for (int i = 0; i < generated->outcome_count; i++) {
        plan.exits[i] = (struct trace_exit){.name = generated->outcomes[i].name,
                                            .value = arena_format(arena, "%d", i)};
    }
    return read_trace(&plan, generated, arena);
}

// The distance of two distributions that one in a hundred samples of one of them exceeds
// (Smirnov's limit law).
static double distance_limit(const struct trace *trace, int exit, bool is_right)
{
    double count = 0;
    for (size_t row = 0; row < trace->rows; row++) {
        count +=
            (trace->outcomes[row * (size_t)trace->exits + (size_t)exit].correct != 0) == is_right;
    }
    return 1.63 / sqrt(count);
}

void fit_case_compare(const struct spec_generated *generated, const struct trace *trace,
                      double lost, struct arena *arena)
{
    const int exits = generated->outcome_count;
    const int size = 2 * exits;
    const struct trace *drawn = fit_draw(generated, 4711, FIT_CASE_DRAWS, arena);
    struct fit_moments found;
    struct fit_moments wanted;
    fit_moments(drawn, arena, &found);
    fit_moments(trace, arena, &wanted);
    for (int i = 0; i < exits; i++) {
        const char *name = generated->outcomes[i].name;
        ck_assert_msg(fabs(found.mean[exits + i] - wanted.mean[exits + i]) <= 0.003,
                      "%s: accuracy %.5f, not %.5f", name, found.mean[exits + i],
                      wanted.mean[exits + i]);
        for (int right = 0; right < 2; right++) {
            const double distance = fit_distance(drawn, trace, i, right, arena);
            ck_assert_msg(distance <= distance_limit(trace, i, right), "%s: distance %.4f where %s",
                          name, distance, right ? "right" : "wrong");
        }
        for (int k = 0; k < i; k++) {
            const char *other = generated->outcomes[k].name;
            ck_assert_msg(
                fabs(found.correlation[i * size + k] - wanted.correlation[i * size + k]) <= 0.05,
                "%s and %s: correlation %.4f, not %.4f", other, name,
                found.correlation[i * size + k], wanted.correlation[i * size + k]);
            ck_assert_msg(
                fabs(found.right_wrong[k * exits + i] - wanted.right_wrong[k * exits + i]) <= lost,
                "right at %s and wrong at %s: %.4f, not %.4f", other, name,
                found.right_wrong[k * exits + i], wanted.right_wrong[k * exits + i]);
        }
    }
}
