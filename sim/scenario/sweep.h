// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_SWEEP_H
#define OFFLOADSIM_SCENARIO_SWEEP_H

// A sweep: which keys of a scenario take which values, and so which points there are. It comes from
// the scenario's `sweep` block and from overrides with several values, and yields for every point
// the overrides that make it. What the values mean is checked when the point's spec is built.
//
//     sweep:
//       policy.hi_threshold.theta: {from: 0, to: 1, step: 0.05}   # both ends included
//       prices.offload: [0.1, 0.3, 0.5]
//       tiers.device.nodes: {log: {from: 10, to: 1000, count: 5}} # equal ratios
//       zip:                                                      # in lockstep
//         links.device-edge.up: [5 Mbit/s, 20 Mbit/s]
//         links.device-edge.delay: [40 ms, 10 ms]
//       sobol: {points: 64, ranges: {tiers.device.arrivals.poisson: {from: 0.5 /s, to: 4 /s}}}
//
// On the command line `--set PATH=a,b,c`, `range(lo,hi,step)` and `log(lo,hi,count)` do the same.
// Axes combine as a Cartesian product, the first one varying slowest. `latin_hypercube` and `sobol`
// spread a given number of points over ranges: the first stratifies every range (McKay, Beckman and
// Conover, Technometrics 21, 1979), by the scenario's seed; the second takes the first points of
// Sobol's sequence (from GSL), at most 40 ranges.

#include <stddef.h>
#include <stdint.h>

struct arena;
struct diagnostics;
struct override_origin;
struct scenario;

// Paths that change together: `count` steps, each with a value for every path.
struct sweep_axis {
    const char **paths;
    size_t path_count;
    const char ***values; // [step][path]: YAML texts
    size_t count;
    struct override_origin *origins; // [path]: where the file says all of its values
};

struct sweep {
    struct sweep_axis *axes;
    size_t axis_count;
    uint64_t points; // product of the axes' counts; 1 without axes
    // The overrides that are none: each sets one value.
    const char **sets;
    size_t set_count;
};

// Beyond this a sweep is refused: its points would not be looked at one by one.
#define SWEEP_MOST_POINTS 10000000

// Reads the block (unless `with_block` is 0) and the overrides. An override replaces the axis of
// the block that has the same path, also by a single value. Everything belongs to `arena`. Returns
// 0, or -1 with errors.
int sweep_read(const struct scenario *scenario, int with_block, const char *const *sets,
               size_t set_count, uint64_t seed, struct arena *arena,
               struct diagnostics *diagnostics, struct sweep **ret_sweep);

// The overrides of point `number`, "PATH=VALUE" each, the plain ones first; and the paths and
// values that are swept, as many as `*ret_swept`, at the end of the same list.
const char *const *sweep_point(const struct sweep *sweep, uint64_t number, struct arena *arena,
                               size_t *ret_count, size_t *ret_swept);

// Where each override of point `number` is written, in the order of sweep_point(): empty for those
// from the command line.
const struct override_origin *sweep_point_origins(const struct sweep *sweep, uint64_t number,
                                                  struct arena *arena);

#endif
