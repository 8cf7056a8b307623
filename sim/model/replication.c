// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/replication.h"

#include "base/text.h"
#include "model/run.h"

#include <math.h>
#include <stdlib.h>

// More events than this at one instant mean that time stands still: some loop of zero delays.
enum { MOST_EVENTS_AT_ONE_INSTANT = 10 * 1000 * 1000 };

static void handle(struct run *run, const struct event *event)
{
    switch ((enum event_kinds)event_kind(event)) {
    case EVENT_FEEDBACK:
        run->awaiting--;
        view_feed_back(run, event_subject(event));
        return;
    case EVENT_DEPART:
        journey_depart(run, event_subject(event));
        return;
    case EVENT_DELIVER:
        journey_deliver(run, event_subject(event));
        return;
    case EVENT_ARRIVE: {
        const uint32_t slot = workload_arrive(run, event_subject(event));
        if (slot != NO_SLOT) {
            journey_decide(run, slot);
        }
        return;
    }
    }
}

// Returns the number of events that were handled.
static uint64_t run_loop(struct run *run)
{
    uint64_t events = 0;
    uint64_t at_this_instant = 0;
    // Feedback alone keeps no run going: no decision is left that it could change.
    while (run->queue.count > run->awaiting && (run->is_open || run->in_flight) &&
           !run->has_failed) {
        const struct event event = event_queue_pop(&run->queue);
        CHECK(&run->place, event.time_s >= run->now_s);
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

// Before a device has measured anything, it knows the nominal rates.
static void init_links(struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    const size_t links = (size_t)world->view.links;
    run->link_bytes_per_s = arena_new_array(arena, world->devices * links, double);
    run->link_seen_s = arena_new_array(arena, world->devices * links, double);
    run->link_nominal_per_s = arena_new_array(arena, links, double);
    run->link_never_s = arena_new_array(arena, links, double);
    run->link_backlog_s = arena_new_array(arena, links, double);
    for (size_t link = 0; link < links; link++) {
        run->link_nominal_per_s[link] = world->view.link[link].up_bytes_per_s;
        run->link_never_s[link] = -INFINITY;
    }
    for (size_t i = 0; i < world->devices * links; i++) {
        run->link_bytes_per_s[i] = run->link_nominal_per_s[i % links];
        run->link_seen_s[i] = -INFINITY;
    }
}

static void init_run(struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    const struct policy_type *policy = world->policy;
    const struct spec *spec = world->spec;
    run->place = (struct check_place){0, "run loop", run->key.seed, run->key.replication};
    run->free_slot = NO_SLOT;
    run->is_open = true;
    run->free_at_s = arena_new_array(arena, world->servers, double);
    run->present = arena_new_array(arena, world->lanes, uint32_t);
    run->devices = arena_new_array(arena, world->devices, struct device);
    run->states = arena_array(arena, world->devices, policy->state_bytes);
    if (policy->observes_links) {
        init_links(run, arena);
    }
    run->outcomes = arena_new_array(arena, (size_t)world->view.exits, struct policy_outcome);
    run->correct = arena_new_array(arena, (size_t)world->view.exits, unsigned char);
    run->tally = arena_new(arena, struct tally);
    run->tally->stations = arena_new_array(arena, (size_t)world->stations, struct station_tally);
    run->tally->window_from_s = spec->warmup_kind == WARMUP_SAMPLES ? INFINITY
                                : spec->warmup_kind == WARMUP_TIME  ? spec->warmup_time_s
                                                                    : 0;
    run->tally->window_to_s = spec->stop_kind == STOP_TIME ? spec->stop_time_s : INFINITY;
    if (policy->init) {
        for (uint64_t device = 0; device < world->devices; device++) {
            policy->init(&world->view, world->parameters, world->plan,
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
    event_queue_finish(&run->queue);
    free(run->why);
    free(run->counted);
    free(run->generated_features);
    free(run->generated);
    free(run->samples);
}

// The idle power of nodes is an average over time: what of it falls to the window becomes part of
// the energy of the samples.
static void close_tally(struct run *run)
{
    const struct world *world = run->world;
    struct tally *tally = run->tally;
    const double window_s = tally->window_to_s - tally->window_from_s;
    for (int tier = 0; tier < world->tiers && window_s > 0; tier++) {
        const double joules = world->tier[tier].idle_w * world->tier[tier].nodes * window_s;
        tally->counters[world->counters.joules + tier] += joules;
        tally->counters[COUNTER_JOULES] += joules;
    }
}

int replication_run(const struct world *world, const struct replication_options *options,
                    struct replication_result *ret_result, struct text *ret_error)
{
    struct arena arena = {0};
    struct run run = {.world = world,
                      .options = options,
                      .key = {world->spec->seed, options->number},
                      .error = ret_error};
    init_run(&run, &arena);
    for (int i = 0; i < world->counters.count; i++) {
        ret_result->counters[i] = 0;
    }
    run.tally->counters = ret_result->counters;
    workload_start(&run);
    ret_result->events = run_loop(&run);
    close_tally(&run);
    CHECK(&run.place, run.offered == run.answered + run.dropped + run.in_flight || run.has_failed);
    metrics_compute(world, run.tally, ret_result->metrics);
    ret_result->simulated_s = run.now_s;
    ret_result->window_s = run.tally->window_to_s - run.tally->window_from_s;
    ret_result->offered = run.offered;
    ret_result->answered = run.answered;
    ret_result->dropped = run.dropped;
    ret_result->in_flight = run.in_flight;
    finish_run(&run);
    arena_finish(&arena);
    return run.has_failed ? -1 : 0;
}
