-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- From version 1 of the database to version 2: sweeps, points that share replications, claims, and
-- samples. Run inside of a transaction, with foreign keys not enforced. Once published it does not
-- change: see schema.sql.

PRAGMA user_version = 2;

DROP VIEW replication_metrics;
DROP VIEW replication_counters;
DROP VIEW replication_costs;

ALTER TABLE experiments ADD COLUMN kind TEXT NOT NULL DEFAULT 'run'
    CHECK (kind IN ('run', 'sweep'));
ALTER TABLE experiments ADD COLUMN sweep_json TEXT;
CREATE INDEX experiments_by_hash ON experiments (scenario_hash, kind);

-- A point without a source has replications of its own; one with a source takes those of the
-- source, which is another point without a source. The default is that of points of version 1
-- while they are migrated; every other point is given a value.
ALTER TABLE points ADD COLUMN simulation_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE points ADD COLUMN source_id INTEGER REFERENCES points;

-- Of points of version 1 it is not known what their replications depend on: they share with none.
UPDATE points SET simulation_hash = 'version-1-' || hash;

CREATE INDEX points_by_simulation ON points (simulation_hash, source_id);
CREATE INDEX points_by_source ON points (source_id) WHERE source_id IS NOT NULL;
-- Covers the question of how far an experiment is.
CREATE INDEX points_by_progress ON points (experiment_id, is_complete, source_id, replications);

-- The id of a replication no longer depends on the order in which replications were stored. By way
-- of negative numbers, because old and new ones overlap.
UPDATE metrics SET replication_id =
    (SELECT -(point_id * 1000000 + number) FROM replications WHERE id = replication_id);
UPDATE counters SET replication_id =
    (SELECT -(point_id * 1000000 + number) FROM replications WHERE id = replication_id);
UPDATE replications SET id = -(point_id * 1000000 + number);
UPDATE metrics SET replication_id = -replication_id;
UPDATE counters SET replication_id = -replication_id;
UPDATE replications SET id = -id;

-- Who is simulating what at this moment. `owner` is a random number of a process.
CREATE TABLE claims (
    source_id INTEGER NOT NULL REFERENCES points ON DELETE CASCADE,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    expires_s REAL NOT NULL,
    PRIMARY KEY (source_id, first, owner)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_end ON claims (expires_s);

CREATE TABLE texts (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE samples (
    replication_id INTEGER NOT NULL REFERENCES replications ON DELETE CASCADE,
    device INTEGER NOT NULL,
    number INTEGER NOT NULL,
    trace_row INTEGER,
    arrived_s REAL NOT NULL,
    latency_s REAL,
    wait_s REAL,
    service_s REAL,
    transfer_s REAL,
    energy_j REAL,
    cost REAL,
    tier_id INTEGER REFERENCES texts,
    exit_id INTEGER REFERENCES texts,
    confidence REAL,
    is_correct INTEGER CHECK (is_correct IN (0, 1)),
    is_offloaded INTEGER NOT NULL CHECK (is_offloaded IN (0, 1)),
    drop_reason_id INTEGER REFERENCES texts,
    decision_id INTEGER REFERENCES texts,
    PRIMARY KEY (replication_id, device, number)
) STRICT, WITHOUT ROWID;

-- The views show of a point the replications that its estimates rest on: its own or those of its
-- source, and of a complete point not those that were added later for another one.
CREATE VIEW point_replications AS
SELECT points.experiment_id,
       points.id AS point_id,
       points.policy,
       points.uses_prices,
       points.source_id,
       replications.id AS replication_id,
       replications.number,
       replications.seed,
       replications.offered
FROM points
JOIN replications ON replications.point_id = coalesce(points.source_id, points.id)
    AND (points.is_complete = 0 OR replications.number < points.replications);

-- Cost is counters times prices, so a stored run can be priced anew by changing `prices`, or by a
-- query like this one with other prices, unless points.uses_prices says that the policy would have
-- decided otherwise.
CREATE VIEW replication_costs AS
SELECT experiment_id,
       point_id,
       policy,
       uses_prices,
       replication_id,
       number,
       offered,
       coalesce((SELECT sum(prices.price * counters.value)
                 FROM prices
                 JOIN counters ON counters.replication_id = point_replications.replication_id
                              AND counters.counter_id = prices.counter_id
                 WHERE prices.point_id = point_replications.point_id), 0.0) / offered AS cost_mean
FROM point_replications;

-- The stored cost of a replication has the prices of the point that it was simulated for, which
-- need not be this one.
CREATE VIEW replication_metrics AS
SELECT point_replications.experiment_id,
       point_replications.point_id,
       point_replications.policy,
       point_replications.replication_id,
       point_replications.number,
       metric_names.name AS metric,
       metric_names.unit,
       CASE WHEN metric_names.name = 'cost_mean'
            THEN coalesce((SELECT sum(prices.price * counters.value)
                           FROM prices
                           JOIN counters
                               ON counters.replication_id = point_replications.replication_id
                              AND counters.counter_id = prices.counter_id
                           WHERE prices.point_id = point_replications.point_id), 0.0)
                 / point_replications.offered
            ELSE metrics.value END AS value
FROM point_replications
JOIN metrics ON metrics.replication_id = point_replications.replication_id
JOIN metric_names ON metric_names.id = metrics.metric_id;

CREATE VIEW replication_counters AS
SELECT point_replications.experiment_id,
       point_replications.point_id,
       point_replications.policy,
       point_replications.replication_id,
       point_replications.number,
       counter_names.name AS counter,
       counter_names.unit,
       counters.value,
       prices.price
FROM point_replications
JOIN counters ON counters.replication_id = point_replications.replication_id
JOIN counter_names ON counter_names.id = counters.counter_id
LEFT JOIN prices ON prices.point_id = point_replications.point_id
    AND prices.counter_id = counters.counter_id;

CREATE VIEW sample_outcomes AS
SELECT point_replications.experiment_id,
       point_replications.point_id,
       point_replications.policy,
       point_replications.number AS replication,
       samples.device,
       samples.number,
       samples.trace_row,
       samples.arrived_s,
       samples.latency_s,
       samples.wait_s,
       samples.service_s,
       samples.transfer_s,
       samples.energy_j,
       samples.cost,
       tier.text AS tier,
       exit.text AS exit,
       samples.confidence,
       samples.is_correct,
       samples.is_offloaded,
       drop_reason.text AS drop_reason,
       decision.text AS decision
FROM point_replications
JOIN samples ON samples.replication_id = point_replications.replication_id
LEFT JOIN texts AS tier ON tier.id = samples.tier_id
LEFT JOIN texts AS exit ON exit.id = samples.exit_id
LEFT JOIN texts AS drop_reason ON drop_reason.id = samples.drop_reason_id
LEFT JOIN texts AS decision ON decision.id = samples.decision_id;

UPDATE column_meanings
SET meaning = 'replications that the estimates rest on; before, those stored so far'
WHERE table_name IN ('points', 'tradeoffs') AND column_name = 'replications';
UPDATE column_meanings
SET meaning = 'real time that the experiment was worked on; null until it has ended once'
WHERE table_name = 'experiments' AND column_name = 'wall_s';
UPDATE column_meanings
SET meaning = 'point id times 1000000 plus number'
WHERE table_name = 'replications' AND column_name = 'id';

INSERT INTO column_meanings (table_name, column_name, unit, meaning) VALUES
('experiments', 'kind', '', 'run or sweep'),
('experiments', 'sweep_json', '', 'axes of a sweep; null for a run'),
('points', 'simulation_hash', '', 'hash of what the replications depend on'),
('points', 'source_id', '', 'point whose replications this one shares; null: it has its own'),
('claims', 'source_id', '', 'point whose replications are claimed'),
('claims', 'first', '', 'number of the first replication that is claimed'),
('claims', 'last', '', 'number of the last replication that is claimed'),
('claims', 'owner', '', 'random number of the process that simulates them'),
('claims', 'expires_s', 's', 'end of the claim, since 1970-01-01 UTC'),
('texts', 'id', '', 'number of the text'),
('texts', 'text', '', 'name of a tier, of an exit, or of a reason'),
('samples', 'replication_id', '', 'replication that the sample belongs to'),
('samples', 'device', '', 'device that the sample arose at, from 0'),
('samples', 'number', '', 'number at its device, from 0, warm-up left out'),
('samples', 'trace_row', '', 'row of the trace, from 0; null without a trace'),
('samples', 'arrived_s', 's', 'simulated time of arrival'),
('samples', 'latency_s', 's', 'from arrival to the answer at the origin; null without an answer'),
('samples', 'wait_s', 's', 'time spent waiting in queues'),
('samples', 'service_s', 's', 'time spent in computation'),
('samples', 'transfer_s', 's', 'time spent on links'),
('samples', 'energy_j', 'J', 'energy spent on the sample, beside idle power'),
('samples', 'cost', '', 'sum of price times counts, with the prices of the point that was run'),
('samples', 'tier_id', '', 'text: tier that answered; null without an answer'),
('samples', 'exit_id', '', 'text: exit that answered; null without an answer'),
('samples', 'confidence', '', 'confidence of the exit that answered; null if there is none'),
('samples', 'is_correct', '', '1 if the answer was right; null if not known'),
('samples', 'is_offloaded', '', '1 if the sample was sent upward at least once'),
('samples', 'drop_reason_id', '', 'text: why it was given up; null if it was not'),
('samples', 'decision_id', '', 'text: reason of the last decision; null if none was given'),
('point_replications', 'experiment_id', '', 'experiment'),
('point_replications', 'point_id', '', 'point'),
('point_replications', 'policy', '', 'name of the policy'),
('point_replications', 'uses_prices', '', '1 if decisions depend on prices'),
('point_replications', 'source_id', '', 'point whose replications it shares; null: its own'),
('point_replications', 'replication_id', '', 'replication'),
('point_replications', 'number', '', 'number of the replication, from 0'),
('point_replications', 'seed', '', 'seed of the replication'),
('point_replications', 'offered', '', 'samples that arrived, warm-up left out'),
('sample_outcomes', 'experiment_id', '', 'experiment'),
('sample_outcomes', 'point_id', '', 'point'),
('sample_outcomes', 'policy', '', 'name of the policy'),
('sample_outcomes', 'replication', '', 'number of the replication, from 0'),
('sample_outcomes', 'device', '', 'device that the sample arose at, from 0'),
('sample_outcomes', 'number', '', 'number at its device, from 0, warm-up left out'),
('sample_outcomes', 'trace_row', '', 'row of the trace, from 0; null without a trace'),
('sample_outcomes', 'arrived_s', 's', 'simulated time of arrival'),
('sample_outcomes', 'latency_s', 's', 'from arrival to the answer at the origin'),
('sample_outcomes', 'wait_s', 's', 'time spent waiting in queues'),
('sample_outcomes', 'service_s', 's', 'time spent in computation'),
('sample_outcomes', 'transfer_s', 's', 'time spent on links'),
('sample_outcomes', 'energy_j', 'J', 'energy spent on the sample, beside idle power'),
('sample_outcomes', 'cost', '', 'sum of price times counts, with the prices of the point run'),
('sample_outcomes', 'tier', '', 'tier that answered; null without an answer'),
('sample_outcomes', 'exit', '', 'exit that answered; null without an answer'),
('sample_outcomes', 'confidence', '', 'confidence of the exit that answered'),
('sample_outcomes', 'is_correct', '', '1 if the answer was right; null if not known'),
('sample_outcomes', 'is_offloaded', '', '1 if the sample was sent upward at least once'),
('sample_outcomes', 'drop_reason', '', 'why it was given up; null if it was not'),
('sample_outcomes', 'decision', '', 'reason of the last decision; null if none was given');
