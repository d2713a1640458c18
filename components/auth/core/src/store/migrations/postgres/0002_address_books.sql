CREATE TABLE address_books (
  user_id TEXT COLLATE "C" PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  version BIGINT NOT NULL CHECK (version > 0)
);

CREATE TABLE addresses (
  user_id TEXT COLLATE "C" NOT NULL REFERENCES address_books (user_id) ON DELETE CASCADE,
  position BIGINT NOT NULL CHECK (position >= 0),
  label TEXT COLLATE "C",
  name TEXT COLLATE "C" NOT NULL,
  company TEXT COLLATE "C",
  line1 TEXT COLLATE "C" NOT NULL,
  line2 TEXT COLLATE "C",
  postal_code TEXT COLLATE "C",
  city TEXT COLLATE "C",
  region TEXT COLLATE "C",
  country TEXT COLLATE "C" NOT NULL CHECK (length(country) = 2),
  phone TEXT COLLATE "C",
  is_default_shipping BIGINT NOT NULL CHECK (is_default_shipping IN (0, 1)),
  is_default_billing BIGINT NOT NULL CHECK (is_default_billing IN (0, 1)),
  PRIMARY KEY (user_id, position)
);
