-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The database of results, version 1. Later versions are reached from here by the migrations in
-- results/database.c, so a published version of this file does not change. On an empty database the
-- program runs what all of them come to, which the build makes of them.
--
-- One row that stands for something has an `id`. Names of metrics and counters are stored once and
-- referred to by number, because there is a row for each of them in every replication. A name ends
-- in its unit where it has one. What every column means is data too: see column_meanings.

PRAGMA application_id = 0x4F464C53; -- "OFLS"; tells file(1) and this program whose file it is
PRAGMA user_version = 1;

CREATE TABLE experiments (
    id INTEGER PRIMARY KEY,
    scenario TEXT NOT NULL,
    about TEXT,
    path TEXT NOT NULL,
    command TEXT NOT NULL,
    scenario_json TEXT NOT NULL,
    scenario_hash TEXT NOT NULL,
    seed ANY NOT NULL,
    version TEXT NOT NULL,
    host TEXT,
    started_at TEXT NOT NULL,
    wall_s REAL,
    status TEXT NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'finished', 'failed', 'interrupted'))
) STRICT;

CREATE TABLE points (
    id INTEGER PRIMARY KEY,
    experiment_id INTEGER NOT NULL REFERENCES experiments ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    policy TEXT NOT NULL,
    is_oracle INTEGER NOT NULL CHECK (is_oracle IN (0, 1)),
    uses_prices INTEGER NOT NULL CHECK (uses_prices IN (0, 1)),
    parameters_json TEXT NOT NULL,
    scenario_json TEXT,
    hash TEXT NOT NULL,
    replications INTEGER NOT NULL DEFAULT 0,
    verdict TEXT,
    is_complete INTEGER NOT NULL DEFAULT 0 CHECK (is_complete IN (0, 1)),
    UNIQUE (experiment_id, ordinal)
) STRICT;

-- Whether a point was simulated before is a question of its hash.
CREATE INDEX points_by_hash ON points (hash, is_complete);

-- The same as points.parameters_json, one row each, for conditions on a parameter.
CREATE TABLE parameters (
    point_id INTEGER NOT NULL REFERENCES points ON DELETE CASCADE,
    path TEXT NOT NULL,
    value ANY,
    PRIMARY KEY (point_id, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE metric_names (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    unit TEXT,
    meaning TEXT
) STRICT;

CREATE TABLE counter_names (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    unit TEXT,
    meaning TEXT
) STRICT;

CREATE TABLE prices (
    point_id INTEGER NOT NULL REFERENCES points ON DELETE CASCADE,
    counter_id INTEGER NOT NULL REFERENCES counter_names,
    price REAL NOT NULL,
    PRIMARY KEY (point_id, counter_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE replications (
    id INTEGER PRIMARY KEY,
    point_id INTEGER NOT NULL REFERENCES points ON DELETE CASCADE,
    number INTEGER NOT NULL,
    seed ANY NOT NULL,
    events INTEGER NOT NULL,
    simulated_s REAL NOT NULL,
    wall_s REAL NOT NULL,
    offered INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    in_flight INTEGER NOT NULL,
    UNIQUE (point_id, number)
) STRICT;

CREATE TABLE metrics (
    replication_id INTEGER NOT NULL REFERENCES replications ON DELETE CASCADE,
    metric_id INTEGER NOT NULL REFERENCES metric_names,
    value REAL,
    PRIMARY KEY (replication_id, metric_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE counters (
    replication_id INTEGER NOT NULL REFERENCES replications ON DELETE CASCADE,
    counter_id INTEGER NOT NULL REFERENCES counter_names,
    value REAL NOT NULL,
    PRIMARY KEY (replication_id, counter_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE estimates (
    point_id INTEGER NOT NULL REFERENCES points ON DELETE CASCADE,
    metric_id INTEGER NOT NULL REFERENCES metric_names,
    mean REAL,
    half_width REAL,
    confidence REAL NOT NULL,
    replications INTEGER NOT NULL,
    PRIMARY KEY (point_id, metric_id)
) STRICT, WITHOUT ROWID;

CREATE VIEW replication_metrics AS
SELECT points.experiment_id,
       points.id AS point_id,
       points.policy,
       replications.id AS replication_id,
       replications.number,
       metric_names.name AS metric,
       metric_names.unit,
       metrics.value
FROM metrics
JOIN metric_names ON metric_names.id = metrics.metric_id
JOIN replications ON replications.id = metrics.replication_id
JOIN points ON points.id = replications.point_id;

CREATE VIEW replication_counters AS
SELECT points.experiment_id,
       points.id AS point_id,
       points.policy,
       replications.id AS replication_id,
       replications.number,
       counter_names.name AS counter,
       counter_names.unit,
       counters.value,
       prices.price
FROM counters
JOIN counter_names ON counter_names.id = counters.counter_id
JOIN replications ON replications.id = counters.replication_id
JOIN points ON points.id = replications.point_id
LEFT JOIN prices ON prices.point_id = points.id AND prices.counter_id = counters.counter_id;

-- Cost is counters times prices, so a stored run can be priced anew by changing `prices`, or by a
-- query like this one with other prices, unless points.uses_prices says that the policy would have
-- decided otherwise.
CREATE VIEW replication_costs AS
SELECT points.experiment_id,
       points.id AS point_id,
       points.policy,
       points.uses_prices,
       replications.id AS replication_id,
       replications.number,
       replications.offered,
       coalesce((SELECT sum(prices.price * counters.value)
                 FROM prices
                 JOIN counters ON counters.replication_id = replications.id
                              AND counters.counter_id = prices.counter_id
                 WHERE prices.point_id = points.id), 0.0) / replications.offered AS cost_mean
FROM replications
JOIN points ON points.id = replications.point_id;

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
       cost.mean AS cost_mean,
       cost.half_width AS cost_mean_half_width,
       offload.mean AS offload_fraction,
       offload.half_width AS offload_fraction_half_width,
       latency.mean AS latency_mean_s,
       latency.half_width AS latency_mean_s_half_width,
       tail.mean AS latency_p99_s,
       tail.half_width AS latency_p99_s_half_width,
       throughput.mean AS throughput_per_s,
       throughput.half_width AS throughput_per_s_half_width,
       energy.mean AS device_energy_mean_j,
       energy.half_width AS device_energy_mean_j_half_width
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

CREATE TABLE column_meanings (
    table_name TEXT NOT NULL,
    column_name TEXT NOT NULL,
    unit TEXT NOT NULL,
    meaning TEXT NOT NULL,
    PRIMARY KEY (table_name, column_name)
) STRICT, WITHOUT ROWID;

INSERT INTO column_meanings (table_name, column_name, unit, meaning) VALUES
('experiments', 'id', '', 'number of the experiment'),
('experiments', 'scenario', '', 'name of the scenario'),
('experiments', 'about', '', 'what the scenario says it is about'),
('experiments', 'path', '', 'file that the scenario was read from'),
('experiments', 'command', '', 'command line'),
('experiments', 'scenario_json', '', 'scenario as run, with defaults and overrides filled in'),
('experiments', 'scenario_hash', '', 'hash of the scenario as run'),
('experiments', 'seed', '', 'seed of the random streams; above 9223372036854775807 as text'),
('experiments', 'version', '', 'version of the program'),
('experiments', 'host', '', 'name of the machine'),
('experiments', 'started_at', '', 'start, UTC, ISO 8601'),
('experiments', 'wall_s', 's', 'real time from start to end; null until the experiment has ended'),
('experiments', 'status', '', 'running (or killed), finished, failed or interrupted'),
('points', 'id', '', 'number of the point'),
('points', 'experiment_id', '', 'experiment that the point belongs to'),
('points', 'ordinal', '', 'place of the point in its experiment, from 0'),
('points', 'policy', '', 'name of the policy'),
('points', 'is_oracle', '', '1 if the policy sees the truth: a bound, not a policy to deploy'),
('points', 'uses_prices', '', '1 if decisions depend on prices: cannot be priced anew'),
('points', 'parameters_json', '', 'swept parameters as a JSON object of path and value'),
('points', 'scenario_json', '', 'scenario of the point; null if the experiment says it all'),
('points', 'hash', '', 'hash of all that determines the results of the point'),
('points', 'replications', '', 'replications stored so far'),
('points', 'verdict', '', 'stable, or what is wrong with the point; null until it is complete'),
('points', 'is_complete', '', '1 once all replications and the estimates are stored'),
('parameters', 'point_id', '', 'point that has this setting'),
('parameters', 'path', '', 'path of the swept key in the scenario'),
('parameters', 'value', '', 'value in base units; a list or a boolean is JSON text'),
('metric_names', 'id', '', 'number of the metric'),
('metric_names', 'name', '', 'name of the metric'),
('metric_names', 'unit', '', 'unit; empty for a plain number, null if not known'),
('metric_names', 'meaning', '', 'what the metric measures; null if not known'),
('counter_names', 'id', '', 'number of the counter'),
('counter_names', 'name', '', 'name of the counter'),
('counter_names', 'unit', '', 'unit; empty for a plain number, null if not known'),
('counter_names', 'meaning', '', 'what the counter counts; null if not known'),
('prices', 'point_id', '', 'point that has this price'),
('prices', 'counter_id', '', 'counter that is priced'),
('prices', 'price', '', 'cost of one unit of the counter'),
('replications', 'id', '', 'number of the replication in this file'),
('replications', 'point_id', '', 'point that was run'),
('replications', 'number', '', 'number of the replication within its point, from 0'),
('replications', 'seed', '', 'seed of the replication; above 9223372036854775807 as text'),
('replications', 'events', '', 'simulated events'),
('replications', 'simulated_s', 's', 'simulated time'),
('replications', 'wall_s', 's', 'real time that the replication took'),
('replications', 'offered', '', 'samples that arrived, warm-up left out'),
('replications', 'answered', '', 'of these, samples that were answered'),
('replications', 'dropped', '', 'of these, samples that were given up'),
('replications', 'in_flight', '', 'of these, samples still under way at the end'),
('metrics', 'replication_id', '', 'replication that was measured'),
('metrics', 'metric_id', '', 'metric'),
('metrics', 'value', '', 'value in the unit of the metric; null if there is none'),
('counters', 'replication_id', '', 'replication that was counted'),
('counters', 'counter_id', '', 'counter'),
('counters', 'value', '', 'count or sum in the unit of the counter'),
('estimates', 'point_id', '', 'point'),
('estimates', 'metric_id', '', 'metric'),
('estimates', 'mean', '', 'mean across replications, in the unit of the metric'),
('estimates', 'half_width', '', 'half the width of the confidence interval; null if there is none'),
('estimates', 'confidence', '', 'confidence of the interval'),
('estimates', 'replications', '', 'replications that the estimate rests on'),
('replication_metrics', 'experiment_id', '', 'experiment'),
('replication_metrics', 'point_id', '', 'point'),
('replication_metrics', 'policy', '', 'name of the policy'),
('replication_metrics', 'replication_id', '', 'replication'),
('replication_metrics', 'number', '', 'number of the replication within its point, from 0'),
('replication_metrics', 'metric', '', 'name of the metric'),
('replication_metrics', 'unit', '', 'unit of the metric'),
('replication_metrics', 'value', '', 'value of the metric; null if there is none'),
('replication_counters', 'experiment_id', '', 'experiment'),
('replication_counters', 'point_id', '', 'point'),
('replication_counters', 'policy', '', 'name of the policy'),
('replication_counters', 'replication_id', '', 'replication'),
('replication_counters', 'number', '', 'number of the replication within its point, from 0'),
('replication_counters', 'counter', '', 'name of the counter'),
('replication_counters', 'unit', '', 'unit of the counter'),
('replication_counters', 'value', '', 'count or sum'),
('replication_counters', 'price', '', 'cost of one unit of the counter; null if it costs nothing'),
('replication_costs', 'experiment_id', '', 'experiment'),
('replication_costs', 'point_id', '', 'point'),
('replication_costs', 'policy', '', 'name of the policy'),
('replication_costs', 'uses_prices', '', '1 if decisions depend on prices: cannot be priced anew'),
('replication_costs', 'replication_id', '', 'replication'),
('replication_costs', 'number', '', 'number of the replication within its point, from 0'),
('replication_costs', 'offered', '', 'samples that arrived, warm-up left out'),
('replication_costs', 'cost_mean', '', 'sum of price times counter / offered samples'),
('tradeoffs', 'experiment_id', '', 'experiment'),
('tradeoffs', 'scenario', '', 'name of the scenario'),
('tradeoffs', 'point_id', '', 'point'),
('tradeoffs', 'ordinal', '', 'place of the point in its experiment, from 0'),
('tradeoffs', 'policy', '', 'name of the policy'),
('tradeoffs', 'is_oracle', '', '1 if the policy sees the truth: a bound, not a policy to deploy'),
('tradeoffs', 'parameters', '', 'swept parameters as a JSON object of path and value'),
('tradeoffs', 'replications', '', 'replications stored so far'),
('tradeoffs', 'verdict', '', 'stable, or what is wrong with the point'),
('tradeoffs', 'is_complete', '', '1 once all replications and the estimates are stored'),
('tradeoffs', 'accuracy', '', 'correct answers / answers'),
('tradeoffs', 'accuracy_half_width', '', 'half the width of its confidence interval'),
('tradeoffs', 'cost_mean', '', 'sum of price times counter / offered samples'),
('tradeoffs', 'cost_mean_half_width', '', 'half the width of its confidence interval'),
('tradeoffs', 'offload_fraction', '', 'samples sent upward at least once / offered samples'),
('tradeoffs', 'offload_fraction_half_width', '', 'half the width of its confidence interval'),
('tradeoffs', 'latency_mean_s', 's', 'mean time from arrival to the answer at the origin'),
('tradeoffs', 'latency_mean_s_half_width', 's', 'half the width of its confidence interval'),
('tradeoffs', 'latency_p99_s', 's', '99th percentile of that time'),
('tradeoffs', 'latency_p99_s_half_width', 's', 'half the width of its confidence interval'),
('tradeoffs', 'throughput_per_s', '/s', 'answers in a second'),
('tradeoffs', 'throughput_per_s_half_width', '/s', 'half the width of its confidence interval'),
('tradeoffs', 'device_energy_mean_j', 'J', 'energy of the devices / offered samples'),
('tradeoffs', 'device_energy_mean_j_half_width', 'J', 'half the width of its confidence interval'),
('column_meanings', 'table_name', '', 'name of the table or view'),
('column_meanings', 'column_name', '', 'name of the column'),
('column_meanings', 'unit', '', 'unit; empty for texts, plain numbers, and where rows differ'),
('column_meanings', 'meaning', '', 'what the column holds');
