-- SPDX-License-Identifier: GPL-3.0-or-later
-- Metrics of two experiments, or of two points, side by side. Points of two experiments belong
-- together if they have the same policy and the same parameters. is_sure: the intervals do not
-- overlap.
--
-- :a        the first one: number of an experiment, or with :of of a point (points.id); needed
-- :b        the second one; needed
-- :of       experiments or points; default: experiments
-- :metrics  metrics to compare; default: accuracy,cost_mean,latency_mean_s; all for points
WITH
chosen AS (
    SELECT coalesce(:of, 'experiments') AS what,
           replace(coalesce(:metrics, CASE coalesce(:of, 'experiments') WHEN 'experiments'
                            THEN 'accuracy,cost_mean,latency_mean_s' END), ' ', '') AS metrics
),
wanted AS MATERIALIZED (
    SELECT coalesce(list.key, metric_names.id) AS place, metric_names.id AS metric_id,
           metric_names.name, metric_names.unit
    FROM chosen
    JOIN metric_names
    LEFT JOIN json_each('["' || replace(chosen.metrics, ',', '","') || '"]') AS list
        ON list.value = metric_names.name
    WHERE chosen.metrics IS NULL OR list.value IS NOT NULL
),
sides AS (
    SELECT 1 AS side, id, ordinal, policy, parameters_json,
           policy || parameters_json AS twin FROM points, chosen
    WHERE chosen.what = 'experiments' AND experiment_id = :a
    UNION ALL
    SELECT 2, id, ordinal, policy, parameters_json, policy || parameters_json FROM points, chosen
    WHERE chosen.what = 'experiments' AND experiment_id = :b
    UNION ALL
    SELECT 1, id, ordinal, policy, parameters_json, ''
    FROM points, chosen WHERE chosen.what = 'points' AND id = :a
    UNION ALL
    SELECT 2, id, ordinal, policy, parameters_json, ''
    FROM points, chosen WHERE chosen.what = 'points' AND id = :b
),
pairs AS MATERIALIZED (
    SELECT max(iif(side = 1, id, NULL)) AS first_id,
           max(iif(side = 2, id, NULL)) AS second_id,
           max(iif(side = 1, ordinal, NULL)) AS ordinal,
           max(iif(side = 1, parameters_json, NULL)) AS parameters_json,
           iif(min(policy) = max(policy), policy,
               max(iif(side = 1, policy, '')) || ' / ' || max(iif(side = 2, policy, '')))
               AS policy
    FROM sides
    GROUP BY twin
    HAVING first_id IS NOT NULL AND second_id IS NOT NULL
)
SELECT pairs.policy,
       pairs.parameters_json AS parameters,
       wanted.name AS metric,
       wanted.unit,
       a.mean AS a,
       a.half_width AS a_half_width,
       b.mean AS b,
       b.half_width AS b_half_width,
       b.mean - a.mean AS difference,
       abs(b.mean - a.mean) > coalesce(a.half_width, 0) + coalesce(b.half_width, 0) AS is_sure
FROM pairs
CROSS JOIN wanted
LEFT JOIN estimates AS a ON a.point_id = pairs.first_id AND a.metric_id = wanted.metric_id
LEFT JOIN estimates AS b ON b.point_id = pairs.second_id AND b.metric_id = wanted.metric_id
WHERE a.mean IS NOT NULL OR b.mean IS NOT NULL
ORDER BY pairs.ordinal, wanted.place
