-- What people corrected in bodies of dead letters. The body as received stays beside it; the newest edit of an event is what is
-- read in its place. `body`: of a batch the one item, as JSON. `paths`: JSON list of the places that were changed.
CREATE TABLE edits (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  event_seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  before_hash BLOB NOT NULL,
  after_hash BLOB NOT NULL,
  paths TEXT NOT NULL,
  body BLOB
) STRICT;
CREATE INDEX edits_by_event ON edits (event_seq, seq);

-- An edited body goes with the one that was received: whoever deletes that.
CREATE TRIGGER edits_without_body AFTER DELETE ON bodies BEGIN
  UPDATE edits SET body = NULL WHERE event_seq = old.seq;
  UPDATE edits SET body = NULL WHERE event_seq IN (SELECT seq FROM events WHERE body_seq = old.seq AND body_seq <> seq);
END;
