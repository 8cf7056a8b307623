// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_BATCHES_H
#define OFFLOADSIM_MODEL_BATCHES_H

// One long run cut into batches of equal simulated time, whose means serve as units of the
// intervals (`intervals: batch_means`; Law and Carson 1979, Steiger and Wilson 2001).
//
// At the end of each batch, an event of its own kind, the sums of the run so far are copied. A
// batch is the difference of two copies, so what the run computes is the same to the bit with and
// without them, and two neighbours become one by leaving out the copy between them. That happens
// whenever BATCHES_MOST of them are there: from then on batches are twice as long. So memory is
// constant, 64 KiB for each of BATCHES_MOST batches and class, and the length of a batch does not
// have to be known beforehand.
//
// When the run is over, more and more neighbours are taken together until the batch means of all
// main metrics (mean latency, accuracy, mean cost, mean wait at each station) pass von Neumann's
// test (stats/batch_means.h), but never so many that fewer than BATCH_LEAST are left. If they do
// not pass then, the run was too short for its correlation. If they do, batches are made twice as
// long once more, where enough of them are left: a test of few means finds weak correlation only
// sometimes, and this halves what it has missed.
//
// A sample and a visit belong to the batch in which they end. What comes behind the last whole
// batch is part of the run and of no batch.

#include "model/replication.h"

struct arena;
struct batches;
struct run;

enum { BATCHES_MOST = 64 };

// Schedules the first cut, if the scenario asks for batches.
void batches_start(struct run *run, struct arena *arena);
// A cut is due.
void batches_cut(struct run *run);
// As many samples have come as the run was to have. Returns whether it is to have more, by what
// the batches so far say to who runs it.
bool batches_go_on(struct run *run);
// What the batches say, after the run or while it goes on, which it does not notice. Empty without
// batches.
void batches_collect(const struct run *run, struct replication_batches *ret_batches);

#endif
