-- SPDX-License-Identifier: GPL-3.0-or-later
-- The points of an experiment that cost least among those that meet all demands, the best first.
-- is_sure says whether the demands are met at the worse ends of the intervals as well. Left out are
-- oracles, points that are overloaded or have not converged, and points that are not complete.
--
-- :experiment  number of the experiment; default: the latest
-- :minimise    metric to be small; default: cost_mean
-- :accuracy    least accuracy; default: any
-- :latency_s   most mean latency in seconds; default: any
-- :p99_s       most 99th percentile of the latency in seconds; default: any
-- :misses      most deadline_miss_fraction; default: any
-- :energy_j    most device_energy_mean_j in joules; default: any
-- :count       how many points; default: 10
WITH
chosen AS (
    SELECT coalesce(:experiment, (SELECT max(id) FROM experiments)) AS experiment_id
),
-- How far the mean, and the worse end of each interval, stay within their limits.
margins AS (
    SELECT points.id, goal.mean AS goal,
           coalesce(accuracy.mean - :accuracy, 0) AS accuracy,
           coalesce(accuracy.low - :accuracy, accuracy.mean - :accuracy, 0) AS accuracy_worst,
           coalesce(:latency_s - latency.mean, 0) AS latency,
           coalesce(:latency_s - latency.high, :latency_s - latency.mean, 0) AS latency_worst,
           coalesce(:p99_s - tail.mean, 0) AS tail,
           coalesce(:p99_s - tail.high, :p99_s - tail.mean, 0) AS tail_worst,
           coalesce(:misses - misses.mean, 0) AS misses,
           coalesce(:misses - misses.high, :misses - misses.mean, 0) AS misses_worst,
           coalesce(:energy_j - energy.mean, 0) AS energy,
           coalesce(:energy_j - energy.high, :energy_j - energy.mean, 0) AS energy_worst
    FROM chosen
    CROSS JOIN points ON points.experiment_id = chosen.experiment_id
    JOIN estimates AS goal ON goal.point_id = points.id
        AND goal.metric_id = (SELECT id FROM metric_names
                              WHERE name = coalesce(:minimise, 'cost_mean'))
    LEFT JOIN estimates AS accuracy ON :accuracy IS NOT NULL AND accuracy.point_id = points.id
        AND accuracy.metric_id = (SELECT id FROM metric_names WHERE name = 'accuracy')
    LEFT JOIN estimates AS latency ON :latency_s IS NOT NULL AND latency.point_id = points.id
        AND latency.metric_id = (SELECT id FROM metric_names WHERE name = 'latency_mean_s')
    LEFT JOIN estimates AS tail ON :p99_s IS NOT NULL AND tail.point_id = points.id
        AND tail.metric_id = (SELECT id FROM metric_names WHERE name = 'latency_p99_s')
    LEFT JOIN estimates AS misses ON :misses IS NOT NULL AND misses.point_id = points.id
        AND misses.metric_id = (SELECT id FROM metric_names
                                WHERE name = 'deadline_miss_fraction')
    LEFT JOIN estimates AS energy ON :energy_j IS NOT NULL AND energy.point_id = points.id
        AND energy.metric_id = (SELECT id FROM metric_names WHERE name = 'device_energy_mean_j')
    WHERE points.is_complete AND NOT points.is_oracle AND points.verdict NOT LIKE 'overloaded%'
      AND points.verdict NOT LIKE 'not converged%' AND goal.mean IS NOT NULL
      -- What a point has no estimate of, it does not meet.
      AND (:accuracy IS NULL OR accuracy.mean IS NOT NULL)
      AND (:latency_s IS NULL OR latency.mean IS NOT NULL)
      AND (:p99_s IS NULL OR tail.mean IS NOT NULL)
      AND (:misses IS NULL OR misses.mean IS NOT NULL)
      AND (:energy_j IS NULL OR energy.mean IS NOT NULL)
),
met AS MATERIALIZED (
    SELECT id, goal,
           (:accuracy IS NULL OR accuracy_worst >= 0)
           AND (:latency_s IS NULL OR latency_worst >= 0)
           AND (:p99_s IS NULL OR tail_worst >= 0)
           AND (:misses IS NULL OR misses_worst >= 0)
           AND (:energy_j IS NULL OR energy_worst >= 0) AS is_sure
    FROM margins
    WHERE accuracy >= 0 AND latency >= 0 AND tail >= 0 AND misses >= 0 AND energy >= 0
    ORDER BY goal, id
    LIMIT coalesce(:count, 10)
)
SELECT row_number() OVER (ORDER BY met.goal, met.id) AS rank,
       tradeoffs.policy,
       tradeoffs.parameters,
       met.is_sure,
       tradeoffs.cost_mean,
       tradeoffs.cost_mean_half_width,
       tradeoffs.accuracy,
       tradeoffs.accuracy_half_width,
       tradeoffs.latency_mean_s,
       tradeoffs.latency_mean_s_half_width,
       tradeoffs.latency_p99_s,
       tradeoffs.latency_p99_s_half_width,
       tradeoffs.offload_fraction,
       tradeoffs.offload_fraction_half_width,
       tradeoffs.device_energy_mean_j,
       tradeoffs.device_energy_mean_j_half_width,
       tradeoffs.experiment_id AS experiment,
       tradeoffs.ordinal AS point
FROM met
CROSS JOIN tradeoffs ON tradeoffs.point_id = met.id
ORDER BY met.goal, met.id
