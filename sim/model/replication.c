// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/replication.h"

#include "base/text.h"
#include "model/batches.h"
#include "model/controls.h"
#include "model/pipeline.h"
#include "model/run.h"
#include "model/self_check.h"
#include "model/warmup.h"

#include <math.h>
#include <stdlib.h>

// More events than this at one instant mean that time stands still: some loop of zero delays.
enum { MOST_EVENTS_AT_ONE_INSTANT = 10 * 1000 * 1000 };

static void handle(struct run *run, const struct event *event)
{
    switch ((enum event_kinds)event_kind(event)) {
    case EVENT_REPORT:
        observation_report(run, (int)event_subject(event));
        return;
    case EVENT_FEEDBACK:
        run->awaiting--;
        view_feed_back(run, event_subject(event));
        return;
    case EVENT_DEPART:
        journey_depart(run, event_subject(event));
        return;
    case EVENT_MEDIUM:
        link_wake(run, event_subject(event), event->time_s);
        return;
    case EVENT_LANE:
        lane_wake(run, event_subject(event), event->time_s);
        return;
    case EVENT_TIMEOUT:
        journey_time_out(run, event_subject(event));
        return;
    case EVENT_DELIVER:
        journey_deliver(run, event_subject(event));
        return;
    case EVENT_ARRIVE:
    case EVENT_BURST: {
        const bool is_burst = event_kind(event) == EVENT_BURST;
        const uint32_t slot = workload_arrive(run, event_subject(event), is_burst);
        if (slot != NO_SLOT) {
            journey_decide(run, slot);
        }
        return;
    }
    case EVENT_BATCH:
        batches_cut(run);
        return;
    }
}

// Whether a station is a direction of a medium in which messages of both stand in one line.
static bool is_half_duplex(const struct world *world, int station)
{
    const bool is_first = station + 1 < world->stations && world->station[station + 1].is_second;
    return (world->station[station].is_second || is_first) && !world->station[station].is_fair;
}

// Such a direction cannot tell from its own messages whose turn it is: those in service are under
// way to their departure and have started.
struct look_at {
    struct run *run;
    double time_s;
};

static void look_at_departure(const struct event *event, void *context)
{
    const struct look_at *at = context;
    struct run *run = at->run;
    if (event_kind(event) == EVENT_DEPART) {
        const struct sample *sample = &run->samples[event_subject(event)];
        if (is_half_duplex(run->world, sample->station) && sample->visit_start_s <= at->time_s) {
            run->looks[sample->station].waiting--;
            run->looks[sample->station].in_service++;
        }
    }
}

static void look_at_half_duplex(struct run *run, const struct event *next, double time_s)
{
    for (int i = 0; i < run->world->stations; i++) {
        if (is_half_duplex(run->world, i)) {
            run->looks[i].waiting += run->looks[i].in_service;
            run->looks[i].in_service = 0;
        }
    }
    struct look_at at = {run, time_s};
    look_at_departure(next, &at);
    event_queue_each(&run->queue, look_at_departure, &at);
}

// Shows an observer the stations at all of its instants before the next event, which has left the
// queue.
static void show_stations(struct run *run, const struct event *next)
{
    const struct replication_options *options = run->options;
    const struct world *world = run->world;
    while (run->looks && (double)run->looks_done * options->step_s < next->time_s) {
        for (int i = 0; i < world->stations; i++) {
            run->looks[i] = (struct station_state){0};
            for (uint32_t lane = 0; lane < world->station[i].lanes; lane++) {
                journey_look(run, i, world->station[i].first_lane + lane, &run->looks[i]);
            }
        }
        const double time_s = (double)run->looks_done * options->step_s;
        look_at_half_duplex(run, next, time_s);
        run->looks_done++;
        if (!options->look(options->context, time_s, run->looks)) {
            run->looks = NULL;
        }
    }
}

// Returns the number of events that were handled.
static uint64_t run_loop(struct run *run)
{
    uint64_t events = 0;
    uint64_t at_this_instant = 0;
    // Feedback and reports alone keep no run going: no decision is left that they could change.
    while (run->queue.count > run->awaiting && (run->is_open || run->in_flight) &&
           !run->has_failed) {
        const struct event event = event_queue_pop(&run->queue);
        CHECK(&run->place, event.time_s >= run->now_s);
        if (run->looks) {
            show_stations(run, &event);
        }
        at_this_instant = event.time_s > run->now_s ? 0 : at_this_instant + 1;
        run->now_s = run->place.time_s = event.time_s;
        events++;
        if (at_this_instant > MOST_EVENTS_AT_ONE_INSTANT) {
            run->has_failed = true;
            text_format(run->error,
                        "time stands still at %.9g s: %d events without any delay (a closed loop "
                        "needs a think time, a service time or a transfer time above 0)",
                        run->now_s, MOST_EVENTS_AT_ONE_INSTANT);
            break;
        }
        handle(run, &event);
    }
    return events;
}

// Few processes keep more than the device itself.
static void init_devices(struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    run->devices = arena_new_array(arena, world->devices, struct device);
    for (int i = 0; i < world->class_count; i++) {
        const struct arrival *arrival = &world->classes[i].arrival;
        run->has_closed_loop |= arrival->spec->kind == ARRIVALS_CLOSED;
        if (arrival_has_states(arrival) && !run->arrival_states) {
            run->arrival_states = arena_new_array(arena, world->devices, struct arrival_state);
        }
        if (arrival->has_bursts && !run->bursts) {
            run->bursts = arena_new_array(arena, world->devices, struct arrival_burst);
            run->burst_samples = arena_new_array(arena, world->devices, uint64_t);
        }
    }
}

static void init_run(struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    const struct policy_type *policy = world->policy;
    const struct spec *spec = world->spec;
    run->place = (struct check_place){0, "run loop", run->key.seed, run->options->number};
    run->free_slot = NO_SLOT;
    run->is_open = true;
    run->stop_samples = spec->stop_samples;
    run->free_at_s = arena_new_array(arena, world->servers, double);
    run->present = arena_new_array(arena, world->lanes, uint32_t);
    init_devices(run, arena);
    run->states = arena_array(arena, world->devices, policy->state_bytes);
    draws_init(&run->draws, world, arena);
    lanes_init(run, arena);
    links_init(run, arena);
    observation_start(run, arena);
    run->outcomes = arena_new_array(arena, (size_t)world->view.exits, struct policy_outcome);
    run->correct = arena_new_array(arena, (size_t)world->view.exits, unsigned char);
    view_start(run);
    run->tally = arena_new(arena, struct tally);
    tally_init(run->tally, world, arena);
    run->tally->window_from_s = spec->warmup_kind == WARMUP_SAMPLES ? INFINITY
                                : spec->warmup_kind == WARMUP_TIME  ? spec->warmup_time_s
                                : spec->warmup_kind == WARMUP_AUTO  ? run->options->warmup->cut_s
                                                                    : 0;
    run->tally->warmup = run->options->warmup;
    run->tally->window_to_s = spec->stop_kind == STOP_TIME ? spec->stop_time_s : INFINITY;
    controls_init(run, arena);
    if (run->options->look && run->options->step_s > 0) {
        run->looks = arena_new_array(arena, (size_t)world->stations, struct station_state);
    }
    if (policy->init) {
        for (uint64_t device = 0; device < world->devices; device++) {
            const struct world_class *devices = run_class(run, (uint32_t)device);
            policy->init(&devices->view, world->parameters, devices->plan,
                         run->states + device * policy->state_bytes);
        }
    }
}

static void finish_run(struct run *run)
{
    const struct policy_type *policy = run->world->policy;
    if (policy->finish) {
        for (uint64_t device = 0; device < run->world->devices; device++) {
            policy->finish(run->states + device * policy->state_bytes);
        }
    }
    observation_finish(run);
    lanes_finish(run);
    links_finish(run);
    event_queue_finish(&run->queue);
    orders_finish(&run->orders);
    free(run->why);
    free(run->counted);
    free(run->generated_features);
    free(run->generated_label);
    free(run->generated);
    free(run->samples);
}

// Antithetic replications share a key, two by two.
static struct stream_key key_of(const struct spec *spec, uint64_t number)
{
    const bool is_turned = spec->antithetic && number % 2;
    return (struct stream_key){.seed = spec->seed,
                               .replication = is_turned ? number - 1 : number,
                               .turn = is_turned ? STREAM_TURNED : 0};
}

// Runs what is set up: station after station where that is possible, else event by event. Returns
// false if it has to begin again, by events.
static bool run_whole(struct run *run, struct arena *arena, bool by_events, uint64_t *ret_events)
{
    if (!by_events) {
        return pipeline_run(run, arena, ret_events);
    }
    run->lines = arena_new_array(arena, run->world->servers, struct line);
    batches_start(run, arena);
    workload_start(run);
    *ret_events = run_loop(run);
    lanes_close(run);
    controls_close(run);
    return true;
}

static bool goes_by_events(const struct world *world, const struct replication_options *options)
{
    return options->by_events || options->observe || options->visited || options->look ||
           !pipeline_is_possible(world, NULL);
}

static int run_once(const struct world *world, const struct replication_options *options,
                    bool by_events, struct replication_result *ret_result, struct text *ret_error)
{
    struct arena arena = {0};
    struct run run = {.world = world,
                      .options = options,
                      .key = key_of(world->spec, options->number),
                      .error = ret_error};
    init_run(&run, &arena);
    for (int i = 0; i < world->counters.count; i++) {
        ret_result->counters[i] = 0;
    }
    run.tally->counters = ret_result->counters;
    if (!run_whole(&run, &arena, by_events, &ret_result->events)) {
        finish_run(&run);
        arena_finish(&arena);
        return run_once(world, options, true, ret_result, ret_error);
    }
    tally_sum_up(world, run.tally);
    if (!run.has_failed) {
        self_check_run(&run, &arena);
    }
    metrics_compute(world, run.tally, ret_result->metrics);
    batches_collect(&run, &ret_result->batches);
    ret_result->simulated_s = run.now_s;
    ret_result->window_s = run.tally->window_to_s - run.tally->window_from_s;
    ret_result->offered = run.offered;
    ret_result->wanted = run.stop_samples;
    ret_result->answered = run.answered;
    ret_result->dropped = run.dropped;
    ret_result->in_flight = run.in_flight;
    finish_run(&run);
    arena_finish(&arena);
    return run.has_failed ? -1 : 0;
}

int replication_run(const struct world *world, const struct replication_options *options,
                    struct replication_result *ret_result, struct text *ret_error)
{
    if (world->spec->warmup_kind == WARMUP_AUTO && !options->warmup) {
        return warmup_run(world, options, ret_result, ret_error);
    }
    return run_once(world, options, goes_by_events(world, options), ret_result, ret_error);
}
