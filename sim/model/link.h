// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_LINK_H
#define OFFLOADSIM_MODEL_LINK_H

// What is special of links: rates over time, transmissions that get lost and are repeated, and
// media that all messages on them share.
//
// A message that is lost is sent again at once, as the scenario's `loss` says; how often is decided
// when it is sent, by numbers of its own, so that it is on its link as long as all its
// transmissions take, and the bytes of all of them count. If the last one is lost too, or the rate
// of the link ends before the message is through, the message arrives nowhere: the policy is asked
// again where it was sent from. An answer that is lost is missed by the device, which is where the
// policy is asked then, with what the device knows.
//
// In a medium that is shared fairly, a message under way has a share of the rate in proportion to
// the weight of its device (model/sharing.h). Nothing waits there.

#include "model/sharing.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct run;
struct sample;
struct world_station;

// What a device knew of a sample when it sent it away.
struct link_origin {
    uint64_t exits;
    int32_t layer;
    int16_t model;
    int8_t latest_exit;
    uint8_t computations;
};

// A medium of a fair link: one direction of it, or both.
struct link_medium {
    struct sharing sharing;
    double wake_s;   // when its one event that counts is due
    int16_t station; // of its first flow
    uint32_t lane;   // of that station, from 0 on
};

struct links {
    struct rate_cursor *cursors; // [world->cursors]: where transmissions stand
    struct rate_cursor *watched; // [world->cursors]: where observers do
    struct link_origin *origins; // by slot; NULL if no message can get lost
    struct link_medium *media;   // [world->media]
    struct sharing_job *jobs;    // by slot; NULL if there are no media
};

void links_init(struct run *run, struct arena *arena);
// As many of all that goes by slot as there are slots.
void links_grow(struct run *run, uint32_t room);
void links_finish(struct run *run);

// The rate of a link's lane, by its number among all lanes: for transmissions, which start in
// order, and for observers, who look in order.
struct rate_lane link_rate(const struct run *run, const struct world_station *station,
                           uint32_t number);
struct rate_lane link_watched_rate(const struct run *run, const struct world_station *station,
                                   uint32_t number);

// The bytes of all transmissions of a message on a link with losses; notes in the sample whether
// the last one is lost.
double link_transmissions(const struct run *run, struct sample *sample,
                          const struct world_station *station, double bytes);

// When a transmission that starts at `start_s` ends in a lane with a rate that changes. If that is
// never, it ends with the rate, and the sample is noted as lost; bytes that did not go are taken
// off what was counted.
double link_finish(struct run *run, struct sample *sample, const struct world_station *station,
                   uint32_t number, double start_s, double bytes);

// Counts bytes on a link, and what the radio takes for them.
void link_count_bytes(struct run *run, const struct sample *sample,
                      const struct world_station *station, double bytes);

// A message enters a fair medium. Something is due there.
void link_share(struct run *run, uint32_t slot, const struct world_station *station,
                uint32_t number, double bytes);
void link_wake(struct run *run, uint32_t medium, double time_s);

#endif
