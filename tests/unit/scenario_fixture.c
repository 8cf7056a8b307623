// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/scenario_fixture.h"

#include "base/text.h"
#include "policies/policy.h"
#include "scenario/read.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
const struct policy_type tuned_policy = {.api = POLICY_API_VERSION,
                                         .name = "tuned",
                                         .summary = "with one parameter of each kind",
                                         .parameters = tuned_table,
                                         .parameter_bytes = sizeof(struct tuned_parameters)};
const struct policy_type *const test_policies[TEST_POLICIES] = {&plain_policy, &tuned_policy};

// ---- reading a text ----

char folder[] = "/tmp/offloadsim-test-XXXXXX";
struct arena arena;
struct diagnostics diagnostics;

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    arena = (struct arena){0};
    diagnostics = (struct diagnostics){0};
}

const char *path_of(const char *name)
{
    return arena_format(&arena, "%s/%s", folder, name);
}

void write_file_n(const char *name, const char *bytes, size_t length)
{
    FILE *file = fopen(path_of(name), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

void write_file(const char *name, const char *bytes)
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

const char *rendered(void)
{
    struct text text = {0};
    diagnostics_render(&diagnostics, &text);
    const char *copy = arena_text(&arena, text_string(&text));
    text_finish(&text);
    return copy;
}

struct spec *try_read(const char *yaml, const char *const *sets, size_t set_count)
{
    write_file("scenario.yaml", yaml);
    struct spec *spec = NULL;
    int result = scenario_read(path_of("scenario.yaml"), sets, set_count, test_policies,
                               TEST_POLICIES, &arena, &diagnostics, &spec);
    ck_assert_int_eq(result, spec ? 0 : -1);
    ck_assert_int_eq(spec == NULL, diagnostics.errors > 0);
    return spec;
}

struct spec *read_set(const char *yaml, const char *set)
{
    struct spec *spec = try_read(yaml, &set, set ? 1 : 0);
    ck_assert_msg(spec != NULL, "%s", rendered());
    return spec;
}

const char *canonical(const struct spec *spec)
{
    struct text text = {0};
    spec_canonical(spec, -1, &text);
    const char *copy = arena_text(&arena, text_string(&text));
    text_finish(&text);
    return copy;
}

const char *hash_of(const struct spec *spec, int policy, enum spec_scope scope)
{
    char hex[SPEC_HASH_ROOM];
    spec_hash(spec, policy, scope, hex);
    ck_assert_uint_eq(strlen(hex), SPEC_HASH_ROOM - 1);
    return arena_text(&arena, hex);
}

const char base_yaml[] = "scenario: base-1.0\n"
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

TCase *add_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    suite_add_tcase(suite, tcase);
    return tcase;
}
