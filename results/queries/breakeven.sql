-- SPDX-License-Identifier: GPL-3.0-or-later
-- Where along a swept number the best policy changes. Policies, each with its own parameters, are
-- compared at every value of the number while all else that is swept stays the same; that is in
-- `others`. Between two neighbouring values at which different policies are best, the place where
-- their metrics are equal is interpolated on straight lines.
--
-- at_half_width: from the intervals of the two metrics, as if they were independent. Policies meet
-- the same samples, so the true uncertainty is mostly smaller. Null without intervals.
--
-- :parameter   path of the number, e.g. prices.offload; needed
-- :experiment  number of the experiment; default: the latest
-- :metric      what is compared; default: cost_mean
-- :direction   min or max; default: min
WITH
chosen AS (
    SELECT coalesce(:experiment, (SELECT max(id) FROM experiments)) AS experiment_id,
           (SELECT id FROM metric_names WHERE name = coalesce(:metric, 'cost_mean')) AS metric_id,
           CASE coalesce(:direction, 'min') WHEN 'min' THEN 1.0 WHEN 'max' THEN -1.0 END AS sign
),
-- The plus sign keeps SQLite from guessing that an experiment has few points.
measured AS MATERIALIZED (
    SELECT points.id, points.ordinal, points.policy, parameters.value AS x,
           json_remove(points.parameters_json, '$."' || :parameter || '"') AS fixed,
           chosen.sign * estimates.mean AS y, coalesce(estimates.half_width, 1e999) AS half_width
    FROM chosen
    CROSS JOIN points ON +points.experiment_id = chosen.experiment_id
    CROSS JOIN parameters ON parameters.point_id = points.id AND parameters.path = :parameter
    CROSS JOIN estimates ON estimates.point_id = points.id
        AND estimates.metric_id = chosen.metric_id
    WHERE points.is_complete AND NOT points.is_oracle AND points.verdict NOT LIKE 'overloaded%'
      AND points.verdict NOT LIKE 'not converged%'
      AND estimates.mean IS NOT NULL AND typeof(parameters.value) IN ('integer', 'real')
),
-- What is swept besides the number, in two parts: what belongs to the policy, and the others. Many
-- points have the same, so it is taken apart once for each.
parts AS MATERIALIZED (
    SELECT policy, fixed, own, others,
           dense_rank() OVER (ORDER BY policy, own) AS line,
           dense_rank() OVER (ORDER BY others) AS place
    FROM (SELECT policy, fixed,
                 (SELECT json_group_object(key, iif(type IN ('array', 'object'), json(value),
                                                    value))
                  FROM json_each(fixed) WHERE key LIKE 'policy.%') AS own,
                 (SELECT json_group_object(key, iif(type IN ('array', 'object'), json(value),
                                                    value))
                  FROM json_each(fixed) WHERE key NOT LIKE 'policy.%') AS others
          FROM (SELECT DISTINCT policy, fixed FROM measured))
),
lines AS MATERIALIZED (
    SELECT parts.place, parts.line, x, y, half_width
    FROM measured
    JOIN parts ON parts.fixed = measured.fixed AND parts.policy = measured.policy
),
-- The best at each value; a bare column of min() comes from the row that has the minimum.
best AS (
    SELECT place, x, line, min(y) FROM lines GROUP BY place, x
),
steps AS (
    SELECT place, x AS x1, line AS line1, lead(x) OVER following AS x2,
           lead(line) OVER following AS line2
    FROM best
    WINDOW following AS (PARTITION BY place ORDER BY x)
),
changes AS MATERIALIZED (
    SELECT * FROM steps WHERE line1 <> line2
),
-- What both policies bring at both ends of a step.
corners AS MATERIALIZED (
    SELECT * FROM lines
    WHERE (place, x, line) IN (SELECT place, x1, line1 FROM changes
                               UNION ALL SELECT place, x1, line2 FROM changes
                               UNION ALL SELECT place, x2, line1 FROM changes
                               UNION ALL SELECT place, x2, line2 FROM changes)
),
ends AS (
    SELECT changes.*,
           b1.y - a1.y AS d1, b2.y - a2.y AS d2,
           sqrt(a1.half_width * a1.half_width + b1.half_width * b1.half_width) AS h1,
           sqrt(a2.half_width * a2.half_width + b2.half_width * b2.half_width) AS h2
    FROM changes
    JOIN corners AS a1 ON a1.place = changes.place AND a1.x = x1 AND a1.line = line1
    JOIN corners AS b1 ON b1.place = changes.place AND b1.x = x1 AND b1.line = line2
    JOIN corners AS a2 ON a2.place = changes.place AND a2.x = x2 AND a2.line = line1
    JOIN corners AS b2 ON b2.place = changes.place AND b2.x = x2 AND b2.line = line2
),
crossings AS (
    SELECT *, d1 / (d1 - d2) AS part FROM ends WHERE d1 <> d2
)
SELECT (SELECT others FROM parts WHERE parts.place = crossings.place LIMIT 1) AS others,
       (SELECT policy FROM parts WHERE line = line1 LIMIT 1) AS below,
       (SELECT own FROM parts WHERE line = line1 LIMIT 1) AS below_parameters,
       (SELECT policy FROM parts WHERE line = line2 LIMIT 1) AS above,
       (SELECT own FROM parts WHERE line = line2 LIMIT 1) AS above_parameters,
       x1 AS between_low,
       x2 AS between_high,
       x1 + (x2 - x1) * part AS at,
       -- Half width of the difference at the crossing, over the slope of the difference.
       CASE WHEN h1 < 1e999 AND h2 < 1e999
            THEN ((1 - part) * h1 + part * h2) * (x2 - x1) / (d1 - d2) END AS at_half_width
FROM crossings
ORDER BY others, at
