-- What alerts stand on: how many events of a pipeline were in time, what is wrong since when, who was told, and who wants silence.

-- Each event counts once for each pipeline, at `at` (receipt plus the promised lag, cut to a bucket). `cause`: the connection that late ones wait for; empty: none.
CREATE TABLE slo_counts (
  pipeline TEXT NOT NULL,
  at INTEGER NOT NULL,
  cause TEXT NOT NULL,
  good INTEGER NOT NULL,
  bad INTEGER NOT NULL,
  PRIMARY KEY (pipeline, at, cause)
) STRICT, WITHOUT ROWID;
CREATE INDEX slo_counts_by_time ON slo_counts (at);

-- Up to which event a pipeline's are counted; moved in the transaction that adds to the counts.
CREATE TABLE slo_cursors (pipeline TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- How many events a source sent in an hour (ms since the epoch / 3600000), and the last of them: what silence is measured by.
CREATE TABLE source_hours (
  source TEXT NOT NULL,
  hour INTEGER NOT NULL,
  events INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (source, hour)
) STRICT, WITHOUT ROWID;

-- One row for each alert that was ever open; `subject` is what one outage is told under. `document` is JSON.
CREATE TABLE alerts (
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  resolved_at INTEGER,
  document TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX alerts_open ON alerts (opened_at) WHERE resolved_at IS NULL;
CREATE INDEX alerts_by_time ON alerts (opened_at);

-- What a channel is to be told. While `done_at` is null it is due at `next_at`; of one alert and channel the oldest goes first.
CREATE TABLE alert_messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  alert_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  kind TEXT NOT NULL,
  document TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  done_at INTEGER,
  outcome TEXT,
  detail TEXT
) STRICT;
CREATE INDEX alert_messages_open ON alert_messages (next_at) WHERE done_at IS NULL;
CREATE INDEX alert_messages_done ON alert_messages (done_at) WHERE done_at IS NOT NULL;

-- Nobody is told of what matches, from `from_at` until `until_at`.
CREATE TABLE silences (
  id TEXT PRIMARY KEY,
  match TEXT NOT NULL,
  from_at INTEGER NOT NULL,
  until_at INTEGER NOT NULL,
  made_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  made_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
