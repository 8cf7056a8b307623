-- SPDX-License-Identifier: GPL-3.0-or-later
-- One row an experiment, in the order in which they were begun.
SELECT experiments.id,
       scenario,
       started_at,
       count(points.id) AS points,
       coalesce(sum(points.replications), 0) AS replications,
       seed,
       version,
       wall_s,
       status
FROM experiments
LEFT JOIN points ON points.experiment_id = experiments.id
GROUP BY experiments.id
ORDER BY experiments.id
