-- Work that is done again on demand. `generation`: 0 for the first time. `effects`: the replay repeats effects too.

ALTER TABLE work ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE work ADD COLUMN effects INTEGER NOT NULL DEFAULT 0;
CREATE INDEX work_replayed ON work (seq) WHERE generation > 0;

ALTER TABLE outcomes ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;

-- A dead letter of a replay is retried as the replay it was.
ALTER TABLE dead_letters ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN effects INTEGER NOT NULL DEFAULT 0;
