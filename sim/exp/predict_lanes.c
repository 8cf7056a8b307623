// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/predict_parts.h"

#include "base/memory.h"
#include "model/world.h"
#include "scenario/spec.h"

#include <string.h>

// Which lane of a station a device of a class uses, by its number within the class: as
// sample_lane() of the model has it.
static uint64_t lane_of(const struct world *world, const struct world_station *station,
                        const struct world_class *devices, uint64_t within)
{
    const bool is_compute = station->role == STATION_COMPUTE;
    const int tier = is_compute ? station->tier : world->spec->links[station->link].from;
    if (!is_compute && tier == 0 && station->lanes == world->devices) {
        return devices->first_device + within;
    }
    const uint64_t nodes = devices->tier[tier].nodes;
    const uint64_t node = within * nodes / devices->devices;
    return is_compute ? node : node * station->lanes / nodes;
}

// Which classes have visits to a station.
static bool visits(const struct prediction_view *view, int number, int station)
{
    return pilot_demand(view->pilot, number, station)->visits > 0;
}

static bool is_balanced(const struct world *world, const struct world_station *station)
{
    const int tier = station->role == STATION_COMPUTE ? station->tier
                                                      : world->spec->links[station->link].from;
    return tier > 0 && world->tier[tier].balance != BALANCE_HOME;
}

static int all_alike(const struct prediction_view *view, int station,
                     struct prediction_lanes *ret_lanes)
{
    const struct world *world = view->world;
    ret_lanes->count = world->station[station].lanes;
    for (int i = 0; i < world->class_count; i++) {
        ret_lanes->devices[i] = visits(view, i, station)
                                    ? world->classes[i].devices / ret_lanes->count
                                    : 0;
    }
    return 1;
}

int prediction_lanes_of(const struct prediction_view *view, int number,
                        struct prediction_lanes ret_lanes[PREDICTION_MOST_LANES])
{
    const struct world *world = view->world;
    const struct world_station *station = &world->station[number];
    const size_t classes = (size_t)world->class_count;
    for (int i = 0; i < PREDICTION_MOST_LANES; i++) {
        ret_lanes[i].count = 0;
        ret_lanes[i].devices = arena_new_array(view->arena, classes, double);
    }
    if (station->lanes == 1 || is_balanced(world, station)) {
        return all_alike(view, number, &ret_lanes[0]);
    }
    struct arena scratch = {0};
    double *devices = arena_new_array(&scratch, station->lanes * classes, double);
    for (int i = 0; i < world->class_count; i++) {
        for (uint64_t k = 0; visits(view, i, number) && k < world->classes[i].devices; k++) {
            devices[lane_of(world, station, &world->classes[i], k) * classes + (size_t)i]++;
        }
    }
    int kinds = 0;
    for (uint32_t lane = 0; lane < station->lanes && kinds >= 0; lane++) {
        const double *here = devices + lane * classes;
        int kind = 0;
        while (kind < kinds &&
               memcmp(ret_lanes[kind].devices, here, classes * sizeof(*here)) != 0) {
            kind++;
        }
        if (kind == PREDICTION_MOST_LANES) {
            kinds = -1;
            break;
        }
        if (kind == kinds) {
            memcpy(ret_lanes[kinds++].devices, here, classes * sizeof(*here));
        }
        ret_lanes[kind].count++;
    }
    arena_finish(&scratch);
    return kinds < 0 ? all_alike(view, number, &ret_lanes[0]) : kinds;
}
