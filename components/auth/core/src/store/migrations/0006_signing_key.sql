-- Which key signs access tokens (its `kid`): runners with the same database must know it.
CREATE TABLE signing_key (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  key_id TEXT NOT NULL,
  used_since INTEGER NOT NULL
) STRICT;
