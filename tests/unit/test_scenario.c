// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "policies/policy.h"
#include "scenario/canonical.h"
#include "scenario/diagnostics.h"
#include "scenario/read.h"
#include "scenario/reference.h"
#include "scenario/spec.h"
#include "scenario/trace.h"
#include "unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- policies that exist for these tests ----

struct tuned_parameters {
    double threshold;
    double wait_s;
    int most;
    int mode;
    int tier;
    int model;
    bool eager;
    struct policy_numbers steps;
    struct policy_indices models;
    struct policy_indices tiers;
};

static const char *const modes[] = {"slow", "fast", NULL};

static const struct policy_parameter tuned_table[] = {
    {"threshold", POLICY_NUMBER, offsetof(struct tuned_parameters, threshold), "", NULL, 0, 1, NULL,
     "the least confidence"},
    {"wait", POLICY_NUMBER, offsetof(struct tuned_parameters, wait_s), "s", "3 ms", 0, 10, NULL,
     "a time"},
    {"most", POLICY_INTEGER, offsetof(struct tuned_parameters, most), "", "7", 1, 9, NULL,
     "a whole number"},
    {"mode", POLICY_CHOICE, offsetof(struct tuned_parameters, mode), "", "fast", 0, 0, modes,
     "a word"},
    {"tier", POLICY_TIER, offsetof(struct tuned_parameters, tier), "", "", 0, 0, NULL, "a tier"},
    {"model", POLICY_MODEL, offsetof(struct tuned_parameters, model), "", "", 0, 0, NULL,
     "a model"},
    {"eager", POLICY_BOOLEAN, offsetof(struct tuned_parameters, eager), "", "true", 0, 0, NULL,
     "yes or no"},
    {"steps", POLICY_NUMBERS, offsetof(struct tuned_parameters, steps), "", "", 0, 1, NULL,
     "several numbers"},
    {"models", POLICY_MODELS, offsetof(struct tuned_parameters, models), "", "", 0, 0, NULL,
     "several models"},
    {"tiers", POLICY_TIERS, offsetof(struct tuned_parameters, tiers), "", "", 0, 0, NULL,
     "several tiers"},
    {.name = NULL},
};

static const struct policy_type plain_policy = {
    .api = POLICY_API_VERSION, .name = "plain", .summary = "without parameters"};
static const struct policy_type tuned_policy = {.api = POLICY_API_VERSION,
                                                .name = "tuned",
                                                .summary = "with one parameter of each kind",
                                                .parameters = tuned_table,
                                                .parameter_bytes = sizeof(struct tuned_parameters)};
static const struct policy_type *const test_policies[] = {&plain_policy, &tuned_policy};

// ---- reading a text ----

static char folder[] = "/tmp/offloadsim-test-XXXXXX";
static struct arena arena;
static struct diagnostics diagnostics;

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    arena = (struct arena){0};
    diagnostics = (struct diagnostics){0};
}

static const char *path_of(const char *name)
{
    return arena_format(&arena, "%s/%s", folder, name);
}

static void write_file_n(const char *name, const char *bytes, size_t length)
{
    FILE *file = fopen(path_of(name), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static void write_file(const char *name, const char *bytes)
{
    write_file_n(name, bytes, strlen(bytes));
}

static void tear_down(void)
{
    unlink(path_of("scenario.yaml"));
    unlink(path_of("other.yaml"));
    unlink(path_of("trace.csv"));
    unlink(path_of("copy.csv"));
    rmdir(folder);
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
}

static const char *rendered(void)
{
    struct text text = {0};
    diagnostics_render(&diagnostics, &text);
    const char *copy = arena_text(&arena, text_string(&text));
    text_finish(&text);
    return copy;
}

static struct spec *try_read(const char *yaml, const char *const *sets, size_t set_count)
{
    write_file("scenario.yaml", yaml);
    struct spec *spec = NULL;
    int result = scenario_read(path_of("scenario.yaml"), sets, set_count, test_policies,
                               UNIT_COUNT(test_policies), &arena, &diagnostics, &spec);
    ck_assert_int_eq(result, spec ? 0 : -1);
    ck_assert_int_eq(spec == NULL, diagnostics.errors > 0);
    return spec;
}

static struct spec *read_set(const char *yaml, const char *set)
{
    struct spec *spec = try_read(yaml, &set, set ? 1 : 0);
    ck_assert_msg(spec != NULL, "%s", rendered());
    return spec;
}

static const char *canonical(const struct spec *spec)
{
    struct text text = {0};
    spec_canonical(spec, -1, &text);
    const char *copy = arena_text(&arena, text_string(&text));
    text_finish(&text);
    return copy;
}

static const char *hash_of(const struct spec *spec, int policy, enum spec_scope scope)
{
    char hex[SPEC_HASH_ROOM];
    spec_hash(spec, policy, scope, hex);
    ck_assert_uint_eq(strlen(hex), SPEC_HASH_ROOM - 1);
    return arena_text(&arena, hex);
}

// Two tiers, two models, one of them with layers, a link, three policies.
static const char base_yaml[] = "scenario: base-1.0\n"
                                "stop: {samples: 2385}\n"
                                "models: {small: {}, deep: {layers: 3, exits: {end: {}, "
                                "early: {after: 2}}}}\n"
                                "tiers:\n"
                                "  - name: device\n"
                                "    nodes: 7\n"
                                "    arrivals: {poisson: 2.385 /s}\n"
                                "    compute: {time: {small: 18.5 ms}}\n"
                                "  - name: edge\n"
                                "    compute:\n"
                                "      servers: 3\n"
                                "      time: {deep: [1 ms, 2 ms, 4 ms], small: 3 ms}\n"
                                "links:\n"
                                "  - {from: device, to: edge, up: 20 Mbit/s, delay: 5 ms}\n"
                                "policy: [plain, {tuned: {threshold: 0.607}}, tuned: 0.25]\n";

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

// ---- canonical text and hash ----

static const struct {
    const char *left;
    const char *right;
} same[] = {
    {"policy: plain\nseed: 1\nprices: {error: 1, drop: 0.5}\n",
     "# a comment\nprices: {drop: 5e-1, error: 100 %}\npolicy: [{plain: {}}] # and one more\n"},
    {"policy: plain\nsamples: {deadline: 0.25 s, payload: 1.5 MB}\n",
     "policy: {plain: }\nsamples:\n  payload: {constant: {value: 1500 kB}}\n  deadline: 250 ms\n"},
    {"policy: {tuned: 0.607}\nwarmup: none\n", "policy:\n  - tuned: {threshold: 60.7 %}\n"},
    {"policy: {tuned: {threshold: 1, wait: 3 ms, mode: fast}}\n",
     "policy: {tuned: {mode: \"fast\", wait: 3000 us, threshold: 1.0}}\n"},
};

static const char common_yaml[] = "scenario: same\nstop: {samples: 10}\nmodels: {m: {}}\n"
                                  "tiers: [{name: t, arrivals: {poisson: 1 /s}, "
                                  "compute: {time: {m: 1 s}}}]\n";

START_TEST(spelling_does_not_matter)
{
    const char *left = arena_format(&arena, "%s%s", common_yaml, same[_i].left);
    const char *right = arena_format(&arena, "%s%s", same[_i].right, common_yaml);
    const struct spec *one = read_set(left, NULL);
    const struct spec *other = read_set(right, NULL);
    ck_assert_str_eq(canonical(one), canonical(other));
    ck_assert_str_eq(hash_of(one, 0, SPEC_WHOLE), hash_of(other, 0, SPEC_WHOLE));
}
END_TEST

static const struct {
    const char *set;
    bool is_label; // changes the hash of the whole only
} changes[] = {
    {"scenario=other", true},
    {"about=something", true},
    {"replications=21", true},
    {"confidence=90 %", true},
    {"seed=2", false},
    {"stop.samples=2386", false},
    {"warmup.samples=1", false},
    {"tiers.device.nodes=8", false},
    {"tiers.edge.compute.time.deep.1=2.0000001 ms", false},
    {"links.device-edge.room=1000", false},
    {"links.0.up={steps: {times: [0 s], rates: [20 Mbit/s]}}", false},
    {"links.0.probe=1 s", false},
    {"links.0.radio.send=1 mW", false},
    {"models.deep.output=[1 B, 1 B, 1 B]", false},
    {"tiers.edge.compute.energy.small=1 J", false},
    {"samples.answer=free", false},
    {"prices.drop=0.5", false},
    {"policy.0=tuned: 0.9", false},
};

START_TEST(values_change_the_hash)
{
    const struct spec *base = read_set(base_yaml, NULL);
    const struct spec *changed = read_set(base_yaml, changes[_i].set);
    ck_assert_str_ne(hash_of(base, 0, SPEC_WHOLE), hash_of(changed, 0, SPEC_WHOLE));
    const bool is_same =
        strcmp(hash_of(base, 0, SPEC_REPLICATION), hash_of(changed, 0, SPEC_REPLICATION)) == 0;
    ck_assert_int_eq(is_same, changes[_i].is_label);
}
END_TEST

START_TEST(hash_is_of_one_policy)
{
    const struct spec *base = read_set(base_yaml, NULL);
    ck_assert_str_ne(hash_of(base, 0, SPEC_WHOLE), hash_of(base, 1, SPEC_WHOLE));
    // Other policies of the same file are other points.
    const struct spec *changed = read_set(base_yaml, "policy.2=plain");
    ck_assert_str_eq(hash_of(base, 1, SPEC_WHOLE), hash_of(changed, 1, SPEC_WHOLE));
    ck_assert_str_eq(hash_of(base, 0, SPEC_WHOLE), hash_of(changed, 2, SPEC_WHOLE));
}
END_TEST

// Computed by an independent implementation of the construction in base/hash.h.
static const struct {
    const char *content;
    size_t repeats;
    const char *hex;
} hashes[] = {
    {"", 1, "b2afa96ad567cdcc0df3e6826ea782ccb45ef009385dc788cb367a8dc6d04a95"},
    {"a", 1, "82c64ebca881c0ff3f2f047fc8763322e7fcf4cf782284a1891da9d2a3954095"},
    {"0123456789abcde", 1, "ff5431ac345a47bc4d733dff8f3360c23c33ce6a96598acc6dc516b9554d7b18"},
    {"0123456789abcdef", 1, "79dd9fb5e663bcdcb117effaff24e1b6305a65c2f9eaa05b365ee485a31c94f1"},
    {"The quick brown fox jumps over the lazy dog", 1,
     "906e693234956055ea99ef3ddbd8735e1c5498d79e2f0419001dad4c9aa87600"},
    {"x", 1000, "1688f4cbf9832bc175382e1ba30a049d14deb892ff1c46e6d30166834ef68c3a"},
};

START_TEST(hash_is_as_described)
{
    struct hash hash;
    uint64_t words[HASH_WORDS];
    char hex[65];
    hash_init(&hash);
    for (size_t i = 0; i < hashes[_i].repeats; i++) {
        hash_add(&hash, hashes[_i].content, strlen(hashes[_i].content));
    }
    hash_finish(&hash, words);
    hash_hex(words, 256, hex);
    ck_assert_str_eq(hex, hashes[_i].hex);
}
END_TEST

// ---- traces ----

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
    ck_assert_int_eq(scenario_load(path_of("scenario.yaml"), test_policies,
                                   UNIT_COUNT(test_policies), &arena, &diagnostics, &scenario),
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
    const struct reference_key *keys =
        reference_list(test_policies, UNIT_COUNT(test_policies), &arena, &count);
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

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    suite_add_tcase(suite, tcase);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("scenario");

    TCase *value = add_case(suite, "values");
    unit_add_table(value, values_are_read, values);
    tcase_add_test(value, spec_is_filled);
    tcase_add_test(value, marks_are_known);

    TCase *hash = add_case(suite, "hash");
    unit_add_table(hash, spelling_does_not_matter, same);
    unit_add_table(hash, values_change_the_hash, changes);
    tcase_add_test(hash, hash_is_of_one_policy);
    unit_add_table(hash, hash_is_as_described, hashes);

    TCase *trace = add_case(suite, "trace");
    unit_add_table(trace, wide_trace_is_read, same_tables);
    tcase_add_test(trace, content_of_the_trace_changes_the_hash);
    tcase_add_test(trace, trace_is_read_once_for_several_points);
    tcase_add_test(trace, long_trace_is_read);

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
