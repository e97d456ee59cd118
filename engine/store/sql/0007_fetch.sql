-- Thin events: what a rule fetches before it maps. One row for each event and pipeline, of its newest turn.
-- While `answer_seq` is NULL the turn waits for the GET `request` over `connection`; once an answer is there it goes on.
-- `connection` NULL: planned under an earlier revision, so the turn is looked at again.

CREATE TABLE fetches (
  event_seq INTEGER NOT NULL,
  pipeline TEXT NOT NULL,
  work_seq INTEGER NOT NULL,
  connection TEXT,
  request TEXT NOT NULL,
  -- The retry horizon counts from here.
  since INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  answer_seq INTEGER,
  PRIMARY KEY (event_seq, pipeline)
) STRICT, WITHOUT ROWID;
CREATE INDEX fetches_due ON fetches (connection, due_at) WHERE answer_seq IS NULL AND connection IS NOT NULL;
CREATE INDEX fetches_by_request ON fetches (connection, request) WHERE answer_seq IS NULL AND connection IS NOT NULL;
CREATE INDEX fetches_by_answer ON fetches (answer_seq) WHERE answer_seq IS NOT NULL;

-- One GET may answer many events. `at`: when it began.
CREATE TABLE answers (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL) STRICT;

-- An answer goes with the last event that has it, a row with its event's body, and a wait with its work: whoever deletes those.
CREATE TRIGGER fetches_deleted AFTER DELETE ON fetches WHEN old.answer_seq IS NOT NULL BEGIN
  DELETE FROM answers WHERE seq = old.answer_seq AND NOT EXISTS (SELECT 1 FROM fetches WHERE answer_seq = old.answer_seq);
END;
CREATE TRIGGER fetches_again AFTER UPDATE OF answer_seq ON fetches
  WHEN old.answer_seq IS NOT NULL AND old.answer_seq IS NOT new.answer_seq BEGIN
  DELETE FROM answers WHERE seq = old.answer_seq AND NOT EXISTS (SELECT 1 FROM fetches WHERE answer_seq = old.answer_seq);
END;
CREATE TRIGGER fetches_without_body AFTER DELETE ON bodies BEGIN
  DELETE FROM fetches WHERE event_seq = old.seq;
  DELETE FROM fetches WHERE event_seq IN (SELECT seq FROM events WHERE body_seq = old.seq AND body_seq <> seq);
END;
CREATE TRIGGER fetches_without_work AFTER DELETE ON work BEGIN
  DELETE FROM fetches WHERE event_seq = old.event_seq AND pipeline = old.pipeline AND work_seq = old.seq AND answer_seq IS NULL;
END;
