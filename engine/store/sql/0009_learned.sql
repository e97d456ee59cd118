-- Secrets that providers told us in a handshake. `value` is plain: it has to be used, like the bodies that lie beside it.

CREATE TABLE learned_secrets (
  source TEXT NOT NULL,
  name TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  value TEXT NOT NULL,
  learned_at INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'accepted')),
  PRIMARY KEY (source, fingerprint)
) STRICT;
