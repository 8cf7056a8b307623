// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/correlation.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_matrix.h>
#include <gsl/gsl_vector.h>
#include <math.h>

// A pivot below this is taken for 0: it is what rounding leaves of a row that follows from others.
static const double LEAST_PIVOT = 1e-12;

size_t correlation_factor(const double *matrix, size_t size, double *ret_factor)
{
    for (size_t i = 0; i < size; i++) {
        double *row = ret_factor + i * size;
        for (size_t j = 0; j <= i; j++) {
            const double *above = ret_factor + j * size;
            double rest = matrix[i * size + j];
            for (size_t k = 0; k < j; k++) {
                rest -= row[k] * above[k];
            }
            if (j < i) {
                row[j] = rest / above[j];
            } else if (rest > LEAST_PIVOT) {
                row[i] = sqrt(rest);
            } else {
                return i;
            }
        }
        for (size_t j = i + 1; j < size; j++) {
            row[j] = 0;
        }
    }
    return size;
}

// Writes the matrix of given eigenvectors and eigenvalues, with its diagonal scaled to 1.
static void compose(const gsl_matrix *vectors, const gsl_vector *values, double *matrix,
                    size_t size)
{
    for (size_t i = 0; i < size; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t k = 0; k < size; k++) {
                sum += gsl_matrix_get(vectors, i, k) * gsl_vector_get(values, k) *
                       gsl_matrix_get(vectors, j, k);
            }
            matrix[i * size + j] = sum;
        }
    }
    for (size_t i = 0; i < size; i++) {
        for (size_t j = 0; j < i; j++) {
            matrix[i * size + j] /= sqrt(matrix[i * size + i] * matrix[j * size + j]);
            matrix[j * size + i] = matrix[i * size + j];
        }
    }
    for (size_t i = 0; i < size; i++) {
        matrix[i * size + i] = 1;
    }
}

bool correlation_repair(double *matrix, size_t size, double least, double *ret_smallest)
{
    enum { MOST_ROUNDS = 50 };
    gsl_matrix *copy = gsl_matrix_alloc(size, size);
    gsl_matrix *vectors = gsl_matrix_alloc(size, size);
    gsl_vector *values = gsl_vector_alloc(size);
    gsl_eigen_symmv_workspace *workspace = gsl_eigen_symmv_alloc(size);
    bool is_changed = false;
    for (int round = 0; round < MOST_ROUNDS; round++) {
        for (size_t i = 0; i < size * size; i++) {
            copy->data[i] = matrix[i];
        }
        gsl_eigen_symmv(copy, values, vectors, workspace);
        const double smallest = gsl_vector_min(values);
        if (round == 0) {
            *ret_smallest = smallest;
        }
        if (smallest >= least) {
            break;
        }
        is_changed = true;
        // Scaling the diagonal moves them a little: aim above, so that few rounds are needed.
        for (size_t i = 0; i < size; i++) {
            gsl_vector_set(values, i, fmax(gsl_vector_get(values, i), 1.5 * least));
        }
        compose(vectors, values, matrix, size);
    }
    gsl_eigen_symmv_free(workspace);
    gsl_vector_free(values);
    gsl_matrix_free(vectors);
    gsl_matrix_free(copy);
    return is_changed;
}
