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
-- How much of the counter falls to a sample: the mean over the replications of the point.
amounts AS (
    SELECT points.*,
           (SELECT avg(coalesce((SELECT value FROM counters
                                 WHERE replication_id = replications.id
                                   AND counter_id = chosen.counter_id), 0.0)
                       / replications.offered)
            FROM replications
            WHERE replications.point_id = coalesce(points.source_id, points.id)
              AND replications.number < points.replications) AS amount
    FROM chosen
    CROSS JOIN points ON points.experiment_id = chosen.experiment_id AND points.is_complete
    WHERE chosen.counter_id IS NOT NULL
)
SELECT amounts.experiment_id AS experiment,
       amounts.ordinal AS point,
       amounts.policy,
       amounts.parameters_json AS parameters,
       coalesce(prices.price, 0.0) AS price_before,
       estimates.mean AS cost_before,
       iif(uses_prices, NULL, :price + 0.0) AS price_after,
       iif(uses_prices, NULL,
           estimates.mean + (:price - coalesce(prices.price, 0.0)) * amount) AS cost_after,
       iif(uses_prices, 'decisions depend on prices: run it again', NULL) AS remark
FROM chosen
CROSS JOIN amounts
LEFT JOIN prices ON prices.point_id = amounts.id AND prices.counter_id = chosen.counter_id
LEFT JOIN estimates ON estimates.point_id = amounts.id AND estimates.metric_id = chosen.metric_id
ORDER BY amounts.ordinal
