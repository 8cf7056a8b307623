// SPDX-License-Identifier: GPL-3.0-or-later

// What happens in a stretch of time at a station that serves samples together, first in, first out
// (model/batch.c says which and when). Its batches follow from who came there before: one begins
// when it is full, when the oldest of its samples has waited long enough, or when a server is free
// again, whichever is the last of what it needs. So arrivals, which are known, are dealt with in
// turns with what they lead to: ends of batches, and ends of waits for a batch to fill.
//
// All of a batch leave at one event, one after the other. What follows from it at the same instant
// has the tag of that event, and subjects in the order of the batch: for that its samples change
// places. Where more of them pass another station without any time, the order in which the event
// queue would have had them come cannot be told by tags any more, nor can it if a batch takes no
// time; then the run has to go by events.

#include "base/memory.h"
#include "model/lane.h"
#include "model/pipeline_parts.h"

#include <math.h>
#include <stdlib.h>

// Samples that wait and may be served together: those of the same layers of the same model.
struct kind {
    const struct leg *leg; // of one of them
    uint32_t first;        // in the order of arrival, linked by `behind`
    uint32_t last;
    uint32_t count;
};

// A lane as it is while a run goes on; see struct lane.
struct batching_lane {
    struct kind *kinds; // that have come by now
    int kind_count;
    uint32_t waiting; // samples
    uint32_t in_service;
    uint32_t busy;    // servers
    double changed_s; // sums are up to date as of this time
    double wake_s;    // when a wait for a batch to fill will end; INFINITY: none
    double woken_s;   // when the last one has; -1: none
};

// What it takes to work on one.
struct at {
    struct pipeline *line;
    const struct world_station *station;
    struct batching_lane *lane;
    uint32_t place; // among the lanes with a queue
    const struct event *event;
    double from_s; // the window as it is now
    double to_s;
    struct station_tally *sums;
};

bool pipeline_can_batch(const struct lane_rules *rules)
{
    return rules->makes_batches && rules->discipline == DISCIPLINE_FIFO && !rules->speeds &&
           !rules->fails && !rules->scaling && !rules->steps && isinf(rules->cold_idle_s);
}

static bool has_batches(const struct world *world, int tier)
{
    bool has = false;
    for (int i = 0; i < world->class_count; i++) {
        const int compute = world->classes[i].tier[tier].compute;
        const struct lane_rules *rules = compute < 0 ? NULL : world->station[compute].rules;
        has |= rules && rules->batch_most > 1;
    }
    return has;
}

bool pipeline_passes_batch(const struct world *world, const struct world_station *station)
{
    if (station->role == STATION_COMPUTE || station->rate.parts ||
        isfinite(station->rate.constant) || station->delay.kind != DISTRIBUTION_CONSTANT ||
        station->delay.a > 0) {
        return false;
    }
    const struct spec_link *link = &world->spec->links[station->link];
    return station->role == STATION_UP
               ? has_batches(world, link->from)
               : has_batches(world, link->to) && world->spec->samples.answer_bytes >= 0;
}

void pipeline_init_batching(struct pipeline *line, struct arena *arena)
{
    const uint32_t lanes = line->run->world->queued;
    line->batching = arena_new_array(arena, lanes, struct batching_lane);
    for (uint32_t i = 0; i < lanes; i++) {
        line->batching[i] = (struct batching_lane){.wake_s = INFINITY, .woken_s = -1};
    }
}

void pipeline_finish_batching(struct pipeline *line)
{
    for (uint32_t i = 0; i < line->run->world->queued; i++) {
        free(line->batching[i].kinds);
    }
    free(line->members);
    free(line->moved);
}

static void expect(const struct at *at, double time_s, uint64_t tag)
{
    struct pipeline *line = at->line;
    struct reorder *departures = &line->departures[at->station - line->run->world->station];
    if (time_s < departures->horizon_s) {
        event_queue_push(&line->loop, time_s, tag);
    } else {
        reorder_put(departures, time_s, tag);
    }
}

static uint64_t wake_tag(uint32_t place)
{
    return event_tag(EVENT_LANE, place, place);
}

static inline bool is_in_window(const struct at *at)
{
    return at->event->time_s >= at->from_s && at->event->time_s <= at->to_s;
}

// Adds up what was, to this moment; before anything in the lane changes.
static inline void account(const struct at *at)
{
    struct batching_lane *lane = at->lane;
    const double now_s = at->event->time_s;
    if (now_s > lane->changed_s) {
        const double in_window_s = tally_overlap(lane->changed_s, now_s, at->from_s, at->to_s);
        at->sums->queue_area_s += in_window_s * lane->waiting;
        at->sums->busy_area_s += in_window_s * lane->busy;
        at->sums->serving_area_s += in_window_s * lane->in_service;
        lane->changed_s = now_s;
    }
}

// ---- who waits ----

static struct kind *find_kind(struct batching_lane *lane, const struct leg *leg)
{
    for (int i = 0; i < lane->kind_count; i++) {
        const struct leg *own = lane->kinds[i].leg;
        if (own == leg ||
            (own->model == leg->model && own->first == leg->first && own->layers == leg->layers)) {
            return &lane->kinds[i];
        }
    }
    lane->kinds = memory_resize(lane->kinds, (size_t)lane->kind_count + 1, sizeof(*lane->kinds));
    struct kind *kind = &lane->kinds[lane->kind_count++];
    *kind = (struct kind){.leg = leg};
    return kind;
}

static void wait_in(struct pipeline *line, struct kind *kind, uint32_t slot)
{
    line->flights[slot].behind = NO_SLOT;
    if (kind->count++) {
        line->flights[kind->last].behind = slot;
    } else {
        kind->first = slot;
    }
    kind->last = slot;
}

// Those who are served together next; NULL if no batch is ready: `ret_ready_s` is when one is, if
// nothing comes.
static struct kind *find_ready(const struct at *at, double *ret_ready_s)
{
    const struct lane_rules *rules = at->station->rules;
    const struct flight *flights = at->line->flights;
    struct kind *best = NULL;
    *ret_ready_s = INFINITY;
    for (int i = 0; i < at->lane->kind_count; i++) {
        struct kind *kind = &at->lane->kinds[i];
        if (!kind->count) {
            continue;
        }
        const double full_s = flights[kind->first].visit_s + rules->batch_wait_s;
        const double ready_s = kind->count >= rules->batch_most ? -INFINITY : full_s;
        if (ready_s > at->event->time_s) {
            *ret_ready_s = ready_s < *ret_ready_s ? ready_s : *ret_ready_s;
        } else if (!best || flights[kind->first].order < flights[best->first].order) {
            best = kind;
        }
    }
    return best;
}

// ---- who is served ----

static double draw_service(struct pipeline *line, uint32_t slot, uint32_t size)
{
    const struct flight *flight = &line->flights[slot];
    const struct leg *leg = flight->step->leg;
    double service_s = 0;
    for (int i = 0; i < leg->layers; i++) {
        const struct world_layer *layer = &leg->layer[i];
        service_s += distribution_is_by_batch(&layer->time)
                         ? distribution_of_batch(&layer->time, size)
                         : pipeline_draw_layer(line, flight, layer);
    }
    return service_s;
}

// The first of those who wait take a server.
static void begin(const struct at *at, struct kind *kind)
{
    struct pipeline *line = at->line;
    struct batching_lane *lane = at->lane;
    const double now_s = at->event->time_s;
    const uint32_t most = at->station->rules->batch_most;
    const uint32_t size = kind->count < most ? kind->count : most;
    const uint32_t first = kind->first;
    const double service_s = draw_service(line, first, size);
    uint32_t last = first;
    for (uint32_t taken = 0; taken < size; taken++) {
        last = kind->first;
        line->flights[last].start_s = now_s;
        kind->first = line->flights[last].behind;
    }
    line->flights[last].behind = NO_SLOT;
    kind->count -= size;
    lane->waiting -= size;
    lane->in_service += size;
    lane->busy++;
    if (is_in_window(at)) {
        at->sums->work_s += most > 1 ? service_s : 0;
        at->sums->batches++;
        at->sums->batched += size;
    }
    const double end_s = now_s + service_s;
    const uint64_t tag = own_tag(line, first, EVENT_DEPART);
    if (end_s <= now_s && tag >> EVENT_SUBJECT_BITS <= at->event->tag >> EVENT_SUBJECT_BITS) {
        line->cannot_go_on = true;
    }
    expect(at, end_s, tag);
}

static void serve(const struct at *at)
{
    struct batching_lane *lane = at->lane;
    while (lane->busy < at->station->servers) {
        double ready_s;
        struct kind *kind = find_ready(at, &ready_s);
        if (!kind) {
            if (ready_s < lane->wake_s) {
                lane->wake_s = ready_s;
                expect(at, ready_s, wake_tag(at->place));
            }
            return;
        }
        begin(at, kind);
    }
}

// ---- coming and going ----

static void arrive(const struct at *at, uint32_t slot)
{
    struct pipeline *line = at->line;
    struct batching_lane *lane = at->lane;
    struct flight *flight = &line->flights[slot];
    const struct lane_rules *rules = at->station->rules;
    account(at);
    if (is_in_window(at)) {
        at->sums->arrivals++;
        at->sums->work_s += rules->batch_most > 1 ? 0 // known when the batch begins
                                                  : draw_service(line, slot, 1) *
                                                        at->station->servers / rules->capacity;
    }
    if (lane->waiting + lane->in_service < at->station->servers) {
        at->sums->free_last_s = at->event->time_s;
    }
    flight->visit_s = at->event->time_s;
    flight->order = line->batching_arrivals++;
    flight->shares_tag = false;
    lane->waiting++;
    wait_in(line, find_kind(lane, flight->step->leg), slot);
    serve(at);
}

static int compare_slots(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void sort_slots(uint32_t *slots, uint32_t count)
{
    enum { FEW = 24 };
    if (count > FEW) {
        qsort(slots, count, sizeof(*slots), compare_slots);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        const uint32_t slot = slots[i];
        uint32_t at = i;
        for (; at > 0 && slots[at - 1] > slot; at--) {
            slots[at] = slots[at - 1];
        }
        slots[at] = slot;
    }
}

// Notes the samples of a batch in their order, and has them change places so that their slots are
// in that order too. Returns how many there are.
static uint32_t gather(struct pipeline *line, uint32_t first)
{
    uint32_t count = 0;
    bool are_in_order = true;
    for (uint32_t slot = first; slot != NO_SLOT; slot = line->flights[slot].behind) {
        if (count == line->members_room) {
            line->members_room = count ? 2 * line->members_room : 16;
            line->members = memory_resize(line->members, line->members_room, sizeof(uint32_t));
            line->moved = memory_resize(line->moved, line->members_room, sizeof(struct flight));
        }
        are_in_order &= !count || slot > line->members[count - 1];
        line->members[count++] = slot;
    }
    if (!are_in_order) {
        for (uint32_t i = 0; i < count; i++) {
            line->moved[i] = line->flights[line->members[i]];
        }
        sort_slots(line->members, count);
        for (uint32_t i = 0; i < count; i++) {
            line->flights[line->members[i]] = line->moved[i];
        }
    }
    return count;
}

static void depart(const struct at *at, uint32_t first)
{
    struct pipeline *line = at->line;
    const struct event *event = at->event;
    struct station_tally *sums = at->sums;
    const uint32_t size = gather(line, first);
    account(at);
    at->lane->busy--;
    at->lane->in_service -= size;
    const double served_s = event->time_s - line->flights[line->members[0]].start_s;
    const double share_s = served_s / size;
    const double joules = served_s * at->station->watts / size;
    for (uint32_t i = 0; i < size; i++) {
        const uint32_t slot = line->members[i];
        struct flight *flight = &line->flights[slot];
        if (flight->is_counted) {
            const struct step *step = flight->step;
            sums->visits++;
            sums->wait_s += flight->start_s - flight->visit_s;
            sums->counted_s += share_s;
            sums->joules += isnan(step->leg->joules) ? joules : step->joules;
        }
        flight->visit_s = NO_VISIT;
        flight->shares_tag = size > 1;
        flight->step++;
        reorder_put(flight->step->events, event->time_s,
                    (event->tag & ~(uint64_t)UINT32_MAX) | slot);
    }
    line->events++;
    serve(at);
}

static void wake(const struct at *at)
{
    at->lane->wake_s = INFINITY;
    at->lane->woken_s = at->event->time_s;
    at->line->events++;
    account(at);
    serve(at);
}

void pipeline_do_batching(struct pipeline *line, int number, const struct event *event,
                          struct station_tally *sums)
{
    const struct world_station *station = &line->run->world->station[number];
    const uint32_t subject = event_subject(event);
    const bool is_wake = event_kind(event) == EVENT_LANE;
    uint32_t place = subject;
    if (station->lanes == 1) {
        place = station->first_queued;
    } else if (!is_wake) {
        const struct flight *flight = &line->flights[subject];
        const uint32_t lane = lane_of(flight->step->leg, line->run->world, flight);
        place = station->first_queued + (lane - station->first_lane);
    }
    const struct window window = pipeline_window(line, event);
    const struct at at = {.line = line,
                          .station = station,
                          .lane = &line->batching[place],
                          .place = place,
                          .event = event,
                          .from_s = window.from_s,
                          .to_s = window.to_s,
                          .sums = sums};
    if (is_wake) {
        wake(&at);
    } else if (is_in_visit(&line->flights[subject])) {
        depart(&at, subject);
    } else {
        arrive(&at, subject);
    }
}

void pipeline_pass_batching(struct pipeline *line, int number)
{
    struct reorder *arrivals = &line->arrivals[number];
    struct reorder *departures = &line->departures[number];
    struct station_tally sums = line->run->tally->stations[number];
    reorder_sort(arrivals, &line->scratch);
    take_due(departures, &line->loop);
    for (size_t next = 0; next < arrivals->count || line->loop.count;) {
        bool is_arrival = next < arrivals->count;
        if (is_arrival && line->loop.count) {
            const struct event due = event_queue_first(&line->loop);
            is_arrival = event_is_before(&arrivals->near[next], &due);
        }
        const struct event event =
            is_arrival ? arrivals->near[next++] : event_queue_pop(&line->loop);
        pipeline_do_batching(line, number, &event, &sums);
    }
    line->run->tally->stations[number] = sums;
}

uint64_t pipeline_end_batching(struct pipeline *line)
{
    struct run *run = line->run;
    uint64_t late = 0;
    for (uint32_t place = 0; place < run->world->queued; place++) {
        const struct event last = {line->batching[place].woken_s, wake_tag(place)};
        if (run->world->spec->stop_kind == STOP_TIME) {
            run->now_s = fmax(run->now_s, last.time_s);
        } else {
            // Only the last one of a lane can be late: others are followed by samples.
            late += last.time_s >= 0 && event_is_before(&line->latest, &last);
        }
    }
    return late;
}
