// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/hash.h"
#include "base/memory.h"
#include "scenario/diagnostics.h"
#include "scenario/read.h"
#include "scenario/spec.h"
#include "scenario/trace.h"
#include "tests/unit/scenario_fixture.h"
#include "unit.h"

#include <stdbool.h>

static const char trace_yaml[] =
    "scenario: traced\nstop: {samples: 10}\n"
    "samples: {trace: trace.csv, label: y, features: [f2, f1], payload: {column: {name: size, "
    "unit: kB}}}\n"
    "models:\n"
    "  m: {exits: {end: {confidence: mc, prediction: mp}}}\n"
    "  n: {exits: {end: {confidence: nc, correct: no}}}\n"
    "tiers: [{name: t, arrivals: {poisson: 1 /s}, compute: {time: {m: 1 s, n: {column: t}}}}]\n"
    "policy: plain\n";

static const char plain_csv[] = "y,f1,f2,size,mc,mp,nc,no,t\n"
                                "3,0.5,-1.25,2.385,0.9,3,0.25,0,1\n"
                                "0,1e2,7,4,1,2,0,1,0.125\n";

// The same values in other clothes.
static const char *const same_tables[] = {
    plain_csv,
    "\xef\xbb\xbfy,f1,f2,size,mc,mp,nc,no,t\r\n3,0.5,-1.25,2.385,0.9,3,0.25,0,1\r\n"
    "0,1e2,7,4,1,2,0,1,0.125\r\n",
    "\"y\",f1,f2,size,mc,mp,nc,no,t\n\"3\",0.50,\"-1.25\",2.3850,.9,3.0,0.25,false,1\n\n"
    "0,100, 7 ,+4,1.0,2,0,True,12.5e-2",
    "other,t,no,nc,mp,mc,size,f2,f1,y\n\"a \"\"b\"\", c\nd\",1,FALSE,0.25,3,0.9,2.385,-1.25,0.5,3\n"
    "e,0.125,1.0,0,2,1,4,7,100,0\n",
};

START_TEST(wide_trace_is_read)
{
    write_file("trace.csv", same_tables[_i]);
    const struct spec *spec = read_set(trace_yaml, NULL);
    const struct trace *trace = spec->trace;
    ck_assert_uint_eq(trace->rows, 2);
    ck_assert_int_eq(trace->exits, 2);
    ck_assert_int_eq(trace->classes, 4);
    ck_assert_int_eq(trace->label[0], 3);
    ck_assert_int_eq(trace->label[1], 0);
    ck_assert_double_eq(trace->feature[0], -1.25);
    ck_assert_double_eq(trace->feature[1], 0.5);
    ck_assert_double_eq(trace->feature[3], 100);
    ck_assert_double_eq(trace->outcomes[0].confidence, 0.9);
    ck_assert_int_eq(trace->outcomes[0].prediction, 3);
    ck_assert_int_eq(trace->outcomes[0].correct, 1);
    ck_assert_double_eq(trace->outcomes[1].confidence, 0.25);
    ck_assert_int_eq(trace->outcomes[1].prediction, -1);
    ck_assert_int_eq(trace->outcomes[1].correct, 0);
    ck_assert_int_eq(trace->outcomes[2].correct, 0);
    ck_assert_int_eq(trace->outcomes[3].correct, 1);
    const int size = spec->samples.payload.column;
    const int time = spec->tiers[0].compute.times[1].layers[0].column;
    ck_assert_int_eq(trace->extras, 2);
    ck_assert_int_ne(size, time);
    ck_assert_double_eq(trace->extra[size], 2.385);
    ck_assert_double_eq(trace->extra[2 + time], 0.125);
    ck_assert_double_eq(spec->samples.payload.column_scale, 1000);
}
END_TEST

START_TEST(content_of_the_trace_changes_the_hash)
{
    write_file("trace.csv", plain_csv);
    write_file("copy.csv", plain_csv);
    const char *before = hash_of(read_set(trace_yaml, NULL), 0, SPEC_WHOLE);
    const char *copied = hash_of(read_set(trace_yaml, "samples.trace=copy.csv"), 0, SPEC_WHOLE);
    ck_assert_str_eq(before, copied);
    write_file("trace.csv", arena_format(&arena, "%s1,1,1,1,1,1,1,1,1\n", plain_csv));
    ck_assert_str_ne(before, hash_of(read_set(trace_yaml, NULL), 0, SPEC_WHOLE));
}
END_TEST

START_TEST(trace_is_read_once_for_several_points)
{
    write_file("trace.csv", plain_csv);
    write_file("scenario.yaml", trace_yaml);
    struct scenario *scenario;
    ck_assert_int_eq(scenario_load(path_of("scenario.yaml"), test_policies, TEST_POLICIES, &arena,
                                   &diagnostics, &scenario),
                     0);
    static const char *const sets[] = {"seed=2", "prices.error=1", "samples.features=[f1]"};
    const struct trace *traces[UNIT_COUNT(sets)];
    for (int i = 0; i < UNIT_COUNT(sets); i++) {
        struct spec *spec;
        ck_assert_int_eq(scenario_build(scenario, &sets[i], NULL, 1, &arena, &diagnostics, &spec),
                         0);
        traces[i] = spec->trace;
        // The override of one point is gone at the next.
        ck_assert_uint_eq(spec->seed, i == 0 ? 2 : 1);
    }
    ck_assert_ptr_eq(traces[0], traces[1]);
    ck_assert_ptr_ne(traces[0], traces[2]);
    ck_assert_int_eq(traces[2]->features, 1);
}
END_TEST

START_TEST(long_trace_is_read)
{
    write_file("trace.csv", "id,at,exit,conf,pred,y\n"
                            "b,2.5,x1,0.75,3,3\n"
                            "b,2.5,unused,9,x,3\n"
                            "b,2.5,end,1,2,3\n"
                            "a,2.5,end,0.25,1,1\n"
                            "a,2.5,x1,0.5,0,1\n");
    const struct spec *spec =
        read_set("scenario: long\nstop: {samples: 10}\n"
                 "samples: {trace: trace.csv, layout: long, order: as_is, sample: id, exit: exit,\n"
                 "  confidence: conf, prediction: pred, label: y}\n"
                 "models: {m: {layers: 2, exits: {early: {after: 1, value: x1}, end: {}}}}\n"
                 "tiers: [{name: t, arrivals: {trace: {column: at, unit: ms}},\n"
                 "  compute: {time: {m: [1 s, 1 s]}}}]\n"
                 "policy: plain\n",
                 NULL);
    const struct trace *trace = spec->trace;
    ck_assert_uint_eq(trace->rows, 2);
    ck_assert_double_eq(trace->outcomes[0].confidence, 0.75);
    ck_assert_int_eq(trace->outcomes[0].correct, 1);
    ck_assert_int_eq(trace->outcomes[1].correct, 0);
    ck_assert_double_eq(trace->outcomes[2].confidence, 0.5);
    ck_assert_int_eq(trace->outcomes[3].prediction, 1);
    ck_assert_int_eq(trace->label[0], 3);
    ck_assert_int_eq(trace->label[1], 1);
    ck_assert_double_eq(trace->extra[spec->tiers[0].arrivals.column_number], 2.5);
    ck_assert_double_eq(spec->tiers[0].arrivals.column_scale, 0.001);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scenario-trace");

    TCase *trace = add_case(suite, "trace");
    unit_add_table(trace, wide_trace_is_read, same_tables);
    tcase_add_test(trace, content_of_the_trace_changes_the_hash);
    tcase_add_test(trace, trace_is_read_once_for_several_points);
    tcase_add_test(trace, long_trace_is_read);

    return unit_run(suite);
}
