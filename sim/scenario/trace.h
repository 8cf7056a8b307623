// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_TRACE_H
#define OFFLOADSIM_SCENARIO_TRACE_H

// The samples of a trace, kept whole: what every exit says of every sample, so that correlations
// between exits and models stay what they were. Plain data in rows, checked while it was read:
// confidences lie in [0, 1], columns hold finite numbers.

#include <stddef.h>
#include <stdint.h>

struct trace_outcome {
    double confidence;
    int32_t prediction; // -1 if the trace has none
    int32_t correct;    // 0 or 1
};

struct trace {
    const char *path;
    size_t rows;
    int exits;  // of all models of the scenario
    int extras; // extra numeric columns (payload, arrival times, service times)
    int features;
    int classes;                    // 1 + the largest label; 0 without labels
    struct trace_outcome *outcomes; // [row][exit]
    double *extra;                  // [row][extra], in the file's own units
    double *feature;                // [row][feature]
    int32_t *label;                 // [row], or NULL
    uint64_t hash[4];               // of the file's bytes
};

// What a row has in an extra column, in the file's own unit.
static inline double trace_extra(const struct trace *trace, size_t row, int column)
{
    return trace->extra[row * (size_t)trace->extras + (size_t)column];
}

// How many rows a share of the trace is that is set aside for training: the nearest whole number.
static inline size_t trace_training_rows(const struct trace *trace, double share)
{
    return (size_t)((double)trace->rows * share + 0.5);
}

#endif
