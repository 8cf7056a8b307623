-- SPDX-License-Identifier: GPL-3.0-or-later
-- One row an experiment, in the order in which they were begun: when it ran, how far it came, and
-- how many replications were simulated for it.
SELECT experiments.id,
       kind,
       scenario,
       started_at,
       count(points.id) AS points,
       coalesce(sum(points.is_complete), 0) AS complete,
       coalesce(sum(points.replications) FILTER (WHERE points.source_id IS NULL), 0)
           AS replications,
       seed,
       version,
       wall_s,
       status
FROM experiments
LEFT JOIN points ON points.experiment_id = experiments.id
GROUP BY experiments.id
ORDER BY experiments.id
