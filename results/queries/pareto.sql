-- SPDX-License-Identifier: GPL-3.0-or-later
-- The points of an experiment that are not beaten over all of the chosen metrics together.
--
-- on_front 1: the front. No other point has means that are all at least as good, and one better.
-- on_front 0: cannot be told from the front. No point of the front is surely better than it in one
-- metric without being surely worse in another; surely means that the intervals do not overlap.
--
-- Left out are oracles, overloaded points, and points that are not complete or that lack one of the
-- metrics.
--
-- :experiment  number of the experiment; default: the latest
-- :metrics     one to four metrics, each with its good direction; default:
--              accuracy:max,cost_mean:min,latency_mean_s:min
WITH
chosen AS (
    SELECT coalesce(:experiment, (SELECT max(id) FROM experiments)) AS experiment_id,
           replace(coalesce(:metrics, 'accuracy:max,cost_mean:min,latency_mean_s:min'), ' ', '')
               AS metrics
),
wanted AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY list.id) AS place,
           metric_names.id AS metric_id,
           metric_names.name,
           CASE list.value WHEN 'max' THEN -1.0 WHEN 'min' THEN 1.0 END AS sign
    FROM chosen,
         json_each('{"' || replace(replace(chosen.metrics, ':', '":"'), ',', '","') || '"}')
             AS list
    LEFT JOIN metric_names ON metric_names.name = list.key
),
-- Means and intervals, turned so that less is better; a metric that is not wanted is 0.
turned AS MATERIALIZED (
    SELECT points.id,
           e1.mean * w1.sign AS m1,
           e1.mean * w1.sign - coalesce(e1.half_width, 0) AS low1,
           e1.mean * w1.sign + coalesce(e1.half_width, 0) AS high1,
           iif(w2.place, e2.mean * w2.sign, 0) AS m2,
           iif(w2.place, e2.mean * w2.sign - coalesce(e2.half_width, 0), 0) AS low2,
           iif(w2.place, e2.mean * w2.sign + coalesce(e2.half_width, 0), 0) AS high2,
           iif(w3.place, e3.mean * w3.sign, 0) AS m3,
           iif(w3.place, e3.mean * w3.sign - coalesce(e3.half_width, 0), 0) AS low3,
           iif(w3.place, e3.mean * w3.sign + coalesce(e3.half_width, 0), 0) AS high3,
           iif(w4.place, e4.mean * w4.sign, 0) AS m4,
           iif(w4.place, e4.mean * w4.sign - coalesce(e4.half_width, 0), 0) AS low4,
           iif(w4.place, e4.mean * w4.sign + coalesce(e4.half_width, 0), 0) AS high4
    FROM chosen
    CROSS JOIN points ON points.experiment_id = chosen.experiment_id
    LEFT JOIN wanted AS w1 ON w1.place = 1
    LEFT JOIN wanted AS w2 ON w2.place = 2
    LEFT JOIN wanted AS w3 ON w3.place = 3
    LEFT JOIN wanted AS w4 ON w4.place = 4
    LEFT JOIN estimates AS e1 ON e1.point_id = points.id AND e1.metric_id = w1.metric_id
    LEFT JOIN estimates AS e2 ON e2.point_id = points.id AND e2.metric_id = w2.metric_id
    LEFT JOIN estimates AS e3 ON e3.point_id = points.id AND e3.metric_id = w3.metric_id
    LEFT JOIN estimates AS e4 ON e4.point_id = points.id AND e4.metric_id = w4.metric_id
    WHERE points.is_complete AND NOT points.is_oracle AND points.verdict NOT LIKE 'overloaded%'
      AND e1.mean * w1.sign IS NOT NULL
      AND (w2.place IS NULL OR e2.mean * w2.sign IS NOT NULL)
      AND (w3.place IS NULL OR e3.mean * w3.sign IS NOT NULL)
      AND (w4.place IS NULL OR e4.mean * w4.sign IS NOT NULL)
),
-- To compare all points with all others would take too long. What the front of a small sample beats
-- is beaten, and that is nearly everything; twice over, little is left to compare.
some AS MATERIALIZED (
    SELECT * FROM turned
    WHERE id * 2654435761 % 4294967296 < 500 * 4294967296 / (SELECT count(*) FROM turned)
),
some_front AS MATERIALIZED (
    SELECT * FROM some AS a
    WHERE NOT EXISTS (
        SELECT 1 FROM some AS b
        WHERE b.m1 <= a.m1 AND b.m2 <= a.m2 AND b.m3 <= a.m3 AND b.m4 <= a.m4
          AND (b.m1 < a.m1 OR b.m2 < a.m2 OR b.m3 < a.m3 OR b.m4 < a.m4))
),
fewer AS MATERIALIZED (
    SELECT * FROM turned AS a
    WHERE NOT EXISTS (
        SELECT 1 FROM some_front AS b
        WHERE b.m1 <= a.m1 AND b.m2 <= a.m2 AND b.m3 <= a.m3 AND b.m4 <= a.m4
          AND (b.m1 < a.m1 OR b.m2 < a.m2 OR b.m3 < a.m3 OR b.m4 < a.m4))
),
fewer_some AS MATERIALIZED (
    SELECT * FROM fewer
    WHERE id * 2246822519 % 4294967296 < 500 * 4294967296 / (SELECT count(*) FROM fewer)
),
fewer_front AS MATERIALIZED (
    SELECT * FROM fewer_some AS a
    WHERE NOT EXISTS (
        SELECT 1 FROM fewer_some AS b
        WHERE b.m1 <= a.m1 AND b.m2 <= a.m2 AND b.m3 <= a.m3 AND b.m4 <= a.m4
          AND (b.m1 < a.m1 OR b.m2 < a.m2 OR b.m3 < a.m3 OR b.m4 < a.m4))
),
fewest AS MATERIALIZED (
    SELECT * FROM fewer AS a
    WHERE NOT EXISTS (
        SELECT 1 FROM fewer_front AS b
        WHERE b.m1 <= a.m1 AND b.m2 <= a.m2 AND b.m3 <= a.m3 AND b.m4 <= a.m4
          AND (b.m1 < a.m1 OR b.m2 < a.m2 OR b.m3 < a.m3 OR b.m4 < a.m4))
),
front AS MATERIALIZED (
    SELECT * FROM fewest AS a
    WHERE NOT EXISTS (
        SELECT 1 FROM fewest AS b
        WHERE b.m1 <= a.m1 AND b.m2 <= a.m2 AND b.m3 <= a.m3 AND b.m4 <= a.m4
          AND (b.m1 < a.m1 OR b.m2 < a.m2 OR b.m3 < a.m3 OR b.m4 < a.m4))
),
shown AS MATERIALIZED (
    SELECT id, m1, m2, 1 AS on_front FROM front
    UNION ALL
    SELECT id, m1, m2, 0
    FROM turned AS a
    WHERE NOT EXISTS (
        SELECT 1 FROM front AS b
        WHERE (b.high1 < a.low1 OR b.high2 < a.low2 OR b.high3 < a.low3 OR b.high4 < a.low4)
          AND b.low1 <= a.high1 AND b.low2 <= a.high2 AND b.low3 <= a.high3 AND b.low4 <= a.high4)
      AND id NOT IN (SELECT id FROM front)
)
SELECT tradeoffs.experiment_id AS experiment,
       tradeoffs.ordinal AS point,
       tradeoffs.policy,
       tradeoffs.parameters,
       shown.on_front,
       tradeoffs.accuracy,
       tradeoffs.accuracy_half_width,
       tradeoffs.cost_mean,
       tradeoffs.cost_mean_half_width,
       tradeoffs.latency_mean_s,
       tradeoffs.latency_mean_s_half_width,
       tradeoffs.offload_fraction,
       tradeoffs.offload_fraction_half_width,
       tradeoffs.latency_p99_s,
       tradeoffs.latency_p99_s_half_width,
       tradeoffs.device_energy_mean_j,
       tradeoffs.device_energy_mean_j_half_width
FROM shown
CROSS JOIN tradeoffs ON tradeoffs.point_id = shown.id
ORDER BY shown.on_front DESC, shown.m1, shown.m2, tradeoffs.ordinal
