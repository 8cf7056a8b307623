// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_PIPELINE_PARTS_H
#define OFFLOADSIM_MODEL_PIPELINE_PARTS_H

// What the files of the pipeline share with each other and with nobody else:
//
//     pipeline.c          arrivals in the world, and the whole
//     pipeline_order.c    which station comes after which
//     pipeline_station.c  what happens at a station in a stretch, and in a loop of stations
//     pipeline_batches.c  the same where samples are served together
//     pipeline_end.c      the ends of samples

#include "core/reorder.h"
#include "model/feed.h"
#include "model/paths.h"
#include "model/pipeline.h"
#include "model/run.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

// What is ahead of a sample: a visit of its path, and behind the last visit the end.
struct step {
    const struct leg *leg;  // the visit; NULL: the end
    struct reorder *events; // where its arrivals there are put
    // Compute: the energy of a visit is that of its layers, and the server's while it is busy.
    double joules;
    double watts;
    // The end.
    bool is_answered;
    uint64_t counted; // samples that ended there and were counted
};

// A sample in flight.
struct flight {
    double arrived_s;
    double raw_bytes;
    double visit_s; // when it came to the station where it is; NO_VISIT before that
    union {
        double start_s; // and when its service began
        uint64_t order; // while it waits to be served with others: of its arrival
    };
    uint64_t index;
    struct step
        *step; // where it is, or will be next: of the steps of its path, one after the other
    uint32_t device;
    uint32_t row; // of the trace; of a sample that was generated, its label
    uint16_t source;
    uint8_t device_class;
    bool is_counted : 1;
    bool is_correct : 1;
    bool shares_tag : 1; // its next event follows from the end of a batch, with the tag of that
    uint32_t behind;     // served with others: who is next in the queue, or in the batch
};

_Static_assert(sizeof(struct flight) <= 64, "a sample in flight takes a line of the cache");

#define NO_VISIT (-1.0)

static inline bool is_in_visit(const struct flight *flight)
{
    return flight->visit_s != NO_VISIT;
}

// What is known of a row of the trace.
struct known {
    double raw_bytes;
    struct step *first; // NULL: nothing
    bool is_correct;
};

// Stations that are dealt with together: one, or several between which paths go back and forth, or
// one that paths come back to.
struct group {
    const int *stations; // [count]
    int count;
    bool is_loop;
};

// The order of stations.
struct station_order {
    bool *leads_to;       // [from * stations + to]: some path goes from one to the other
    int *stations;        // [stations]: upstream first
    bool *is_placed;      // [stations]: scratch
    struct group *groups; // [group_count]
    int group_count;
    int paths; // that are in it
};

// Counted answers to samples of a label.
struct label_sums {
    uint64_t answers[2]; // [is_correct]
};

// What all visits to a station have in common.
struct common_leg {
    const struct leg *leg; // of the first path that was found
    bool do_differ;        // in what is computed there
    bool have_own_lanes;   // each device one, the first of them that of the leg
};

struct batching_lane;

struct pipeline {
    struct run *run;
    struct feed feed;
    struct paths *paths;
    struct step **steps; // [PATHS_MOST][legs + 1]: of the paths that were found
    int steps_count;
    struct common_leg *common; // [stations]
    struct arena *arena; // for more of them
    struct flight *flights;
    uint32_t room;
    uint32_t *free; // [free_count]: those that are free, the last one next
    uint32_t free_count;
    struct reorder *arrivals;   // [stations]
    struct reorder *departures; // [stations]
    struct reorder ends;
    struct reorder_scratch scratch;
    struct station_order order;
    struct event_queue loop;  // what is due in a group while it is dealt with
    struct known **known;     // [class][row]; NULL: paths do not follow from rows
    struct event window_from; // the event with which the window begins
    uint32_t last_device;     // whose arrival was the last; NO_SLOT: all have come to their end
    size_t taken;             // arrivals of the stretch
    uint64_t events;
    uint64_t events_before;    // the stretch
    uint64_t counted;          // samples that were offered after the warm-up
    struct event latest;       // of the ends so far
    struct label_sums *labels; // [labels]
    // Scratch of a station's stretch.
    double *values;
    double *amounts; // service times, or bytes
    double *starts_s;
    double *ends_s;
    uint32_t *entities;
    uint64_t *indices;
    size_t scratch_room;
    // Of stations that serve samples together.
    struct batching_lane *batching; // [world.queued]
    uint64_t batching_arrivals;     // in all of these
    uint32_t *members;              // of a batch
    struct flight *moved;
    size_t members_room;
    bool cannot_go_on;
};

// The tag of an event of a sample.
static inline uint64_t own_tag(const struct pipeline *line, uint32_t slot, unsigned kind)
{
    const struct flight *flight = &line->flights[slot];
    return event_tag(kind, workload_rank(line->run, flight->index, flight->device), slot);
}

// The tag of what an event of a sample leads to at `time_s`: where no time has passed it comes no
// earlier than that.
static inline uint64_t next_tag(const struct pipeline *line, struct flight *flight,
                                const struct event *from, double time_s, unsigned kind)
{
    uint64_t tag = (from->tag & (UINT64_MAX >> 4)) | event_tag(kind, 0, 0);
    if (flight->shares_tag) {
        tag = own_tag(line, event_subject(from), kind);
        flight->shares_tag = time_s <= from->time_s && tag <= from->tag;
    }
    return time_s > from->time_s || tag > from->tag ? tag : from->tag;
}

// The window as an event knows it: there is none before the event that it begins with.
struct window {
    double from_s;
    double to_s;
};

static inline struct window pipeline_window(const struct pipeline *line, const struct event *event)
{
    const bool is_before = event_is_before(event, &line->window_from);
    return (struct window){is_before ? INFINITY : line->window_from.time_s,
                           line->run->tally->window_to_s};
}

// The end of the events, which are in order, that have the window of the one with number `first`.
static inline size_t pipeline_window_end(const struct pipeline *line, const struct reorder *events,
                                         size_t first)
{
    size_t end = events->count;
    if (event_is_before(&events->near[first], &line->window_from)) {
        for (; !event_is_before(&events->near[end - 1], &line->window_from); end--) {
        }
    }
    return end;
}

// The lane that a sample takes at the station of a leg.
static inline uint32_t lane_of(const struct leg *leg, const struct world *world,
                               const struct flight *flight)
{
    if (leg->is_per_device) {
        return leg->first_lane + flight->device;
    }
    const struct world_class *devices = &world->classes[flight->device_class];
    const uint64_t node = class_node(devices, flight->device, leg->tier);
    return leg->first_lane + (uint32_t)(node * leg->lanes / leg->nodes);
}

// Whether two visits compute the same.
static inline bool leg_does_same(const struct leg *a, const struct leg *b)
{
    return a->layer == b->layer && a->layers == b->layers;
}

// Groups of stations in such an order that no path leads back to an earlier one, with the paths
// that are known by now.
void pipeline_find_order(struct pipeline *line);

// All that happens in the stretch at a station, or at stations that paths go back and forth
// between.
void pipeline_pass_group(struct pipeline *line, const struct group *group);

// Puts what is due at a station in the stretch to where it is popped from.
static inline void take_due(struct reorder *reorder, struct event_queue *due)
{
    for (size_t i = 0; i < reorder->count; i++) {
        event_queue_push(due, reorder->near[i].time_s, reorder->near[i].tag);
    }
    reorder->count = 0;
    reorder->is_unsorted = false;
}

// Room in the scratch arrays for as many events.
void pipeline_make_scratch(struct pipeline *line, size_t count);

// A number of a layer for a sample.
double pipeline_draw_layer(struct pipeline *line, const struct flight *flight,
                           const struct world_layer *layer);

// Where samples are served together: whether a queue with an order of its own is one of these.
bool pipeline_can_batch(const struct lane_rules *rules);
// Whether a station is one direction of a link without any time that leads away from a tier where
// samples are served together.
bool pipeline_passes_batch(const struct world *world, const struct world_station *station);
void pipeline_init_batching(struct pipeline *line, struct arena *arena);
void pipeline_finish_batching(struct pipeline *line);
// All that happens at such a station in the stretch; and what an event of it comes to: an arrival,
// the end of a batch, or the end of a wait for a batch to fill.
void pipeline_pass_batching(struct pipeline *line, int number);
void pipeline_do_batching(struct pipeline *line, int number, const struct event *event,
                          struct station_tally *sums);
// Once all samples have come to their end: a run that samples stop is over then. Returns how many
// of such waits were counted though they end later. One that stops at a time goes on until nothing
// is due.
uint64_t pipeline_end_batching(struct pipeline *line);

// The samples that come to their end in the stretch.
void pipeline_end_all(struct pipeline *line);
// What follows for the counters from how many ended on each path; once, after the last stretch.
void pipeline_count_paths(struct pipeline *line);

#endif
