// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/generator.h"
#include "model/run.h"
#include "scenario/trace.h"

#include <math.h>
#include <string.h>

// Which of the simulated rows sample `rank` is.
static uint32_t pick_row(struct run *run, uint64_t rank, uint64_t index, uint32_t device)
{
    const uint64_t rows = run->world->rows;
    if (rows == 1) {
        return 0;
    }
    switch (run->world->spec->samples.order) {
    case ORDER_AS_IS:
        break;
    case ORDER_SHUFFLE: {
        const uint64_t pass = rank / rows;
        struct stream_permutation *order = &run->order[pass % ORDERS_KEPT];
        if (order->count == 0 || order->pass != pass) {
            *order = stream_permutation(run->key, run->world->purpose_order, pass, rows);
        }
        return (uint32_t)stream_permuted(order, rank % rows);
    }
    case ORDER_RESAMPLE: {
        const struct stream_at at = {run->key, run->world->purpose_order, device, index};
        const uint64_t row = (uint64_t)(stream_uniform(&at) * (double)rows);
        return (uint32_t)(row < rows ? row : rows - 1);
    }
    }
    return (uint32_t)(rank % rows);
}

// The row of the trace at a place among those that are simulated.
static uint32_t trace_row(const struct world *world, uint64_t place)
{
    return world->row ? world->row[place] : (uint32_t)place;
}

static double payload(const struct run *run, const struct sample *sample)
{
    const struct world *world = run->world;
    if (world->payload.kind == DISTRIBUTION_COLUMN) {
        const struct distribution_parameters *p = &world->spec->samples.payload;
        return world->trace
                   ->extra[(size_t)sample->row * (size_t)world->trace->extras + (size_t)p->column] *
               p->column_scale;
    }
    const struct stream_at at = {run->key, world->purpose_payload, sample->device, sample->index};
    return distribution_draw(&world->payload, &at);
}

static uint32_t take_slot(struct run *run)
{
    if (run->free_slot == NO_SLOT) {
        const uint32_t old_room = run->sample_room;
        const uint32_t room = old_room ? 2 * old_room : 64;
        CHECK(&run->place, room > old_room);
        run->samples = memory_resize(run->samples, room, sizeof(struct sample));
        if (run->world->generator) {
            const struct policy_world *view = &run->world->view;
            run->generated = memory_resize(run->generated, room * (size_t)view->exits,
                                           sizeof(struct trace_outcome));
            run->generated_features = memory_resize(
                run->generated_features, room * ((size_t)view->features + 1), sizeof(double));
        }
        if (run->options->observe) {
            const size_t counters = (size_t)run->world->counters.count;
            run->counted = memory_resize(run->counted, room * counters, sizeof(double));
            run->why = memory_resize(run->why, room, sizeof(char *));
        }
        for (uint32_t slot = old_room; slot < room; slot++) {
            run->samples[slot].row = slot + 1 < room ? slot + 1 : NO_SLOT;
        }
        run->sample_room = room;
        run->free_slot = old_room;
    }
    const uint32_t slot = run->free_slot;
    run->free_slot = run->samples[slot].row;
    return slot;
}

static void generate(struct run *run, uint32_t slot)
{
    const struct policy_world *view = &run->world->view;
    const struct sample *sample = &run->samples[slot];
    generator_draw(run->world->generator, run->key, sample->device, sample->index,
                   run->generated + (size_t)slot * (size_t)view->exits,
                   run->generated_features + (size_t)slot * (size_t)view->features);
}

void workload_release(struct run *run, uint32_t slot)
{
    run->samples[slot].row = run->free_slot;
    run->free_slot = slot;
}

static void schedule(struct run *run, uint32_t device, double time_s)
{
    struct device *d = &run->devices[device];
    const uint64_t rank = workload_rank(run, d->scheduled, device);
    d->scheduled++;
    if (run->world->spec->stop_kind == STOP_TIME && time_s > run->world->spec->stop_time_s) {
        return;
    }
    event_queue_push(&run->queue, time_s, event_tag(EVENT_ARRIVE, rank, device));
}

// Open arrivals: the next one after the last, if there is any.
static void schedule_next(struct run *run, uint32_t device)
{
    const struct world *world = run->world;
    const struct spec_arrivals *arrivals = &world->spec->tiers[0].arrivals;
    struct device *d = &run->devices[device];
    switch (arrivals->kind) {
    case ARRIVALS_POISSON: {
        const uint64_t word =
            stream_next_word(&d->arrivals, run->key, world->purpose_arrival, device);
        d->next_s += -elementary_log(stream_unit(word)) / arrivals->rate_per_s;
        schedule(run, device, d->next_s);
        break;
    }
    case ARRIVALS_DETERMINISTIC:
        schedule(run, device, arrivals->phase_s + (double)d->scheduled * arrivals->period_s);
        break;
    case ARRIVALS_TRACE: {
        const uint64_t place = workload_rank(run, d->scheduled, device);
        if (place < world->rows) {
            const uint64_t row = trace_row(world, place);
            // A file may say "-0"; adding 0 takes the sign away, which the event queue asks for.
            schedule(run, device,
                     world->trace->extra[row * (uint64_t)world->trace->extras +
                                         (uint64_t)arrivals->column_number] *
                             arrivals->column_scale +
                         0.0);
        }
        break;
    }
    case ARRIVALS_CLOSED:
    case ARRIVALS_NONE:
        break;
    }
}

void workload_return(struct run *run, uint32_t device)
{
    const struct world *world = run->world;
    if (!run->is_open || world->spec->tiers[0].arrivals.kind != ARRIVALS_CLOSED) {
        return;
    }
    const struct stream_at at = {run->key, world->purpose_think, device,
                                 run->devices[device].scheduled};
    schedule(run, device, run->now_s + distribution_draw(&world->think, &at));
}

void workload_start(struct run *run)
{
    const struct spec *spec = run->world->spec;
    const int in_flight =
        spec->tiers[0].arrivals.kind == ARRIVALS_CLOSED ? spec->tiers[0].arrivals.in_flight : 0;
    for (uint32_t device = 0; device < run->world->devices; device++) {
        for (int i = 0; i < in_flight; i++) {
            workload_return(run, device);
        }
        schedule_next(run, device);
    }
}

// How many samples there will be, where the run is not stopped by time. A trace of arrivals may end
// before the stop.
static uint64_t samples_in_all(const struct run *run)
{
    const struct spec *spec = run->world->spec;
    const uint64_t rows = run->world->rows;
    return spec->tiers[0].arrivals.kind == ARRIVALS_TRACE && rows < spec->stop_samples
               ? rows
               : spec->stop_samples;
}

uint32_t workload_arrive(struct run *run, uint32_t device)
{
    const struct spec *spec = run->world->spec;
    if (!run->is_open) {
        return NO_SLOT;
    }
    if (spec->warmup_kind == WARMUP_SAMPLES && run->offered == spec->warmup_samples) {
        run->tally->window_from_s = run->now_s;
    }
    const uint32_t slot = take_slot(run);
    struct sample *sample = &run->samples[slot];
    *sample = (struct sample){.index = run->devices[device].index++,
                              .device = device,
                              .arrived_s = run->now_s,
                              .model = -1,
                              .layer = -1,
                              .answer_exit = -1,
                              .reason = -1,
                              .latest_exit = -1,
                              .raw_at = 1,
                              .is_counted = run->now_s >= run->tally->window_from_s};
    const uint64_t rank = workload_rank(run, sample->index, device);
    sample->row = trace_row(run->world, pick_row(run, rank, sample->index, device));
    sample->raw_bytes = payload(run, sample);
    if (run->world->generator) {
        generate(run, slot);
    }
    run->offered++;
    run->in_flight++;
    if (run->options->observe) {
        const size_t counters = (size_t)run->world->counters.count;
        memset(run->counted + slot * counters, 0, counters * sizeof(double));
        run->why[slot] = NULL;
    }
    run_count(run, sample, COUNTER_OFFERED, sample->is_counted);
    if (spec->stop_kind == STOP_SAMPLES && run->offered == samples_in_all(run)) {
        run->is_open = false;
        run->tally->window_to_s = run->now_s;
    } else {
        schedule_next(run, device);
    }
    return slot;
}
