-- The sweeper removes the oldest marks; only those of orders that owe nothing more.
CREATE INDEX inbox_by_age ON inbox (received_at);
