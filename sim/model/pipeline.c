// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/pipeline.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/pipeline_parts.h"

#include <math.h>
#include <stdlib.h>

// ---- whether it is possible ----

static const char *reason_of_station(const struct world *world, const struct world_station *station)
{
    const struct lane_rules *rules = station->rules;
    return rules && !pipeline_can_batch(rules)     ? "has a queue with an order of its own"
           : station->room >= 0                    ? "has limited room"
           : station->blocks                       ? "holds samples back"
           : station->is_fair                      ? "is shared by all that is under way"
           : station->is_second                    ? "takes both directions in one queue"
           : station->loss                         ? "may lose messages"
           : station->rate.can_stop                ? "may stop"
           : isfinite(station->patience_s)         ? "is left by samples that wait too long"
           : pipeline_passes_batch(world, station) ? "passes on a whole batch in no time"
                                                   : NULL;
}

// Part of a sentence, perhaps with a name in it.
static const char *find_obstacle(const struct world *world, const char **ret_kind,
                                 const char **ret_name)
{
    const struct policy_type *policy = world->policy;
    const struct spec *spec = world->spec;
    *ret_kind = "policy";
    *ret_name = policy->name;
    if (!policy->decides_by_sample ||
        (policy->observes && policy->observes(world->parameters) != 0)) {
        return "decides on more than the sample";
    }
    if (policy->feedback && spec->feedback.when != FEEDBACK_NEVER) {
        return "learns from feedback";
    }
    *ret_kind = "station";
    for (int i = 0; i < world->stations; i++) {
        const char *reason = reason_of_station(world, &world->station[i]);
        if (reason) {
            *ret_name = world->station[i].name;
            return reason;
        }
    }
    *ret_kind = NULL;
    for (int i = 0; i < world->class_count; i++) {
        const struct arrival *arrival = &world->classes[i].arrival;
        if (arrival->has_bursts || arrival->spec->kind == ARRIVALS_CLOSED) {
            return arrival->has_bursts ? "arrivals come in bursts"
                                       : "a sample waits for the one before";
        }
    }
    return world->balances                            ? "nodes are chosen by load"
           : spec->control_variates                   ? "there are control variates"
           : spec->intervals == INTERVALS_BATCH_MEANS ? "the run is cut into batches"
                                                      : NULL;
}

bool pipeline_is_possible(const struct world *world, struct text *ret_obstacle)
{
    const char *kind;
    const char *name;
    const char *obstacle = find_obstacle(world, &kind, &name);
    if (obstacle && ret_obstacle && kind) {
        text_format(ret_obstacle, "%s '%s' ", kind, name);
    }
    if (obstacle && ret_obstacle) {
        text_add(ret_obstacle, obstacle);
    }
    return !obstacle;
}

// ---- arrivals in the world ----

static void grow(struct pipeline *line)
{
    const uint32_t old = line->room;
    const uint32_t room = old ? 2 * old : 1024;
    CHECK(&line->run->place, room > old);
    line->flights = memory_resize(line->flights, room, sizeof(*line->flights));
    line->free = memory_resize(line->free, room, sizeof(*line->free));
    for (uint32_t slot = room; slot-- > old;) {
        line->free[line->free_count++] = slot;
    }
    line->room = room;
}

static inline uint32_t take_flight(struct pipeline *line)
{
    if (!line->free_count) {
        grow(line);
    }
    return line->free[--line->free_count];
}

// Adds the steps of a path that was found.
static void add_steps(struct pipeline *line, const struct path *path)
{
    const struct world_station *station = line->run->world->station;
    struct step *steps = arena_new_array(line->arena, (size_t)path->leg_count + 1, struct step);
    for (int i = 0; i < path->leg_count; i++) {
        const struct leg *leg = &path->legs[i];
        struct common_leg *common = &line->common[leg->station];
        if (!common->leg) {
            *common = (struct common_leg){.leg = leg, .have_own_lanes = leg->is_per_device};
        }
        common->do_differ |= !leg_does_same(leg, common->leg);
        common->have_own_lanes &= leg->is_per_device && leg->first_lane == common->leg->first_lane;
        steps[i] = (struct step){.leg = leg, .events = &line->arrivals[leg->station]};
        if (isnan(leg->joules)) {
            steps[i].watts = station[leg->station].watts;
        } else {
            steps[i].joules = leg->joules;
        }
    }
    steps[path->leg_count] =
        (struct step){.events = &line->ends, .is_answered = path->answer_exit >= 0};
    line->steps[line->steps_count++] = steps;
}

// Finds the path of a sample and whether its answer is right. Returns false if there is none.
static bool look_up(struct pipeline *line, struct flight *flight, const struct world_class *devices)
{
    struct run *run = line->run;
    struct sample *sample = &run->samples[0];
    workload_make(run, 0, devices, flight->device, flight->index);
    const int number = paths_find(line->paths, run, sample);
    if (number < 0) {
        return false;
    }
    const struct path *path = paths_all(line->paths);
    while (line->steps_count < paths_count(line->paths)) {
        add_steps(line, &path[line->steps_count]);
    }
    const int exit = path[number].answer_exit;
    flight->raw_bytes = sample->raw_bytes;
    flight->source = sample->source;
    flight->row = run->world->source[sample->source].generator ? (uint32_t)run->generated_label[0]
                                                               : sample->row;
    flight->step = line->steps[number];
    flight->is_correct = exit >= 0 && sample_outcomes(run, sample)[exit].correct;
    return true;
}

// Most samples that arise together.
enum { ARISING = 64 };

// The samples of some arrivals, at most ARISING. What is looked up for all of them is looked up
// before any of them arises, so that none waits for another.
static void arise_together(struct pipeline *line, const struct event *arrivals, size_t count)
{
    struct run *run = line->run;
    const struct world *world = run->world;
    const double window_from_s = run->tally->window_from_s;
    const struct world_source *source = world->source;
    uint32_t device_of[ARISING] = {0};
    uint64_t index_of[ARISING] = {0};
    uint32_t row_of[ARISING] = {0};
    for (size_t i = 0; i < count; i++) {
        device_of[i] = event_subject(&arrivals[i]);
        index_of[i] = run->devices[device_of[i]].index++;
    }
    if (line->known && (source->rows > 1 || source->row)) {
        workload_rows(run, source, device_of, index_of, count, row_of);
    }
    uint64_t counted = 0;
    const struct world_class *devices = world->classes;
    uint8_t device_class = 0;
    for (size_t i = 0; i < count; i++) {
        const double time_s = arrivals[i].time_s;
        const uint32_t device = device_of[i];
        if (world->class_count > 1) {
            devices = run_class(run, device);
            device_class = (uint8_t)(devices - world->classes);
        }
        const bool is_counted = time_s >= window_from_s;
        const uint32_t slot = take_flight(line);
        struct flight *flight = &line->flights[slot];
        // Where all that decisions see of a sample follows from its row, samples of a row share a
        // path.
        struct known *known = line->known ? &line->known[device_class][row_of[i]] : NULL;
        const struct known own = known ? *known : (struct known){0};
        *flight = (struct flight){.arrived_s = time_s,
                                  .raw_bytes = own.raw_bytes,
                                  .visit_s = NO_VISIT,
                                  .index = index_of[i],
                                  .step = own.first,
                                  .device = device,
                                  .row = row_of[i],
                                  .device_class = device_class,
                                  .is_counted = is_counted,
                                  .is_correct = own.is_correct};
        if (!own.first) {
            run->now_s = time_s;
            if (!look_up(line, flight, devices)) {
                line->cannot_go_on = true;
                return;
            }
            if (known) {
                *known = (struct known){flight->raw_bytes, flight->step, flight->is_correct};
            }
        }
        counted += is_counted;
        if (world->has_classes && is_counted) {
            run->tally->counters[world->counters.classes + device_class * CLASS_COUNTER_COUNT +
                                 CLASS_OFFERED]++;
        }
        reorder_put_near(flight->step->events, time_s,
                         (arrivals[i].tag & ~(uint64_t)UINT32_MAX) | slot);
    }
    run->now_s = arrivals[count - 1].time_s;
    line->counted += counted;
    run->offered += count;
    line->taken += count;
}

// Of some arrivals, among which neither the warm-up nor the run ends.
static void arise_some(struct pipeline *line, const struct event *arrivals, size_t count)
{
    for (size_t i = 0; i < count && !line->cannot_go_on; i += ARISING) {
        arise_together(line, arrivals + i, count - i < ARISING ? count - i : ARISING);
    }
}

static void begin_stretch(struct pipeline *line, double horizon_s)
{
    for (int i = 0; i < line->run->world->stations; i++) {
        reorder_begin(&line->arrivals[i], horizon_s);
        reorder_begin(&line->departures[i], horizon_s);
    }
    reorder_begin(&line->ends, horizon_s);
}

static void close(struct run *run)
{
    run->is_open = false;
    if (run->world->spec->stop_kind == STOP_SAMPLES) {
        run->tally->window_to_s = run->now_s;
    }
}

static void arise_all(struct pipeline *line)
{
    struct run *run = line->run;
    const struct spec *spec = run->world->spec;
    feed_next(&line->feed);
    begin_stretch(line, line->feed.horizon_s);
    const struct event *arrivals = line->feed.stretch.near;
    size_t count = line->feed.stretch.count;
    const bool is_last =
        spec->stop_kind == STOP_SAMPLES && spec->stop_samples - run->offered <= count;
    if (is_last) {
        count = spec->stop_samples - run->offered;
    }
    line->taken = 0;
    line->cannot_go_on |= line->feed.cannot_go_on;
    if (spec->warmup_kind == WARMUP_SAMPLES && spec->warmup_samples >= run->offered &&
        spec->warmup_samples - run->offered < count) {
        const struct event *first = arrivals + (spec->warmup_samples - run->offered);
        arise_some(line, arrivals, (size_t)(first - arrivals));
        run->tally->window_from_s = first->time_s;
        // Before all of this sample's events, whatever their subjects are.
        line->window_from = (struct event){first->time_s, first->tag & ~(uint64_t)UINT32_MAX};
    }
    if (!line->cannot_go_on) {
        arise_some(line, arrivals + line->taken, count - line->taken);
    }
    if (is_last) {
        line->last_device = event_subject(&arrivals[count - 1]);
    }
    if (is_last || line->feed.is_over) {
        close(run);
    }
}

// ---- the whole ----

// Tables of paths by row, where they are worth their room.
static void init_known(struct pipeline *line, struct arena *arena)
{
    const struct world *world = line->run->world;
    const struct world_source *source = world->source;
    // Filling the tables must not cost more than they save: few rows, or as many samples.
    enum { FEW_ROWS = 1 << 14, MOST_ROWS = 1 << 20 };
    const uint64_t samples = world->spec->stop_kind == STOP_SAMPLES ? world->spec->stop_samples : 0;
    const uint64_t most = samples < FEW_ROWS ? FEW_ROWS : samples < MOST_ROWS ? samples : MOST_ROWS;
    if (world->sources > 1 || source->generator || world->policy->draws_uniform ||
        (uint64_t)source->trace->rows * (uint64_t)world->class_count > most) {
        return;
    }
    for (int i = 0; i < world->class_count; i++) {
        const enum distribution_kind kind = world->classes[i].payload.kind;
        if (kind != DISTRIBUTION_CONSTANT && kind != DISTRIBUTION_COLUMN) {
            return;
        }
    }
    line->known = arena_new_array(arena, (size_t)world->class_count, struct known *);
    for (int i = 0; i < world->class_count; i++) {
        line->known[i] = arena_new_array(arena, (size_t)source->trace->rows, struct known);
    }
}

static void init(struct pipeline *line, struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    const size_t stations = (size_t)world->stations;
    line->run = run;
    line->last_device = NO_SLOT;
    line->paths = paths_new(run, arena);
    line->arrivals = arena_new_array(arena, stations, struct reorder);
    line->departures = arena_new_array(arena, stations, struct reorder);
    line->steps = arena_new_array(arena, PATHS_MOST, struct step *);
    line->common = arena_new_array(arena, stations, struct common_leg);
    line->arena = arena;
    line->order.leads_to = arena_new_array(arena, stations * stations, bool);
    line->order.stations = arena_new_array(arena, stations, int);
    line->order.is_placed = arena_new_array(arena, stations, bool);
    line->order.groups = arena_new_array(arena, stations, struct group);
    line->window_from.time_s = run->tally->window_from_s;
    line->labels = arena_new_array(arena, (size_t)world->labels, struct label_sums);
    pipeline_init_batching(line, arena);
    feed_init(&line->feed, run, arena);
    workload_take_slot(run); // for a sample while it is asked about
    init_known(line, arena);
}

static void finish(struct pipeline *line)
{
    for (int i = 0; i < line->run->world->stations; i++) {
        reorder_finish(&line->arrivals[i]);
        reorder_finish(&line->departures[i]);
    }
    reorder_finish(&line->ends);
    reorder_scratch_finish(&line->scratch);
    event_queue_finish(&line->loop);
    feed_finish(&line->feed);
    paths_finish(line->paths);
    pipeline_finish_batching(line);
    free(line->flights);
    free(line->free);
    free(line->values);
    free(line->amounts);
    free(line->starts_s);
    free(line->ends_s);
    free(line->entities);
    free(line->indices);
}

// Time of the first event that no stretch has come to so far; INFINITY if there is none.
static double find_first(const struct pipeline *line)
{
    double first_s = reorder_far_s(&line->ends);
    for (int i = 0; i < line->run->world->stations; i++) {
        first_s = fmin(first_s, reorder_far_s(&line->arrivals[i]));
        first_s = fmin(first_s, reorder_far_s(&line->departures[i]));
    }
    return first_s;
}

// Behind the last arrival, what is under way comes to its end: in stretches, too, so that memory
// goes with what is in flight. They get longer or shorter as little or much happens in them.
static void begin_without_arrivals(struct pipeline *line, double first_s)
{
    feed_adapt(&line->feed, line->events - line->events_before);
    begin_stretch(line, nextafter(first_s + line->feed.length_s, INFINITY));
}

static void pass_stretch(struct pipeline *line, double first_s)
{
    if (line->run->is_open) {
        arise_all(line);
    } else {
        begin_without_arrivals(line, first_s);
    }
    line->events_before = line->events;
    if (line->order.paths < paths_count(line->paths)) {
        pipeline_find_order(line);
    }
    for (int i = 0; i < line->order.group_count; i++) {
        pipeline_pass_group(line, &line->order.groups[i]);
    }
    pipeline_end_all(line);
}

bool pipeline_run(struct run *run, struct arena *arena, uint64_t *ret_events)
{
    struct pipeline line = {0};
    init(&line, run, arena);
    double first_s = INFINITY;
    do {
        pass_stretch(&line, first_s);
        first_s = find_first(&line);
    } while (!line.cannot_go_on && (run->is_open || isfinite(first_s)));
    run->tally->counters[COUNTER_OFFERED] = (double)line.counted;
    pipeline_count_paths(&line);
    run->in_flight = run->offered - run->answered - run->dropped;
    run->now_s = line.latest.time_s;
    *ret_events = line.events - pipeline_end_batching(&line) + run->offered +
                  feed_pending_before(&line.feed, line.taken, line.last_device, &line.latest);
    const bool is_done = !line.cannot_go_on;
    finish(&line);
    return is_done;
}
