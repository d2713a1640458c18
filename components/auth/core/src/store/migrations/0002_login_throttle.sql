CREATE TABLE login_failures (
  key_hash TEXT PRIMARY KEY NOT NULL CHECK (length(key_hash) = 64),
  failures INTEGER NOT NULL CHECK (failures >= 0),
  window_ends_at INTEGER NOT NULL,
  blocked_until INTEGER NOT NULL,
  forgotten_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX login_failures_by_end ON login_failures (forgotten_at);

CREATE TABLE familiar_clients (
  key_hash TEXT PRIMARY KEY NOT NULL CHECK (length(key_hash) = 64),
  forgotten_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX familiar_clients_by_end ON familiar_clients (forgotten_at);

CREATE INDEX users_by_hash_cost ON users (substr(password_hash, 5, 2));
