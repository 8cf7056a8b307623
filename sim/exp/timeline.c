// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/timeline.h"

#include "base/memory.h"
#include "base/text.h"
#include "exp/experiment.h"
#include "exp/until.h"
#include "model/replication.h"
#include "model/world.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// One of the threads that a lane is drawn on. Slices of a thread must not overlap.
struct track {
    double until_s;
    size_t next; // of the same station and lane; SIZE_MAX: none
};

struct recorder {
    const struct timeline_request *request;
    struct timeline_result *result;
    const struct world *world;
    size_t point;
    uint64_t timeline_rows; // of this point
    uint64_t trace_rows;
    bool is_full; // of trace events
    FILE *timeline;
    FILE *trace;
    bool has_events; // in the trace file
    struct track *tracks;
    size_t track_count;
    size_t track_room;
    size_t *first_track; // [lanes of the world]
};

static bool look(void *context, double time_s, const struct station_state *states)
{
    struct recorder *recorder = context;
    const struct world *world = recorder->world;
    struct timeline_result *result = recorder->result;
    char time[TEXT_NUMBER_ROOM];
    text_number(time, time_s);
    for (int i = 0; i < world->stations; i++) {
        if (recorder->timeline_rows == recorder->request->most_rows) {
            result->timeline_ended_s = fmin(result->timeline_ended_s, time_s);
            return false;
        }
        fprintf(recorder->timeline, "%s,%zu,%s,%s,%" PRIu64 ",%" PRIu64 "\n",
                world->policy->name, recorder->point, time, world->station[i].name,
                states[i].waiting, states[i].in_service);
        recorder->timeline_rows++;
        result->timeline_rows++;
    }
    return true;
}

static void begin_event(struct recorder *recorder)
{
    fputs(recorder->has_events ? ",\n" : "\n", recorder->trace);
    recorder->has_events = true;
}

// The number by which the trace file knows a station of a point.
static size_t process_of(const struct recorder *recorder, int station)
{
    return recorder->point * (size_t)recorder->world->stations + (size_t)station + 1;
}

// The thread of the lane that became free last before a time, or a new one. Services come in the
// order of their ends; the one that was free earlier may still be wanted by a longer service that
// started then.
static size_t find_track(struct recorder *recorder, uint32_t lane, double from_s)
{
    size_t *link = &recorder->first_track[lane];
    size_t best = SIZE_MAX;
    while (*link != SIZE_MAX) {
        const struct track *track = &recorder->tracks[*link];
        if (track->until_s <= from_s &&
            (best == SIZE_MAX || track->until_s > recorder->tracks[best].until_s)) {
            best = *link;
        }
        link = &recorder->tracks[*link].next;
    }
    if (best != SIZE_MAX) {
        return best;
    }
    const size_t number = recorder->track_count++;
    *link = number; // before the array may move
    if (recorder->track_count > recorder->track_room) {
        recorder->track_room = 2 * recorder->track_count;
        recorder->tracks =
            memory_resize(recorder->tracks, recorder->track_room, sizeof(*recorder->tracks));
    }
    recorder->tracks[number] = (struct track){0, SIZE_MAX};
    return number;
}

// Times of trace events are microseconds; a nanosecond is as fine as viewers go.
static void visited(void *context, const struct visit_record *visit)
{
    struct recorder *recorder = context;
    const struct world_station *station = &recorder->world->station[visit->station];
    struct timeline_result *result = recorder->result;
    if (recorder->is_full) {
        return;
    }
    if (recorder->trace_rows == recorder->request->most_rows) {
        recorder->is_full = true;
        result->trace_ended_s = fmin(result->trace_ended_s, visit->ended_s);
        return;
    }
    const size_t track =
        find_track(recorder, station->first_lane + visit->lane, visit->started_s);
    recorder->tracks[track].until_s = visit->ended_s;
    begin_event(recorder);
    fprintf(recorder->trace,
            "{\"name\": \"device %" PRIu32 " sample %" PRIu64 "\", \"cat\": \"service\", "
            "\"ph\": \"X\", \"ts\": %.3f, \"dur\": %.3f, \"pid\": %zu, \"tid\": %zu, "
            "\"args\": {\"waited_ms\": %.6f}}",
            visit->device, visit->index, 1e6 * visit->started_s,
            1e6 * (visit->ended_s - visit->started_s), process_of(recorder, visit->station),
            track + 1, 1e3 * (visit->started_s - visit->arrived_s));
    recorder->trace_rows++;
    result->trace_rows++;
}

// Names for what the numbers in the trace file stand for.
static void name_processes(struct recorder *recorder)
{
    const struct world *world = recorder->world;
    for (int i = 0; i < world->stations; i++) {
        const struct world_station *station = &world->station[i];
        struct text name = {0};
        struct text quoted = {0};
        text_format(&name, "%s: %s", world->policy->name, station->name);
        text_json_string(&quoted, text_string(&name));
        bool is_used = false;
        for (uint32_t lane = 0; lane < station->lanes; lane++) {
            for (size_t track = recorder->first_track[station->first_lane + lane];
                 track != SIZE_MAX; track = recorder->tracks[track].next) {
                is_used = true;
                begin_event(recorder);
                fprintf(recorder->trace,
                        "{\"name\": \"thread_name\", \"ph\": \"M\", \"pid\": %zu, \"tid\": %zu, "
                        "\"args\": {\"name\": \"%s %" PRIu32 "\"}}",
                        process_of(recorder, i), track + 1,
                        station->role == STATION_COMPUTE ? "node" : "medium", lane);
            }
        }
        if (is_used) {
            begin_event(recorder);
            fprintf(recorder->trace,
                    "{\"name\": \"process_name\", \"ph\": \"M\", \"pid\": %zu, "
                    "\"args\": {\"name\": %s}}",
                    process_of(recorder, i), text_string(&quoted));
        }
        text_finish(&quoted);
        text_finish(&name);
    }
}

static int record_point(struct recorder *recorder, const struct experiment *experiment,
                        struct text *ret_error)
{
    struct arena arena = {0};
    const struct world *world = experiment_world(experiment, recorder->point, &arena);
    double *values =
        arena_new_array(&arena, (size_t)world->metrics + (size_t)world->counters.count, double);
    struct replication_result ignored = {.metrics = values, .counters = values + world->metrics};
    recorder->world = world;
    recorder->timeline_rows = 0;
    recorder->trace_rows = 0;
    recorder->is_full = false;
    recorder->track_count = 0;
    recorder->first_track = arena_new_array(&arena, world->lanes, size_t);
    for (uint32_t i = 0; i < world->lanes; i++) {
        recorder->first_track[i] = SIZE_MAX;
    }
    struct replication_options options = {
        .number = recorder->request->replication,
        .look = recorder->timeline ? look : NULL,
        .step_s = recorder->request->step_s,
        .visited = recorder->trace ? visited : NULL,
        .context = recorder,
    };
    until_let_grow(&experiment->points[recorder->point], &options);
    const int status = replication_run(world, &options, &ignored, ret_error);
    replication_batches_finish(&ignored.batches);
    if (recorder->trace) {
        name_processes(recorder);
    }
    arena_finish(&arena);
    return status;
}

static int open_file(const char *path, FILE **ret_file, struct text *ret_error)
{
    if (!path) {
        return 0;
    }
    *ret_file = fopen(path, "w");
    if (!*ret_file) {
        text_format(ret_error, "cannot write '%s': %s", path, strerror(errno));
        return -1;
    }
    return 0;
}

static int close_file(const char *path, FILE *file, int status, struct text *ret_error)
{
    if (!file) {
        return status;
    }
    const bool has_failed = ferror(file);
    if ((fclose(file) != 0 || has_failed) && status == 0) {
        text_format(ret_error, "cannot write all of '%s': %s", path, strerror(errno));
        return -1;
    }
    return status;
}

int timeline_run(const struct experiment *experiment, const struct timeline_request *request,
                  struct timeline_result *ret_result, struct text *ret_error)
{
    struct recorder recorder = {.request = request, .result = ret_result};
    *ret_result = (struct timeline_result){.timeline_ended_s = NAN, .trace_ended_s = NAN};
    int status = open_file(request->timeline, &recorder.timeline, ret_error);
    if (status == 0) {
        status = open_file(request->trace_events, &recorder.trace, ret_error);
    }
    if (status == 0 && recorder.timeline) {
        fputs("policy,point,time_s,station,waiting,in_service\n", recorder.timeline);
    }
    if (status == 0 && recorder.trace) {
        fputs("{\"displayTimeUnit\": \"ms\", \"traceEvents\": [", recorder.trace);
    }
    for (size_t i = 0; i < experiment->point_count && status == 0; i++) {
        recorder.point = i;
        status = record_point(&recorder, experiment, ret_error);
    }
    if (recorder.trace) {
        fputs("\n]}\n", recorder.trace);
    }
    status = close_file(request->timeline, recorder.timeline, status, ret_error);
    status = close_file(request->trace_events, recorder.trace, status, ret_error);
    free(recorder.tracks);
    return status;
}
