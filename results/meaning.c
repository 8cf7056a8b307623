// SPDX-License-Identifier: GPL-3.0-or-later
#include "results/meaning.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

const struct meaning metric_meanings[] = {
    {"accuracy", NULL, "", "correct answers / answers"},
    {"on_time_accuracy", NULL, "", "correct answers before the deadline / offered samples"},
    {"cost_mean", NULL, "", "sum of price times counter / offered samples"},
    {"offload_fraction", NULL, "", "samples sent upward at least once / offered samples"},
    {"answered_fraction", "TIER", "", "samples answered by this tier / offered samples"},
    {"exit_fraction", "MODEL.EXIT", "", "samples answered by this exit / offered samples"},
    {"calls_mean", "MODEL", "",
     "computations of this model, or of a part of it, that were asked for / offered samples"},
    {"drop_fraction", NULL, "", "dropped samples / offered samples"},
    {"drop_fraction", "REASON", "", "samples dropped for this reason / offered samples"},
    {"deadline_miss_fraction", NULL, "", "samples answered late or not at all / offered samples"},
    {"offered_fraction", "CLASS", "", "offered samples of this class / offered samples"},
    {"accuracy", "CLASS", "", "correct answers / answers, of the devices of this class"},
    {"on_time_accuracy", "CLASS", "",
     "correct answers before the deadline / offered samples, of this class"},
    {"offload_fraction", "CLASS", "",
     "samples sent upward at least once / offered samples, of this class"},
    {"deadline_miss_fraction", "CLASS", "",
     "samples answered late or not at all / offered samples, of this class"},
    {"label_accuracy_worst_tenth", NULL, "",
     "mean accuracy of the tenth of the labels that fare worst, at least of one"},
    {"label_accuracy", "LABEL", "", "correct answers / answers, of samples with this label"},
    {"latency_mean_s", NULL, "s", "mean time from arrival to the answer at the origin"},
    {"latency_p50_s", NULL, "s", "median of the time from arrival to the answer"},
    {"latency_p95_s", NULL, "s", "95th percentile of the time from arrival to the answer"},
    {"latency_p99_s", NULL, "s", "99th percentile of the time from arrival to the answer"},
    {"latency_p999_s", NULL, "s", "99.9th percentile of the time from arrival to the answer"},
    {"latency_mean_s", "CLASS", "s",
     "mean time from arrival to the answer at the origin, of this class"},
    {"latency_p95_s", "CLASS", "s",
     "95th percentile of the time from arrival to the answer, of this class"},
    {"throughput_per_s", NULL, "/s", "answers in a second"},
    {"device_energy_mean_j", NULL, "J", "energy of the devices / offered samples"},
    {"energy_mean_j", NULL, "J", "energy of all tiers / offered samples"},
    {"bytes_up_mean", NULL, "B", "bytes sent towards higher tiers / offered samples"},
    {"bytes_down_mean", NULL, "B", "bytes sent towards lower tiers / offered samples"},
    {"utilisation", "STATION", "", "busy servers / servers, averaged over time"},
    {"offered_load", "STATION", "", "service time that arrived / time of all servers"},
    {"queue_mean", "STATION", "", "samples waiting, averaged over time"},
    {"present_mean", "STATION", "", "samples waiting or in service, averaged over time"},
    {"wait_mean_s", "STATION", "s",
     "mean time from arrival at the station to the start of service"},
    {"control", "WHAT.NAME", "",
     "control variate: what chance has made of arrivals, queues, services or samples, less its "
     "mean"},
    {"arrival_rate_per_s", "STATION", "/s", "arrivals at the station in a second"},
    {"free_last_s", "STATION", "s",
     "when a sample that came to the station was last served at once, without a wait"},
    {"servers_mean", "STATION", "", "servers in use, averaged over time"},
    {"batch_mean", "STATION", "", "mean size of a batch"},
    {"availability", "STATION", "", "share of the time in which a node is not being repaired"},
    {"warmup_s", NULL, "s",
     "simulated time that was found to be the start of a run and is not counted"},
    {"settled_fraction", NULL, "",
     "1 in a replication whose latency settles in its first half, else 0; with warmup: auto"},
    {"settled_fraction", "STATION", "",
     "1 in a replication in which the queue at the station settles in its first half, else 0"},
    {0},
};

const struct meaning counter_meanings[] = {
    {"offered", NULL, "", "samples that arrived"},
    {"answered", NULL, "", "samples that were answered"},
    {"answered", "TIER", "", "samples answered by this tier"},
    {"correct", NULL, "", "answers that were right"},
    {"errors", NULL, "", "answers that were wrong"},
    {"on_time_correct", NULL, "", "right answers before the deadline"},
    {"deadline_misses", NULL, "", "samples answered late or not at all"},
    {"offloaded", NULL, "", "samples sent upward at least once"},
    {"offloads", "FROM-TO", "", "samples sent up over this link"},
    {"drops", NULL, "", "samples that were given up"},
    {"drops", "REASON", "", "samples that were given up for this reason"},
    {"exits", "MODEL.EXIT", "", "samples answered by this exit"},
    {"calls", "MODEL", "", "computations of this model, or of a part of it, that were asked for"},
    {"layers", "TIER", "", "layers run at this tier"},
    {"latency_s", NULL, "s", "sum of the times from arrival to the answer"},
    {"busy_s", "TIER", "s", "time that servers of this tier were busy"},
    {"energy_j", NULL, "J", "energy of all nodes, idle power included"},
    {"energy_j", "TIER", "J", "energy of the nodes of this tier, idle power included"},
    {"class_offered", "CLASS", "", "samples that arrived at devices of this class"},
    {"class_answered", "CLASS", "", "samples of this class that were answered"},
    {"class_correct", "CLASS", "", "answers to this class that were right"},
    {"class_on_time_correct", "CLASS", "", "right answers to this class before the deadline"},
    {"class_deadline_misses", "CLASS", "", "samples of this class answered late or not at all"},
    {"class_offloaded", "CLASS", "", "samples of this class sent upward at least once"},
    {"class_drops", "CLASS", "", "samples of this class that were given up"},
    {"class_latency_s", "CLASS", "s", "sum of the times from arrival to the answer, of this class"},
    {"bytes", NULL, "B", "bytes sent over all links"},
    {"bytes", "STATION", "B", "bytes sent over this link in this direction"},
    {0},
};

static const struct meaning *find(const struct meaning *table, const char *name)
{
    size_t length = strcspn(name, ".");
    bool has_member = name[length] == '.' && name[length + 1];
    if (name[length] && !has_member) {
        return NULL;
    }
    for (const struct meaning *row = table; row->family; row++) {
        if (strlen(row->family) == length && memcmp(row->family, name, length) == 0 &&
            (row->member != NULL) == has_member) {
            return row;
        }
    }
    return NULL;
}

const struct meaning *meaning_of_metric(const char *name)
{
    return find(metric_meanings, name);
}

const struct meaning *meaning_of_counter(const char *name)
{
    return find(counter_meanings, name);
}
