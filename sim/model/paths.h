// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_PATHS_H
#define OFFLOADSIM_MODEL_PATHS_H

// The ways that samples take through the stations of a world, for policies whose decisions follow
// from the sample alone (policy_type.decides_by_sample).
//
// Such a way is a sequence of visits that is known when the sample arises; only how long it takes
// is not. Few of them are different: the decisions of all samples are a tree, in which a node is a
// decision point and an edge an action. A sample is asked from the root on, with what the exits say
// of it, until an edge leads to an end.
//
// What an action leads to is not written down here a second time. The first sample that takes an
// edge sends another one ahead, alone in an empty world of its own, which does what was decided so
// far by the same functions as any sample (model/journey.c) and notes what it visits.

#include "policies/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct paths;
struct run;
struct sample;
struct world;
struct world_layer;

enum { PATHS_MOST = 4096, PATH_MOST_LEGS = 250 };

// A visit to a station.
struct leg {
    int station;
    // Compute: these layers, as of `first` of a model, and their energy; NaN: that of the busy
    // server.
    const struct world_layer *layer; // [layers]
    int layers;
    int model;
    int first;
    double joules;
    // Link: the size of the message, or what is added to that of the raw input.
    double bytes;
    bool is_raw;
    // Which lane: with the device's number added to `first_lane`, or that of the device's node at a
    // tier, `lanes` of them for `nodes`.
    bool is_per_device;
    uint32_t first_lane;
    uint32_t lanes;
    uint32_t nodes;
    int tier;
};

// What a sample on a path adds to a counter, whoever it is.
struct path_count {
    int counter;
    double amount;
};

struct path {
    int leg_count;
    const struct leg *legs;
    int answer_exit; // -1: dropped
    int answer_tier;
    int count_count;
    const struct path_count *counts;
};

// For a run; lives in `arena`, but for what paths_finish() gives back.
struct paths *paths_new(const struct run *run, struct arena *arena);
void paths_finish(struct paths *paths);

// All paths that were found so far: paths_count() of them, until paths_find() finds another.
int paths_count(const struct paths *paths);
const struct path *paths_all(const struct paths *paths);

// The path of a sample that has just arisen; -1 if the policy misbehaves or there are too many
// different ones. Uses run->view and what it points to.
int paths_find(struct paths *paths, struct run *run, const struct sample *sample);

#endif
