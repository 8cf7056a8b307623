-- SPDX-License-Identifier: GPL-3.0-or-later
-- One row a point: what was set, what it brings, and how sure that is.
--
-- :experiment  number of the experiment; default: all
-- :policy      name of the policy; default: all
SELECT experiment_id AS experiment,
       ordinal AS point,
       policy,
       parameters,
       accuracy,
       accuracy_half_width,
       cost_mean,
       cost_mean_half_width,
       offload_fraction,
       offload_fraction_half_width,
       latency_mean_s,
       latency_mean_s_half_width,
       latency_p99_s,
       latency_p99_s_half_width,
       throughput_per_s,
       throughput_per_s_half_width,
       device_energy_mean_j,
       device_energy_mean_j_half_width,
       replications,
       verdict
FROM tradeoffs
WHERE experiment_id BETWEEN coalesce(:experiment, 0) AND coalesce(:experiment, 1e18)
  AND (:policy IS NULL OR policy = :policy)
ORDER BY experiment_id, ordinal
