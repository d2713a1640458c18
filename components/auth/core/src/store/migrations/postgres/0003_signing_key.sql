-- Which key signs access tokens (its `kid`): runners with the same database must know it.
CREATE TABLE signing_key (
  id BIGINT PRIMARY KEY CHECK (id = 1),
  key_id TEXT COLLATE "C" NOT NULL,
  used_since BIGINT NOT NULL
);
