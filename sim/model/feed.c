// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/feed.h"

#include "base/memory.h"
#include "model/run.h"

#include <math.h>

enum {
    WANTED = 1024,       // arrivals in a stretch: what goes with them fits in a cache of 1 MiB
    MOST_SCANNED = 1024, // devices; with more, the heap
    MOST_OF_A_DEVICE = 1 << 22
};

// The tag under which an arrival of a device is scheduled.
static inline uint64_t arrival_tag(const struct run *run, uint64_t number, uint32_t device)
{
    return event_tag(EVENT_ARRIVE, workload_rank(run, number, device), device);
}

// The time of the next arrival of a device, INFINITY if there is none any more.
static inline double next_time(struct run *run, const struct world_class *devices, uint32_t device)
{
    const struct arrival *arrival = &devices->arrival;
    const struct spec *spec = run->world->spec;
    double time_s;
    if (arrival->spec->kind == ARRIVALS_POISSON) {
        time_s = arrival_next(arrival, run->key, device, 0, &run->devices[device].arrivals, NULL,
                              draws_gaps(&run->draws, device), run->draws.length);
    } else {
        time_s = workload_next(run, devices, device);
    }
    return spec->stop_kind == STOP_TIME && time_s > spec->stop_time_s ? INFINITY : time_s;
}

void feed_init(struct feed *feed, struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    *feed = (struct feed){.run = run};
    if (world->devices <= MOST_SCANNED) {
        feed->next_s = arena_new_array(arena, world->devices, double);
    }
    for (int i = 0; i < world->class_count; i++) {
        const struct world_class *devices = &world->classes[i];
        for (uint32_t k = 0; k < devices->devices; k++) {
            const uint32_t device = devices->first_device + k;
            const uint64_t tag = arrival_tag(run, run->devices[device].scheduled, device);
            const double time_s = next_time(run, devices, device);
            run->devices[device].scheduled++;
            if (feed->next_s) {
                feed->next_s[device] = time_s;
            } else if (isfinite(time_s)) {
                event_queue_push(&feed->heap, time_s, tag);
            }
        }
    }
    const double rate = world_arrival_rate(world);
    feed->length_s = rate > 0 && isfinite(rate) ? WANTED / rate : 1;
}

void feed_finish(struct feed *feed)
{
    reorder_finish(&feed->stretch);
    reorder_scratch_finish(&feed->scratch);
    event_queue_finish(&feed->heap);
}

void feed_adapt(struct feed *feed, uint64_t happened)
{
    feed->length_s *= fmin(fmax(WANTED / (double)(happened + 1), 0.25), 2);
}

// Takes all arrivals of a device before the horizon; returns the time of the one behind it.
static double take(struct feed *feed, const struct world_class *devices, uint32_t device)
{
    struct run *run = feed->run;
    double time_s = feed->next_s[device];
    uint64_t *scheduled = &run->devices[device].scheduled;
    for (uint32_t count = 0; time_s < feed->horizon_s; count++) {
        if (count == MOST_OF_A_DEVICE) {
            feed->cannot_go_on = true;
            break;
        }
        reorder_put_near(&feed->stretch, time_s, arrival_tag(run, *scheduled - 1, device));
        time_s = next_time(run, devices, device);
        (*scheduled)++;
    }
    return time_s;
}

// The same for a Poisson process of constant rate whose gaps have a row: all that next_time() would
// look up each time is at hand.
static double take_poisson(struct feed *feed, const struct arrival *arrival, uint32_t device)
{
    struct run *run = feed->run;
    const struct spec *spec = run->world->spec;
    const double stop_s = spec->stop_kind == STOP_TIME ? spec->stop_time_s : INFINITY;
    const double horizon_s = feed->horizon_s;
    const uint64_t last = run->draws.length - 1;
    double *gaps = draws_gaps(&run->draws, device);
    struct device *own = &run->devices[device];
    uint64_t next = own->arrivals.gaps.next;
    uint64_t number = own->scheduled - 1;
    const uint64_t most = number + MOST_OF_A_DEVICE;
    double time_s = feed->next_s[device];
    while (time_s < horizon_s && time_s <= stop_s && number < most) {
        if ((next & last) == 0) {
            arrival_draw_gaps(arrival, run->key, device, next, run->draws.length, gaps);
        }
        const size_t drawn = (size_t)(last + 1 - (next & last));
        const double *gap = gaps + (next & last);
        struct event *arrivals = reorder_room(&feed->stretch, drawn);
        size_t count = 0;
        for (; count < drawn && time_s < horizon_s && time_s <= stop_s; count++) {
            arrivals[count] = (struct event){time_s, arrival_tag(run, number + count, device)};
            time_s += gap[count];
        }
        reorder_add(&feed->stretch, count);
        next += count;
        number += count;
    }
    time_s = time_s > stop_s ? INFINITY : time_s;
    feed->cannot_go_on |= time_s < horizon_s;
    own->arrivals.gaps.next = next;
    own->arrivals.at = time_s;
    own->scheduled = number + 1;
    return time_s;
}

static double least_next(const struct feed *feed)
{
    double least_s = INFINITY;
    for (uint32_t device = 0; device < feed->run->world->devices; device++) {
        least_s = feed->next_s[device] < least_s ? feed->next_s[device] : least_s;
    }
    return least_s;
}

static void scan(struct feed *feed)
{
    const struct world *world = feed->run->world;
    const double least_s = least_next(feed);
    // Stretches without arrivals are left out, and each makes some way in spite of rounding.
    feed->horizon_s = nextafter(fmax(feed->horizon_s, least_s) + feed->length_s, INFINITY);
    reorder_begin(&feed->stretch, feed->horizon_s);
    for (int i = 0; i < world->class_count; i++) {
        const struct world_class *devices = &world->classes[i];
        const bool is_poisson = devices->arrival.spec->kind == ARRIVALS_POISSON &&
                                devices->arrival.clock.is_time && feed->run->draws.length;
        for (uint32_t k = 0; k < devices->devices; k++) {
            const uint32_t device = devices->first_device + k;
            feed->next_s[device] = is_poisson ? take_poisson(feed, &devices->arrival, device)
                                              : take(feed, devices, device);
        }
    }
    reorder_sort(&feed->stretch, &feed->scratch);
    feed->is_over = isinf(least_next(feed));
    feed_adapt(feed, feed->stretch.count);
}

static void pop(struct feed *feed)
{
    struct run *run = feed->run;
    reorder_begin(&feed->stretch, INFINITY);
    while (feed->heap.count && feed->stretch.count < WANTED) {
        const struct event event = event_queue_pop(&feed->heap);
        const uint32_t device = event_subject(&event);
        reorder_put(&feed->stretch, event.time_s, event.tag);
        const uint64_t tag = arrival_tag(run, run->devices[device].scheduled, device);
        const double time_s = next_time(run, run_class(run, device), device);
        run->devices[device].scheduled++;
        if (isfinite(time_s)) {
            event_queue_push(&feed->heap, time_s, tag);
        }
    }
    feed->is_over = !feed->heap.count;
    if (!feed->is_over) {
        feed->horizon_s = event_queue_first(&feed->heap).time_s;
    }
}

void feed_next(struct feed *feed)
{
    if (feed->next_s) {
        scan(feed);
    } else {
        pop(feed);
    }
    if (feed->is_over) {
        feed->horizon_s = INFINITY;
    }
}

struct pending {
    const struct feed *feed;
    uint32_t last;
    const struct event *event;
    uint64_t count;
};

// Whether a device's arrival is the first of those that were not taken; if so, and if it comes
// before the event, it counts.
static void count_pending(const struct event *arrival, void *context)
{
    struct pending *pending = context;
    const struct run *run = pending->feed->run;
    const uint32_t device = event_subject(arrival);
    pending->count += device != pending->last &&
                      arrival->tag == arrival_tag(run, run->devices[device].index, device) &&
                      event_is_before(arrival, pending->event);
}

uint64_t feed_pending_before(const struct feed *feed, size_t taken, uint32_t last,
                             const struct event *event)
{
    const struct run *run = feed->run;
    struct pending pending = {feed, last, event, 0};
    for (size_t i = taken; i < feed->stretch.count; i++) {
        count_pending(&feed->stretch.near[i], &pending);
    }
    for (uint32_t device = 0; feed->next_s && device < run->world->devices; device++) {
        const uint64_t number = run->devices[device].scheduled - 1;
        const struct event next = {feed->next_s[device], arrival_tag(run, number, device)};
        count_pending(&next, &pending);
    }
    event_queue_each(&feed->heap, count_pending, &pending);
    return pending.count;
}
