-- SPDX-License-Identifier: GPL-3.0-or-later
-- Which parameter moves which metric most. One row a metric and a parameter that has more than one
-- value in the experiment; the policy itself counts as one. The points of one value are averaged
-- over everything else that varies among them.
--
-- lowest, highest   least and greatest of these averages, and the values where they are found
-- span              highest - lowest
-- share             how much of the variance of the metric, among the points that have the
--                   parameter, lies between the values of the parameter (0 to 1)
--
-- :experiment  number of the experiment; default: the latest
-- :metrics     one to four metrics; default: accuracy,cost_mean,latency_mean_s
WITH
chosen AS (
    SELECT coalesce(:experiment, (SELECT max(id) FROM experiments)) AS experiment_id,
           replace(coalesce(:metrics, 'accuracy,cost_mean,latency_mean_s'), ' ', '') AS metrics
),
wanted AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY list.key) AS place, metric_names.id AS metric_id,
           metric_names.name
    FROM chosen, json_each('["' || replace(chosen.metrics, ',', '","') || '"]') AS list
    LEFT JOIN metric_names ON metric_names.name = list.value
),
measured AS MATERIALIZED (
    SELECT points.id, points.policy, e1.mean AS x1, e2.mean AS x2, e3.mean AS x3, e4.mean AS x4
    FROM chosen
    CROSS JOIN points ON points.experiment_id = chosen.experiment_id
    LEFT JOIN estimates AS e1 ON e1.point_id = points.id
        AND e1.metric_id = (SELECT metric_id FROM wanted WHERE place = 1)
    LEFT JOIN estimates AS e2 ON e2.point_id = points.id
        AND e2.metric_id = (SELECT metric_id FROM wanted WHERE place = 2)
    LEFT JOIN estimates AS e3 ON e3.point_id = points.id
        AND e3.metric_id = (SELECT metric_id FROM wanted WHERE place = 3)
    LEFT JOIN estimates AS e4 ON e4.point_id = points.id
        AND e4.metric_id = (SELECT metric_id FROM wanted WHERE place = 4)
    WHERE points.is_complete
),
values_of AS (
    SELECT path, value, x1, x2, x3, x4
    FROM measured
    CROSS JOIN parameters ON parameters.point_id = measured.id
    UNION ALL
    SELECT 'policy', policy, x1, x2, x3, x4 FROM measured
),
groups AS MATERIALIZED (
    SELECT path, value,
           count(x1) AS n1, total(x1) AS s1, total(x1 * x1) AS q1,
           count(x2) AS n2, total(x2) AS s2, total(x2 * x2) AS q2,
           count(x3) AS n3, total(x3) AS s3, total(x3 * x3) AS q3,
           count(x4) AS n4, total(x4) AS s4, total(x4 * x4) AS q4
    FROM values_of
    GROUP BY path, value
),
averages AS (
    SELECT path, value, place, name, n, s, q, s / n AS average
    FROM wanted
    JOIN (SELECT path, value, 1 AS place, n1 AS n, s1 AS s, q1 AS q FROM groups
          UNION ALL SELECT path, value, 2, n2, s2, q2 FROM groups
          UNION ALL SELECT path, value, 3, n3, s3, q3 FROM groups
          UNION ALL SELECT path, value, 4, n4, s4, q4 FROM groups) USING (place)
    WHERE n > 0
),
effects AS (
    SELECT place, name, path, count(*) AS levels, sum(n) AS points,
           min(average) AS lowest, max(average) AS highest,
           sum(s * s / n) - sum(s) * sum(s) / sum(n) AS between_values,
           sum(q) - sum(s) * sum(s) / sum(n) AS altogether
    FROM averages
    GROUP BY place, name, path
    HAVING count(*) > 1
)
SELECT name AS metric,
       path AS parameter,
       levels,
       points,
       lowest,
       (SELECT value FROM averages WHERE averages.place = effects.place
        AND averages.path = effects.path ORDER BY average LIMIT 1) AS lowest_at,
       highest,
       (SELECT value FROM averages WHERE averages.place = effects.place
        AND averages.path = effects.path ORDER BY average DESC LIMIT 1) AS highest_at,
       highest - lowest AS span,
       CASE WHEN altogether > 1e-12 * abs(highest) * abs(highest)
            THEN min(1.0, max(0.0, between_values / altogether)) END AS share
FROM effects
ORDER BY place, span DESC, path
