// SPDX-License-Identifier: GPL-3.0-or-later
#include "small_run.h"

#include "policies/registry.h"
#include "scenario/diagnostics.h"
#include "scenario/read.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 128, MOST_POLICIES = 64 };

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

void small_scenario_init(struct small_scenario *scenario, const char *yaml, const char *trace,
                         const struct policy_type *policy)
{
    *scenario = (struct small_scenario){0};
    size_t count;
    const struct policy_type *const *registry = policy_registry(&count);
    const struct policy_type *policies[MOST_POLICIES];
    ck_assert_uint_lt(count, MOST_POLICIES);
    memcpy(policies, registry, count * sizeof(policies[0]));
    if (policy) {
        policies[count++] = policy;
    }
    char folder[] = "/tmp/offloadsim-model-XXXXXX";
    char yaml_path[PATH_ROOM];
    char trace_path[PATH_ROOM];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(yaml_path, sizeof(yaml_path), "%s/scenario.yaml", folder);
    snprintf(trace_path, sizeof(trace_path), "%s/trace.csv", folder);
    write_file(yaml_path, yaml);
    if (trace) {
        write_file(trace_path, trace);
    }
    struct diagnostics diagnostics = {0};
    const int status = scenario_read(yaml_path, NULL, 0, policies, count, &scenario->arena,
                                     &diagnostics, &scenario->spec);
    unlink(yaml_path);
    unlink(trace_path);
    rmdir(folder);
    struct text text = {0};
    diagnostics_render(&diagnostics, &text);
    ck_assert_msg(status == 0, "%s", text_string(&text));
    text_finish(&text);
    diagnostics_finish(&diagnostics);
}

void small_scenario_finish(struct small_scenario *scenario)
{
    arena_finish(&scenario->arena);
}

const struct world *small_scenario_world(struct small_scenario *scenario, int policy)
{
    struct text error = {0};
    ck_assert_int_lt(policy, scenario->spec->policy_count);
    const struct world *world = world_build(scenario->spec, policy, &scenario->arena, &error);
    ck_assert_msg(world, "%s", text_string(&error));
    text_finish(&error);
    return world;
}

void small_world_set_activation(const struct world *world, int model, int layer, double bytes)
{
    // The world is read-only to all but the one who built it, which is the test.
    ((double *)world->view.model[model].output_bytes)[layer] = bytes;
}

static void keep(void *context, const struct sample_record *record)
{
    struct small_run *run = context;
    if (run->count == run->room) {
        run->room = run->room ? 2 * run->room : 64;
        run->records = memory_resize(run->records, run->room, sizeof(*run->records));
    }
    run->records[run->count++] = *record;
}

static void start(struct small_run *run, const struct world *world, uint64_t replication,
                  bool keeps_records)
{
    *run = (struct small_run){.world = world};
    run->result.metrics = memory_resize(NULL, (size_t)world->metrics, sizeof(double));
    run->result.counters = memory_resize(NULL, (size_t)world->counters.count, sizeof(double));
    const struct replication_options options = {
        .number = replication, .observe = keeps_records ? keep : NULL, .context = run};
    run->status = replication_run(world, &options, &run->result, &run->error);
}

void small_run_init(struct small_run *run, const struct world *world, uint64_t replication)
{
    start(run, world, replication, true);
}

void small_run_init_long(struct small_run *run, const struct world *world, uint64_t replication)
{
    start(run, world, replication, false);
}

void small_run_finish(struct small_run *run)
{
    free(run->result.metrics);
    free(run->result.counters);
    free(run->records);
    text_finish(&run->error);
}

void small_run_of(struct small_scenario *scenario, struct small_run *run, const char *yaml)
{
    small_scenario_init(scenario, yaml, NULL, NULL);
    small_run_init(run, small_scenario_world(scenario, 0), 0);
    ck_assert_msg(run->status == 0, "%s", text_string(&run->error));
}

double small_run_metric(const struct small_run *run, const char *name)
{
    for (int i = 0; i < run->world->metrics; i++) {
        if (strcmp(run->world->metric[i].name, name) == 0) {
            return run->result.metrics[i];
        }
    }
    ck_abort_msg("there is no metric '%s'", name);
}

double small_run_counter(const struct small_run *run, const char *name)
{
    for (int i = 0; i < run->world->counters.count; i++) {
        if (strcmp(run->world->counters.names[i], name) == 0) {
            return run->result.counters[i];
        }
    }
    ck_abort_msg("there is no counter '%s'", name);
}

const struct sample_record *small_run_find(const struct small_run *run, uint32_t device,
                                           uint64_t index)
{
    for (size_t i = 0; i < run->count; i++) {
        if (run->records[i].device == device && run->records[i].index == index) {
            return &run->records[i];
        }
    }
    ck_abort_msg("no sample %llu of device %u has ended", (unsigned long long)index,
                 (unsigned)device);
}

static int compare_records(const void *a, const void *b)
{
    const struct sample_record *left = a;
    const struct sample_record *right = b;
    if (left->device != right->device) {
        return left->device < right->device ? -1 : 1;
    }
    return (left->index > right->index) - (left->index < right->index);
}

void small_run_sort(struct small_run *run)
{
    if (run->count) {
        qsort(run->records, run->count, sizeof(run->records[0]), compare_records);
    }
}
