-- The first schema. Never edited once it has landed: a change is the next file.
--
-- Times are milliseconds since the epoch, `*_at`, `until` and `next_at` alike. Times that a sender chooses are REAL,
-- so that a fraction is no error. JSON columns are TEXT; bodies are BLOB, as received.
-- Bulk tables have no index on random text: dedupe keys are 16-byte hashes in a table of their own.

-- ---- intake ----

CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL,
  provider TEXT NOT NULL,
  dedupe_key TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  type TEXT NOT NULL,
  occurred_at REAL NOT NULL,
  clock_resolution_ms REAL NOT NULL,
  rank REAL NOT NULL,
  received_at INTEGER NOT NULL,
  headers TEXT NOT NULL,
  content_type TEXT NOT NULL,
  -- Row of `bodies`; all items of a batch name the same one.
  body_seq INTEGER NOT NULL,
  body_hash BLOB NOT NULL,
  item_index INTEGER NOT NULL,
  verification TEXT NOT NULL,
  revision TEXT NOT NULL,
  duplicates INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX events_sharing_body ON events (body_seq) WHERE body_seq <> seq;

-- Apart from `events`, so that lists stay dense and a purge deletes rows instead of rewriting them.
CREATE TABLE bodies (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;

-- Every source that was ever heard: with it a provider's id is found through `dedupe`.
CREATE TABLE sources (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- Keys are the first 16 bytes of SHA-256 over source and dedupe key. They move from level 0 to 2 (dedupe.ts says why);
-- of a key that is in several levels, the lowest is right.
CREATE TABLE dedupe (
  level INTEGER NOT NULL,
  key BLOB NOT NULL,
  event_seq INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (level, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE conflicts (
  seq INTEGER PRIMARY KEY,
  event_seq INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  body_hash BLOB NOT NULL
) STRICT;
CREATE INDEX conflicts_by_event ON conflicts (event_seq);

-- One row for each event and pipeline that is not done; the row goes away when it is. AUTOINCREMENT, since readers
-- go by cursor: a seq is never used twice.
CREATE TABLE work (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  event_seq INTEGER NOT NULL,
  pipeline TEXT NOT NULL,
  -- Set while held.
  held_since INTEGER,
  held_until INTEGER,
  hold_reason TEXT,
  rule TEXT
) STRICT;
CREATE INDEX work_by_event ON work (event_seq);
CREATE INDEX work_held ON work (held_until) WHERE held_until IS NOT NULL;

-- What held work waits for. A key `@id_name=value` waits for whoever gets that id.
CREATE TABLE waits (
  entity_type TEXT NOT NULL,
  entity_key TEXT NOT NULL,
  work_seq INTEGER NOT NULL,
  PRIMARY KEY (entity_type, entity_key, work_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX waits_by_work ON waits (work_seq);

-- ---- apply ----

CREATE TABLE outcomes (
  event_seq INTEGER NOT NULL,
  pipeline TEXT NOT NULL,
  status TEXT NOT NULL,
  reason TEXT,
  rule TEXT,
  detail TEXT,
  revision TEXT NOT NULL,
  at INTEGER NOT NULL,
  superseded_by INTEGER,
  PRIMARY KEY (event_seq, pipeline)
) STRICT, WITHOUT ROWID;

CREATE TABLE entities (
  type TEXT NOT NULL,
  key TEXT NOT NULL,
  ids TEXT NOT NULL,
  attributes TEXT NOT NULL,
  state TEXT NOT NULL,
  state_version TEXT,
  parent_type TEXT,
  parent_key TEXT,
  changes INTEGER NOT NULL,
  seeded INTEGER NOT NULL,
  tombstone TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (type, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX entities_by_parent ON entities (parent_type, parent_key, type) WHERE parent_type IS NOT NULL;

CREATE TABLE links (
  type TEXT NOT NULL,
  id_name TEXT NOT NULL,
  value TEXT NOT NULL,
  key TEXT NOT NULL,
  PRIMARY KEY (type, id_name, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE history (
  seq INTEGER PRIMARY KEY,
  event_seq INTEGER NOT NULL,
  pipeline TEXT NOT NULL,
  revision TEXT NOT NULL,
  at INTEGER NOT NULL,
  entity_type TEXT NOT NULL,
  entity_key TEXT NOT NULL,
  attribute TEXT NOT NULL,
  before TEXT,
  after TEXT,
  result TEXT NOT NULL,
  mapping TEXT,
  note TEXT,
  superseded_by INTEGER
) STRICT;
CREATE INDEX history_by_event ON history (event_seq);
CREATE INDEX history_by_entity ON history (entity_key, entity_type, seq);

-- First 16 bytes of SHA-256 over effect, entity and values.
CREATE TABLE once_marks (key BLOB PRIMARY KEY, event_seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- ---- deliveries ----

-- The archive. `status` is null while the delivery is open: then `outbox` has its row and says where it stands.
CREATE TABLE deliveries (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  event_seq INTEGER NOT NULL,
  pipeline TEXT NOT NULL,
  deliver_id TEXT NOT NULL,
  connection TEXT NOT NULL,
  entity_type TEXT NOT NULL,
  entity_key TEXT NOT NULL,
  ids TEXT NOT NULL,
  state TEXT,
  action TEXT NOT NULL,
  kind TEXT NOT NULL,
  event_name TEXT NOT NULL,
  attributes TEXT NOT NULL,
  params TEXT NOT NULL,
  entity_version INTEGER NOT NULL,
  idempotency_key TEXT NOT NULL,
  not_after REAL,
  retry_base_ms REAL NOT NULL,
  retry_cap_ms REAL NOT NULL,
  retry_horizon_ms REAL NOT NULL,
  created_at INTEGER NOT NULL,
  status TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  first_attempt_at INTEGER,
  -- The delivery that is now doing this one's work: the last one of a chain of merges.
  merged_into INTEGER,
  done_at INTEGER,
  note TEXT
) STRICT;
CREATE INDEX deliveries_by_event ON deliveries (event_seq);
CREATE INDEX deliveries_merged ON deliveries (merged_into) WHERE merged_into IS NOT NULL;

-- Open deliveries; the row goes away when it is done. A lane is (connection, entity); `head` marks its oldest row,
-- the only one that may be due.
CREATE TABLE outbox (
  delivery_seq INTEGER PRIMARY KEY,
  event_seq INTEGER NOT NULL,
  connection TEXT NOT NULL,
  entity_type TEXT NOT NULL,
  entity_key TEXT NOT NULL,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  first_attempt_at INTEGER,
  head INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_lanes ON outbox (entity_key, entity_type, connection, delivery_seq);
CREATE INDEX outbox_due ON outbox (connection, next_at, delivery_seq) WHERE head = 1 AND status <> 'sending';
CREATE INDEX outbox_by_event ON outbox (event_seq);

-- Frozen requests.
CREATE TABLE requests (delivery_seq INTEGER PRIMARY KEY, summary TEXT NOT NULL, data TEXT NOT NULL) STRICT;

-- `finished_at` and `outcome` are null from the mark until the attempt is settled.
CREATE TABLE attempts (
  seq INTEGER PRIMARY KEY,
  delivery_seq INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  outcome TEXT,
  http_status INTEGER,
  detail TEXT
) STRICT;
CREATE INDEX attempts_by_delivery ON attempts (delivery_seq);

CREATE TABLE acknowledged (
  connection TEXT NOT NULL,
  entity_type TEXT NOT NULL,
  entity_key TEXT NOT NULL,
  attributes TEXT NOT NULL,
  PRIMARY KEY (connection, entity_type, entity_key)
) STRICT, WITHOUT ROWID;

-- ---- operators ----

CREATE TABLE dead_letters (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  event_seq INTEGER NOT NULL,
  delivery_seq INTEGER,
  pipeline TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  status TEXT NOT NULL,
  resolved_at INTEGER,
  resolution TEXT,
  -- For events that could not be read: the pipelines that get work when it is retried.
  pipelines TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX dead_letters_open ON dead_letters (created_at) WHERE status = 'open';
CREATE INDEX dead_letters_by_event ON dead_letters (event_seq);

CREATE TABLE pauses (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  since INTEGER NOT NULL,
  paused_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;

CREATE TABLE revisions (
  hash TEXT PRIMARY KEY,
  git_commit TEXT,
  files TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The process that last opened the store for writing: only for the message to a second one.
CREATE TABLE holder (one INTEGER PRIMARY KEY CHECK (one = 1), pid INTEGER NOT NULL) STRICT;
