// SPDX-License-Identifier: GPL-3.0-or-later

// What an observer is told of a sample.

#include "model/run.h"

#include <math.h>

void record_sample(const struct run *run, uint32_t slot)
{
    const struct world *world = run->world;
    const struct sample *sample = &run->samples[slot];
    const bool is_answered = sample->reason < 0;
    const struct trace_outcome *outcome =
        is_answered ? &sample_outcomes(run, sample)[sample->answer_exit] : NULL;
    const double *counted = run->counted + (size_t)slot * (size_t)world->counters.count;
    const struct sample_record record = {
        .index = sample->index,
        .device = sample->device,
        .row = sample->row,
        .arrived_s = sample->arrived_s,
        .ended_s = run->now_s,
        .input_bytes = sample->raw_bytes,
        .wait_s = sample->wait_s,
        .service_s = sample->service_s,
        .transfer_s = sample->transfer_s,
        .answer_exit = is_answered ? sample->answer_exit : -1,
        .answer_tier = is_answered ? sample->target : -1,
        .reason = sample->reason,
        .confidence = is_answered ? outcome->confidence : NAN,
        .counted = counted,
        .energy_j = counted[COUNTER_JOULES],
        .cost = sample->is_counted
                    ? world_cost(world->counters.prices, counted, world->counters.count)
                    : 0,
        .decision = run->why[slot],
        .is_counted = sample->is_counted,
        .is_correct = is_answered && outcome->correct,
        .is_offloaded = sample->is_offloaded,
    };
    run->options->observe(run->options->context, &record);
}
