// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/batches.h"
#include "model/controls.h"
#include "model/generator.h"
#include "model/run.h"
#include "scenario/trace.h"

#include <math.h>
#include <string.h>

// A sample as it arises: nothing is computed, and the input is where it is.
static const struct sample fresh_sample = {
    .model = -1, .layer = -1, .answer_exit = -1, .reason = -1, .latest_exit = -1, .raw_at = 1};

struct sample workload_fresh_sample(void)
{
    return fresh_sample;
}

// The source of samples that arise now.
static uint16_t source_now(const struct run *run)
{
    int source = run->world->sources - 1;
    while (run->now_s < run->world->source[source].from_s) {
        source--;
    }
    return (uint16_t)source;
}

// Apart from the others, as what it needs of registers and stack they would have to save, too.
static __attribute__((noinline)) uint32_t
draw_row(const struct run *run, const struct world_source *source, uint64_t index, uint32_t device)
{
    const uint64_t rows = source->rows;
    const struct stream_at at = {run->key, source->purpose_order, device, index};
    const uint64_t row = (uint64_t)(stream_uniform(&at) * (double)rows);
    return (uint32_t)(row < rows ? row : rows - 1);
}

// The row of the trace at a place among those that are simulated.
static uint32_t row_at(const struct world_source *source, uint64_t place)
{
    return source->row ? source->row[place] : (uint32_t)place;
}

// Which of the simulated rows some samples are.
static void pick_rows(struct run *run, const struct world_source *source, const uint32_t *devices,
                      const uint64_t *indices, size_t count, uint32_t *ret_places)
{
    switch (source->rows == 1 ? ORDER_AS_IS : run->world->spec->samples.order) {
    case ORDER_AS_IS:
        for (size_t i = 0; i < count; i++) {
            const uint64_t rank = workload_rank(run, indices[i], devices[i]);
            ret_places[i] = (uint32_t)(rank % source->rows);
        }
        break;
    case ORDER_SHUFFLE:
        for (size_t i = 0; i < count; i++) {
            const uint64_t rank = workload_rank(run, indices[i], devices[i]);
            ret_places[i] = (uint32_t)order_place(&run->orders, run->key, source, rank);
        }
        break;
    case ORDER_RESAMPLE:
        for (size_t i = 0; i < count; i++) {
            ret_places[i] = draw_row(run, source, indices[i], devices[i]);
        }
        break;
    }
}

static double payload(const struct run *run, const struct sample *sample)
{
    const struct world_class *devices = sample_class(run, sample);
    if (devices->payload.kind == DISTRIBUTION_COLUMN) {
        const struct distribution_parameters *p = devices->payload_parameters;
        return trace_extra(run->world->source[sample->source].trace, sample->row, p->column) *
               p->column_scale;
    }
    const struct stream_at at = {run->key, run->world->purpose_payload, sample->device,
                                 sample->index};
    return distribution_draw(&devices->payload, &at);
}

uint32_t workload_take_slot(struct run *run)
{
    if (run->free_slot == NO_SLOT) {
        const uint32_t old_room = run->sample_room;
        const uint32_t room = old_room ? 2 * old_room : 64;
        CHECK(&run->place, room > old_room);
        run->samples = memory_resize(run->samples, room, sizeof(struct sample));
        if (run->world->source[0].generator) {
            const struct policy_world *view = &run->world->view;
            run->generated = memory_resize(run->generated, room * (size_t)view->exits,
                                           sizeof(struct trace_outcome));
            run->generated_features = memory_resize(
                run->generated_features, room * ((size_t)view->features + 1), sizeof(double));
            run->generated_label = memory_resize(run->generated_label, room, sizeof(int32_t));
        }
        if (run->options->observe) {
            const size_t counters = (size_t)run->world->counters.count;
            run->counted = memory_resize(run->counted, room * counters, sizeof(double));
            run->why = memory_resize(run->why, room, sizeof(char *));
        }
        lanes_grow(run, old_room, room);
        links_grow(run, room);
        dispatch_grow(run, room);
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
    run->generated_label[slot] =
        generator_draw(run->world->source[sample->source].generator, run->key, sample->device,
                       sample->index, run->generated + (size_t)slot * (size_t)view->exits,
                       run->generated_features + (size_t)slot * (size_t)view->features);
}

static void schedule(struct run *run, uint32_t device, double time_s, bool is_burst)
{
    struct device *d = &run->devices[device];
    const uint64_t rank = workload_rank(run, d->scheduled, device);
    d->scheduled++;
    if (!isfinite(time_s) ||
        (run->world->spec->stop_kind == STOP_TIME && time_s > run->world->spec->stop_time_s)) {
        return;
    }
    run->pending++;
    event_queue_push(&run->queue, time_s,
                     event_tag(is_burst ? EVENT_BURST : EVENT_ARRIVE, rank, device));
}

// The time that the trace states for an arrival; INFINITY past its end.
static double traced_time(const struct run *run, const struct spec_arrivals *arrivals,
                          uint32_t device)
{
    const struct world_source *source = &run->world->source[0];
    const uint64_t place = workload_rank(run, run->devices[device].scheduled, device);
    if (place >= source->rows) {
        return INFINITY;
    }
    const uint64_t row = row_at(source, place);
    // A file may say "-0"; adding 0 takes the sign away, which the event queue asks for.
    return trace_extra(source->trace, row, arrivals->column_number) * arrivals->column_scale + 0.0;
}

double workload_next(struct run *run, const struct world_class *devices, uint32_t device)
{
    const struct arrival *arrival = &devices->arrival;
    struct device *d = &run->devices[device];
    switch (arrival->spec->kind) {
    case ARRIVALS_CLOSED:
        return INFINITY;
    case ARRIVALS_TRACE:
        return arrival_clock_time(&arrival->clock, traced_time(run, arrival->spec, device));
    default:
        break;
    }
    const uint64_t number = d->scheduled - (run->bursts ? run->burst_samples[device] : 0);
    struct arrival_state *state = run->arrival_states ? &run->arrival_states[device] : NULL;
    return arrival_next(arrival, run->key, device, number, &d->arrivals, state,
                        draws_gaps(&run->draws, device), run->draws.length);
}

// Open arrivals: the next one after the last, if there is any.
static void schedule_next(struct run *run, const struct world_class *devices, uint32_t device)
{
    if (devices->arrival.spec->kind != ARRIVALS_CLOSED) {
        schedule(run, device, workload_next(run, devices, device), false);
    }
}

static void schedule_burst(struct run *run, const struct world_class *devices, uint32_t device)
{
    run->burst_samples[device]++;
    schedule(run, device,
             arrival_next_burst(&devices->arrival, run->key, device, &run->bursts[device]), true);
}

static void think(struct run *run, const struct arrival *arrival, uint32_t device)
{
    const struct stream_at at = {run->key, arrival->purpose_think, device,
                                 run->devices[device].scheduled};
    schedule(run, device, run->now_s + distribution_draw(&arrival->think, &at), false);
}

void workload_return(struct run *run, uint32_t device)
{
    if (!run->is_open || !run->has_closed_loop) {
        return;
    }
    const struct arrival *arrival = &run_class(run, device)->arrival;
    if (arrival->spec->kind == ARRIVALS_CLOSED) {
        think(run, arrival, device);
    }
}

// A file or a trace may end before the run does, or a drift stop all arrivals: nothing arises any
// more once none is pending, unless samples in flight bring others.
static void close_if_over(struct run *run)
{
    if (!run->pending && !run->has_closed_loop && run->world->spec->stop_kind == STOP_SAMPLES) {
        run->is_open = false;
        run->tally->window_to_s = run->now_s;
    }
}

void workload_start(struct run *run)
{
    for (int i = 0; i < run->world->class_count; i++) {
        const struct world_class *devices = &run->world->classes[i];
        const struct arrival *arrival = &devices->arrival;
        const int in_flight = arrival->spec->kind == ARRIVALS_CLOSED ? arrival->spec->in_flight : 0;
        for (uint32_t k = 0; k < devices->devices; k++) {
            const uint32_t device = devices->first_device + k;
            for (int n = 0; n < in_flight; n++) {
                think(run, arrival, device);
            }
            schedule_next(run, devices, device);
            if (arrival->has_bursts) {
                schedule_burst(run, devices, device);
            }
        }
    }
    close_if_over(run);
}

void workload_rows(struct run *run, const struct world_source *source, const uint32_t *devices,
                   const uint64_t *indices, size_t count, uint32_t *ret_rows)
{
    pick_rows(run, source, devices, indices, count, ret_rows);
    for (size_t i = 0; i < count && source->row; i++) {
        ret_rows[i] = row_at(source, ret_rows[i]);
    }
}

void workload_make(struct run *run, uint32_t slot, const struct world_class *devices,
                   uint32_t device, uint64_t index)
{
    struct sample *sample = &run->samples[slot];
    *sample = fresh_sample;
    sample->index = index;
    sample->arrived_s = run->now_s;
    sample->device = device;
    sample->device_class = (uint8_t)(devices - run->world->classes);
    sample->source = source_now(run);
    const struct world_source *source = &run->world->source[sample->source];
    workload_rows(run, source, &device, &index, 1, &sample->row);
    sample->raw_bytes = payload(run, sample);
    if (source->generator) {
        generate(run, slot);
    }
}

uint32_t workload_arrive(struct run *run, uint32_t device, bool is_burst)
{
    const struct spec *spec = run->world->spec;
    if (!run->is_open) {
        return NO_SLOT;
    }
    if (spec->warmup_kind == WARMUP_SAMPLES && run->offered == spec->warmup_samples) {
        run->tally->window_from_s = run->now_s;
    }
    const struct world_class *devices = run_class(run, device);
    const uint32_t slot = workload_take_slot(run);
    struct sample *sample = &run->samples[slot];
    workload_make(run, slot, devices, device, run->devices[device].index++);
    sample->is_counted = run->now_s >= run->tally->window_from_s;
    dispatch_forget(run, slot);
    controls_arrive(run, sample);
    run->offered++;
    run->in_flight++;
    run->pending--;
    if (run->options->observe) {
        const size_t counters = (size_t)run->world->counters.count;
        memset(run->counted + slot * counters, 0, counters * sizeof(double));
        run->why[slot] = NULL;
    }
    run_count(run, sample, COUNTER_OFFERED, sample->is_counted);
    if (sample->is_counted && run->world->has_classes) {
        run_count(run, sample,
                  run->world->counters.classes + sample->device_class * CLASS_COUNTER_COUNT +
                      CLASS_OFFERED,
                  1);
    }
    if (spec->stop_kind == STOP_SAMPLES && run->offered == run->stop_samples &&
        !batches_go_on(run)) {
        run->is_open = false;
        run->tally->window_to_s = run->now_s;
    } else if (is_burst) {
        schedule_burst(run, devices, device);
    } else {
        schedule_next(run, devices, device);
    }
    if (run->is_open) {
        close_if_over(run);
    }
    return slot;
}
