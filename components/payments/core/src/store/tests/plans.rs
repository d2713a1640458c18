//! How SQLite goes about the statements of this store.

use crate::store::{
    SqlStore, contents, disputes, metrics, outbox, payments, provider_refunds, purge, refunds,
    sessions, webhooks,
};

/// Only the removal of a payment needs it, which removes what refers to the payment: no plan shows that.
const OF_FOREIGN_KEYS: [&str; 1] = ["provider_refunds_by_payment"];

fn statements() -> Vec<&'static str> {
    let lists = [
        contents::STATEMENTS,
        disputes::STATEMENTS,
        metrics::STATEMENTS,
        outbox::STATEMENTS,
        payments::STATEMENTS,
        provider_refunds::STATEMENTS,
        refunds::STATEMENTS,
        sessions::STATEMENTS,
        webhooks::STATEMENTS,
    ];
    let listed = lists.into_iter().flatten().copied();
    listed.chain(purge::statements()).collect()
}

/// What reads few rows, or only those of an index that holds nothing else.
fn is_harmless(step: &str) -> bool {
    const HARMLESS: [&str; 11] = [
        "CONSTANT ROW",
        "json_each",
        "SCAN tallies",
        "SCAN (subquery",
        "SCAN asked",
        "SCAN first",
        " disputes_of_nobody",
        " disputes_open",
        " outbox_waiting",
        " provider_refunds_of_nobody",
        " refunds_due",
    ];
    HARMLESS.iter().any(|part| step.contains(part))
}

#[test]
fn every_record_is_found_by_an_index() {
    let store = SqlStore::on_sqlite();
    for statement in statements() {
        let steps = store.plan(statement);
        let scans = |step: &&String| step.starts_with("SCAN") && !is_harmless(step);
        assert_eq!(steps.iter().find(scans), None, "{statement}: {steps:?}");
        let sorts = |step: &&String| step.contains("TEMP B-TREE FOR ORDER");
        assert_eq!(steps.iter().find(sorts), None, "{statement}: {steps:?}");
    }
}

#[test]
fn every_index_is_used() {
    let store = SqlStore::on_sqlite();
    let plans: Vec<String> = statements()
        .into_iter()
        .flat_map(|statement| store.plan(statement))
        .collect();
    let indexes =
        store.texts("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL");
    assert!(indexes.len() > OF_FOREIGN_KEYS.len());
    let is_used = |index: &String| {
        let name = format!(" {index}");
        let uses = |step: &String| {
            let found = step.find(&name).map(|at| &step[at + name.len()..]);
            found.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        OF_FOREIGN_KEYS.contains(&index.as_str()) || plans.iter().any(uses)
    };
    let unused: Vec<_> = indexes.iter().filter(|index| !is_used(index)).collect();
    assert_eq!(unused, Vec::<&String>::new());
}
