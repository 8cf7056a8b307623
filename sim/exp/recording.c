// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/recording.h"

#include "base/memory.h"
#include "model/replication.h"
#include "model/world.h"

#include <math.h>
#include <stdlib.h>

_Static_assert(sizeof(struct store_sample) == RECORDING_BYTES, "what --help says of it is true");

enum { FIRST_ROOM = 256 };

void recorder_init(struct recorder *recorder, const struct world *world, uint64_t every,
                   const double *const *prices, size_t lists, struct arena *arena)
{
    const struct policy_world *view = &world->view;
    *recorder =
        (struct recorder){.world = world,
                          .every = every,
                          .exits = arena_new_array(arena, (size_t)view->exits, const char *),
                          .prices = prices,
                          .lists = lists};
    for (int exit = 0; exit < view->exits; exit++) {
        recorder->exits[exit] = arena_format(
            arena, "%s.%s", view->model[view->exit[exit].model].name, view->exit[exit].name);
    }
}

static void make_room(struct recording *recording)
{
    if (recording->count < recording->room) {
        return;
    }
    const size_t lists = recording->recorder->lists;
    if (!recording->lists) {
        recording->lists = memory_resize(NULL, lists, sizeof(*recording->lists));
        for (size_t i = 0; i < lists; i++) {
            recording->lists[i] = NULL;
        }
    }
    recording->room = recording->room ? 2 * recording->room : FIRST_ROOM;
    for (size_t i = 0; i < lists; i++) {
        recording->lists[i] =
            memory_resize(recording->lists[i], recording->room, sizeof(struct store_sample));
    }
}

void recording_observe(void *context, const struct sample_record *record)
{
    struct recording *recording = context;
    const struct recorder *recorder = recording->recorder;
    const struct world *world = recorder->world;
    if (!record->is_counted || record->index % recorder->every != 0) {
        return;
    }
    const bool is_answered = record->reason < 0;
    struct store_sample sample = {
        .device = record->device,
        .number = record->index,
        .trace_row = world->spec->trace ? (int64_t)record->row : -1,
        .arrived_s = record->arrived_s,
        .latency_s = is_answered ? record->ended_s - record->arrived_s : NAN,
        .wait_s = record->wait_s,
        .service_s = record->service_s,
        .transfer_s = record->transfer_s,
        .energy_j = record->energy_j,
        .tier = is_answered ? world->view.tier[record->answer_tier].name : NULL,
        .exit = is_answered ? recorder->exits[record->answer_exit] : NULL,
        .drop_reason = is_answered ? NULL : world->reason[record->reason],
        .decision = record->decision,
        .confidence = record->confidence,
        .correct = is_answered ? record->is_correct : -1,
        .is_offloaded = record->is_offloaded,
    };
    make_room(recording);
    for (size_t i = 0; i < recorder->lists; i++) {
        sample.cost = world_cost(recorder->prices[i], record->counted, world->counters.count);
        recording->lists[i][recording->count] = sample;
    }
    recording->count++;
}

static int by_device_and_number(const void *left, const void *right)
{
    const struct store_sample *a = left;
    const struct store_sample *b = right;
    if (a->device != b->device) {
        return a->device < b->device ? -1 : 1;
    }
    return (a->number > b->number) - (a->number < b->number);
}

void recording_sort(struct recording *recording)
{
    for (size_t i = 0; recording->lists && i < recording->recorder->lists; i++) {
        qsort(recording->lists[i], recording->count, sizeof(struct store_sample),
              by_device_and_number);
    }
}

void recording_finish(struct recording *recording)
{
    for (size_t i = 0; recording->lists && i < recording->recorder->lists; i++) {
        free(recording->lists[i]);
    }
    free(recording->lists);
    *recording = (struct recording){0};
}
