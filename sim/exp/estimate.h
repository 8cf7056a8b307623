// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_ESTIMATE_H
#define OFFLOADSIM_EXP_ESTIMATE_H

// What the replications of a point come to.
//
// An estimate rests on units: independent values of a metric, one for each replication, one for
// each pair of antithetic replications, which is the mean of the two, or one for each batch of one
// long run (model/batches.h), whose own value is then the estimate and theirs make its interval. Of
// what kind the metric is decides what is made of them (stats/interval.h):
//
//     mean         their mean, with Student's interval
//     quantile     their median, with the interval between two of them that covers it, whatever
//                  their distribution; with too few for that (below 6 at 95 %) as a mean
//     proportion   their mean, with Student's interval; where that would leave 0 to 1, or rests on
//                  few events, with Wilson's; units that agree on a share of many have
//                  no spread
//
// With control variates a mean, or a proportion away from 0 and 1, is corrected for what the
// controls say of the luck of each unit (stats/control.h).

#include <stdint.h>

struct arena;
struct experiment_estimate;
struct experiment_point;
struct replication_batches;
struct replication_result;

// Estimates each metric across the point's replications, in the order of their numbers, with the
// cost at the point's prices; and judges whether the point settles.
void estimate_point(struct experiment_point *point, const struct replication_result *results);

// One metric at a confidence of its own, from the first `replications` of the point.
struct experiment_estimate estimate_metric(const struct experiment_point *point,
                                           const struct replication_result *results,
                                           uint64_t replications, int metric, double confidence);

// The same from the batches of one run; `whole` is what the run says as a whole, NULL while it goes
// on: then the estimate is the mean of the batches.
struct experiment_estimate estimate_metric_of_batches(const struct experiment_point *point,
                                                      const struct replication_batches *batches,
                                                      const struct replication_result *whole,
                                                      int metric, double confidence);

// The estimate of `count` costs, one for each replication.
struct experiment_estimate estimate_costs(const double *costs, uint64_t count, double confidence,
                                          uint64_t replications_per_unit);

// Reads the verdict of a point from its text, once its estimates are there. What the text names is
// looked for among the point's names.
void estimate_read_verdict(struct experiment_point *point, const char *text);

#endif
