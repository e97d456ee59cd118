-- What a lane (connection, entity) remembers beside its values: `tried`, the upsert that was last tried there, and `quiet_until`,
-- before which nothing is sent since the sink may still be at work on what had no answer.

ALTER TABLE acknowledged ADD COLUMN tried INTEGER;
ALTER TABLE acknowledged ADD COLUMN quiet_until INTEGER;
