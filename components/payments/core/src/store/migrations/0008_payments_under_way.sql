-- The customer has paid in a way that takes days, such as a bank debit: the money is on its way.
ALTER TABLE payments ADD COLUMN is_processing INTEGER NOT NULL DEFAULT 0 CHECK (is_processing IN (0, 1));
