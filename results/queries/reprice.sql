-- SPDX-License-Identifier: GPL-3.0-or-later
-- What the points of an experiment would cost if one counter had another price, without simulating
-- again: cost is counters times prices. Null where the decisions of the policy depend on prices;
-- `remark` says so. The price is that of one unit of the counter, as in the table prices.
--
-- :counter     name of the counter, e.g. offloads.device-edge (see counter_names); needed
-- :price       the new price of one of it; needed
-- :experiment  number of the experiment; default: the latest
WITH
chosen AS (
    SELECT coalesce(:experiment, (SELECT max(id) FROM experiments)) AS experiment_id,
           (SELECT id FROM counter_names WHERE name = :counter) AS counter_id,
           (SELECT id FROM metric_names WHERE name = 'cost_mean') AS metric_id
),
-- How much of the counter falls to a sample: the mean over the replications of a point. Points
-- often share theirs, so it is worked out once for each source. The plus sign keeps SQLite from
-- guessing that an experiment has few points.
amounts AS MATERIALIZED (
    SELECT used.source_id, used.replications,
           (SELECT avg(coalesce(counters.value, 0.0) / replications.offered)
            FROM replications
            LEFT JOIN counters ON counters.replication_id = replications.id
                              AND counters.counter_id = chosen.counter_id
            WHERE replications.point_id = used.source_id
              AND replications.number < used.replications) AS amount
    FROM chosen
    CROSS JOIN (SELECT DISTINCT coalesce(source_id, id) AS source_id, replications
                FROM points
                WHERE +experiment_id = (SELECT experiment_id FROM chosen) AND is_complete) AS used
)
SELECT points.experiment_id AS experiment,
       points.ordinal AS point,
       points.policy,
       points.parameters_json AS parameters,
       coalesce(prices.price, 0.0) AS price_before,
       estimates.mean AS cost_before,
       iif(uses_prices, NULL, :price + 0.0) AS price_after,
       iif(uses_prices, NULL,
           estimates.mean + (:price - coalesce(prices.price, 0.0)) * amount) AS cost_after,
       iif(uses_prices, 'decisions depend on prices: run it again', NULL) AS remark
FROM points
LEFT JOIN amounts ON amounts.source_id = coalesce(points.source_id, points.id)
                 AND amounts.replications = points.replications
LEFT JOIN prices ON prices.point_id = points.id
                AND prices.counter_id = (SELECT counter_id FROM chosen)
LEFT JOIN estimates ON estimates.point_id = points.id
                   AND estimates.metric_id = (SELECT metric_id FROM chosen)
WHERE points.experiment_id = (SELECT experiment_id FROM chosen)
  AND points.is_complete
  AND (SELECT counter_id FROM chosen) IS NOT NULL
ORDER BY points.ordinal
