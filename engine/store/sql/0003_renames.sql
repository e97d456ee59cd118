-- What has been renamed, and which names the last revision declared.

-- Keys that are hashes can not be renamed: what bears a new name is hashed as it was first called. A row is here only
-- where the two differ. `kind`: source, pipeline, connection, entity.
CREATE TABLE hashed_names (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  hashed_as TEXT NOT NULL,
  PRIMARY KEY (kind, name),
  UNIQUE (kind, hashed_as)
) STRICT, WITHOUT ROWID;

-- The revision in force, and the names it declares as JSON: what the next one is held against.
CREATE TABLE in_force (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  revision TEXT NOT NULL,
  names TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
