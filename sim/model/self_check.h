// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_SELF_CHECK_H
#define OFFLOADSIM_MODEL_SELF_CHECK_H

// What must hold at the end of every replication, whatever the scenario and the policy. Checked
// from sums that the run keeps anyway, so it costs a few operations for each station, lane, device
// and counter, once a replication.
//
//     conservation   of samples in all, and at every station: who came has gone
//     counts         by tier, exit, reason, class, label, link and direction add up to the total
//     flow           what comes into a tier over links goes on, is answered or is dropped there
//     Little's law   the time average of the queue at a station, and the sum of the waits there
//     utilisation    servers are busy as long as work came, where nothing is lost, and not longer
//     accuracy       between that of the worst and of the best choice of an exit for each sample
//
// A time average over the window and a sum over counted samples differ at the edges of the window
// by what samples do there that were in flight. How many there were and for how long is known, so
// the tolerance is a bound and no guess; it is 0 where nothing is in flight. On top of it comes
// what rounding may do. The bounds of the accuracy take the rows of the trace that were met as
// often as the row that was met most often; none is known where rows are drawn with replacement or
// generated.

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct run;
struct tally;
struct text;
struct world;

// What is checked. Plain data, so that tests can falsify each item.
struct self_check {
    const struct world *world;
    struct tally *tally;
    uint64_t *present; // [stations]: who is still there
    uint64_t offered;
    uint64_t answered;
    uint64_t dropped;
    uint64_t in_flight;
    double ended_s;
    double *passes; // [sources]: how often at most a row of the source was met; INFINITY: unknown
};

// Counts the rows of each source that some exit and that every exit is right about.
void self_check_prepare(struct world *world);

// Whether all holds. If not, says in `ret_problem` what is broken and where.
bool self_check(const struct self_check *check, struct text *ret_problem);

// Checks a run that is over; `arena` gives room. If something is broken the run has failed, with a
// message that says where, when and how to replay it.
void self_check_run(struct run *run, struct arena *arena);

#endif
