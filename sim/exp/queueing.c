// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/queueing.h"

#include <math.h>

double queueing_utilisation(const struct queueing_load *load)
{
    return load->rate * load->service_s / load->servers;
}

// By the recursion of Erlang's B formula, which loses no digits.
double queueing_all_busy(double offered_erlangs, double servers)
{
    const double utilisation = offered_erlangs / servers;
    if (!(utilisation < 1)) {
        return 1;
    }
    double blocked = 1;
    double k = 1;
    while (k <= servers) {
        blocked = offered_erlangs * blocked / (k + offered_erlangs * blocked);
        k++;
    }
    return blocked / (1 - utilisation * (1 - blocked));
}

// Mean wait in M/M/c.
static double exponential_wait_s(const struct queueing_load *load)
{
    const double utilisation = queueing_utilisation(load);
    if (!(utilisation < 1)) {
        return INFINITY;
    }
    const double erlangs = load->rate * load->service_s;
    return queueing_all_busy(erlangs, load->servers) * load->service_s /
           (load->servers * (1 - utilisation));
}

double queueing_wait_s(const struct queueing_load *load)
{
    if (!(load->rate > 0) || !(load->service_s > 0)) {
        return 0;
    }
    return exponential_wait_s(load) * (load->arrival_variability + load->service_variability) / 2;
}

double queueing_sharing_s(const struct queueing_load *load)
{
    return load->rate > 0 && load->service_s > 0 ? exponential_wait_s(load) : 0;
}

double queueing_departures(const struct queueing_load *load)
{
    const double utilisation = fmin(1, queueing_utilisation(load));
    const double square = utilisation * utilisation;
    // Whitt bounds the variability of service from below, as departures from many regular servers
    // are less regular than the servers.
    const double service = load->servers > 1 ? fmax(load->service_variability, 0.2)
                                             : load->service_variability;
    if (!isfinite(service)) {
        return 1;
    }
    return 1 + (1 - square) * (load->arrival_variability - 1) +
           square / sqrt(load->servers) * (service - 1);
}

struct queueing_merged queueing_merge(const struct queueing_stream *streams, int count)
{
    struct queueing_merged merged = {.variability = 1, .parts = 1};
    for (int i = 0; i < count; i++) {
        merged.rate += streams[i].rate;
    }
    if (!(merged.rate > 0)) {
        return merged;
    }
    double mean = 0;
    double concentration = 0;
    for (int i = 0; i < count; i++) {
        const double share = streams[i].rate / merged.rate;
        mean += share * streams[i].variability;
        concentration += share * share / fmax(1, streams[i].parts);
    }
    merged.variability = mean;
    merged.parts = 1 / concentration;
    return merged;
}

double queueing_merged_variability(const struct queueing_merged *merged, double utilisation)
{
    const double idle = fmax(0, 1 - utilisation);
    const double weight = 1 / (1 + 4 * idle * idle * (merged->parts - 1));
    return weight * merged->variability + 1 - weight;
}
