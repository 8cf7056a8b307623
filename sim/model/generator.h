// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_GENERATOR_H
#define OFFLOADSIM_MODEL_GENERATOR_H

// Samples out of a few parameters, for when there is no trace: what every exit says of a sample,
// its label, and what can be seen of it before any inference. The number of samples has no end, and
// sample i of device d is the same whatever happens to it: it is looked up in the keyed streams.
//
// A Gaussian copula ties the exits together. Behind exit k stand two standard normal numbers:
//
//     X_k  how sure the exit is: its confidence is the quantile of its distribution of confidences
//          that X_k is of the normal one
//     V_k  whether it is right: with r(c) the share of right answers at confidence c, it is right
//          if V_k > -N^-1(r(c)), N the normal distribution
//
// X_k and V_k are independent, so r(c) holds exactly, whatever the correlations are; with it hold
// the accuracy and the distributions of the confidence given right and given wrong. All other pairs
// may correlate: X_j with X_k makes confidences correlate, V_j with V_k makes exits be right and
// wrong together, and V_j with X_k lets one exit's confidence tell of another's being right beyond
// what its own does, as a late exit's doubts tell of an early exit's errors.
//
// Confidences are given at quantiles, and run straight in X_k between them; the ends of the first
// and last stretch are taken to be 4 standard deviations out. r(c) is constant in each stretch.
//
// The difficulty of a sample is 1 minus what the exits of the generator give to the truth on
// average: their confidence where they are right, 1 minus it where they are wrong. Two limits
// divide samples into easy, moderate and hard ones, and each feature is a normal number,
// independent otherwise, with a mean and a standard deviation for each of these pools.
//
// Labels are drawn with their shares and tell nothing else. A right exit predicts the label. Each
// sample has a rival, a wrong label that a wrong exit predicts with the given share; otherwise it
// predicts any of the wrong labels.
//
// All this takes the functions of rng/elementary.h and arithmetic only, so samples are the same to
// the bit everywhere. A sample of twelve exits takes about a microsecond.

#include "rng/stream.h"

#include <stdint.h>

struct arena;
struct generator;
struct spec_generated;
struct trace_outcome;

// Which exits and features are wanted; of the others no more is drawn than they need.
struct generator_wanted {
    const int *exits; // numbers of the generator's exits, in the order in which they are wanted
    int exit_count;
    const char *const *features; // by name
    int feature_count;
};

// All of it belongs to `arena`. The spec must be checked and outlive the generator.
struct generator *generator_build(const struct spec_generated *generated,
                                  const struct generator_wanted *wanted, struct arena *arena);

// What exit `exit` of the generator says where X is `x`: its confidence, and the V above which it
// is right. The exit must be wanted.
double generator_confidence(const struct generator *generator, int exit, double x,
                            double *ret_threshold);

// The outcomes of the wanted exits and the values of the wanted features of one sample. Predictions
// are -1 without labels. Returns the label, -1 without.
int32_t generator_draw(const struct generator *generator, struct stream_key key, uint64_t device,
                       uint64_t index, struct trace_outcome *ret_outcomes, double *ret_features);

#endif
