// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_TESTS_SMALL_RUN_H
#define OFFLOADSIM_TESTS_SMALL_RUN_H

// Small scenarios for the tests of the model: written as texts in the test, read by the real
// reader, run as one replication with every sample's fate kept. What goes wrong on the way fails
// the test with the program's own message.

#include "base/memory.h"
#include "base/text.h"
#include "model/replication.h"
#include "model/world.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct small_scenario {
    struct arena arena;
    struct spec *spec;
};

// Reads `yaml`. `trace` is the text of "trace.csv" beside it, or NULL; `policy` a policy that the
// registry does not know, or NULL.
void small_scenario_init(struct small_scenario *scenario, const char *yaml, const char *trace,
                         const struct policy_type *policy);
void small_scenario_finish(struct small_scenario *scenario);

// The world of one of the scenario's policies; it lives as long as the scenario.
const struct world *small_scenario_world(struct small_scenario *scenario, int policy);

// States how large the activation after a layer is, as the profile of a model would.
void small_world_set_activation(const struct world *world, int model, int layer, double bytes);

struct small_run {
    const struct world *world;
    int status;
    struct text error;
    struct replication_result result;
    struct sample_record *records; // in the order in which the samples ended
    size_t count;
    size_t room;
};

// Runs one replication and keeps all records. The run may fail: see `status`.
void small_run_init(struct small_run *run, const struct world *world, uint64_t replication);
// The same without the records, for long runs.
void small_run_init_long(struct small_run *run, const struct world *world, uint64_t replication);
void small_run_finish(struct small_run *run);

// All of it at once: policy 0 of a scenario without a trace, in a run that must not fail.
void small_run_of(struct small_scenario *scenario, struct small_run *run, const char *yaml);

double small_run_metric(const struct small_run *run, const char *name);
double small_run_counter(const struct small_run *run, const char *name);

// The record of sample `index` of a device, which must be there.
const struct sample_record *small_run_find(const struct small_run *run, uint32_t device,
                                           uint64_t index);

// Orders the records by device and then by index.
void small_run_sort(struct small_run *run);

#endif
