// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_PIPELINE_H
#define OFFLOADSIM_MODEL_PIPELINE_H

// A replication without an event queue, with results that are the same to the bit.
//
// Where decisions follow from the sample alone and every station is first-in-first-out with room
// for all, perhaps in batches, a sample's path is known when it arises (model/paths.h), and what
// happens at a station depends on nothing but who came there before (Lindley 1952; Kiefer and
// Wolfowitz 1955). So time
// is cut into stretches, and in each of them station after station deals with all that comes in it,
// in the order in which the event queue would have had it come:
//
//     arrivals of a stretch -> paths -> for each station, upstream first:
//         arrivals there, in order -> starts and ends of services -> departures, in order
//     -> ends of samples, in order
//
// What comes behind the stretch waits until its own (core/reorder.h). Random numbers are drawn for
// many samples at once, sums stay in registers, and what a station needs of memory is touched once
// a stretch instead of once an event.
//
// The order among simultaneous events is theirs in the event queue: by tag. Where one follows from
// the other at the same instant, it comes as late as that: it carries the later tag of the two.
// Sums of a station are of its own events in their order, and all others are whole numbers, or are
// taken at the ends of samples, in order; so every rounding is the same.

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct run;
struct text;
struct world;

// Whether runs of a world can go this way. If not, says why not in `ret_obstacle`, which may be
// NULL: part of a sentence.
bool pipeline_is_possible(const struct world *world, struct text *ret_obstacle);

// Runs a replication that is set up and has not begun, to its end, and counts the events that it
// would have had. Returns false if it turns out that it has to be done by events: the policy
// misbehaves, which they report with time and place, or takes too many different paths, or batches
// come about or are passed on in no time. The run is then unusable.
bool pipeline_run(struct run *run, struct arena *arena, uint64_t *ret_events);

#endif
