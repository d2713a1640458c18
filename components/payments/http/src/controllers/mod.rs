//! One file per route.

use mercato_edge::{Context, Problem};

use crate::bindings::mercato::payments_old::types::Viewer;

pub mod find;
pub mod find_by_order;
pub mod list;
pub mod list_disputes;
pub mod list_outbox;
pub mod list_refunds;
pub mod metrics;
pub mod open_session;
pub mod ready;
pub mod refund;
pub mod relay_outbox;
pub mod retry_event;
pub mod show_checkout;
pub mod simulate_checkout;
pub mod webhook;

/// Who asks, as payments know it.
fn viewer(context: &Context) -> Result<Viewer, Problem> {
    let principal = context.principal()?;
    let id = principal.user_id.clone();
    Ok(if principal.is_admin() {
        Viewer::Admin(id)
    } else {
        Viewer::Customer(id)
    })
}
