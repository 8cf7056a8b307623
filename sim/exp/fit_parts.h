// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_FIT_PARTS_H
#define OFFLOADSIM_EXP_FIT_PARTS_H

// What fit.c and fit_copula.c have from each other. Everyone else takes exp/fit.h.

#include "exp/fit.h"

// Finds the correlations of a generator whose exits are fitted already, and its factor.
void fit_copula(const struct fit_moments *target, uint64_t seed, struct arena *arena,
                struct fit *fit);

// Rounded to so many decimals, as the file will have it.
double fit_round(double value, int decimals);

#endif
