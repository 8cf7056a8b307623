// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_TRAINING_H
#define OFFLOADSIM_MODEL_TRAINING_H

// The share of the trace's rows that a scenario sets aside for policies to learn from, before
// anything is deployed. Which rows they are depends on the seed alone, so that all policies and
// replications of a scenario learn from the same rows and meet the same other ones. Where samples
// are generated, as many as the scenario says are drawn for it instead.

struct arena;
struct world;

// Divides the trace's rows: fills world->rows and world->row, which are simulated, and
// world->view.training with the others. The seed of the spec and the trace must be in place.
void training_set_aside(struct world *world, struct arena *arena);

#endif
