// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_ESTIMATE_H
#define OFFLOADSIM_EXP_ESTIMATE_H

// What the replications of a point come to.

struct experiment_point;
struct replication_result;

// Estimates each metric across the point's replications, in the order of their numbers, with the
// cost at the point's prices; and judges whether the point settles.
void estimate_point(struct experiment_point *point, const struct replication_result *results);

#endif
