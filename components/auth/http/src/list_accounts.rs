use auth::application::queries::accounts;
use mercato_edge::{PageRequest, Paged, Problem, Query, endpoint, query};

use crate::caller::AdminOfNow;
use crate::problems::problem;
use crate::resource::AccountResource;

/// Which accounts are wanted.
#[query]
#[derive(Debug)]
pub struct AccountsQuery {
    /// Only the account of that address, in any form that it may be registered in
    #[param(value_type = String, required = false, min_length = 1, max_length = 254)]
    email: Option<String>,
    #[query(flatten)]
    page: PageRequest,
}

/// List all accounts
///
/// All accounts, oldest first; with `email` the one of that address, if there is one.
#[endpoint(
    GET "/api/v1/auth/users", access = Admin, tag = "Accounts", id = "listAccounts",
    returns = "One page",
)]
pub async fn list_accounts(
    Query(query): Query<AccountsQuery>,
    _: AdminOfNow,
) -> Result<Paged<AccountResource>, Problem> {
    let ports = auth::instance().await.map_err(problem)?;
    let page = accounts::list(&ports, &query.page, query.email.as_deref()).map_err(problem)?;
    Paged::of(page, |account| Ok(account.into()))
}
