-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Adds the results of the database `other` to those of `main`. results/merge.h says what counts as
-- the same. Run inside of a transaction; only `main` is written.

-- Names by their numbers there and here.
INSERT OR IGNORE INTO main.metric_names (name, unit, meaning)
SELECT name, unit, meaning FROM other.metric_names;
INSERT OR IGNORE INTO main.counter_names (name, unit, meaning)
SELECT name, unit, meaning FROM other.counter_names;
INSERT OR IGNORE INTO main.texts (text) SELECT text FROM other.texts;

CREATE TEMP TABLE metric_map AS
SELECT theirs.id AS theirs, ours.id AS ours
FROM other.metric_names AS theirs JOIN main.metric_names AS ours ON ours.name = theirs.name;
CREATE TEMP TABLE counter_map AS
SELECT theirs.id AS theirs, ours.id AS ours
FROM other.counter_names AS theirs JOIN main.counter_names AS ours ON ours.name = theirs.name;
CREATE TEMP TABLE text_map AS
SELECT theirs.id AS theirs, ours.id AS ours
FROM other.texts AS theirs JOIN main.texts AS ours ON ours.text = theirs.text;
CREATE UNIQUE INDEX temp.metric_map_theirs ON metric_map (theirs);
CREATE UNIQUE INDEX temp.counter_map_theirs ON counter_map (theirs);
CREATE UNIQUE INDEX temp.text_map_theirs ON text_map (theirs);

-- Experiments: ours is the one here that is the same, or a new number.
CREATE TEMP TABLE experiment_map (theirs INTEGER PRIMARY KEY, ours INTEGER, is_new INTEGER);
INSERT INTO temp.experiment_map
SELECT theirs.id,
       (SELECT max(ours.id) FROM main.experiments AS ours
        WHERE ours.scenario_hash = theirs.scenario_hash AND ours.kind = theirs.kind
          AND ours.seed IS theirs.seed AND ours.version IS theirs.version
          AND (ours.kind = 'sweep' OR (ours.started_at IS theirs.started_at
                                       AND ours.host IS theirs.host
                                       AND ours.command IS theirs.command))),
       0
FROM other.experiments AS theirs;
UPDATE temp.experiment_map SET is_new = 1 WHERE ours IS NULL;
UPDATE temp.experiment_map
SET ours = (SELECT coalesce(max(id), 0) FROM main.experiments) + numbered.place
FROM (SELECT theirs AS id, row_number() OVER (ORDER BY theirs) AS place
      FROM temp.experiment_map WHERE is_new) AS numbered
WHERE numbered.id = experiment_map.theirs;

INSERT INTO main.experiments (id, scenario, about, path, command, scenario_json, scenario_hash,
    seed, version, host, started_at, wall_s, status, kind, sweep_json)
SELECT map.ours, scenario, about, path, command, scenario_json, scenario_hash, seed, version, host,
       started_at, wall_s, status, kind, sweep_json
FROM temp.experiment_map AS map
JOIN other.experiments AS theirs ON theirs.id = map.theirs
WHERE map.is_new
ORDER BY map.ours;

-- Points: ours is the same place of the same experiment, or a new number. `source` is where their
-- replications go: of a point with replications of its own, the source of its twin here, else a
-- source here of the same simulation, else itself.
CREATE TEMP TABLE point_map (
    theirs INTEGER PRIMARY KEY, ours INTEGER, is_new INTEGER, their_source INTEGER, source INTEGER
);
INSERT INTO temp.point_map
SELECT theirs.id, ours.id, ours.id IS NULL, coalesce(theirs.source_id, theirs.id),
       coalesce(ours.source_id, ours.id)
FROM other.points AS theirs
JOIN temp.experiment_map AS map ON map.theirs = theirs.experiment_id
LEFT JOIN main.points AS ours ON ours.experiment_id = map.ours AND ours.ordinal = theirs.ordinal
    AND ours.hash = theirs.hash;
UPDATE temp.point_map
SET ours = (SELECT coalesce(max(id), 0) FROM main.points) + numbered.place
FROM (SELECT theirs AS id, row_number() OVER (ORDER BY theirs) AS place
      FROM temp.point_map WHERE is_new) AS numbered
WHERE numbered.id = point_map.theirs;
UPDATE temp.point_map
SET source = coalesce(
    (SELECT ours.id
     FROM other.points AS theirs
     JOIN other.experiments AS their_experiment ON their_experiment.id = theirs.experiment_id
     JOIN main.points AS ours ON ours.simulation_hash = theirs.simulation_hash
         AND ours.source_id IS NULL
     JOIN main.experiments AS our_experiment ON our_experiment.id = ours.experiment_id
         AND our_experiment.seed IS their_experiment.seed
         AND our_experiment.version IS their_experiment.version
     WHERE theirs.id = point_map.theirs
     ORDER BY ours.replications DESC, ours.id LIMIT 1),
    ours)
WHERE source IS NULL AND their_source = theirs;
UPDATE temp.point_map
SET source = (SELECT first.source FROM temp.point_map AS first
              WHERE first.theirs = point_map.their_source)
WHERE source IS NULL;

-- Sources before those that share them.
INSERT INTO main.points (id, experiment_id, ordinal, policy, is_oracle, uses_prices,
    parameters_json, scenario_json, hash, replications, verdict, is_complete, simulation_hash,
    units, stopped, source_id)
SELECT map.ours, experiments.ours, ordinal, policy, is_oracle, uses_prices, parameters_json,
       scenario_json, hash,
       CASE WHEN is_complete = 1 OR map.source = map.ours THEN replications ELSE 0 END, verdict,
       is_complete, simulation_hash, units, stopped,
       nullif(map.source, map.ours)
FROM temp.point_map AS map
JOIN other.points AS theirs ON theirs.id = map.theirs
JOIN temp.experiment_map AS experiments ON experiments.theirs = theirs.experiment_id
WHERE map.is_new
ORDER BY map.source <> map.ours, map.ours;
INSERT INTO main.parameters (point_id, path, value)
SELECT map.ours, path, value
FROM temp.point_map AS map
CROSS JOIN other.parameters AS theirs ON theirs.point_id = map.theirs
WHERE map.is_new;
INSERT INTO main.prices (point_id, counter_id, price)
SELECT map.ours, counters.ours, price
FROM temp.point_map AS map
CROSS JOIN other.prices AS theirs ON theirs.point_id = map.theirs
CROSS JOIN temp.counter_map AS counters ON counters.theirs = theirs.counter_id
WHERE map.is_new;

-- Points that are complete there and not yet here.
CREATE TEMP TABLE completed AS
SELECT map.theirs, map.ours, theirs.replications, theirs.verdict, theirs.stopped
FROM temp.point_map AS map
JOIN other.points AS theirs ON theirs.id = map.theirs AND theirs.is_complete = 1
JOIN main.points AS ours ON ours.id = map.ours
WHERE map.is_new OR ours.is_complete = 0;
UPDATE main.points
SET is_complete = 1, replications = completed.replications, verdict = completed.verdict,
    stopped = completed.stopped
FROM temp.completed
WHERE completed.ours = points.id;
INSERT OR IGNORE INTO main.estimates (point_id, metric_id, mean, half_width, confidence,
    replications, low, high, variance_ratio)
SELECT completed.ours, metrics.ours, mean, half_width, confidence, theirs.replications, low, high,
       variance_ratio
FROM temp.completed
CROSS JOIN other.estimates AS theirs ON theirs.point_id = completed.theirs
CROSS JOIN temp.metric_map AS metrics ON metrics.theirs = theirs.metric_id;

-- Replications that are not here by source and number. The same number is the same replication.
CREATE TEMP TABLE replication_map AS
SELECT theirs.id AS theirs, map.source * 1000000 + theirs.number AS ours, map.source AS source
FROM temp.point_map AS map
CROSS JOIN other.replications AS theirs ON theirs.point_id = map.theirs
WHERE NOT EXISTS (SELECT 1 FROM main.replications AS ours
                  WHERE ours.point_id = map.source AND ours.number = theirs.number)
GROUP BY map.source, theirs.number;
INSERT INTO main.replications (id, point_id, number, seed, events, simulated_s, wall_s, offered,
    answered, dropped, in_flight)
SELECT map.ours, map.source, number, seed, events, simulated_s, wall_s, offered, answered, dropped,
       in_flight
FROM temp.replication_map AS map
JOIN other.replications AS theirs ON theirs.id = map.theirs;
INSERT INTO main.metrics (replication_id, metric_id, value)
SELECT map.ours, metrics.ours, value
FROM temp.replication_map AS map
CROSS JOIN other.metrics AS theirs ON theirs.replication_id = map.theirs
CROSS JOIN temp.metric_map AS metrics ON metrics.theirs = theirs.metric_id;
INSERT INTO main.counters (replication_id, counter_id, value)
SELECT map.ours, counters.ours, value
FROM temp.replication_map AS map
CROSS JOIN other.counters AS theirs ON theirs.replication_id = map.theirs
CROSS JOIN temp.counter_map AS counters ON counters.theirs = theirs.counter_id;
-- Also samples of replications that were here without them.
INSERT OR IGNORE INTO main.samples (replication_id, device, number, trace_row, arrived_s, latency_s,
    wait_s, service_s, transfer_s, energy_j, cost, tier_id, exit_id, confidence, is_correct,
    is_offloaded, drop_reason_id, decision_id)
SELECT map.source * 1000000 + replications.number, device, theirs.number, trace_row, arrived_s,
       latency_s, wait_s, service_s, transfer_s, energy_j, cost, tier.ours, exit.ours, confidence,
       is_correct, is_offloaded, drop_reason.ours, decision.ours
FROM temp.point_map AS map
CROSS JOIN other.replications ON replications.point_id = map.theirs
CROSS JOIN other.samples AS theirs ON theirs.replication_id = replications.id
LEFT JOIN temp.text_map AS tier ON tier.theirs = theirs.tier_id
LEFT JOIN temp.text_map AS exit ON exit.theirs = theirs.exit_id
LEFT JOIN temp.text_map AS drop_reason ON drop_reason.theirs = theirs.drop_reason_id
LEFT JOIN temp.text_map AS decision ON decision.theirs = theirs.decision_id;

-- What changes with the new replications and points.
UPDATE main.points
SET replications = (SELECT count(*) FROM main.replications WHERE point_id = points.id)
WHERE is_complete = 0 AND source_id IS NULL
  AND id IN (SELECT source FROM temp.replication_map UNION SELECT ours FROM temp.point_map);
UPDATE main.experiments SET status = 'finished'
WHERE id IN (SELECT ours FROM temp.experiment_map WHERE NOT is_new)
  AND NOT EXISTS (SELECT 1 FROM main.points
                  WHERE points.experiment_id = experiments.id AND is_complete = 0);
