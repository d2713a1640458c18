ALTER TABLE users ADD COLUMN token_generation INTEGER NOT NULL DEFAULT 0 CHECK (token_generation >= 0);

ALTER TABLE refresh_tokens ADD COLUMN number INTEGER NOT NULL DEFAULT 1 CHECK (number > 0);

ALTER TABLE refresh_tokens ADD COLUMN spent_by TEXT;

ALTER TABLE refresh_tokens ADD COLUMN successor_salt TEXT;

ALTER TABLE refresh_tokens ADD COLUMN successor_token_id TEXT;

CREATE INDEX refresh_tokens_unspent_by_family ON refresh_tokens (family_id, expires_at) WHERE spent_at IS NULL;

CREATE INDEX refresh_tokens_unspent_by_user ON refresh_tokens (user_id, issued_at, family_id, expires_at) WHERE spent_at IS NULL;

CREATE TABLE revocations (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id TEXT,
  user_id TEXT,
  generation INTEGER,
  revoked_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  CHECK ((session_id IS NULL) <> (user_id IS NULL)),
  CHECK ((user_id IS NULL) = (generation IS NULL))
) STRICT;

CREATE INDEX revocations_by_expiry ON revocations (expires_at);

CREATE TABLE revocation_floor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  issued_by INTEGER NOT NULL
) STRICT;

INSERT INTO revocation_floor (id, issued_by) VALUES (1, 0);
