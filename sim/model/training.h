// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_TRAINING_H
#define OFFLOADSIM_MODEL_TRAINING_H

// The share of the trace's rows that a scenario sets aside for policies to learn from, before
// anything is deployed. Which rows they are depends on the seed alone, so that all policies and
// replications of a scenario learn from the same rows and meet the same other ones. Where samples
// are generated, as many as the scenario says are drawn for it instead.

struct arena;
struct world;

// Divides the rows of the first source: fills its `rows` and `row`, which are simulated, and
// `view.training` of all classes with the others. Later sources are simulated as a whole.
void training_set_aside(struct world *world, struct arena *arena);

#endif
