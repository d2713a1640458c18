//! What becomes of replicas whose transactions take no locks: the races must notice.

use mercato_tests::{Postgres, Server, is_quick, load::all_at_once, shop::Shop};

/// Two functions that stand before PostgreSQL's own and take nothing.
const TAKE_NOTHING: &str = "
CREATE FUNCTION public.pg_advisory_xact_lock(BIGINT) RETURNS VOID LANGUAGE sql AS 'SELECT';
CREATE FUNCTION public.pg_try_advisory_xact_lock(BIGINT) RETURNS BOOLEAN LANGUAGE sql AS 'SELECT TRUE'";

const BUYERS: usize = 40;
const UNITS: u64 = 10;

/// One race may happen to go well.
const RACES_MAX: usize = 10;

#[test]
fn transactions_without_locks_are_found_out() {
    if is_quick() {
        return;
    }
    let Some(postgres) = Postgres::start_with(&[]) else {
        return;
    };
    postgres.shop(postgres.port());
    postgres.run("mercato_products", TAKE_NOTHING);
    let first = "ALTER ROLE mercato_products SET search_path = public, pg_catalog";
    postgres.run("postgres", first);
    let server = Server::builder().postgres(&postgres).start();
    let shop = Shop::on(&server);
    let is_noticed = (0..RACES_MAX).any(|_| !goes_well(&shop));
    assert!(is_noticed, "{RACES_MAX} races went well without locks");
}

/// Whether a race over a hot product ends as it must.
fn goes_well(shop: &Shop) -> bool {
    let product = shop.product(1, UNITS);
    let buyers: Vec<_> = (0..BUYERS)
        .map(|_| shop.customer().on_own_connection())
        .collect();
    let statuses = all_at_once(BUYERS, |index| {
        buyers[index].try_order(&[(&product, 1)]).status()
    });
    let placed = statuses.iter().filter(|status| **status == 201).count();
    let refused = statuses.iter().filter(|status| **status == 409).count();
    let stock = shop.stock(&product);
    (placed, refused) == (10, 30) && (stock.free, stock.reserved) == (0, UNITS)
}
