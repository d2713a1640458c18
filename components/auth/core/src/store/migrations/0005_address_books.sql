CREATE TABLE address_books (
  user_id TEXT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  version INTEGER NOT NULL CHECK (version > 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE addresses (
  user_id TEXT NOT NULL REFERENCES address_books (user_id) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 0),
  label TEXT,
  name TEXT NOT NULL,
  company TEXT,
  line1 TEXT NOT NULL,
  line2 TEXT,
  postal_code TEXT,
  city TEXT,
  region TEXT,
  country TEXT NOT NULL CHECK (length(country) = 2),
  phone TEXT,
  is_default_shipping INTEGER NOT NULL CHECK (is_default_shipping IN (0, 1)),
  is_default_billing INTEGER NOT NULL CHECK (is_default_billing IN (0, 1)),
  PRIMARY KEY (user_id, position)
) STRICT, WITHOUT ROWID;
