// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/pipeline.h"

#include "base/memory.h"
#include "base/text.h"
#include "core/reorder.h"
#include "model/feed.h"
#include "model/paths.h"
#include "model/run.h"
#include "rng/block.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// A sample in flight.
struct flight {
    double arrived_s;
    double raw_bytes;
    double visit_s; // at the station where it is: when it came there
    double start_s; // and when its service began
    uint64_t index;
    uint32_t device;
    uint32_t row; // of the trace; of a sample that was generated, its label
    uint16_t path;
    uint16_t source;
    uint8_t leg; // of the path: the visit under way
    uint8_t device_class;
    bool is_counted;
    bool is_correct;
};

// What is known of a row of the trace.
struct known {
    uint16_t path; // UNKNOWN_PATH: nothing
    bool is_correct;
};

// Moves from one station to another that some path makes.
struct follows {
    bool *is_next; // [from * stations + to]
    int *order;    // [stations]: upstream first
    int paths;     // that are in it
};

struct pipeline {
    struct run *run;
    struct feed feed;
    struct paths *paths;
    const struct path *path; // [paths_count()]
    struct flight *flights;
    uint32_t room;
    uint32_t free;              // first free one, by `row`; NO_SLOT: none
    struct reorder *arrivals;   // [stations]
    struct reorder *departures; // [stations]
    struct reorder ends;
    struct reorder_scratch scratch;
    struct follows follows;
    struct known **known;     // [class][row]; NULL: paths do not follow from rows
    uint64_t *counted_on;     // [PATHS_MOST]: samples that ended on a path and were counted
    struct event window_from; // the event with which the window begins
    uint32_t last_device;     // whose arrival was the last; NO_SLOT: all have come to their end
    size_t taken;             // arrivals of the stretch
    uint64_t events;
    struct event latest; // of the ends so far
    // Scratch of a station's stretch.
    double *values;
    double *amounts;
    uint32_t *entities;
    uint64_t *indices;
    size_t scratch_room;
    bool cannot_go_on;
};

// ---- whether it is possible ----

static bool is_plain(const struct world_station *station, const char **ret_reason)
{
    *ret_reason = station->rules                  ? "has a queue with an order of its own"
                  : station->room >= 0            ? "has limited room"
                  : station->blocks               ? "holds samples back"
                  : station->is_fair              ? "is shared by all that is under way"
                  : station->is_second            ? "takes both directions in one queue"
                  : station->loss                 ? "may lose messages"
                  : station->rate.can_stop        ? "may stop"
                  : isfinite(station->patience_s) ? "is left by samples that wait too long"
                                                  : NULL;
    return !*ret_reason;
}

bool pipeline_is_possible(const struct world *world, struct text *ret_obstacle)
{
    const struct policy_type *policy = world->policy;
    const struct spec *spec = world->spec;
    if (!policy->decides_by_sample ||
        (policy->observes && policy->observes(world->parameters) != 0)) {
        text_format(ret_obstacle, "policy '%s' decides on more than the sample", policy->name);
        return false;
    }
    if (policy->feedback && spec->feedback.when != FEEDBACK_NEVER) {
        text_format(ret_obstacle, "policy '%s' learns from feedback", policy->name);
        return false;
    }
    for (int i = 0; i < world->stations; i++) {
        const char *reason;
        if (!is_plain(&world->station[i], &reason)) {
            text_format(ret_obstacle, "station '%s' %s", world->station[i].name, reason);
            return false;
        }
    }
    for (int i = 0; i < world->class_count; i++) {
        const struct arrival *arrival = &world->classes[i].arrival;
        if (arrival->spec->kind == ARRIVALS_CLOSED || arrival->has_bursts) {
            text_add(ret_obstacle, arrival->has_bursts ? "arrivals come in bursts"
                                                       : "a sample waits for the one before");
            return false;
        }
    }
    const char *reason = world->balances                            ? "nodes are chosen by load"
                         : spec->control_variates                   ? "there are control variates"
                         : spec->intervals == INTERVALS_BATCH_MEANS ? "the run is cut into batches"
                                                                    : NULL;
    if (reason) {
        text_add(ret_obstacle, reason);
    }
    return !reason;
}

// ---- flights ----

static uint32_t take_flight(struct pipeline *line)
{
    if (line->free == NO_SLOT) {
        const uint32_t old = line->room;
        const uint32_t room = old ? 2 * old : 1024;
        CHECK(&line->run->place, room > old);
        line->flights = memory_resize(line->flights, room, sizeof(*line->flights));
        for (uint32_t i = old; i < room; i++) {
            line->flights[i].row = i + 1 < room ? i + 1 : NO_SLOT;
        }
        line->room = room;
        line->free = old;
    }
    const uint32_t slot = line->free;
    line->free = line->flights[slot].row;
    return slot;
}

// The tag of what an event at `from` leads to at `time_s`: where no time has passed it comes no
// earlier than that.
static inline uint64_t later_tag(const struct event *from, double time_s, uint64_t tag)
{
    return time_s > from->time_s || tag > from->tag ? tag : from->tag;
}

// The tag of another event of the same sample.
static inline uint64_t tag_of_kind(uint64_t tag, unsigned kind)
{
    return (tag & (UINT64_MAX >> 4)) | event_tag(kind, 0, 0);
}

// A sample goes on to its next station, or has come to its end, with this event.
static inline void go_on(struct pipeline *line, struct flight *flight, double time_s, uint64_t tag)
{
    const struct path *path = &line->path[flight->path];
    struct reorder *next = flight->leg < path->leg_count
                               ? &line->arrivals[path->legs[flight->leg].station]
                               : &line->ends;
    reorder_put(next, time_s, tag);
}

// The start of the window, as events of a stretch know it: INFINITY before it.
struct window {
    double from_s;
    double to_s;
    const struct event *first; // with which it begins; NULL: before or after all of the stretch
};

static struct window window_of(const struct pipeline *line, const struct reorder *events)
{
    const struct tally *tally = line->run->tally;
    struct window window = {line->window_from.time_s, tally->window_to_s, NULL};
    if (events->count && event_is_before(&events->near[0], &line->window_from)) {
        window.from_s = INFINITY;
        if (!event_is_before(&events->near[events->count - 1], &line->window_from)) {
            window.first = &line->window_from;
        }
    }
    return window;
}

static inline double window_from_s(const struct window *window, const struct event *event)
{
    if (window->first && !event_is_before(event, window->first)) {
        return window->first->time_s;
    }
    return window->from_s;
}

static inline double in_window_s(double from_s, double to_s, double window_from_s,
                                 double window_to_s)
{
    const double start_s = from_s > window_from_s ? from_s : window_from_s;
    const double end_s = to_s < window_to_s ? to_s : window_to_s;
    return end_s > start_s ? end_s - start_s : 0;
}

// ---- arrivals in the world ----

enum { UNKNOWN_PATH = UINT16_MAX };

// Finds the path of a sample and whether its answer is right. Returns false if there is none.
static bool look_up(struct pipeline *line, struct flight *flight, const struct world_class *devices)
{
    struct run *run = line->run;
    struct sample *sample = &run->samples[0];
    workload_make(run, 0, devices, flight->device, flight->index);
    const int path = paths_find(line->paths, run, sample);
    if (path < 0) {
        return false;
    }
    line->path = paths_all(line->paths);
    const int exit = line->path[path].answer_exit;
    flight->raw_bytes = sample->raw_bytes;
    flight->source = sample->source;
    flight->row = run->world->source[sample->source].generator ? (uint32_t)run->generated_label[0]
                                                               : sample->row;
    flight->path = (uint16_t)path;
    flight->is_correct = exit >= 0 && sample_outcomes(run, sample)[exit].correct;
    return true;
}

// Where all that decisions see of a sample follows from its row, samples of a row share a path.
static bool look_up_row(struct pipeline *line, struct flight *flight,
                        const struct world_class *devices)
{
    struct run *run = line->run;
    const struct world_source *source = run->world->source;
    flight->row = workload_row(run, source, flight->device, flight->index);
    struct known *known = &line->known[flight->device_class][flight->row];
    if (known->path == UNKNOWN_PATH) {
        if (!look_up(line, flight, devices)) {
            return false;
        }
        *known = (struct known){flight->path, flight->is_correct};
        return true;
    }
    flight->path = known->path;
    flight->is_correct = known->is_correct;
    flight->raw_bytes = workload_row_bytes(run, devices, flight->row);
    return true;
}

static bool arise(struct pipeline *line, const struct event *event)
{
    struct run *run = line->run;
    const struct world *world = run->world;
    const uint32_t device = event_subject(event);
    const struct world_class *devices =
        world->class_count == 1 ? world->classes : run_class(run, device);
    const uint32_t slot = take_flight(line);
    struct flight *flight = &line->flights[slot];
    *flight = (struct flight){.arrived_s = event->time_s,
                              .index = run->devices[device].index++,
                              .device = device,
                              .device_class = (uint8_t)(devices - world->classes),
                              .is_counted = event->time_s >= run->tally->window_from_s};
    run->now_s = event->time_s;
    if (!(line->known ? look_up_row(line, flight, devices) : look_up(line, flight, devices))) {
        return false;
    }
    if (flight->is_counted) {
        run->tally->counters[COUNTER_OFFERED]++;
        if (world->has_classes) {
            run->tally->counters[world->counters.classes +
                                 flight->device_class * CLASS_COUNTER_COUNT + CLASS_OFFERED]++;
        }
    }
    go_on(line, flight, event->time_s, (event->tag & ~(uint64_t)UINT32_MAX) | slot);
    return true;
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
    const struct reorder *stretch = &line->feed.stretch;
    line->cannot_go_on |= line->feed.cannot_go_on;
    for (line->taken = 0; line->taken < stretch->count && !line->cannot_go_on; line->taken++) {
        const struct event *event = &stretch->near[line->taken];
        if (spec->warmup_kind == WARMUP_SAMPLES && run->offered == spec->warmup_samples) {
            run->tally->window_from_s = event->time_s;
            line->window_from = *event;
        }
        line->cannot_go_on = !arise(line, event);
        run->offered++;
        if (spec->stop_kind == STOP_SAMPLES && run->offered == spec->stop_samples) {
            line->taken++;
            line->last_device = event_subject(event);
            close(run);
            return;
        }
    }
    if (line->feed.is_over) {
        close(run);
    }
}

// ---- a station ----

static void make_scratch(struct pipeline *line, size_t count)
{
    if (line->scratch_room < count) {
        line->scratch_room = 2 * count;
        const size_t room = line->scratch_room;
        line->values = memory_resize(line->values, room, sizeof(double));
        line->amounts = memory_resize(line->amounts, room, sizeof(double));
        line->entities = memory_resize(line->entities, room, sizeof(uint32_t));
        line->indices = memory_resize(line->indices, room, sizeof(uint64_t));
    }
}

static inline const struct leg *leg_of(const struct pipeline *line, const struct flight *flight)
{
    return &line->path[flight->path].legs[flight->leg];
}

static double column_value(const struct run *run, const struct flight *flight,
                           const struct distribution_parameters *parameters)
{
    const struct trace *trace = run->world->source[flight->source].trace;
    return trace->extra[(size_t)flight->row * (size_t)trace->extras + (size_t)parameters->column] *
           parameters->column_scale;
}

// A number for each of some events' samples, at its own address or from its row of the trace.
static void draw_all(struct pipeline *line, const struct event *events, size_t count,
                     const struct distribution *distribution,
                     const struct distribution_parameters *parameters, uint64_t purpose,
                     uint32_t draws)
{
    struct run *run = line->run;
    double *values = line->values;
    if (distribution->kind == DISTRIBUTION_CONSTANT) {
        for (size_t i = 0; i < count; i++) {
            values[i] = distribution->a;
        }
    } else if (distribution->kind == DISTRIBUTION_COLUMN) {
        for (size_t i = 0; i < count; i++) {
            values[i] = column_value(run, &line->flights[event_subject(&events[i])], parameters);
        }
    } else if (run->draws.length) {
        for (size_t i = 0; i < count; i++) {
            const struct flight *flight = &line->flights[event_subject(&events[i])];
            const struct stream_at at = {run->key, purpose, flight->device, flight->index};
            values[i] = draws_look_up(&run->draws, draws, distribution, &at);
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            const struct flight *flight = &line->flights[event_subject(&events[i])];
            line->entities[i] = flight->device;
            line->indices[i] = flight->index;
        }
        block_draw_at(distribution, run->key, purpose, line->entities, line->indices, count,
                      values);
    }
}

static uint32_t lane_of(const struct world_station *station, const struct leg *leg,
                        const struct world *world, const struct flight *flight)
{
    if (leg->lanes == 1) {
        return leg->first_lane;
    }
    const struct world_class *devices = &world->classes[flight->device_class];
    if (station->role == STATION_COMPUTE) {
        return leg->first_lane + class_node(devices, flight->device, station->tier);
    }
    const int from = world->spec->links[station->link].from;
    if (from == 0 && leg->lanes == world->devices) {
        return leg->first_lane + flight->device;
    }
    const uint64_t node = class_node(devices, flight->device, from);
    return leg->first_lane + (uint32_t)(node * leg->lanes / leg->nodes);
}

// Service times of all that comes to a compute station in the stretch, in their order.
static void draw_services(struct pipeline *line, const struct reorder *arrivals)
{
    const struct event *events = arrivals->near;
    const size_t count = arrivals->count;
    for (size_t first = 0; first < count;) {
        // Neighbours that do the same there are drawn for together.
        const struct leg *leg = leg_of(line, &line->flights[event_subject(&events[first])]);
        size_t end = first + 1;
        while (end < count &&
               leg_of(line, &line->flights[event_subject(&events[end])])->layer == leg->layer &&
               leg_of(line, &line->flights[event_subject(&events[end])])->layers == leg->layers) {
            end++;
        }
        for (size_t i = first; i < end; i++) {
            line->amounts[i] = 0;
        }
        for (int k = 0; k < leg->layers; k++) {
            const struct world_layer *layer = &leg->layer[k];
            draw_all(line, events + first, end - first, &layer->time, layer->parameters,
                     layer->purpose, layer->draws);
            for (size_t i = first; i < end; i++) {
                line->amounts[i] += line->values[i - first];
            }
        }
        first = end;
    }
}

static void find_bytes(struct pipeline *line, int number)
{
    struct station_tally *tally = &line->run->tally->stations[number];
    const struct reorder *arrivals = &line->arrivals[number];
    double bytes = tally->bytes;
    for (size_t i = 0; i < arrivals->count; i++) {
        const struct flight *flight = &line->flights[event_subject(&arrivals->near[i])];
        const struct leg *leg = leg_of(line, flight);
        line->amounts[i] = leg->is_raw ? leg->bytes + flight->raw_bytes : leg->bytes;
        if (flight->is_counted) {
            bytes += line->amounts[i];
        }
    }
    tally->bytes = bytes;
}

// All that comes to a station takes its place.
static void start_visits(struct pipeline *line, int number)
{
    struct run *run = line->run;
    const struct world *world = run->world;
    const struct world_station *station = &world->station[number];
    const struct reorder *arrivals = &line->arrivals[number];
    struct station_tally *tally = &run->tally->stations[number];
    const struct window window = window_of(line, arrivals);
    const bool is_compute = station->role == STATION_COMPUTE;
    const bool has_rate = !is_compute && station->rate.parts;
    const double constant = is_compute ? 1 : station->rate.constant;
    double work_s = tally->work_s;
    double free_last_s = tally->free_last_s;
    uint64_t arrived = 0;
    for (size_t i = 0; i < arrivals->count; i++) {
        const struct event *event = &arrivals->near[i];
        struct flight *flight = &line->flights[event_subject(event)];
        const uint32_t lane = station->lanes == 1
                                  ? station->first_lane
                                  : lane_of(station, leg_of(line, flight), world, flight);
        const double now_s = event->time_s;
        double *free_at_s = &run->free_at_s[world->lane_servers[lane]];
        const double start_s = station_start(free_at_s, now_s);
        double end_s = start_s + (is_compute ? line->amounts[i] : line->amounts[i] / constant);
        if (has_rate) {
            const struct rate_lane rate = link_rate(run, station, lane);
            end_s = rate_finish(&rate, start_s, line->amounts[i]);
        }
        station_take(free_at_s, station->servers, end_s);
        free_last_s = start_s > now_s ? free_last_s : now_s;
        if (now_s >= window_from_s(&window, event) && now_s <= window.to_s) {
            arrived++;
            work_s += end_s - start_s;
        }
        flight->visit_s = now_s;
        flight->start_s = start_s;
        reorder_put(&line->departures[number], end_s,
                    later_tag(event, end_s, tag_of_kind(event->tag, EVENT_DEPART)));
    }
    tally->work_s = work_s;
    tally->free_last_s = free_last_s;
    tally->arrivals += arrived;
}

// All whose visit to a station ends leave it.
static void end_visits(struct pipeline *line, int number)
{
    struct run *run = line->run;
    const struct world_station *station = &run->world->station[number];
    const struct reorder *departures = &line->departures[number];
    const struct window window = window_of(line, departures);
    const bool is_compute = station->role == STATION_COMPUTE;
    struct station_tally sums = run->tally->stations[number];
    for (size_t i = 0; i < departures->count; i++) {
        const struct event *event = &departures->near[i];
        const struct flight *flight = &line->flights[event_subject(event)];
        const double now_s = event->time_s;
        const double from_s = window_from_s(&window, event);
        const double served_s = now_s - flight->start_s;
        sums.queue_area_s += in_window_s(flight->visit_s, flight->start_s, from_s, window.to_s);
        sums.busy_area_s += in_window_s(flight->start_s, now_s, from_s, window.to_s);
        if (flight->is_counted) {
            sums.visits++;
            sums.wait_s += flight->start_s - flight->visit_s;
            sums.counted_s += served_s;
            if (is_compute) {
                const double joules = leg_of(line, flight)->joules;
                sums.joules += isnan(joules) ? station->watts * served_s : joules;
            }
        }
    }
    sums.serving_area_s = sums.busy_area_s;
    run->tally->stations[number] = sums;
    line->events += departures->count;
}

// And go on: at once from where they were computed, after the propagation from a link.
static void go_on_all(struct pipeline *line, int number)
{
    const struct world_station *station = &line->run->world->station[number];
    const struct reorder *departures = &line->departures[number];
    const bool has_delays = station->role != STATION_COMPUTE;
    if (has_delays) {
        make_scratch(line, departures->count);
        draw_all(line, departures->near, departures->count, &station->delay,
                 &line->run->world->spec->links[station->link].delay, station->purpose,
                 station->draws);
    }
    for (size_t i = 0; i < departures->count; i++) {
        const struct event *event = &departures->near[i];
        struct flight *flight = &line->flights[event_subject(event)];
        flight->leg++;
        double time_s = event->time_s;
        uint64_t tag = event->tag;
        if (has_delays && line->values[i] > 0) {
            time_s += line->values[i];
            tag = later_tag(event, time_s, tag_of_kind(event->tag, EVENT_DELIVER));
            line->events++;
        }
        go_on(line, flight, time_s, tag);
    }
}

static void pass_station(struct pipeline *line, int number)
{
    struct reorder *arrivals = &line->arrivals[number];
    struct reorder *departures = &line->departures[number];
    reorder_sort(arrivals, &line->scratch);
    make_scratch(line, arrivals->count);
    if (line->run->world->station[number].role == STATION_COMPUTE) {
        draw_services(line, arrivals);
    } else {
        find_bytes(line, number);
    }
    start_visits(line, number);
    reorder_sort(departures, &line->scratch);
    end_visits(line, number);
    go_on_all(line, number);
}

// ---- ends ----

static void count_class(struct pipeline *line, const struct flight *flight, double latency_s,
                        bool is_answered, bool is_on_time)
{
    struct run *run = line->run;
    double *counters = run->tally->counters + run->world->counters.classes +
                       flight->device_class * CLASS_COUNTER_COUNT;
    counters[CLASS_ON_TIME_CORRECT] += flight->is_correct && is_on_time;
    if (isfinite(run->world->classes[flight->device_class].deadline_s)) {
        counters[CLASS_DEADLINE_MISSES] += !is_on_time;
    }
    if (is_answered) {
        counters[CLASS_CORRECT] += flight->is_correct;
        counters[CLASS_LATENCY_S] += latency_s;
        histogram_add(&run->tally->class_latency[flight->device_class], latency_s);
    }
}

// What the end of samples adds to the counters, as far as their paths do not tell.
struct outcome_sums {
    uint64_t correct;
    uint64_t errors;
    uint64_t on_time_correct;
    uint64_t deadline_misses;
    double latency_s;
};

static inline void end_counted(struct pipeline *line, const struct flight *flight, double latency_s,
                               bool is_answered, struct outcome_sums *sums)
{
    struct run *run = line->run;
    const struct world *world = run->world;
    const double deadline_s = world->classes[flight->device_class].deadline_s;
    const bool is_on_time = is_answered && latency_s <= deadline_s;
    line->counted_on[flight->path]++;
    sums->deadline_misses += !is_on_time && isfinite(deadline_s);
    if (is_answered) {
        sums->correct += flight->is_correct;
        sums->errors += !flight->is_correct;
        sums->on_time_correct += flight->is_correct && is_on_time;
        sums->latency_s += latency_s;
        histogram_add(&run->tally->latency, latency_s);
        if (world->labels) {
            const struct world_source *source = &world->source[flight->source];
            const size_t label =
                source->generator ? flight->row : (size_t)source->trace->label[flight->row];
            run->tally->label_answered[label]++;
            run->tally->label_correct[label] += flight->is_correct;
        }
    }
    if (world->has_classes) {
        count_class(line, flight, latency_s, is_answered, is_on_time);
    }
}

static void end_all(struct pipeline *line)
{
    struct run *run = line->run;
    struct tally *tally = run->tally;
    const struct reorder *ends = &line->ends;
    reorder_sort(&line->ends, &line->scratch);
    const struct window window = window_of(line, ends);
    struct outcome_sums sums = {.latency_s = tally->counters[COUNTER_LATENCY_S]};
    uint64_t answered_in_window = 0;
    uint64_t answered = 0;
    for (size_t i = 0; i < ends->count; i++) {
        const struct event *event = &ends->near[i];
        const uint32_t slot = event_subject(event);
        struct flight *flight = &line->flights[slot];
        const double now_s = event->time_s;
        const bool is_answered = line->path[flight->path].answer_exit >= 0;
        const double from_s = window_from_s(&window, event);
        answered += is_answered;
        answered_in_window += is_answered && now_s >= from_s && now_s <= window.to_s;
        tally->late_dropped += !is_answered && now_s > window.to_s;
        if (flight->is_counted) {
            end_counted(line, flight, now_s - flight->arrived_s, is_answered, &sums);
        } else if (now_s < from_s) {
            tally->early_answered += is_answered;
        } else {
            tally->late_uncounted++;
            tally->late_uncounted_until_s = now_s;
        }
        flight->row = line->free;
        line->free = slot;
    }
    if (ends->count) {
        line->latest = ends->near[ends->count - 1];
    }
    run->answered += answered;
    run->dropped += ends->count - answered;
    tally->answered_in_window += answered_in_window;
    tally->counters[COUNTER_CORRECT] += (double)sums.correct;
    tally->counters[COUNTER_ERRORS] += (double)sums.errors;
    tally->counters[COUNTER_ON_TIME_CORRECT] += (double)sums.on_time_correct;
    tally->counters[COUNTER_DEADLINE_MISSES] += (double)sums.deadline_misses;
    tally->counters[COUNTER_LATENCY_S] = sums.latency_s;
}

static void count_paths(struct pipeline *line)
{
    for (int i = 0; i < paths_count(line->paths); i++) {
        const struct path *path = &line->path[i];
        for (int k = 0; k < path->count_count; k++) {
            line->run->tally->counters[path->counts[k].counter] +=
                (double)line->counted_on[i] * path->counts[k].amount;
        }
    }
}

// ---- the order of stations ----

// Stations in such an order that no path leads back. Returns false if some path does.
static bool find_order(struct pipeline *line)
{
    struct follows *follows = &line->follows;
    const int stations = line->run->world->stations;
    for (; follows->paths < paths_count(line->paths); follows->paths++) {
        const struct path *path = &line->path[follows->paths];
        for (int leg = 1; leg < path->leg_count; leg++) {
            follows->is_next[path->legs[leg - 1].station * stations + path->legs[leg].station] =
                true;
        }
    }
    bool *is_placed = memory_resize(NULL, (size_t)stations + 1, sizeof(bool));
    memset(is_placed, 0, (size_t)stations * sizeof(bool));
    int placed = 0;
    for (bool has_grown = true; has_grown;) {
        has_grown = false;
        for (int to = 0; to < stations; to++) {
            bool is_ready = !is_placed[to];
            for (int from = 0; from < stations && is_ready; from++) {
                is_ready = is_placed[from] || !follows->is_next[from * stations + to];
            }
            if (is_ready) {
                follows->order[placed++] = to;
                is_placed[to] = has_grown = true;
            }
        }
    }
    free(is_placed);
    return placed == stations;
}

// ---- the whole ----

// Tables of paths by row, where they are worth their room.
static void init_known(struct pipeline *line, struct arena *arena)
{
    const struct world *world = line->run->world;
    const struct world_source *source = world->source;
    enum { MOST_ROWS = 1 << 20 };
    if (world->sources > 1 || source->generator || world->policy->draws_uniform ||
        (uint64_t)source->trace->rows * (uint64_t)world->class_count > MOST_ROWS) {
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
        for (size_t row = 0; row < (size_t)source->trace->rows; row++) {
            line->known[i][row].path = UNKNOWN_PATH;
        }
    }
}

static void init(struct pipeline *line, struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    const size_t stations = (size_t)world->stations;
    line->run = run;
    line->free = NO_SLOT;
    line->last_device = NO_SLOT;
    line->paths = paths_new(run, arena);
    line->arrivals = arena_new_array(arena, stations, struct reorder);
    line->departures = arena_new_array(arena, stations, struct reorder);
    line->counted_on = arena_new_array(arena, PATHS_MOST, uint64_t);
    line->follows.is_next = arena_new_array(arena, stations * stations, bool);
    line->follows.order = arena_new_array(arena, stations, int);
    line->follows.paths = -1;
    line->window_from.time_s = run->tally->window_from_s;
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
    feed_finish(&line->feed);
    paths_finish(line->paths);
    free(line->flights);
    free(line->values);
    free(line->amounts);
    free(line->entities);
    free(line->indices);
}

static void pass_stretch(struct pipeline *line)
{
    if (line->run->is_open) {
        arise_all(line);
    } else {
        begin_stretch(line, INFINITY); // what is under way comes to its end
    }
    if (line->follows.paths < paths_count(line->paths)) {
        line->follows.paths = line->follows.paths < 0 ? 0 : line->follows.paths;
        line->cannot_go_on |= !find_order(line);
    }
    for (int i = 0; i < line->run->world->stations && !line->cannot_go_on; i++) {
        pass_station(line, line->follows.order[i]);
    }
    end_all(line);
}

bool pipeline_run(struct run *run, struct arena *arena, uint64_t *ret_events)
{
    struct pipeline line = {0};
    init(&line, run, arena);
    do {
        pass_stretch(&line);
    } while (!line.cannot_go_on && (run->is_open || run->answered + run->dropped < run->offered));
    count_paths(&line);
    run->in_flight = run->offered - run->answered - run->dropped;
    run->now_s = line.latest.time_s;
    *ret_events = line.events + run->offered +
                  feed_pending_before(&line.feed, line.taken, line.last_device, &line.latest);
    const bool is_done = !line.cannot_go_on;
    finish(&line);
    return is_done;
}
