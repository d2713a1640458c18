//! Who asks, as the domain takes it.

use mercato_edge::{Context, Problem};

use crate::bindings::mercato::orders_old::types::Viewer;

/// The holder of the request's token.
///
/// # Errors
/// 401 when there is none.
pub fn viewer(context: &Context) -> Result<Viewer, Problem> {
    let principal = context.principal()?;
    let id = principal.user_id.clone();
    Ok(if principal.is_admin() {
        Viewer::Admin(id)
    } else {
        Viewer::Customer(id)
    })
}
