-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- From version 2 of the database to version 3: intervals that need not lie around their mean,
-- what an estimate's units are, why replications stopped, and what variance reduction has gained.
-- Run inside of a transaction. Once published it does not change: see schema.sql.

PRAGMA user_version = 3;

ALTER TABLE points ADD COLUMN units TEXT NOT NULL DEFAULT 'replications'
    CHECK (units IN ('replications', 'antithetic pairs', 'batches'));
ALTER TABLE points ADD COLUMN stopped TEXT;

ALTER TABLE estimates ADD COLUMN low REAL;
ALTER TABLE estimates ADD COLUMN high REAL;
ALTER TABLE estimates ADD COLUMN variance_ratio REAL;

-- All intervals of earlier versions lie around their mean.
UPDATE estimates SET low = mean - half_width, high = mean + half_width;

DROP VIEW tradeoffs;

-- Each metric is looked up by its number: with many points this is far quicker than to sort all
-- estimates by point.
CREATE VIEW tradeoffs AS
SELECT experiments.id AS experiment_id,
       experiments.scenario,
       points.id AS point_id,
       points.ordinal,
       points.policy,
       points.is_oracle,
       points.parameters_json AS parameters,
       points.replications,
       points.verdict,
       points.is_complete,
       accuracy.mean AS accuracy,
       accuracy.half_width AS accuracy_half_width,
       accuracy.low AS accuracy_low,
       accuracy.high AS accuracy_high,
       cost.mean AS cost_mean,
       cost.half_width AS cost_mean_half_width,
       cost.low AS cost_mean_low,
       cost.high AS cost_mean_high,
       offload.mean AS offload_fraction,
       offload.half_width AS offload_fraction_half_width,
       offload.low AS offload_fraction_low,
       offload.high AS offload_fraction_high,
       latency.mean AS latency_mean_s,
       latency.half_width AS latency_mean_s_half_width,
       latency.low AS latency_mean_s_low,
       latency.high AS latency_mean_s_high,
       tail.mean AS latency_p99_s,
       tail.half_width AS latency_p99_s_half_width,
       tail.low AS latency_p99_s_low,
       tail.high AS latency_p99_s_high,
       throughput.mean AS throughput_per_s,
       throughput.half_width AS throughput_per_s_half_width,
       throughput.low AS throughput_per_s_low,
       throughput.high AS throughput_per_s_high,
       energy.mean AS device_energy_mean_j,
       energy.half_width AS device_energy_mean_j_half_width,
       energy.low AS device_energy_mean_j_low,
       energy.high AS device_energy_mean_j_high
FROM points
JOIN experiments ON experiments.id = points.experiment_id
LEFT JOIN estimates AS accuracy ON accuracy.point_id = points.id
    AND accuracy.metric_id = (SELECT id FROM metric_names WHERE name = 'accuracy')
LEFT JOIN estimates AS cost ON cost.point_id = points.id
    AND cost.metric_id = (SELECT id FROM metric_names WHERE name = 'cost_mean')
LEFT JOIN estimates AS offload ON offload.point_id = points.id
    AND offload.metric_id = (SELECT id FROM metric_names WHERE name = 'offload_fraction')
LEFT JOIN estimates AS latency ON latency.point_id = points.id
    AND latency.metric_id = (SELECT id FROM metric_names WHERE name = 'latency_mean_s')
LEFT JOIN estimates AS tail ON tail.point_id = points.id
    AND tail.metric_id = (SELECT id FROM metric_names WHERE name = 'latency_p99_s')
LEFT JOIN estimates AS throughput ON throughput.point_id = points.id
    AND throughput.metric_id = (SELECT id FROM metric_names WHERE name = 'throughput_per_s')
LEFT JOIN estimates AS energy ON energy.point_id = points.id
    AND energy.metric_id = (SELECT id FROM metric_names WHERE name = 'device_energy_mean_j');

UPDATE column_meanings
SET meaning = 'mean of the units, of a quantile their median, in the unit of the metric'
WHERE table_name = 'estimates' AND column_name = 'mean';
UPDATE column_meanings
SET meaning = 'distance from the mean to the farther end of the interval; null if there is none'
WHERE table_name = 'estimates' AND column_name = 'half_width';
UPDATE column_meanings
SET meaning = 'units that the estimate rests on; see points.units'
WHERE table_name = 'estimates' AND column_name = 'replications';
UPDATE column_meanings
SET meaning = 'stable; overloaded, and where; not converged, and which metric; or transient, '
    || 'because asked for; null until it is complete'
WHERE table_name = 'points' AND column_name = 'verdict';
UPDATE column_meanings
SET meaning = 'stable, overloaded, not converged or transient; see points'
WHERE table_name = 'tradeoffs' AND column_name = 'verdict';
UPDATE column_meanings
SET meaning = 'distance to the farther end of its confidence interval'
WHERE table_name = 'tradeoffs' AND column_name LIKE '%half_width';

INSERT INTO column_meanings (table_name, column_name, unit, meaning) VALUES
('points', 'units', '', 'what estimates are made of: replications, antithetic pairs or batches'),
('points', 'stopped', '', 'why no more replications ran; null if their number was given'),
('estimates', 'low', '', 'lower end of the confidence interval; null if there is none'),
('estimates', 'high', '', 'upper end of the confidence interval; null if there is none'),
('estimates', 'variance_ratio', '',
 'variance without / with variance reduction; null if there was none'),
('tradeoffs', 'accuracy_low', '', 'lower end of its confidence interval'),
('tradeoffs', 'accuracy_high', '', 'upper end of its confidence interval'),
('tradeoffs', 'cost_mean_low', '', 'lower end of its confidence interval'),
('tradeoffs', 'cost_mean_high', '', 'upper end of its confidence interval'),
('tradeoffs', 'offload_fraction_low', '', 'lower end of its confidence interval'),
('tradeoffs', 'offload_fraction_high', '', 'upper end of its confidence interval'),
('tradeoffs', 'latency_mean_s_low', 's', 'lower end of its confidence interval'),
('tradeoffs', 'latency_mean_s_high', 's', 'upper end of its confidence interval'),
('tradeoffs', 'latency_p99_s_low', 's', 'lower end of its confidence interval'),
('tradeoffs', 'latency_p99_s_high', 's', 'upper end of its confidence interval'),
('tradeoffs', 'throughput_per_s_low', '/s', 'lower end of its confidence interval'),
('tradeoffs', 'throughput_per_s_high', '/s', 'upper end of its confidence interval'),
('tradeoffs', 'device_energy_mean_j_low', 'J', 'lower end of its confidence interval'),
('tradeoffs', 'device_energy_mean_j_high', 'J', 'upper end of its confidence interval');
