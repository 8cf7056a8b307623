-- SPDX-License-Identifier: GPL-3.0-or-later
-- The points of an experiment that are not beaten over all of the chosen metrics together.
--
-- on_front 1: the front. No other point has means that are all at least as good, and one better.
-- on_front 0: cannot be told from the front. No point of the front is surely better than it in one
-- metric without being surely worse in another; surely means that the intervals do not overlap.
--
-- Left out are oracles, points that are overloaded or have not converged, and points that are not
-- complete or that lack one of the metrics.
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
-- One row: numbers and signs of the metrics; a wrong name or direction leaves a NULL.
wanted AS MATERIALIZED (
    SELECT count(*) AS count,
           max(iif(place = 1, id, NULL)) AS id1, max(iif(place = 1, sign, NULL)) AS sign1,
           max(iif(place = 2, id, NULL)) AS id2, max(iif(place = 2, sign, NULL)) AS sign2,
           max(iif(place = 3, id, NULL)) AS id3, max(iif(place = 3, sign, NULL)) AS sign3,
           max(iif(place = 4, id, NULL)) AS id4, max(iif(place = 4, sign, NULL)) AS sign4
    FROM (SELECT row_number() OVER (ORDER BY list.id) AS place, metric_names.id,
                 CASE list.value WHEN 'max' THEN -1.0 WHEN 'min' THEN 1.0 END AS sign
          FROM chosen,
               json_each('{"' || replace(replace(chosen.metrics, ':', '":"'), ',', '","') || '"}')
                   AS list
          LEFT JOIN metric_names ON metric_names.name = list.key)
),
-- Means and intervals, turned so that less is better; a metric that is not wanted is 0.
turned AS MATERIALIZED (
    SELECT points.id,
           e1.mean * sign1 AS m1,
           coalesce(iif(sign1 > 0, e1.low, -e1.high), e1.mean * sign1) AS low1,
           coalesce(iif(sign1 > 0, e1.high, -e1.low), e1.mean * sign1) AS high1,
           iif(count < 2, 0, e2.mean * sign2) AS m2,
           iif(count < 2, 0, coalesce(iif(sign2 > 0, e2.low, -e2.high), e2.mean * sign2))
               AS low2,
           iif(count < 2, 0, coalesce(iif(sign2 > 0, e2.high, -e2.low), e2.mean * sign2))
               AS high2,
           iif(count < 3, 0, e3.mean * sign3) AS m3,
           iif(count < 3, 0, coalesce(iif(sign3 > 0, e3.low, -e3.high), e3.mean * sign3))
               AS low3,
           iif(count < 3, 0, coalesce(iif(sign3 > 0, e3.high, -e3.low), e3.mean * sign3))
               AS high3,
           iif(count < 4, 0, e4.mean * sign4) AS m4,
           iif(count < 4, 0, coalesce(iif(sign4 > 0, e4.low, -e4.high), e4.mean * sign4))
               AS low4,
           iif(count < 4, 0, coalesce(iif(sign4 > 0, e4.high, -e4.low), e4.mean * sign4))
               AS high4
    FROM chosen
    CROSS JOIN wanted
    CROSS JOIN points ON points.experiment_id = chosen.experiment_id
    LEFT JOIN estimates AS e1 ON e1.point_id = points.id AND e1.metric_id = id1
    LEFT JOIN estimates AS e2 ON e2.point_id = points.id AND e2.metric_id = id2
    LEFT JOIN estimates AS e3 ON e3.point_id = points.id AND e3.metric_id = id3
    LEFT JOIN estimates AS e4 ON e4.point_id = points.id AND e4.metric_id = id4
    WHERE points.is_complete AND NOT points.is_oracle AND points.verdict NOT LIKE 'overloaded%'
      AND points.verdict NOT LIKE 'not converged%'
      AND e1.mean * sign1 IS NOT NULL
      AND (count < 2 OR e2.mean * sign2 IS NOT NULL)
      AND (count < 3 OR e3.mean * sign3 IS NOT NULL)
      AND (count < 4 OR e4.mean * sign4 IS NOT NULL)
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
