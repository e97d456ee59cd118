-- What happens to the store as a whole: what was seeded, and whom it has forgotten.

-- One row for each entity type that was ever seeded.
CREATE TABLE seeds (
  entity TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Ids of erased entities, as salted hashes: their key (id_name '') and each linked id name the same `entity_hash`.
CREATE TABLE erased (
  id_hash BLOB PRIMARY KEY,
  entity_hash TEXT NOT NULL,
  type TEXT NOT NULL,
  tombstone TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Keeps the hashes of this store from being compared with those of another.
CREATE TABLE salt (one INTEGER PRIMARY KEY CHECK (one = 1), value BLOB NOT NULL) STRICT;
INSERT INTO salt (one, value) VALUES (1, randomblob(32));

-- Set when the event's content went with an erased entity: its work is done.
ALTER TABLE events ADD COLUMN erased_at INTEGER;
