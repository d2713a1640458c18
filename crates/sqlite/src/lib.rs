//! Transactions and migrations over Spin's SQLite.
