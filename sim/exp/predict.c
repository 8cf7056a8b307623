// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/predict.h"

#include "base/memory.h"
#include "base/text.h"
#include "exp/experiment.h"
#include "exp/predict_parts.h"
#include "exp/queueing.h"
#include "model/pipeline.h"
#include "model/world.h"
#include "scenario/spec.h"

#include <math.h>
#include <string.h>

enum { VARIABILITY_ROUNDS = 8 };

// Loads of a closed loop are brought down to 1, give or take rounding.
static const double CLOSED_TOLERANCE = 1e-9;

struct maker {
    struct prediction_view view;
    struct prediction_arrivals arrivals;
    struct prediction *prediction;
    double *variability; // [station]: of its arrivals, at each lane
};

// ---- loads ----

// The load of a direction of a lane: how often it is visited, and how much that asks for.
static struct prediction_load own_load(const struct maker *maker, int station,
                                       const double *devices, const double *rates)
{
    const double speed = prediction_speed(maker->view.world, station);
    struct prediction_load load = {.variability = maker->variability[station]};
    for (int i = 0; i < maker->view.world->class_count; i++) {
        const struct pilot_demand *demand = pilot_demand(maker->view.pilot, i, station);
        const double rate = devices[i] * rates[i] * demand->visits;
        if (rate > 0) {
            load.rate += rate;
            load.mean_s += rate * demand->mean / speed;
            load.square_s2 += rate * demand->square / (speed * speed);
        }
    }
    if (load.rate > 0) {
        load.mean_s /= load.rate;
        load.square_s2 /= load.rate;
    }
    return load;
}

// The station that uses the same lanes, -1: none.
static int other_direction(const struct world *world, int station)
{
    if (world->station[station].is_second) {
        return station - 1;
    }
    return world->station[station].role == STATION_UP && world->station[station + 1].is_second
               ? station + 1
               : -1;
}

static struct prediction_load load_of(const struct maker *maker, int station,
                                      const double *devices, const double *rates)
{
    const struct world *world = maker->view.world;
    struct prediction_load load = own_load(maker, station, devices, rates);
    const int other = other_direction(world, station);
    if (other >= 0) {
        const struct prediction_load back = own_load(maker, other, devices, rates);
        load.other_rate = back.rate;
        load.other_work = back.rate * back.mean_s;
        load.other_squares = back.rate * back.square_s2;
    }
    if (prediction_is_pooled(world, station)) {
        load.rate *= world->station[station].lanes;
    }
    return load;
}

// ---- variability of arrivals ----

// The load of a mean lane.
static struct prediction_load mean_load(const struct maker *maker, int station)
{
    const struct world *world = maker->view.world;
    struct arena scratch = {0};
    double *devices = arena_new_array(&scratch, (size_t)world->class_count, double);
    for (int i = 0; i < world->class_count; i++) {
        devices[i] = (double)world->classes[i].devices / world->station[station].lanes;
    }
    const struct prediction_load load =
        load_of(maker, station, devices, maker->arrivals.mean_rate);
    arena_finish(&scratch);
    return load;
}

// What leaves a lane. A queue that is short lets streams through as they are, and they go on being
// independent of each other; one that is long makes one stream of them, as regular as its service.
static struct queueing_merged departures_of(const struct maker *maker, int station,
                                            const struct queueing_merged *arrivals)
{
    const struct world *world = maker->view.world;
    if (prediction_is_shared(world, station) || prediction_batch_most(world, station) > 1) {
        return (struct queueing_merged){.variability = 1, .parts = arrivals->parts};
    }
    const struct prediction_load load = mean_load(maker, station);
    const double square = load.mean_s * load.mean_s;
    const struct queueing_load queue = {
        .rate = load.rate,
        .service_s = load.mean_s,
        .service_variability = square > 0 ? fmax(0, load.square_s2 / square - 1) : 0,
        .arrival_variability = arrivals->variability,
        .servers = prediction_servers(world, station)};
    const double utilisation = fmin(1, queueing_utilisation(&queue));
    return (struct queueing_merged){
        .variability = queueing_departures(&queue),
        .parts = 1 + (1 - utilisation * utilisation) * (arrivals->parts - 1)};
}

// A stream of which each sample goes a way with a probability.
static double thinned(double variability, double probability)
{
    return probability * variability + 1 - probability;
}

// The devices of a class whose samples come to a station first.
static struct queueing_stream arriving_stream(const struct maker *maker, int station, int number)
{
    const struct world *world = maker->view.world;
    const struct world_class *devices = &world->classes[number];
    const char *why;
    const double own = prediction_arrival_variability(world, number, &why);
    const double visits = fmin(1, pilot_demand(maker->view.pilot, number, station)->visits);
    return (struct queueing_stream){
        .rate = maker->arrivals.mean_rate[number] * devices->devices * visits,
        .variability = thinned(isnan(own) ? 1 : own, visits),
        .parts = (double)devices->devices / world->station[station].lanes};
}

// All that comes to a lane of a station.
static struct queueing_merged arrivals_of(const struct maker *maker, int number,
                                          const struct queueing_merged *departures,
                                          struct queueing_stream *streams)
{
    const struct world *world = maker->view.world;
    const double *from = maker->view.pilot->from + number * (world->stations + 1);
    int count = 0;
    double all = 0;
    double arriving = 0;
    for (int i = 0; i <= world->stations; i++) {
        all += from[i];
    }
    for (int i = 0; i < world->class_count; i++) {
        streams[count] = arriving_stream(maker, number, i);
        arriving += streams[count++].rate;
    }
    const double first = all > 0 ? from[world->stations] / all : 0;
    for (int i = 0; i < count; i++) {
        streams[i].rate *= arriving > 0 ? first / arriving : 0;
    }
    for (int i = 0; i < world->stations; i++) {
        const double *into = maker->view.pilot->from + i * (world->stations + 1);
        double visits = 0;
        for (int k = 0; k <= world->stations; k++) {
            visits += into[k];
        }
        const double lanes = (double)world->station[i].lanes / world->station[number].lanes;
        if (from[i] > 0) {
            const double way = from[i] / visits * fmin(1, lanes);
            streams[count++] =
                (struct queueing_stream){.rate = from[i] / all,
                                         .variability = thinned(departures[i].variability, way),
                                         .parts = lanes * departures[i].parts};
        }
    }
    return queueing_merge(streams, count);
}

static double variability_of(const struct maker *maker, int number,
                             const struct queueing_merged *arrivals)
{
    const struct world *world = maker->view.world;
    const struct world_station *station = &world->station[number];
    const struct prediction_load load = mean_load(maker, number);
    const double utilisation = load.rate * load.mean_s / prediction_servers(world, number);
    const double variability = queueing_merged_variability(arrivals, utilisation);
    const bool in_turn = station->role == STATION_COMPUTE && station->tier > 0 &&
                         world->tier[station->tier].balance == BALANCE_ROUND_ROBIN;
    return in_turn ? variability / station->lanes : variability; // each node has every n-th
}

static void find_variabilities(struct maker *maker)
{
    const struct world *world = maker->view.world;
    const size_t stations = (size_t)world->stations;
    struct arena *arena = maker->view.arena;
    struct queueing_merged *arrivals = arena_new_array(arena, stations, struct queueing_merged);
    struct queueing_merged *departures = arena_new_array(arena, stations, struct queueing_merged);
    struct queueing_stream *streams = arena_new_array(
        arena, stations + (size_t)world->class_count, struct queueing_stream);
    maker->variability = arena_new_array(arena, stations, double);
    for (int i = 0; i < world->stations; i++) {
        arrivals[i] = (struct queueing_merged){.variability = 1, .parts = 1};
    }
    for (int round = 0; round < VARIABILITY_ROUNDS; round++) {
        for (int i = 0; i < world->stations; i++) {
            departures[i] = departures_of(maker, i, &arrivals[i]);
        }
        for (int i = 0; i < world->stations; i++) {
            arrivals[i] = arrivals_of(maker, i, departures, streams);
        }
    }
    for (int i = 0; i < world->stations; i++) {
        maker->variability[i] = variability_of(maker, i, &arrivals[i]);
    }
}

// ---- stations ----

// Sums over the lanes of a station and the pieces of a run.
struct sums {
    double rate;
    double utilisation;
    double wait;
    double present;
    double peak;
    const char *note;
};

static double add_lane(const struct maker *maker, int station, const struct prediction_lanes *lanes,
                       double count, int piece, struct sums *sums)
{
    const int classes = maker->view.world->class_count;
    const double part = count / maker->arrivals.pieces;
    const struct prediction_load load =
        load_of(maker, station, lanes->devices, maker->arrivals.rate + piece * classes);
    const struct prediction_lane lane = prediction_lane_of(&maker->view, station, &load);
    sums->rate += part * load.rate;
    sums->utilisation += part * lane.utilisation;
    sums->peak = fmax(sums->peak, lane.offered_load);
    if (load.rate > 0) {
        sums->wait += part * load.rate * lane.wait_s;
        sums->present += part * lane.present;
        sums->note = lane.note ? lane.note : sums->note;
    }
    return lane.offered_load / maker->arrivals.pieces;
}

// Why arrivals at a station are not such that a wait could be told; NULL: they are.
static const char *arrivals_obstacle(const struct maker *maker, int station)
{
    for (int i = 0; i < maker->view.world->class_count; i++) {
        const char *why;
        if (pilot_demand(maker->view.pilot, i, station)->visits > 0 &&
            isnan(prediction_arrival_variability(maker->view.world, i, &why))) {
            return why;
        }
    }
    return NULL;
}

static void add_note(const char *note, struct text *notes)
{
    if (note) {
        text_format(notes, "%s%s", notes->length ? "; " : "", note);
    }
}

static bool has_closed_loop(const struct world *world)
{
    for (int i = 0; i < world->class_count; i++) {
        if (world->classes[i].arrival.spec->kind == ARRIVALS_CLOSED) {
            return true;
        }
    }
    return false;
}

static void note_station(const struct maker *maker, int number, const struct sums *sums)
{
    const struct world *world = maker->view.world;
    struct prediction_station *station = &maker->prediction->station[number];
    const char *obstacle = prediction_obstacle(world, number);
    const char *arrivals = arrivals_obstacle(maker, number);
    struct text notes = {0};
    if (!(station->arrival_rate_per_s > 0)) {
        station->wait_s = NAN;
        add_note("no samples come here", &notes);
    } else {
        add_note(obstacle, &notes);
        add_note(arrivals, &notes);
        add_note(sums->note, &notes);
        add_note(prediction_remark(world, number), &notes);
        const bool is_shared = prediction_is_shared(world, number);
        if (is_shared && !obstacle && !arrivals) {
            add_note("all are served at once: nobody waits", &notes);
        }
        if (station->offered_load >= (has_closed_loop(world) ? 1 + CLOSED_TOLERANCE : 1)) {
            add_note("overloaded: the queue grows as long as the run lasts", &notes);
        } else if (sums->peak >= 1 && maker->arrivals.changes) {
            text_format(&notes, "%soverloaded at times, with an offered load of up to %.3g",
                        notes.length ? "; " : "", sums->peak);
        }
        if (obstacle || arrivals || !isfinite(station->present)) {
            station->present = NAN;
            station->wait_s = is_shared ? 0 : NAN;
        }
    }
    station->note = arena_text(maker->view.arena, text_string(&notes));
    text_finish(&notes);
}

static void predict_station(const struct maker *maker, int number)
{
    const struct world *world = maker->view.world;
    struct prediction_station *station = &maker->prediction->station[number];
    struct prediction_lanes lanes[PREDICTION_MOST_LANES];
    const int kinds = prediction_lanes_of(&maker->view, number, lanes);
    const bool is_pooled = prediction_is_pooled(world, number);
    struct sums sums = {0};
    for (int i = 0; i < kinds; i++) {
        double load = 0;
        for (int piece = 0; piece < maker->arrivals.pieces; piece++) {
            load += add_lane(maker, number, &lanes[i], is_pooled ? 1 : lanes[i].count, piece,
                             &sums);
        }
        station->offered_load = fmax(station->offered_load, load);
    }
    const double count = is_pooled ? 1 : world->station[number].lanes;
    station->name = arena_text(maker->view.arena, world->station[number].name);
    station->arrival_rate_per_s = sums.rate;
    station->utilisation = sums.utilisation / count;
    station->wait_s = sums.wait / sums.rate;
    station->present = sums.present;
    note_station(maker, number, &sums);
}

static void predict_stations(const struct maker *maker)
{
    struct prediction *prediction = maker->prediction;
    prediction->overloaded_station = -1;
    prediction->overloaded_load = 0;
    for (int i = 0; i < prediction->stations; i++) {
        prediction->station[i] = (struct prediction_station){0};
        predict_station(maker, i);
        if (prediction->station[i].offered_load > prediction->overloaded_load) {
            prediction->overloaded_load = prediction->station[i].offered_load;
            prediction->overloaded_station = i;
        }
    }
    if (prediction->overloaded_load < 1) {
        prediction->overloaded_station = -1;
    }
}

// A closed loop overloads nothing: samples come as slowly as they are served.
static void slow_down(struct maker *maker)
{
    const struct world *world = maker->view.world;
    const double load = maker->prediction->overloaded_load;
    for (int i = 0; i < world->class_count; i++) {
        if (world->classes[i].arrival.spec->kind != ARRIVALS_CLOSED) {
            continue;
        }
        maker->arrivals.mean_rate[i] /= load;
        for (int piece = 0; piece < maker->arrivals.pieces; piece++) {
            maker->arrivals.rate[piece * world->class_count + i] /= load;
        }
    }
    predict_stations(maker);
    if (maker->prediction->overloaded_load < 1 + CLOSED_TOLERANCE) {
        maker->prediction->overloaded_station = -1;
    }
}

static double offload_fraction(const struct maker *maker)
{
    const struct world *world = maker->view.world;
    const struct pilot *pilot = maker->view.pilot;
    double all = 0;
    double offloaded = 0;
    for (int i = 0; i < world->class_count; i++) {
        const double rate = maker->arrivals.mean_rate[i] * world->classes[i].devices;
        all += rate;
        offloaded += pilot->of_class[i] > 0 ? rate * pilot->offloaded[i] / pilot->of_class[i] : 0;
    }
    return offloaded / all;
}

// ---- altogether ----

int predict_world(const struct world *world, struct arena *arena, struct prediction *ret_prediction,
                  struct text *ret_error)
{
    struct pilot pilot;
    struct prediction prediction = {
        .stations = world->stations,
        .station = arena_new_array(arena, (size_t)world->stations, struct prediction_station)};
    struct maker maker = {.view = {world, &pilot, arena}, .prediction = &prediction};
    if (pilot_run(world, arena, &pilot, ret_error) != 0) {
        return -1;
    }
    prediction_arrivals_make(&maker.view, &maker.arrivals);
    find_variabilities(&maker);
    predict_stations(&maker);
    if (prediction.overloaded_station >= 0 && has_closed_loop(world)) {
        slow_down(&maker);
    }
    prediction.offload_fraction = offload_fraction(&maker);
    prediction.shortest_s = pilot.shortest_s;
    prediction.pilot_samples = pilot.samples;
    prediction.samples = maker.arrivals.samples;
    struct text obstacle = {0};
    if (!pipeline_is_possible(world, &obstacle)) {
        prediction.obstacle = arena_text(arena, text_string(&obstacle));
    }
    text_finish(&obstacle);
    *ret_prediction = prediction;
    return 0;
}

int predict_point(const struct experiment *experiment, size_t point, struct arena *arena,
                  struct prediction *ret_prediction, struct text *ret_error)
{
    struct arena scratch = {0};
    const struct world *world = experiment_world(experiment, point, &scratch);
    const int status = predict_world(world, arena, ret_prediction, ret_error);
    arena_finish(&scratch);
    return status;
}

bool prediction_of_metric(const struct prediction *prediction, const char *metric,
                          double *ret_value)
{
    if (strcmp(metric, "offload_fraction") == 0) {
        *ret_value = prediction->offload_fraction;
        return true;
    }
    const size_t family = strcspn(metric, ".");
    for (int i = 0; metric[family] && i < prediction->stations; i++) {
        const struct prediction_station *station = &prediction->station[i];
        const struct {
            const char *name;
            double value;
        } known[] = {{"arrival_rate_per_s", station->arrival_rate_per_s},
                     {"utilisation", station->utilisation},
                     {"offered_load", station->offered_load},
                     {"wait_mean_s", station->wait_s},
                     {"present_mean", station->present}};
        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
            if (strlen(known[k].name) == family && strncmp(metric, known[k].name, family) == 0 &&
                strcmp(metric + family + 1, station->name) == 0) {
                *ret_value = known[k].value;
                return true;
            }
        }
    }
    return false;
}

void prediction_verdict_text(const struct prediction *prediction, struct text *ret_text)
{
    if (prediction->overloaded_station < 0) {
        text_add(ret_text, "stable");
        return;
    }
    text_format(ret_text, "overloaded: %s (offered load %.3g)",
                prediction->station[prediction->overloaded_station].name,
                prediction->overloaded_load);
}
