// SPDX-License-Identifier: GPL-3.0-or-later
#include "stats/control.h"

#include "stats/moments.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

// A control of which earlier ones leave less than this share of its variance says nothing new, and
// one whose deviations are less than `rounding` of its mean does not vary.
static const double negligible = 1e-9;
static const double rounding = 1e-12;

// The controls made orthogonal to each other (Gram and Schmidt): direction j of a unit is its
// deviation in control j less `share[j][k]` of its direction k, for all earlier k. Then each
// coefficient of the regression is one quotient, and so is each term of the intercept's variance.
struct basis {
    const double *controls;
    size_t n;
    size_t q;
    double mean[CONTROL_MOST];
    double share[CONTROL_MOST][CONTROL_MOST];
    double squares[CONTROL_MOST]; // of the direction; 0 for a control left out
};

// The direction's first `count` components at a point of the space of the controls.
static void basis_project(const struct basis *basis, const double *point, size_t count,
                          double *ret_directions)
{
    for (size_t j = 0; j < count; j++) {
        double direction = point[j] - basis->mean[j];
        for (size_t k = 0; k < j; k++) {
            direction -= basis->share[j][k] * ret_directions[k];
        }
        ret_directions[j] = direction;
    }
}

// Adds direction j to those before it.
static void basis_extend(struct basis *basis, size_t j)
{
    struct moments moments = {0};
    for (size_t i = 0; i < basis->n; i++) {
        moments_add(&moments, basis->controls[i * basis->q + j]);
    }
    basis->mean[j] = moments.mean;
    double directions[CONTROL_MOST];
    for (size_t i = 0; i < basis->n; i++) {
        const double *row = &basis->controls[i * basis->q];
        basis_project(basis, row, j, directions);
        for (size_t k = 0; k < j; k++) {
            if (basis->squares[k] > 0) {
                basis->share[j][k] += (row[j] - moments.mean) * directions[k] / basis->squares[k];
            }
        }
    }
    double squares = 0;
    for (size_t i = 0; i < basis->n; i++) {
        basis_project(basis, &basis->controls[i * basis->q], j + 1, directions);
        squares += directions[j] * directions[j];
    }
    const double noise = rounding * moments.mean;
    const bool varies = moments.squares > noise * noise * (double)basis->n;
    basis->squares[j] = varies && squares > negligible * moments.squares ? squares : 0;
}

// The fit of y: its mean, a coefficient for each direction, the squares that the fit leaves.
struct fit {
    struct moments y;
    double coefficient[CONTROL_MOST];
    double residual_squares;
};

static struct fit fit_values(const struct basis *basis, const double *values)
{
    struct fit fit = {0};
    for (size_t i = 0; i < basis->n; i++) {
        moments_add(&fit.y, values[i]);
    }
    double directions[CONTROL_MOST];
    for (size_t i = 0; i < basis->n; i++) {
        basis_project(basis, &basis->controls[i * basis->q], basis->q, directions);
        for (size_t j = 0; j < basis->q; j++) {
            if (basis->squares[j] > 0) {
                fit.coefficient[j] += (values[i] - fit.y.mean) * directions[j] / basis->squares[j];
            }
        }
    }
    for (size_t i = 0; i < basis->n; i++) {
        basis_project(basis, &basis->controls[i * basis->q], basis->q, directions);
        double residual = values[i] - fit.y.mean;
        for (size_t j = 0; j < basis->q; j++) {
            residual -= fit.coefficient[j] * directions[j];
        }
        fit.residual_squares += residual * residual;
    }
    return fit;
}

bool control_estimate(const double *values, const double *controls, const double *known, size_t n,
                      size_t q, double confidence, struct control_result *ret_result)
{
    if (q == 0 || q > CONTROL_MOST || n < q + 3) {
        return false;
    }
    struct basis basis = {.controls = controls, .n = n, .q = q};
    size_t used = 0;
    for (size_t j = 0; j < q; j++) {
        basis_extend(&basis, j);
        used += basis.squares[j] > 0;
    }
    if (!used) {
        return false;
    }
    const struct fit fit = fit_values(&basis, values);
    double at_known[CONTROL_MOST];
    basis_project(&basis, known, q, at_known);
    double estimate = fit.y.mean;
    double spread = 1 / (double)n;
    for (size_t j = 0; j < q; j++) {
        if (basis.squares[j] > 0) {
            estimate += fit.coefficient[j] * at_known[j];
            spread += at_known[j] * at_known[j] / basis.squares[j];
        }
    }
    const double degrees = (double)(n - used - 1);
    const double variance = fit.residual_squares / degrees * spread;
    const double half_width = gsl_cdf_tdist_Pinv(0.5 + confidence / 2, degrees) * sqrt(variance);
    *ret_result = (struct control_result){
        .interval = {.mean = estimate,
                     .low = estimate - half_width,
                     .high = estimate + half_width,
                     .half_width = half_width,
                     .units = n},
        .variance_ratio = moments_variance(&fit.y) / (double)n / variance,
        .used = used,
    };
    return true;
}
