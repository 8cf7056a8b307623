-- SPDX-License-Identifier: GPL-3.0-or-later
-- Metrics of two experiments, or of two points, side by side. Points of two experiments belong
-- together if they have the same policy and the same parameters; where several have, those at the
-- same place. is_sure: the intervals do not overlap.
--
-- :a        the first one: number of an experiment, or with :of of a point (points.id); needed
-- :b        the second one; needed
-- :of       experiments or points; default: experiments
-- :metrics  metrics to compare; default: accuracy,cost_mean,latency_mean_s; all for points
WITH
chosen AS (
    SELECT replace(coalesce(:metrics, iif(coalesce(:of, 'experiments') = 'experiments',
                                          'accuracy,cost_mean,latency_mean_s', NULL)), ' ', '')
               AS metrics
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
twins AS MATERIALIZED (
    SELECT id, policy, parameters_json FROM points WHERE experiment_id = :b
)
SELECT iif(first.policy = second.policy, first.policy, first.policy || ' / ' || second.policy)
           AS policy,
       first.parameters_json AS parameters,
       wanted.name AS metric,
       wanted.unit,
       a.mean AS a,
       a.half_width AS a_half_width,
       b.mean AS b,
       b.half_width AS b_half_width,
       b.mean - a.mean AS difference,
       coalesce(a.high, a.mean) < coalesce(b.low, b.mean)
           OR coalesce(b.high, b.mean) < coalesce(a.low, a.mean) AS is_sure
FROM points AS first
CROSS JOIN points AS second ON second.id = CASE coalesce(:of, 'experiments')
    WHEN 'points' THEN :b
    WHEN 'experiments' THEN
        -- All points at the same places is the common case, and is found most quickly.
        coalesce((SELECT same.id FROM points AS same
                  WHERE same.experiment_id = :b AND same.ordinal = first.ordinal
                    AND same.policy = first.policy
                    AND same.parameters_json = first.parameters_json),
                 (SELECT min(twins.id) FROM twins
                  WHERE twins.policy = first.policy
                    AND twins.parameters_json = first.parameters_json))
    END
CROSS JOIN wanted
LEFT JOIN estimates AS a ON a.point_id = first.id AND a.metric_id = wanted.metric_id
LEFT JOIN estimates AS b ON b.point_id = second.id AND b.metric_id = wanted.metric_id
WHERE first.experiment_id =
      iif(:of = 'points', (SELECT experiment_id FROM points WHERE id = :a), :a)
  AND (:of IS NOT 'points' OR first.id = :a)
  AND (a.mean IS NOT NULL OR b.mean IS NOT NULL)
ORDER BY first.ordinal, wanted.place
