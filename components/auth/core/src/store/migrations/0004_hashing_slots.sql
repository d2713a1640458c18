CREATE TABLE hashing_turns (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  client_hash TEXT NOT NULL,
  lane INTEGER NOT NULL CHECK (lane IN (0, 1, 2)),
  is_waiting INTEGER NOT NULL CHECK (is_waiting IN (0, 1)),
  since INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE hashing_pace (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  held_ms INTEGER NOT NULL CHECK (held_ms >= 0)
) STRICT;

INSERT INTO hashing_pace (id, held_ms) VALUES (1, 0);
