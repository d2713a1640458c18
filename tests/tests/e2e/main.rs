//! The API from end to end, over HTTP and nothing else.
//!
//! All tests share one shop, started for them or found at `MERCATO_BASE_URL` (its admin is then
//! `MERCATO_ADMIN_EMAIL` with `MERCATO_ADMIN_PASSWORD`). Each makes its own accounts, products and orders, so they run
//! at the same time, again and again, against a shop that lives. What only works with the secrets of the shop is
//! left out when `MERCATO_WEBHOOK_SECRET` or `MERCATO_JWT_SECRET` do not hold them.

mod auth;
mod checkout;
mod gateway;
mod orders;
mod pages;
mod payments;
mod products;
