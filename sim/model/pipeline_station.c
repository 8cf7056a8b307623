// SPDX-License-Identifier: GPL-3.0-or-later

// What happens at a station in a stretch of time: samples take their place in the order in which
// they come, and leave in the order in which they are served.

#include "model/pipeline_parts.h"
#include "rng/block.h"

#include <math.h>

// ---- a station ----

void pipeline_make_scratch(struct pipeline *line, size_t count)
{
    if (line->scratch_room < count) {
        line->scratch_room = 2 * count;
        const size_t room = line->scratch_room;
        line->values = memory_resize(line->values, room, sizeof(double));
        line->amounts = memory_resize(line->amounts, room, sizeof(double));
        line->starts_s = memory_resize(line->starts_s, room, sizeof(double));
        line->ends_s = memory_resize(line->ends_s, room, sizeof(double));
        line->entities = memory_resize(line->entities, room, sizeof(uint32_t));
        line->indices = memory_resize(line->indices, room, sizeof(uint64_t));
    }
}

// A number of a sample's own: at its address, or from its row of the trace.
static inline double draw_one(struct run *run, const struct flight *flight,
                              const struct distribution *distribution,
                              const struct distribution_parameters *parameters, uint64_t purpose,
                              uint32_t draws)
{
    if (distribution->kind == DISTRIBUTION_COLUMN) {
        return trace_extra(run->world->source[flight->source].trace, flight->row,
                           parameters->column) *
               parameters->column_scale;
    }
    const struct stream_at at = {run->key, purpose, flight->device, flight->index};
    return draws_look_up(&run->draws, draws, distribution, &at);
}

// Whether events are of the samples of a single device, one after the other.
static bool are_in_turn(const struct pipeline *line, const struct event *events, size_t count)
{
    bool are = line->run->world->devices == 1 && count;
    for (size_t i = 1; i < count && are; i++) {
        are = line->flights[event_subject(&events[i])].index ==
              line->flights[event_subject(&events[i - 1])].index + 1;
    }
    return are;
}

// The same for each of some events' samples.
static void draw_all(struct pipeline *line, const struct event *events, size_t count,
                     const struct distribution *distribution,
                     const struct distribution_parameters *parameters, uint64_t purpose,
                     uint32_t draws, double *values)
{
    struct run *run = line->run;
    if (distribution->kind == DISTRIBUTION_CONSTANT) {
        for (size_t i = 0; i < count; i++) {
            values[i] = distribution->a;
        }
    } else if (distribution->kind != DISTRIBUTION_COLUMN && are_in_turn(line, events, count)) {
        const struct flight *first = &line->flights[event_subject(&events[0])];
        block_draw(distribution, run->key, purpose, first->device, first->index, count, values);
    } else if (distribution->kind == DISTRIBUTION_COLUMN ||
               (run->draws.length && 2 * count > line->feed.stretch.count)) {
        // By rows of a device's numbers where most samples come by, so that most of a row is used.
        for (size_t i = 0; i < count; i++) {
            values[i] = draw_one(run, &line->flights[event_subject(&events[i])], distribution,
                                 parameters, purpose, draws);
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

// Service times of all that comes to a compute station in the stretch, in their order.
static void draw_services(struct pipeline *line, int number)
{
    const struct reorder *arrivals = &line->arrivals[number];
    const struct event *events = arrivals->near;
    const size_t count = arrivals->count;
    for (size_t first = 0; first < count;) {
        // Neighbours that do the same there are drawn for together.
        const struct leg *leg = line->flights[event_subject(&events[first])].step->leg;
        size_t end = line->common[number].do_differ ? first + 1 : count;
        while (end < count &&
               leg_does_same(line->flights[event_subject(&events[end])].step->leg, leg)) {
            end++;
        }
        for (int k = 0; k < leg->layers; k++) {
            const struct world_layer *layer = &leg->layer[k];
            draw_all(line, events + first, end - first, &layer->time, layer->parameters,
                     layer->purpose, layer->draws, (k ? line->values : line->amounts) + first);
            for (size_t i = first; i < end && k; i++) {
                line->amounts[i] += line->values[i];
            }
        }
        first = end;
    }
}

static inline double bytes_of(const struct flight *flight, const struct leg *leg)
{
    return leg->is_raw ? leg->bytes + flight->raw_bytes : leg->bytes;
}

// What a visit adds to the sums of its station when it begins, and when it ends.

static inline void add_begin(struct station_tally *sums, double now_s, double start_s, double end_s,
                             const struct window *window)
{
    sums->free_last_s = start_s > now_s ? sums->free_last_s : now_s;
    if (now_s >= window->from_s && now_s <= window->to_s) {
        sums->arrivals++;
        sums->work_s += end_s - start_s;
    }
}

static inline void add_end(struct station_tally *sums, bool is_link, const struct step *step,
                           bool is_counted, double visit_s, double start_s, double end_s,
                           const struct window *window)
{
    const double served_s = end_s - start_s;
    sums->queue_area_s += tally_overlap(visit_s, start_s, window->from_s, window->to_s);
    const double busy_s = tally_overlap(start_s, end_s, window->from_s, window->to_s);
    sums->busy_area_s += busy_s;
    sums->serving_area_s += busy_s;
    if (is_counted) {
        sums->visits++;
        sums->wait_s += start_s - visit_s;
        sums->counted_s += served_s;
        if (!is_link) {
            sums->joules += step->watts * served_s + step->joules;
        }
    }
}

static inline double *lane_free_at(struct pipeline *line, uint32_t lane)
{
    struct run *run = line->run;
    return &run->free_at_s[run->world->lane_servers[lane]];
}

// A sample takes its place at a station, with a service time or bytes. Returns when it will leave.
static inline __attribute__((always_inline)) double
start_visit(struct pipeline *line, const struct world_station *station,
            const struct common_leg *common, bool is_link, uint32_t servers, struct flight *flight,
            const struct event *event, double amount, const struct window *window,
            struct station_tally *sums)
{
    struct run *run = line->run;
    const uint32_t lane = station->lanes == 1     ? station->first_lane
                          : common->have_own_lanes ? common->leg->first_lane + flight->device
                                                   : lane_of(flight->step->leg, run->world, flight);
    const double now_s = event->time_s;
    double *free_at_s = lane_free_at(line, lane);
    const double start_s = station_start(free_at_s, now_s);
    double end_s = start_s + amount;
    if (is_link) {
        end_s = start_s + amount / station->rate.constant;
        if (station->rate.parts) {
            const struct rate_lane rate = link_rate(run, station, lane);
            end_s = rate_finish(&rate, start_s, amount);
        }
        if (flight->is_counted) {
            sums->bytes += amount;
        }
    }
    station_take(free_at_s, servers, end_s);
    add_begin(sums, now_s, start_s, end_s, window);
    flight->visit_s = now_s;
    flight->start_s = start_s;
    return end_s;
}

// A sample leaves a station.
static inline void end_visit(bool is_link, struct flight *flight, const struct event *event,
                             const struct window *window, struct station_tally *sums)
{
    const struct step *step = flight->step++;
    add_end(sums, is_link, step, flight->is_counted, flight->visit_s, flight->start_s,
            event->time_s, window);
    flight->visit_s = NO_VISIT;
}

// Compiled once for links, once for single servers and once for several, so that loops ask nothing
// that is the same for all of their visits.
static inline __attribute__((always_inline)) void
start_some(struct pipeline *line, int number, bool is_link, uint32_t servers, size_t first)
{
    const struct world_station *station = &line->run->world->station[number];
    const struct common_leg common = line->common[number];
    const struct reorder *arrivals = &line->arrivals[number];
    struct station_tally sums = line->run->tally->stations[number];
    while (first < arrivals->count) {
        const struct window window = pipeline_window(line, &arrivals->near[first]);
        const size_t end = pipeline_window_end(line, arrivals, first);
        for (; first < end; first++) {
            const struct event *event = &arrivals->near[first];
            struct flight *flight = &line->flights[event_subject(event)];
            const double end_s = start_visit(line, station, &common, is_link, servers, flight,
                                             event, line->amounts[first], &window, &sums);
            reorder_put(&line->departures[number], end_s,
                        next_tag(line, flight, event, end_s, EVENT_DEPART));
        }
    }
    line->run->tally->stations[number] = sums;
}

// Visits of the arrivals from number `first` on.
static void start_visits(struct pipeline *line, int number, size_t first)
{
    const struct world_station *station = &line->run->world->station[number];
    if (station->role != STATION_COMPUTE) {
        start_some(line, number, true, station->servers, first);
    } else if (station->servers > 1) {
        start_some(line, number, false, station->servers, first);
    } else {
        start_some(line, number, false, 1, first);
    }
}

// A sample that has left a station with this event goes on, after a delay if there is one.
static inline void go_on(struct pipeline *line, struct flight *flight,
                         const struct event *departure, double delay_s)
{
    double time_s = departure->time_s;
    uint64_t tag = departure->tag;
    if (delay_s > 0) {
        time_s += delay_s;
        tag = next_tag(line, flight, departure, time_s, EVENT_DELIVER);
        line->events++;
    }
    if (flight->shares_tag) {
        // Samples of a batch that pass another station in no time are in an order of their own.
        line->cannot_go_on = true;
    }
    reorder_put(flight->step->events, time_s, tag);
}

// Of a link's messages that have been sent.
static void draw_delays(struct pipeline *line, const struct world_station *station,
                        const struct event *departures, size_t count)
{
    draw_all(line, departures, count, &station->delay,
             &line->run->world->spec->links[station->link].delay, station->purpose, station->draws,
             line->values);
}

// Likewise.
static inline __attribute__((always_inline)) void end_some(struct pipeline *line,
                                                           const struct reorder *departures,
                                                           bool is_link,
                                                           struct station_tally *ret_sums)
{
    struct station_tally sums = *ret_sums;
    for (size_t i = 0; i < departures->count;) {
        const struct window window = pipeline_window(line, &departures->near[i]);
        const size_t end = pipeline_window_end(line, departures, i);
        for (; i < end; i++) {
            const struct event *departure = &departures->near[i];
            struct flight *flight = &line->flights[event_subject(departure)];
            end_visit(is_link, flight, departure, &window, &sums);
            go_on(line, flight, departure, is_link ? line->values[i] : 0);
        }
    }
    *ret_sums = sums;
}

// All whose visit ends leave, and go on: at once from where they were computed, after the
// propagation from a link.
static void end_visits(struct pipeline *line, int number)
{
    const struct world_station *station = &line->run->world->station[number];
    const struct reorder *departures = &line->departures[number];
    struct station_tally *sums = &line->run->tally->stations[number];
    if (station->role == STATION_COMPUTE) {
        end_some(line, departures, false, sums);
    } else {
        pipeline_make_scratch(line, departures->count);
        draw_delays(line, station, departures->near, departures->count);
        end_some(line, departures, true, sums);
    }
    line->events += departures->count;
}

// ---- a single server ----

// Visits to a single server end in the order in which they begin, so each is dealt with as a whole:
// no list of departures is made, and no sample is looked up twice. Finds starts and ends; returns
// false where that is not enough: the window begins in the stretch, or visits end at one instant,
// where departures have an order of their own.
static bool find_visits(struct pipeline *line, const struct world_station *station,
                        const struct reorder *arrivals)
{
    const struct event *events = arrivals->near;
    const size_t count = arrivals->count;
    const bool is_link = station->role != STATION_COMPUTE;
    if (station->lanes > 1 || station->servers > 1 || !count || (is_link && station->rate.parts) ||
        (event_is_before(&events[0], &line->window_from) &&
         arrivals->horizon_s > line->window_from.time_s)) {
        return false;
    }
    double free_at_s = *lane_free_at(line, station->first_lane);
    bool are_in_order = true;
    for (size_t i = 0; i < count; i++) {
        const double amount = line->amounts[i];
        const double start_s = station_start(&free_at_s, events[i].time_s);
        const double end_s = start_s + (is_link ? amount / station->rate.constant : amount);
        are_in_order &= end_s > free_at_s;
        line->starts_s[i] = start_s;
        line->ends_s[i] = free_at_s = end_s;
    }
    return are_in_order;
}

// The visits that were found and end in the stretch. Returns how many.
static size_t make_visits(struct pipeline *line, const struct world_station *station,
                          const struct reorder *arrivals, struct station_tally *sums)
{
    const struct event *events = arrivals->near;
    const struct window window = pipeline_window(line, &events[0]);
    const bool is_link = station->role != STATION_COMPUTE;
    size_t count = arrivals->count;
    for (; count > 0 && line->ends_s[count - 1] >= arrivals->horizon_s; count--) {
    }
    if (is_link) {
        draw_delays(line, station, events, count);
    }
    for (size_t i = 0; i < count; i++) {
        struct flight *flight = &line->flights[event_subject(&events[i])];
        const struct step *step = flight->step++;
        const double start_s = line->starts_s[i];
        const double end_s = line->ends_s[i];
        const struct event departure = {end_s,
                                        next_tag(line, flight, &events[i], end_s, EVENT_DEPART)};
        if (is_link && flight->is_counted) {
            sums->bytes += line->amounts[i];
        }
        add_begin(sums, events[i].time_s, start_s, departure.time_s, &window);
        add_end(sums, is_link, step, flight->is_counted, events[i].time_s, start_s,
                departure.time_s, &window);
        go_on(line, flight, &departure, is_link ? line->values[i] : 0);
    }
    line->events += count;
    return count;
}

// Returns false if nothing was done.
static bool pass_single(struct pipeline *line, int number)
{
    const struct world_station *station = &line->run->world->station[number];
    struct reorder *arrivals = &line->arrivals[number];
    if (!find_visits(line, station, arrivals)) {
        return false;
    }
    end_visits(line, number); // that began in earlier stretches
    struct station_tally sums = line->run->tally->stations[number];
    const size_t ended = make_visits(line, station, arrivals, &sums);
    line->run->tally->stations[number] = sums;
    if (ended) {
        *lane_free_at(line, station->first_lane) = line->ends_s[ended - 1];
    }
    start_visits(line, number, ended);
    return true;
}

static void pass_station(struct pipeline *line, int number)
{
    struct reorder *arrivals = &line->arrivals[number];
    struct reorder *departures = &line->departures[number];
    reorder_sort(arrivals, &line->scratch);
    pipeline_make_scratch(line, arrivals->count);
    if (line->run->world->station[number].role == STATION_COMPUTE) {
        draw_services(line, number);
    } else {
        for (size_t i = 0; i < arrivals->count; i++) {
            const struct flight *flight = &line->flights[event_subject(&arrivals->near[i])];
            line->amounts[i] = bytes_of(flight, flight->step->leg);
        }
    }
    if (!pass_single(line, number)) {
        start_visits(line, number, 0);
        reorder_sort(departures, &line->scratch);
        end_visits(line, number);
    }
}

// ---- stations in a loop ----

double pipeline_draw_layer(struct pipeline *line, const struct flight *flight,
                           const struct world_layer *layer)
{
    return draw_one(line->run, flight, &layer->time, layer->parameters, layer->purpose,
                    layer->draws);
}

static double amount_of(struct pipeline *line, const struct flight *flight, const struct leg *leg)
{
    if (!leg->layers) {
        return bytes_of(flight, leg);
    }
    double service_s = 0;
    for (int k = 0; k < leg->layers; k++) {
        service_s += pipeline_draw_layer(line, flight, &leg->layer[k]);
    }
    return service_s;
}

// What an event of a group comes to: an arrival at a station, or a departure from it.
static void do_event(struct pipeline *line, const struct event *event)
{
    struct run *run = line->run;
    if (event_kind(event) == EVENT_LANE) {
        const int number = run->lanes.lane[event_subject(event)].station;
        pipeline_do_batching(line, number, event, &run->tally->stations[number]);
        return;
    }
    const struct window window = pipeline_window(line, event);
    struct flight *flight = &line->flights[event_subject(event)];
    const struct leg *leg = flight->step->leg;
    const struct world_station *station = &run->world->station[leg->station];
    const bool is_link = station->role != STATION_COMPUTE;
    struct station_tally *sums = &run->tally->stations[leg->station];
    if (station->rules) {
        pipeline_do_batching(line, leg->station, event, sums);
        return;
    }
    if (!is_in_visit(flight)) {
        const double end_s = start_visit(line, station, &line->common[leg->station], is_link,
                                         station->servers, flight, event,
                                         amount_of(line, flight, leg), &window, sums);
        reorder_put(&line->departures[leg->station], end_s,
                    next_tag(line, flight, event, end_s, EVENT_DEPART));
        return;
    }
    end_visit(is_link, flight, event, &window, sums);
    line->events++;
    double delay_s = 0;
    if (is_link) {
        delay_s =
            draw_one(run, flight, &station->delay, &run->world->spec->links[station->link].delay,
                     station->purpose, station->draws);
    }
    go_on(line, flight, event, delay_s);
}

// Event by event, as what leaves a station of the group may come back to it in the same stretch.
static void pass_loop(struct pipeline *line, const struct group *group)
{
    for (;;) {
        for (int i = 0; i < group->count; i++) {
            take_due(&line->arrivals[group->stations[i]], &line->loop);
            take_due(&line->departures[group->stations[i]], &line->loop);
        }
        if (!line->loop.count) {
            return;
        }
        const struct event event = event_queue_pop(&line->loop);
        do_event(line, &event);
    }
}

void pipeline_pass_group(struct pipeline *line, const struct group *group)
{
    if (group->is_loop) {
        pass_loop(line, group);
    } else if (line->run->world->station[group->stations[0]].rules) {
        pipeline_pass_batching(line, group->stations[0]);
    } else {
        pass_station(line, group->stations[0]);
    }
}
