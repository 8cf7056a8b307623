// SPDX-License-Identifier: GPL-3.0-or-later

// The order in which the stations of a world are dealt with.

#include "model/pipeline_parts.h"

static void note_paths(struct station_order *order, const struct path *paths, int count,
                       int stations)
{
    for (; order->paths < count; order->paths++) {
        const struct path *path = &paths[order->paths];
        for (int leg = 1; leg < path->leg_count; leg++) {
            const int from = path->legs[leg - 1].station;
            order->leads_to[from * stations + path->legs[leg].station] = true;
        }
    }
    // Warshall's algorithm.
    for (int over = 0; over < stations; over++) {
        for (int from = 0; from < stations; from++) {
            for (int to = 0; to < stations && order->leads_to[from * stations + over]; to++) {
                order->leads_to[from * stations + to] |= order->leads_to[over * stations + to];
            }
        }
    }
}

static bool are_together(const struct station_order *order, int a, int b, int stations)
{
    return a == b || (order->leads_to[a * stations + b] && order->leads_to[b * stations + a]);
}

// Whether all that leads to the group of a station is placed.
static bool is_ready(const struct station_order *order, const bool *is_placed, int station,
                     int stations)
{
    for (int from = 0; from < stations; from++) {
        if (order->leads_to[from * stations + station] && !is_placed[from] &&
            !are_together(order, from, station, stations)) {
            return false;
        }
    }
    return true;
}

void pipeline_find_order(struct pipeline *line)
{
    struct station_order *order = &line->order;
    const int stations = line->run->world->stations;
    note_paths(order, paths_all(line->paths), paths_count(line->paths), stations);
    bool *is_placed = order->is_placed;
    for (int i = 0; i < stations; i++) {
        is_placed[i] = false;
    }
    order->group_count = 0;
    int placed = 0;
    for (int i = 0; placed < stations; i = (i + 1) % stations) {
        if (is_placed[i] || !is_ready(order, is_placed, i, stations)) {
            continue;
        }
        struct group *group = &order->groups[order->group_count++];
        *group = (struct group){.stations = order->stations + placed,
                                .is_loop = order->leads_to[i * stations + i]};
        for (int k = 0; k < stations; k++) {
            if (!is_placed[k] && are_together(order, i, k, stations)) {
                order->stations[placed++] = k;
                is_placed[k] = true;
                group->count++;
            }
        }
    }
}
