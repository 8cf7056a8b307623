// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/pilot.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/lane.h"
#include "model/replication.h"
#include "model/world.h"
#include "scenario/spec.h"
#include "scenario/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Samples are so many times farther apart than one takes.
static const double SPACING = 2;
// Rates of links, failures and reports change no more often than that over the whole pilot.
static const double MOST_CHANGES = 200000;

// Where the sample that a device had last was.
struct place {
    uint64_t index;
    int station; // + 1; 0: nowhere
};

// Sums over the visits of a class to a link.
struct sizes {
    double visits;
    double raw; // bytes that are raw input, and the rest
    double raw_square;
    double rest;
    double rest_square;
    double both;
};

struct recording {
    const struct world *world;
    struct pilot *pilot;
    struct place *places; // [device]
    struct sizes *sizes;  // [class][station]
    double *payload;      // [class]: sums over samples
    double *payload_square;
    int work_room;
};

// ---- watching ----

static int class_of(const struct world *world, uint32_t device)
{
    int number = 0;
    while (device >= world->classes[number].first_device + world->classes[number].devices) {
        number++;
    }
    return number;
}

static struct pilot_work *find_work(struct recording *recording, int device_class,
                                    const struct visit_record *visit)
{
    struct pilot *pilot = recording->pilot;
    for (int i = 0; i < pilot->work_count; i++) {
        struct pilot_work *work = &pilot->works[i];
        if (work->device_class == device_class && work->station == visit->station &&
            work->model == visit->model && work->first_layer == visit->first_layer &&
            work->last_layer == visit->last_layer) {
            return work;
        }
    }
    if (pilot->work_count == recording->work_room) {
        recording->work_room = recording->work_room ? 2 * recording->work_room : 16;
        pilot->works =
            memory_resize(pilot->works, (size_t)recording->work_room, sizeof(*pilot->works));
    }
    struct pilot_work *work = &pilot->works[pilot->work_count++];
    *work = (struct pilot_work){.device_class = device_class,
                                .station = visit->station,
                                .model = visit->model,
                                .first_layer = visit->first_layer,
                                .last_layer = visit->last_layer};
    return work;
}

static void add_visit(void *context, const struct visit_record *visit)
{
    struct recording *recording = context;
    struct pilot *pilot = recording->pilot;
    const int device_class = class_of(recording->world, visit->device);
    struct place *place = &recording->places[visit->device];
    const bool has_been = place->station && place->index == visit->index;
    pilot->from[visit->station * (pilot->stations + 1) +
                (has_been ? place->station - 1 : pilot->stations)]++;
    *place = (struct place){visit->index, visit->station + 1};
    if (recording->world->station[visit->station].role == STATION_COMPUTE) {
        struct pilot_work *work = find_work(recording, device_class, visit);
        const double service_s = visit->ended_s - visit->started_s;
        work->visits++;
        work->service_s += service_s;
        work->square_s2 += service_s * service_s;
        return;
    }
    struct sizes *sizes = &recording->sizes[device_class * pilot->stations + visit->station];
    const double rest = visit->bytes - visit->raw_bytes;
    sizes->visits++;
    sizes->raw += visit->raw_bytes;
    sizes->raw_square += visit->raw_bytes * visit->raw_bytes;
    sizes->rest += rest;
    sizes->rest_square += rest * rest;
    sizes->both += visit->raw_bytes * rest;
}

static void add_sample(void *context, const struct sample_record *sample)
{
    struct recording *recording = context;
    struct pilot *pilot = recording->pilot;
    const int device_class = class_of(recording->world, sample->device);
    pilot->of_class[device_class]++;
    pilot->stay_s[device_class] += sample->ended_s - sample->arrived_s;
    pilot->offloaded[device_class] += sample->is_offloaded;
    if (sample->reason < 0) {
        const double least_s = sample->service_s + sample->transfer_s;
        pilot->shortest_s[device_class] = fmin(pilot->shortest_s[device_class], least_s);
    }
    recording->payload[device_class] += sample->input_bytes;
    recording->payload_square[device_class] += sample->input_bytes * sample->input_bytes;
}

// ---- what was seen, and what is known beyond that ----

static const struct world_layer *layers_of(const struct world *world, const struct pilot_work *work)
{
    const int tier = world->station[work->station].tier;
    return world->classes[work->device_class].tier[tier].layers[work->model];
}

double pilot_batch_s(const struct world *world, const struct pilot_work *work, int size)
{
    const struct world_layer *layers = layers_of(world, work);
    double mean_s = 0;
    for (int i = work->first_layer; i <= work->last_layer; i++) {
        mean_s += distribution_is_by_batch(&layers[i].time)
                      ? distribution_of_batch(&layers[i].time, size)
                      : layers[i].time.mean;
    }
    return isnan(mean_s) ? work->service_s / work->visits : mean_s; // a column of the trace
}

// Mean square of the time of a computation.
static double square_of(const struct world *world, const struct pilot_work *work, double mean_s)
{
    const struct world_layer *layers = layers_of(world, work);
    double variance = 0;
    for (int i = work->first_layer; i <= work->last_layer; i++) {
        if (layers[i].time.kind == DISTRIBUTION_COLUMN) {
            return work->square_s2 / work->visits;
        }
        const double deviation = layers[i].time.cv * layers[i].time.mean;
        variance += layers[i].time.mean > 0 ? deviation * deviation : 0;
    }
    return mean_s * mean_s + variance;
}

static void conclude_works(const struct world *world, struct pilot *pilot)
{
    for (int i = 0; i < pilot->work_count; i++) {
        const struct pilot_work *work = &pilot->works[i];
        struct pilot_demand *demand =
            &pilot->demand[work->device_class * pilot->stations + work->station];
        const double mean_s = pilot_batch_s(world, work, 1);
        demand->visits += work->visits;
        demand->mean += work->visits * mean_s;
        demand->square += work->visits * square_of(world, work, mean_s);
    }
}

// What to multiply a sum over the pilot's samples with, so that it becomes that of the payload.
static double correction(double known_mean, double sum, double samples)
{
    return isfinite(known_mean) && sum > 0 ? known_mean * samples / sum : 1;
}

static void conclude_sizes(const struct recording *recording, int device_class)
{
    const struct world *world = recording->world;
    struct pilot *pilot = recording->pilot;
    const struct distribution *payload = &world->classes[device_class].payload;
    const double samples = pilot->of_class[device_class];
    const double first = correction(payload->mean, recording->payload[device_class], samples);
    const double known = payload->mean * payload->mean * (1 + payload->cv * payload->cv);
    const double second = correction(known, recording->payload_square[device_class], samples);
    for (int i = 0; i < pilot->stations; i++) {
        const struct sizes *sizes = &recording->sizes[device_class * pilot->stations + i];
        struct pilot_demand *demand = &pilot->demand[device_class * pilot->stations + i];
        demand->visits += sizes->visits;
        demand->mean += first * sizes->raw + sizes->rest;
        demand->square +=
            second * sizes->raw_square + 2 * first * sizes->both + sizes->rest_square;
        if (sizes->raw > 0 && isinf(payload->cv)) {
            demand->square = INFINITY;
        }
    }
}

static void conclude(const struct recording *recording)
{
    struct pilot *pilot = recording->pilot;
    conclude_works(recording->world, pilot);
    for (int c = 0; c < pilot->classes; c++) {
        conclude_sizes(recording, c);
        const double samples = pilot->of_class[c] > 0 ? pilot->of_class[c] : 1;
        pilot->stay_s[c] /= samples;
        for (int i = 0; i < pilot->stations; i++) {
            struct pilot_demand *demand = &pilot->demand[c * pilot->stations + i];
            if (demand->visits > 0) {
                demand->mean /= demand->visits;
                demand->square /= demand->visits;
                demand->visits /= samples;
            }
        }
    }
}

// ---- the world of the pilot ----

// The longest that a sample is expected to take on its way up and down again, alone.
static double longest_stay_s(const struct world *world)
{
    double longest_s = 0;
    for (int c = 0; c < world->class_count; c++) {
        const struct world_class *devices = &world->classes[c];
        double stay_s = 0;
        for (int tier = 0; tier < world->tiers; tier++) {
            double slowest_s = 0;
            for (int model = 0; model < world->view.models; model++) {
                double sum_s = 0;
                for (int i = 0; devices->tier[tier].layers[model] &&
                                i < world->view.model[model].layers;
                     i++) {
                    const double mean_s = devices->tier[tier].layers[model][i].time.mean;
                    sum_s += isfinite(mean_s) ? mean_s : 0;
                }
                slowest_s = fmax(slowest_s, sum_s);
            }
            stay_s += slowest_s;
        }
        for (int i = 0; i < world->stations; i++) {
            const struct world_station *station = &world->station[i];
            const double bytes = isfinite(devices->payload.mean) ? devices->payload.mean : 0;
            const double sent_s = bytes / station->rate.nominal;
            if (station->role != STATION_COMPUTE) {
                stay_s += station->delay.mean + (isfinite(sent_s) ? sent_s : 0);
            }
        }
        longest_s = fmax(longest_s, stay_s);
    }
    return longest_s;
}

static double part_changes_per_s(const struct rate_part *part)
{
    if (part->kind == RATE_PART_ALTERNATING) {
        return 2 / (part->on.mean + part->off.mean);
    }
    double shortest_s = INFINITY;
    for (int i = 0; i < part->count; i++) {
        const double stay_s = part->kind == RATE_PART_MARKOV ? part->stay_s[i]
                              : i ? part->times_s[i] - part->times_s[i - 1]
                                  : INFINITY;
        shortest_s = fmin(shortest_s, stay_s);
    }
    return 1 / shortest_s;
}

// How often something changes by itself that the pilot has to follow.
static double changes_per_s(const struct world *world)
{
    double changes = 0;
    for (int i = 0; i < world->stations; i++) {
        const struct world_station *station = &world->station[i];
        for (int k = 0; k < station->rate.parts; k++) {
            changes += part_changes_per_s(&station->rate.part[k]) * station->lanes;
        }
        for (int k = 0; station->rules && k < station->rules->works.parts; k++) {
            changes += part_changes_per_s(&station->rules->works.part[k]) * station->lanes;
        }
    }
    for (int tier = 0; tier < world->tiers; tier++) {
        const struct spec_tier *from = &world->spec->tiers[tier];
        changes += from->reports.present ? from->nodes / from->reports.every_s : 0;
    }
    return changes;
}

static uint64_t samples_of(const struct world *world)
{
    const uint64_t rows = world->source[0].rows;
    return !world->source[0].generator && world->spec->trace && rows <= PILOT_MOST_SAMPLES
               ? rows
               : PILOT_SAMPLES;
}

// Each class gets samples by its share of the arrivals, and half of them evenly, so that small
// classes are seen too.
static double share_of(const struct world *world, int device_class)
{
    const struct world_class *devices = &world->classes[device_class];
    const double rate = devices->arrival.mean_rate_per_s * devices->devices;
    const double all = world_arrival_rate(world);
    return (all > 0 ? rate / all : 1.0 / world->class_count) / 2 + 0.5 / world->class_count;
}

// The scenario with evenly spaced arrivals that stay as they are.
static struct spec *spaced(const struct world *world, uint64_t samples, struct arena *arena)
{
    struct spec *spec = arena_new(arena, struct spec);
    *spec = *world->spec;
    struct spec_tier *tiers = arena_new_array(arena, (size_t)spec->tier_count, struct spec_tier);
    struct spec_tier *classes = arena_new_array(arena, (size_t)spec->class_count, struct spec_tier);
    memcpy(tiers, spec->tiers, (size_t)spec->tier_count * sizeof(*tiers));
    memcpy(classes, spec->classes, (size_t)spec->class_count * sizeof(*classes));
    const double busy_s = SPACING * longest_stay_s(world);
    const double changes = changes_per_s(world);
    const double most_s = changes > 0 ? MOST_CHANGES / changes / (double)samples : INFINITY;
    const double gap_s = busy_s > 0 ? fmin(busy_s, most_s) : 1;
    for (int i = 0; i < spec->class_count; i++) {
        classes[i].arrivals = (struct spec_arrivals){
            .kind = ARRIVALS_DETERMINISTIC,
            .period_s = gap_s / share_of(world, i) * world->classes[i].devices,
            .phase_s = -1};
        classes[i].profile = (struct spec_pattern){0};
        classes[i].bursts = (struct spec_bursts){0};
    }
    spec->drift_count = 0;
    spec->stop_kind = STOP_SAMPLES;
    spec->stop_samples = samples;
    spec->warmup_kind = WARMUP_NONE;
    spec->intervals = INTERVALS_REPLICATIONS;
    if (!spec->has_classes) {
        tiers[0] = classes[0];
        classes = tiers;
    } else {
        tiers[0].classes = classes;
    }
    spec->tiers = tiers;
    spec->classes = classes;
    return spec;
}

static int number_of_policy(const struct world *world)
{
    int number = 0;
    while (world->spec->policies[number].parameters != world->parameters ||
           world->spec->policies[number].type != world->policy) {
        number++;
    }
    return number;
}

static void prepare(struct recording *recording, const struct world *world, struct pilot *pilot,
                    struct arena *arena)
{
    const size_t classes = (size_t)world->class_count;
    const size_t stations = (size_t)world->stations;
    *pilot = (struct pilot){
        .classes = world->class_count,
        .stations = world->stations,
        .of_class = arena_new_array(arena, classes, double),
        .demand = arena_new_array(arena, classes * stations, struct pilot_demand),
        .from = arena_new_array(arena, stations * (stations + 1), double),
        .stay_s = arena_new_array(arena, classes, double),
        .shortest_s = arena_new_array(arena, classes, double),
        .offloaded = arena_new_array(arena, classes, double)};
    for (int i = 0; i < world->class_count; i++) {
        pilot->shortest_s[i] = INFINITY;
    }
    *recording = (struct recording){
        .world = world,
        .pilot = pilot,
        .sizes = arena_new_array(arena, classes * stations, struct sizes),
        .payload = arena_new_array(arena, classes, double),
        .payload_square = arena_new_array(arena, classes, double)};
}

int pilot_run(const struct world *world, struct arena *arena, struct pilot *ret_pilot,
              struct text *ret_error)
{
    struct arena scratch = {0};
    struct recording recording;
    prepare(&recording, world, ret_pilot, arena);
    ret_pilot->samples = samples_of(world);
    const struct spec *spec = spaced(world, ret_pilot->samples, &scratch);
    const struct world *alone = world_build(spec, number_of_policy(world), &scratch, ret_error);
    int status = -1;
    if (alone) {
        recording.places = arena_new_array(&scratch, alone->devices, struct place);
        const struct replication_options options = {
            .observe = add_sample, .visited = add_visit, .context = &recording};
        struct replication_result result = {
            .metrics = arena_new_array(&scratch, (size_t)alone->metrics, double),
            .counters = arena_new_array(&scratch, (size_t)alone->counters.count, double)};
        status = replication_run(alone, &options, &result, ret_error);
    }
    if (status == 0) {
        conclude(&recording);
    }
    if (ret_pilot->work_count) {
        struct pilot_work *works =
            arena_new_array(arena, (size_t)ret_pilot->work_count, struct pilot_work);
        memcpy(works, ret_pilot->works, (size_t)ret_pilot->work_count * sizeof(*works));
        free(ret_pilot->works);
        ret_pilot->works = works;
    }
    arena_finish(&scratch);
    return status;
}
