// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_PIPELINE_PARTS_H
#define OFFLOADSIM_MODEL_PIPELINE_PARTS_H

// What the files of the pipeline share with each other and with nobody else:
//
//     pipeline.c          arrivals in the world, and the whole
//     pipeline_order.c    which station comes after which
//     pipeline_station.c  what happens at a station in a stretch, and in a loop of stations
//     pipeline_end.c      the ends of samples

#include "core/reorder.h"
#include "model/feed.h"
#include "model/paths.h"
#include "model/pipeline.h"
#include "model/run.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

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
    bool is_in_visit; // it has come to the station, and has not left it
};

// What is known of a row of the trace.
struct known {
    double raw_bytes;
    uint16_t path; // UNKNOWN_PATH: nothing
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

struct pipeline {
    struct run *run;
    struct feed feed;
    struct paths *paths;
    const struct path *path; // [paths_count()]
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
    uint64_t *counted_on;     // [PATHS_MOST]: samples that ended on a path and were counted
    struct event window_from; // the event with which the window begins
    uint32_t last_device;     // whose arrival was the last; NO_SLOT: all have come to their end
    size_t taken;             // arrivals of the stretch
    uint64_t events;
    uint64_t counted;    // samples that were offered after the warm-up
    struct event latest; // of the ends so far
    // Scratch of a station's stretch.
    double *values;
    double *amounts; // service times, or bytes
    double *starts_s;
    double *ends_s;
    uint32_t *entities;
    uint64_t *indices;
    size_t scratch_room;
    bool cannot_go_on;
};

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

// Where the samples of a path go to: the station of this leg, or behind the last one the end.
static inline struct reorder *next_of(struct pipeline *line, int number, int leg)
{
    const struct path *path = &line->path[number];
    return leg < path->leg_count ? &line->arrivals[path->legs[leg].station] : &line->ends;
}

// The start of the window, as events of a stretch know it: INFINITY before it.
struct window {
    double from_s;
    double to_s;
    const struct event *first; // with which it begins; NULL: before or after all of the stretch
};

static inline double window_from_s(const struct window *window, const struct event *event)
{
    if (window->first && !event_is_before(event, window->first)) {
        return window->first->time_s;
    }
    return window->from_s;
}

static inline struct window pipeline_window(const struct pipeline *line,
                                            const struct reorder *events)
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

static inline const struct leg *leg_of(const struct pipeline *line, const struct flight *flight)
{
    return &line->path[flight->path].legs[flight->leg];
}

// Groups of stations in such an order that no path leads back to an earlier one, with the paths
// that are known by now.
void pipeline_find_order(struct pipeline *line);

// All that happens in the stretch at a station, or at stations that paths go back and forth
// between.
void pipeline_pass_group(struct pipeline *line, const struct group *group);

// The samples that come to their end in the stretch.
void pipeline_end_all(struct pipeline *line);
// What follows for the counters from how many ended on each path; once, after the last stretch.
void pipeline_count_paths(struct pipeline *line);

#endif
