// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/estimate.h"

#include "base/text.h"
#include "exp/experiment.h"
#include "model/replication.h"
#include "model/world.h"
#include "stats/moments.h"

#include <math.h>

double experiment_cost(const struct experiment_point *point, const double *counters)
{
    return world_cost(point->prices, counters, point->names->counters);
}

// A station to which work comes faster than its servers can do it never settles: its queue grows
// for as long as samples arise. In a closed loop the queue is bounded by the samples in flight.
static void judge(struct experiment_point *point)
{
    const struct experiment_names *names = point->names;
    for (int i = 0; i < names->stations && point->is_open_loop; i++) {
        const struct experiment_estimate *load =
            &point->estimates[names->first_metric[i] + STATION_OFFERED_LOAD];
        // Beyond chance: the whole interval, where there is one, lies above.
        const double sure = isnan(load->half_width) ? load->mean : load->mean - load->half_width;
        if (sure >= 1 && load->mean > point->overloaded_load) {
            point->verdict = VERDICT_OVERLOADED;
            point->overloaded_station = i;
            point->overloaded_load = load->mean;
        }
    }
}

void estimate_point(struct experiment_point *point, const struct replication_result *results)
{
    for (int metric = 0; metric < point->names->metrics; metric++) {
        struct moments moments = {0};
        for (uint64_t i = 0; i < point->replications; i++) {
            const double value = metric == point->names->cost_metric
                                     ? experiment_cost(point, results[i].counters)
                                     : results[i].metrics[metric];
            if (!isnan(value)) {
                moments_add(&moments, value);
            }
        }
        point->estimates[metric] = (struct experiment_estimate){
            .mean = moments.count ? moments.mean : NAN,
            .half_width = moments_half_width(&moments, point->confidence),
            .replications = moments.count};
    }
    judge(point);
}

void experiment_verdict_text(const struct experiment_point *point, struct text *ret_text)
{
    if (point->verdict == VERDICT_OVERLOADED) {
        text_format(ret_text, "overloaded: %s", point->names->station[point->overloaded_station]);
    } else {
        text_add(ret_text, "stable");
    }
}
