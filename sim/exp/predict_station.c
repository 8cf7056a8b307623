// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/predict_parts.h"

#include "exp/queueing.h"
#include "model/lane.h"
#include "model/world.h"
#include "scenario/spec.h"

#include <math.h>

// A limit that so few samples come to changes nothing.
static const double NEGLIGIBLE = 1e-3;

// ---- what a station is ----

static const struct spec_compute *compute_of(const struct world *world, int number)
{
    for (int i = 0; i < world->class_count; i++) {
        if (world->classes[i].tier[0].compute == number) {
            return &world->classes[i].spec->compute;
        }
    }
    return &world->spec->tiers[world->station[number].tier].compute;
}

// How often a message is sent in the mean, with what gets lost.
static double transmissions(const struct spec_loss *loss)
{
    if (!loss) {
        return 1;
    }
    const double p = loss->probability;
    return p < 1 ? (1 - pow(p, loss->retries + 1)) / (1 - p) : (double)loss->retries + 1;
}

double prediction_speed(const struct world *world, int number)
{
    const struct world_station *station = &world->station[number];
    if (station->role != STATION_COMPUTE) {
        return station->rate.nominal / transmissions(station->loss);
    }
    const double works = station->rules && station->rules->fails ? station->rules->works.nominal
                                                                 : 1;
    return world_server(compute_of(world, number)).speed * works;
}

bool prediction_is_shared(const struct world *world, int number)
{
    const struct world_station *station = &world->station[number];
    return station->is_fair ||
           (station->rules && station->rules->discipline == DISCIPLINE_SHARING);
}

bool prediction_is_pooled(const struct world *world, int number)
{
    const struct world_station *station = &world->station[number];
    return station->role == STATION_COMPUTE && station->tier > 0 && !station->rules &&
           world->tier[station->tier].balance == BALANCE_LEAST_WAIT;
}

double prediction_servers(const struct world *world, int number)
{
    const struct world_station *station = &world->station[number];
    const double servers = station->is_fair ? 1
                           : station->rules ? station->rules->most_servers
                                            : station->servers;
    return prediction_is_pooled(world, number) ? servers * station->lanes : servers;
}

int prediction_batch_most(const struct world *world, int number)
{
    const struct lane_rules *rules = world->station[number].rules;
    return rules && rules->batch_most > 1 ? (int)rules->batch_most : 1;
}

// ---- what stands in the way ----

static const char *obstacle_of_link(const struct world_station *station)
{
    if (station->rate.parts) {
        return "its rate changes: load by the mean rate, wait not known";
    }
    if (station->rules) {
        return "full nodes hold it back: wait not known";
    }
    return NULL;
}

static const char *obstacle_of_queue(const struct world_station *station)
{
    const struct lane_rules *rules = station->rules;
    if (station->blocks) {
        return "a full node holds links back: wait not known";
    }
    if (!rules) {
        return NULL;
    }
    if (rules->fails) {
        return "nodes fail: load by the time that they work, wait not known";
    }
    if (rules->scaling) {
        return "servers come and go: load of the most there are, wait not known";
    }
    if (rules->steps) {
        return "the speed changes: load at the highest, wait not known";
    }
    if (isfinite(rules->cold_idle_s)) {
        return "cold starts: wait not known";
    }
    if (rules->discipline == DISCIPLINE_PREEMPTIVE || rules->discipline == DISCIPLINE_SHORTEST) {
        return "not served in the order of arrival: wait not known";
    }
    if (rules->batch_most > 1 && rules->discipline == DISCIPLINE_SHARING) {
        return "batches share: wait not known";
    }
    return NULL;
}

static enum spec_balance balance_of(const struct world *world, const struct world_station *station)
{
    return station->tier > 0 ? world->tier[station->tier].balance : BALANCE_HOME;
}

const char *prediction_obstacle(const struct world *world, int number)
{
    const struct world_station *station = &world->station[number];
    if (station->role != STATION_COMPUTE) {
        return obstacle_of_link(station);
    }
    const enum spec_balance balance = balance_of(world, station);
    if (balance == BALANCE_SHORTEST_QUEUE || balance == BALANCE_TWO_CHOICES ||
        (balance == BALANCE_LEAST_WAIT && !prediction_is_pooled(world, number))) {
        return "nodes are chosen by their queues: wait not known";
    }
    return obstacle_of_queue(station);
}

const char *prediction_remark(const struct world *world, int number)
{
    const struct world_station *station = &world->station[number];
    if (station->role != STATION_COMPUTE) {
        return station->loss ? "with what is lost and sent again" : NULL;
    }
    if (station->rules && station->rules->speeds) {
        return "as if all servers had their mean speed";
    }
    if (station->rules && station->rules->discipline == DISCIPLINE_PRIORITY) {
        return "the mean of all priorities, as if served as they come";
    }
    if (prediction_batch_most(world, number) > 1 && station->servers > 1) {
        return "batches on several servers: coarse";
    }
    return NULL;
}

// ---- one lane under one load ----

struct batch_context {
    const struct prediction_view *view;
    int station;
};

// Mean over what is computed there; kinds of computations do not share a batch, which this
// overlooks.
static double batch_s(void *context, int size)
{
    const struct batch_context *batch = context;
    const struct pilot *pilot = batch->view->pilot;
    double visits = 0;
    double sum_s = 0;
    for (int i = 0; i < pilot->work_count; i++) {
        const struct pilot_work *work = &pilot->works[i];
        if (work->station == batch->station) {
            visits += work->visits;
            sum_s += work->visits * pilot_batch_s(batch->view->world, work, size);
        }
    }
    return sum_s / visits / prediction_speed(batch->view->world, batch->station);
}

static struct prediction_lane batched_lane(const struct prediction_view *view, int station,
                                           const struct prediction_load *load)
{
    struct batch_context context = {view, station};
    const struct queueing_batches batches = {
        .rate = load->rate,
        .servers = prediction_servers(view->world, station),
        .most = prediction_batch_most(view->world, station),
        .hold_s = view->world->station[station].rules->batch_wait_s,
        .service_s = batch_s,
        .context = &context};
    const struct queueing_batched result = queueing_of_batches(&batches);
    const double full_s = batch_s(&context, batches.most);
    return (struct prediction_lane){
        .utilisation = fmin(1, result.utilisation),
        .offered_load = load->rate * full_s / (batches.most * batches.servers),
        .wait_s = result.wait_s,
        .present = load->rate * result.wait_s + result.in_service,
        .note = isnan(result.wait_s) ? "so near to overload that the wait is not known" : NULL};
}

// A wait as far as limits do not cut it short.
static const char *limit_of(const struct world_station *station, const struct queueing_load *load)
{
    const double utilisation = queueing_utilisation(load);
    const double busy = queueing_all_busy(load->rate * load->service_s, load->servers);
    if (station->room >= 0 && busy * pow(utilisation, (double)station->room) > NEGLIGIBLE) {
        return "some find it full: wait not known";
    }
    // Of those who wait at all, the wait is taken to be exponential.
    if (isfinite(station->patience_s) &&
        busy * exp(-station->patience_s * load->servers * (1 - utilisation) / load->service_s) >
            NEGLIGIBLE) {
        return "some lose patience: wait not known";
    }
    return NULL;
}

struct prediction_lane prediction_lane_of(const struct prediction_view *view, int number,
                                          const struct prediction_load *load)
{
    const struct world_station *station = &view->world->station[number];
    if (!(load->rate > 0)) {
        return (struct prediction_lane){.wait_s = NAN};
    }
    if (prediction_batch_most(view->world, number) > 1) {
        return batched_lane(view, number, load);
    }
    const double rate = load->rate + load->other_rate;
    const double work = load->rate * load->mean_s + load->other_work;
    const double squares = load->rate * load->square_s2 + load->other_squares;
    const struct queueing_load all = {
        .rate = rate,
        .service_s = work / rate,
        .service_variability = work > 0 ? fmax(0, squares * rate / (work * work) - 1) : 0,
        .arrival_variability = load->variability,
        .servers = prediction_servers(view->world, number)};
    const double offered = queueing_utilisation(&all);
    struct prediction_lane lane = {.offered_load = offered,
                                   .utilisation =
                                       fmin(1, load->rate * load->mean_s / all.servers),
                                   .note = limit_of(station, &all)};
    if (prediction_is_shared(view->world, number)) {
        // Who has the longer service stays as much longer.
        const double longer_s = queueing_sharing_s(&all);
        lane.present = load->rate * load->mean_s *
                       (all.service_s > 0 ? 1 + longer_s / all.service_s : 1);
    } else {
        lane.wait_s = queueing_wait_s(&all);
        lane.present = load->rate * (lane.wait_s + load->mean_s);
    }
    if (lane.note) {
        lane.wait_s = lane.present = NAN;
    }
    return lane;
}
