-- What people call an order by: the last 40 bits of its id, which are random, in Crockford's base 32.
ALTER TABLE orders ADD COLUMN number TEXT;

UPDATE orders
SET number = (
  SELECT 'M-' || substr(symbols, (high >> 15 & 31) + 1, 1)
    || substr(symbols, (high >> 10 & 31) + 1, 1)
    || substr(symbols, (high >> 5 & 31) + 1, 1)
    || substr(symbols, (high >> 0 & 31) + 1, 1)
    || '-' || substr(symbols, (low >> 15 & 31) + 1, 1)
    || substr(symbols, (low >> 10 & 31) + 1, 1)
    || substr(symbols, (low >> 5 & 31) + 1, 1)
    || substr(symbols, (low >> 0 & 31) + 1, 1)
  FROM (
    SELECT symbols,
      (instr(digits, substr(orders.id, 27, 1)) - 1) * 65536
        + (instr(digits, substr(orders.id, 28, 1)) - 1) * 4096
        + (instr(digits, substr(orders.id, 29, 1)) - 1) * 256
        + (instr(digits, substr(orders.id, 30, 1)) - 1) * 16
        + (instr(digits, substr(orders.id, 31, 1)) - 1) AS high,
      (instr(digits, substr(orders.id, 32, 1)) - 1) * 65536
        + (instr(digits, substr(orders.id, 33, 1)) - 1) * 4096
        + (instr(digits, substr(orders.id, 34, 1)) - 1) * 256
        + (instr(digits, substr(orders.id, 35, 1)) - 1) * 16
        + (instr(digits, substr(orders.id, 36, 1)) - 1) AS low
    FROM (SELECT '0123456789ABCDEFGHJKMNPQRSTVWXYZ' AS symbols, '0123456789abcdef' AS digits)));

-- Should two orders have the same one, the younger one's is made of other random bits of its id.
UPDATE orders
SET number = (
  SELECT 'M-' || substr(symbols, (high >> 15 & 31) + 1, 1)
    || substr(symbols, (high >> 10 & 31) + 1, 1)
    || substr(symbols, (high >> 5 & 31) + 1, 1)
    || substr(symbols, (high >> 0 & 31) + 1, 1)
    || '-' || substr(symbols, (low >> 15 & 31) + 1, 1)
    || substr(symbols, (low >> 10 & 31) + 1, 1)
    || substr(symbols, (low >> 5 & 31) + 1, 1)
    || substr(symbols, (low >> 0 & 31) + 1, 1)
  FROM (
    SELECT symbols,
      (instr(digits, substr(orders.id, 16, 1)) - 1) * 65536
        + (instr(digits, substr(orders.id, 17, 1)) - 1) * 4096
        + (instr(digits, substr(orders.id, 18, 1)) - 1) * 256
        + (instr(digits, substr(orders.id, 21, 1)) - 1) * 16
        + (instr(digits, substr(orders.id, 22, 1)) - 1) AS high,
      (instr(digits, substr(orders.id, 23, 1)) - 1) * 65536
        + (instr(digits, substr(orders.id, 25, 1)) - 1) * 4096
        + (instr(digits, substr(orders.id, 26, 1)) - 1) * 256
        + (instr(digits, substr(orders.id, 27, 1)) - 1) * 16
        + (instr(digits, substr(orders.id, 28, 1)) - 1) AS low
    FROM (SELECT '0123456789ABCDEFGHJKMNPQRSTVWXYZ' AS symbols, '0123456789abcdef' AS digits)))
WHERE id IN (SELECT MAX(id) FROM orders GROUP BY number HAVING COUNT(*) > 1);

CREATE UNIQUE INDEX orders_by_number ON orders (number);
