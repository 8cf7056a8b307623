// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/text.h"
#include "scenario/diagnostics.h"
#include "scenario/read.h"
#include "scenario/reference.h"
#include "scenario/spec.h"
#include "tests/unit/scenario_fixture.h"
#include "unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// ---- values ----

// An override of the base, and what the canonical text then holds.
static const struct {
    const char *set;
    const char *expected;
} values[] = {
    {NULL, "{\"scenario\":\"base-1.0\",\"about\":\"\",\"seed\":1,\"stop\":{\"samples\":2385},"
           "\"warmup\":\"none\",\"replications\":20,"},
    {NULL, "\"samples\":{\"layout\":\"wide\",\"order\":\"shuffle\","},
    {NULL, "\"payload\":{\"constant\":{\"value\":0}},\"answer\":0,\"deadline\":\"none\"}"},
    {NULL, "\"models\":{\"small\":{\"layers\":1,\"exits\":{\"end\":{\"after\":1}}},"
           "\"deep\":{\"layers\":3,\"exits\":{\"early\":{\"after\":2},\"end\":{\"after\":3}}}}"},
    {NULL,
     "\"links\":[{\"from\":\"device\",\"to\":\"edge\",\"count\":\"each\",\"sharing\":"
     "\"fifo\",\"duplex\":\"full\",\"up\":{\"constant\":"
     "{\"rate\":2500000}},\"down\":{\"constant\":{\"rate\":\"unlimited\"}},\"delay\":{\"constant\":"
     "{\"value\":0.005}},\"overhead\":0,"},
    {NULL, "\"radio\":{\"send\":0,\"send_per_byte\":0,\"receive\":0,\"receive_per_byte\":0},"
           "\"room\":\"unlimited\"}]"},
    {NULL, "\"policy\":[\"plain\",{\"tuned\":{\"threshold\":0.607,\"wait\":0.003,\"most\":7,"
           "\"mode\":\"fast\",\"eager\":true}},{\"tuned\":{\"threshold\":0.25,"},
    {NULL, "\"prices\":{\"error\":0,\"offload\":{\"device-edge\":0},\"latency\":0,\"energy\":0,"
           "\"byte\":0,\"layer\":{\"device\":0,\"edge\":0},\"deadline_miss\":0,\"drop\":0}"},
    {NULL, "\"replications\":20,\"intervals\":\"replications\",\"confidence\":0.95,"},
    {"warmup=auto", "\"warmup\":\"auto\","},
    {"about=\"a: b\"", "\"about\":\"a: b\""},
    {"seed=9223372036854775807", "\"seed\":9223372036854775807,"},
    {"seed=1e6", "\"seed\":1000000,"},
    {"stop={time: 2.5 min}", "\"stop\":{\"time\":150}"},
    {"stop.time=90 s", "\"stop\":{\"time\":90}"},
    {"warmup={samples: 385}", "\"warmup\":{\"samples\":385}"},
    {"warmup.time=1.5 h", "\"warmup\":{\"time\":5400}"},
    {"replications=1000000", "\"replications\":1000000"},
    {"confidence=87.5 %", "\"confidence\":0.875"},
    {"samples.payload=2.5 kB", "\"payload\":{\"constant\":{\"value\":2500}}"},
    {"samples.payload={uniform: {from: 1 KiB, to: 1 MiB}}",
     "\"payload\":{\"uniform\":{\"from\":1024,\"to\":1048576}}"},
    {"samples.payload.empirical=[1 kB, 3 kB]",
     "\"payload\":{\"empirical\":{\"values\":[1000,3000]}}"},
    {"samples.payload={empirical: {values: [2 B, 4 B], weights: [1, 0.5]}}",
     "{\"values\":[2,4],\"weights\":[1,0.5]}"},
    {"samples.answer=16 bit", "\"answer\":2,"},
    {"samples.deadline=250 ms", "\"deadline\":0.25}"},
    {"models.small.layers=1", "\"small\":{\"layers\":1,"},
    {"models.deep.exits.early.after=1", "\"early\":{\"after\":1}"},
    {"tiers.device.nodes=12", "\"name\":\"device\",\"nodes\":12,"},
    {"tiers.1.nodes=12", "\"name\":\"edge\",\"nodes\":12,"},
    {"tiers.device.arrivals.poisson.rate=30 /min", "\"arrivals\":{\"poisson\":{\"rate\":0.5}}"},
    {"tiers.device.arrivals={deterministic: 2 s}",
     "\"arrivals\":{\"deterministic\":{\"period\":2,\"phase\":0}}"},
    {"tiers.device.arrivals.deterministic={period: 4 s, phase: 500 ms}",
     "\"arrivals\":{\"deterministic\":{\"period\":4,\"phase\":0.5}}"},
    {"tiers.device.arrivals=closed",
     "\"arrivals\":{\"closed\":{\"in_flight\":1,\"think\":{\"constant\":{\"value\":0}}}}"},
    {"tiers.device.arrivals={closed: {in_flight: 3, think: {exponential: 2 s}}}",
     "\"closed\":{\"in_flight\":3,\"think\":{\"exponential\":{\"mean\":2}}}"},
    {"tiers.device.compute.room=0", "\"servers\":1,\"discipline\":\"fifo\",\"room\":0,"},
    {"tiers.device.compute.power.active=2500 mW", "\"power\":{\"active\":2.5,\"idle\":0}"},
    {"tiers.device.compute.time.small={lognormal: {mean: 16 s, cv: 20 %}}",
     "\"small\":[{\"lognormal\":{\"mean\":16,\"cv\":0.2}}]"},
    {"tiers.device.compute.time.small=[{gamma: {mean: 2 s, cv: 0.5}}]",
     "\"small\":[{\"gamma\":{\"mean\":2,\"cv\":0.5}}]"},
    {"tiers.device.compute.time.small={weibull: {mean: 2 s, shape: 0.75}}",
     "\"small\":[{\"weibull\":{\"mean\":2,\"shape\":0.75}}]"},
    {"tiers.device.compute.time.small={hyperexponential: {mean: 2 s, cv: 4}}",
     "\"small\":[{\"hyperexponential\":{\"mean\":2,\"cv\":4}}]"},
    {"tiers.device.compute.time.small={pareto: {mean: 2 s, shape: 1.5}}",
     "\"small\":[{\"pareto\":{\"mean\":2,\"shape\":1.5}}]"},
    {"tiers.device.compute.time.deep=[4 s, 2 s, 1 s]",
     "\"time\":{\"small\":[{\"constant\":{\"value\":0.0185}}],\"deep\":[{\"constant\":{\"value\":4}"
     "},"
     "{\"constant\":{\"value\":2}},{\"constant\":{\"value\":1}}]}"},
    {"tiers.edge.compute.time.deep.1=8 s", "{\"constant\":{\"value\":8}}"},
    {"links.device-edge.count=2", "\"count\":2,"},
    {"links.0.down=12.5 kB/s", "\"down\":{\"constant\":{\"rate\":12500}},"},
    {"links.device-edge.delay.exponential=2 s", "\"delay\":{\"exponential\":{\"mean\":2}}"},
    {"links.device-edge.overhead=74 B", "\"overhead\":74,"},
    {"links.0.up={steps: {times: [0 s, 2 min], rates: [8 Mbit/s, 0 B/s], period: 5 min}}",
     "\"up\":{\"steps\":{\"times\":[0,120],\"rates\":[1000000,0],\"period\":300,\"start\":0}},"},
    {"links.0.down={steps: {times: [0 s], rates: [12.5 kB/s]}}",
     "\"down\":{\"steps\":{\"times\":[0],\"rates\":[12500],\"period\":\"never\",\"start\":0}},"},
    {"links.0.up.constant=16 Mbit/s", "\"up\":{\"constant\":{\"rate\":2000000}},"},
    {"links.0.up=unlimited", "\"up\":{\"constant\":{\"rate\":\"unlimited\"}},"},
    {"links.device-edge.probe=500 ms", "\"overhead\":0,\"probe\":0.5,"},
    {"links.device-edge.probe=never", "\"overhead\":0,\"probe\":\"never\","},
    {"links.0.radio={send: 500 mW, send_per_byte: 8 W/(Mbit/s), receive_per_byte: 0.25 J/B}",
     "\"radio\":{\"send\":0.5,\"send_per_byte\":6.4e-05,\"receive\":0,\"receive_per_byte\":0.25}"},
    {"links.0.radio.receive=2.5 W", "\"receive\":2.5,\"receive_per_byte\":0}"},
    {"models.deep.output=[2 kB, 1 kB, 16 bit]", "\"layers\":3,\"output\":[2000,1000,2],"},
    {"models.small.output=10 B", "\"layers\":1,\"output\":[10],"},
    {"tiers.edge.compute.energy={deep: [1 J, 2 mJ, 2.5 Wh], small: 4 J}",
     "\"energy\":{\"small\":[4],\"deep\":[1,0.002,9000]}"},
    {"samples.answer=free", "\"answer\":\"free\","},
    {"links.device-edge.room=12", "\"room\":12}"},
    {"prices.offload=0.3", "\"offload\":{\"device-edge\":0.3}"},
    {"prices.offload.device-edge=0.7", "\"offload\":{\"device-edge\":0.7}"},
    {"prices.layer.edge=0.125", "\"layer\":{\"device\":0,\"edge\":0.125}"},
    {"prices.latency=2 /ms", "\"latency\":2000,"},
    {"prices.energy=3600 /Wh", "\"energy\":1,"},
    {"prices.deadline_miss=2.385", "\"deadline_miss\":2.385,"},
    {"policy=plain", "\"policy\":[\"plain\"]"},
    {"policy=[]", NULL},
    {"policy.plain=", "\"policy\":[\"plain\","},
    {"policy.tuned.threshold=0.125", "{\"tuned\":{\"threshold\":0.125,"},
    {"policy.2.tuned.wait=2 s", "{\"tuned\":{\"threshold\":0.25,\"wait\":2,"},
    {"policy={tuned: {threshold: 1, most: 9, mode: slow, tier: edge, model: deep, eager: false}}",
     "[{\"tuned\":{\"threshold\":1,\"wait\":0.003,\"most\":9,\"mode\":\"slow\",\"tier\":\"edge\","
     "\"model\":\"deep\",\"eager\":false}}]"},
    {"policy={tuned: {threshold: 0, steps: 0.5, models: [deep, small]}}",
     "\"steps\":[0.5],\"models\":[\"deep\",\"small\"]}}]"},
    {"policy={tuned: {threshold: 0, steps: [0.5, 25 %]}}", "\"steps\":[0.5,0.25]"},
    {"policy={tuned: {threshold: 0, tiers: [edge, device]}}", "\"tiers\":[\"edge\",\"device\"]"},
    {"policy={tuned: {threshold: 0, tiers: edge}}", "\"tiers\":[\"edge\"]"},
    {"policy={tuned: {threshold: 0, tiers: [edge, cloud]}}", NULL},
    {"policy={tuned: {threshold: 0, tier: cloud}}", NULL},
    {"policy={tuned: {threshold: 2}}", NULL},
    {"policy={tuned: {threshold: 1, most: 10}}", NULL},
    {"policy={tuned: {threshold: 1, wait: 3}}", NULL},
    {"policy={tuned: {wait: 3 s}}", NULL},
    {"tiers.device.nodes=0", NULL},
    {"tiers.device.nodes=1.5", NULL},
    {"tiers.device.nodes=10 %", NULL},
    {"tiers.edge.arrivals.poisson=1 /s", NULL},
    {"seed=9223372036854775808", NULL},
    {"seed=0x10", NULL},
    {"confidence=50 %", NULL},
    {"prices.error=nan", NULL},
    {"prices.error=-1", NULL},
};

START_TEST(values_are_read)
{
    const char *set = values[_i].set;
    const struct spec *spec = try_read(base_yaml, &set, set ? 1 : 0);
    if (!values[_i].expected) {
        ck_assert_msg(!spec, "'%s' should be refused", set);
        return;
    }
    ck_assert_msg(spec != NULL, "%s", rendered());
    ck_assert_msg(strstr(canonical(spec), values[_i].expected) != NULL, "'%s' gives %s\nwithout %s",
                  set ? set : "", canonical(spec), values[_i].expected);
}
END_TEST

START_TEST(spec_is_filled)
{
    const struct spec *spec = read_set(base_yaml, NULL);
    ck_assert_int_eq(spec->model_count, 2);
    ck_assert_int_eq(spec->exit_count, 3);
    ck_assert_int_eq(spec->models[1].first_exit, 1);
    ck_assert_ptr_eq(spec->models[1].exits, &spec->exits[1]);
    ck_assert_str_eq(spec->exits[1].name, "early");
    ck_assert_int_eq(spec->exits[1].after, 1);
    ck_assert_int_eq(spec->exits[1].model, 1);
    ck_assert_int_eq(spec->exits[2].after, 2);
    ck_assert(isinf(spec->links[0].down.bytes_per_s));
    ck_assert_int_eq((int)spec->links[0].room, -1);
    ck_assert_int_eq(spec->links[0].count, 0);
    ck_assert(isinf(spec->samples.deadline_s));
    ck_assert_int_eq(spec->tiers[1].compute.times[0].model, 0);
    ck_assert_int_eq(spec->tiers[1].compute.times[1].model, 1);
    ck_assert_double_eq(spec->tiers[1].compute.times[1].layers[2].mean, 0.004);
    ck_assert_int_eq(spec->tiers[1].arrivals.kind, ARRIVALS_NONE);
    ck_assert_ptr_eq(spec->policies[2].type, &tuned_policy);
    const struct tuned_parameters *parameters = spec->policies[2].parameters;
    ck_assert_double_eq(parameters->threshold, 0.25);
    ck_assert_int_eq(parameters->tier, -1);
    ck_assert_int_eq(parameters->model, -1);
    ck_assert_int_eq(parameters->steps.count, 0);
    ck_assert_ptr_null(spec->trace);
}
END_TEST

START_TEST(marks_are_known)
{
    const struct spec *spec = read_set(base_yaml, "tiers.edge.compute.servers=5");
    struct mark mark;
    ck_assert(spec_mark(spec, &spec->tiers[0].nodes, &mark));
    ck_assert_uint_eq(mark.line, 6);
    ck_assert_uint_eq(mark.column, 12);
    ck_assert(spec_mark(spec, &spec->policies[1], &mark));
    ck_assert_uint_eq(mark.line, 15);
    ck_assert_uint_eq(mark.column, 17);
    ck_assert(spec_mark(spec, &spec->tiers[1].compute.servers, &mark));
    ck_assert_str_eq(mark.source->name, "--set");
    ck_assert_uint_eq(mark.column, 28);
    // The exit was moved to its place by layer; its marks follow.
    ck_assert(spec_mark(spec, &spec->exits[1].after, &mark));
    ck_assert_uint_eq(mark.line, 3);
    ck_assert_uint_eq(mark.column, 71);
    ck_assert(!spec_mark(spec, &spec->tiers[1].nodes, &mark));
    ck_assert(!spec_mark(spec, &spec->seed, &mark));
}
END_TEST

// ---- diagnostics ----

START_TEST(diagnostics_are_sorted_and_limited)
{
    const struct source source = {.name = "x.yaml", .text = "ab\n\tcd\n", .length = 7};
    for (size_t i = 0; i < 13; i++) {
        const struct mark mark = {.source = &source, .line = 2, .column = 2, .length = 2};
        diagnostics_error(&diagnostics, &mark, "later %zu", i);
    }
    const struct mark first = {.source = &source, .line = 1, .column = 1, .length = 2};
    diagnostics_warning(&diagnostics, &first, "a %s", "w\x1b[31m");
    diagnostics_hint(&diagnostics, "look");
    const char *text = rendered();
    static const char start[] = "x.yaml:1:1: warning: a w?[31m\n"
                                "    1 | ab\n"
                                "      | ^~\n"
                                "  hint: look\n"
                                "x.yaml:2:2: error: later 0\n"
                                "    2 | \tcd\n"
                                "      | \t^~\n"
                                "x.yaml:2:2: error: later 1\n";
    ck_assert_msg(strncmp(text, start, strlen(start)) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "later 9\n"));
    ck_assert_ptr_null(strstr(text, "later 10\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nand 3 more errors\n"));
}
END_TEST

// What is said once has failed twice.
START_TEST(repeated_errors_are_errors)
{
    const char *const sets[] = {"a=[{name: ", "b=[{name: ", "b.c.d=1"};
    ck_assert_ptr_null(try_read(base_yaml, sets, UNIT_COUNT(sets)));
    static const char said[] = "--set:2:1: error: invalid YAML: ";
    const char *first = strstr(rendered(), said);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + strlen(said), "invalid YAML"));
    ck_assert_ptr_null(strstr(first, "more error"));
    ck_assert_uint_eq(diagnostics.errors, diagnostics.count + 1);
}
END_TEST

START_TEST(files_that_are_none_are_refused)
{
    struct spec *spec;
    ck_assert_int_eq(scenario_read(folder, NULL, 0, test_policies, 2, &arena, &diagnostics, &spec),
                     -1);
    ck_assert_int_eq(
        scenario_read(path_of("none.yaml"), NULL, 0, test_policies, 2, &arena, &diagnostics, &spec),
        -1);
    const char *text = rendered();
    ck_assert_ptr_nonnull(strstr(text, ": error: is a directory\n"));
    ck_assert_ptr_nonnull(strstr(text, ": error: cannot be read: no such file or directory\n"));
}
END_TEST

START_TEST(idle_settings_are_warned_of)
{
    ck_assert_ptr_nonnull(try_read(base_yaml, (const char *const[]){"samples.order=as_is"}, 1));
    ck_assert_uint_eq(diagnostics.warnings, 1);
    ck_assert_ptr_nonnull(strstr(rendered(), "warning: 'order' has no effect without a trace"));
}
END_TEST

// A list of a hundred thousand items, to see that no step is quadratic in it.
START_TEST(large_files_are_read)
{
    struct text text = {0};
    text_add(&text, base_yaml);
    text_add(&text, "samples: {payload: {empirical: {values: [");
    for (int i = 0; i < 100000; i++) {
        text_format(&text, "%s%d B", i ? ", " : "", i);
    }
    text_add(&text, "]}}}\n");
    const struct spec *spec = read_set(text_string(&text), NULL);
    ck_assert_uint_eq(spec->samples.payload.count, 100000);
    ck_assert_double_eq(spec->samples.payload.values[2385], 2385);
    text_finish(&text);
}
END_TEST

// ---- the reference ----

static const struct reference_key expected_keys[] = {
    {"scenario", "a name", "", "", "", "", true},
    {"stop.time", "a time", "s", "", "greater than 0 s and at most 1000000000000 s", "", true},
    {"confidence", "a plain number", "", "95 %", "greater than 0.5 and less than 1", "", false},
    {"samples.deadline", "a time or 'none'", "s", "none",
     "greater than 0 s and at most 1000000000000 s", "", false},
    {"models.MODEL.exits.EXIT.after", "a whole number or 'last'", "", "last",
     "at least 1 and at most 1000000", "", false},
    {"tiers.TIER.compute.time", "a mapping from names of models", "", "", "", "", false},
    {"tiers.TIER.arrivals.deterministic.phase", "a time or 'random'", "s", "0 s",
     "at least 0 s and at most 1000000000000 s", "", false},
    {"links.FROM-TO.to", "the name of a tier", "", "", "", "", true},
    {"policy.tuned.threshold", "a plain number", "", "", "at least 0 and at most 1", "", true},
    {"policy.tuned.mode", "slow or fast", "", "fast", "", "", false},
    {"prices.energy", "a price of energy", "/J", "0 /J", "at least 0 /J and at most 1e+15 /J", "",
     false},
    {"DISTRIBUTION.lognormal.cv", "a plain number", "", "", "greater than 0 and at most 100", "",
     true},
};

START_TEST(reference_lists_keys)
{
    const struct reference_key *expected = &expected_keys[_i];
    size_t count;
    const struct reference_key *keys = reference_list(test_policies, TEST_POLICIES, &arena, &count);
    const struct reference_key *found = NULL;
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(*keys[i].meaning, "'%s' has no meaning", keys[i].path);
        if (strcmp(keys[i].path, expected->path) == 0) {
            ck_assert_ptr_null(found);
            found = &keys[i];
        }
    }
    ck_assert_msg(found != NULL, "no key '%s'", expected->path);
    ck_assert_str_eq(found->type, expected->type);
    ck_assert_str_eq(found->unit, expected->unit);
    ck_assert_str_eq(found->default_text, expected->default_text);
    ck_assert_str_eq(found->range, expected->range);
    ck_assert_int_eq(found->is_required, expected->is_required);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scenario");

    TCase *value = add_case(suite, "values");
    unit_add_table(value, values_are_read, values);
    tcase_add_test(value, spec_is_filled);
    tcase_add_test(value, marks_are_known);

    TCase *message = add_case(suite, "diagnostics");
    tcase_add_test(message, diagnostics_are_sorted_and_limited);
    tcase_add_test(message, repeated_errors_are_errors);
    tcase_add_test(message, files_that_are_none_are_refused);
    tcase_add_test(message, idle_settings_are_warned_of);
    tcase_add_test(message, large_files_are_read);

    TCase *reference = add_case(suite, "reference");
    unit_add_table(reference, reference_lists_keys, expected_keys);

    return unit_run(suite);
}
