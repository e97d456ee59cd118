-- One row from the opening of the store until it is closed in order: a start that finds it follows a crash.
CREATE TABLE running (one INTEGER PRIMARY KEY CHECK (one = 1), since INTEGER NOT NULL) STRICT;
