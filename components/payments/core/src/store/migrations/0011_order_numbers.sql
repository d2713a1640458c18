-- What people call the order by, shown where it is paid. Payments from before do not know it.
ALTER TABLE payments ADD COLUMN order_number TEXT;
