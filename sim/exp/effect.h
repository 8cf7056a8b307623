// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_EFFECT_H
#define OFFLOADSIM_EXP_EFFECT_H

// Settings without effect, and runs that can tell nothing: what an author would want to know and
// no number shows. A setting is named where it was written, as a warning.
//
//     before a run   what the scenario alone says: a run too short to measure anything (unless it
//                    is meant to be), priorities that no station looks at, a model that cannot
//                    be run, changes behind its end, a price of what cannot happen; and, by a
//                    pilot (exp/pilot.h), a deadline that is shorter than any sample takes alone
//     after a run    what no sample of any replication of any point did: a link, a tier or a
//                    model that none used, and their price; a deadline that none met
//
// Rules are such that they are silent where they cannot be sure. What has happened in no sample but
// could (a drop, a missed deadline, a wrong answer) has its price for good reason; only what cannot
// happen is named, and what a policy has not done in ten thousand samples that it could have done
// it with. A sweep whose axes change more than prices, and after a run policies, is not judged.

struct diagnostics;
struct experiment;
struct prediction;

// `diagnostics` gets the warnings; their marks point into the scenario of the experiment.
void effect_check_scenario(const struct experiment *experiment, struct diagnostics *diagnostics);

// The deadlines; `predictions` has one a point.
void effect_check_predictions(const struct experiment *experiment,
                              const struct prediction *predictions,
                              struct diagnostics *diagnostics);

// Of an experiment that ran.
void effect_check_results(const struct experiment *experiment, struct diagnostics *diagnostics);

#endif
