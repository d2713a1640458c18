use auth::application::commands::update_account::{self, UpdateAccount};
use auth::application::queries::accounts;
use auth::domain::AccountId;
use mercato_edge::{
    Context, Id, IfMatch, IfNoneMatch, PageInfo, PageParameters, Problem, ProblemDocument, Reply,
    paged,
};

use crate::body::AccountChanges;
use crate::problems::problem;
use crate::resource::{AccountPage, AccountResource};
use crate::{caller, resource};

/// `GET /auth/users`: one page of all accounts, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/auth/users",
    tag = "Accounts",
    operation_id = "listAccounts",
    summary = "List all accounts",
    description = "All accounts, oldest first; with `email` the one of that address, if there is one.",
    params(
        ("email" = Option<String>, Query, nullable = false, min_length = 1, max_length = 254,
            description = "Only the account of that address, in any form that it may be registered in"),
        PageParameters
    ),
    responses((status = 200, description = "One page", body = AccountPage))
)]
pub async fn list(context: Context) -> Result<Reply, Problem> {
    let mut query = context.query_string();
    let email = query.text("email");
    let page = query.page();
    query.finish()?;
    let ports = auth::instance().await.map_err(problem)?;
    caller::require_admin(&ports, &context)?;
    let list = accounts::list(&ports, &page, email.as_deref()).map_err(problem)?;
    let resources: Vec<_> = list.entries.iter().map(AccountResource::new).collect();
    paged(&resources, PageInfo::from(&list), list.limit)
}

/// `GET /auth/users/{id}`: one account.
#[utoipa::path(
    get,
    path = "/api/v1/auth/users/{id}",
    tag = "Accounts",
    operation_id = "getAccount",
    summary = "Read somebody's account",
    params(
        ("id" = inline(Id), Path, description = "The account"),
        IfNoneMatch,
    ),
    responses(
        (status = 200, description = "The account", body = AccountResource, headers(("ETag" = String, description = "The version, for `If-Match` and `If-None-Match`"))),
        (status = 304, description = "The client has it already"),
        (status = 404, description = "No such account", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn find(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let id = account_id(&context)?;
    let ports = auth::instance().await.map_err(problem)?;
    caller::require_admin(&ports, &context)?;
    resource::account(&accounts::find(&ports, id).map_err(problem)?)
}

/// `PATCH /auth/users/{id}`: sets role or disables. With `If-Match`, only that version of the account.
#[utoipa::path(
    patch,
    path = "/api/v1/auth/users/{id}",
    tag = "Accounts",
    operation_id = "updateAccount",
    summary = "Change somebody's account",
    description = "Sets the role or disables the account. A disabled account's sessions end at once. Access tokens of an account \
                   that is disabled, or is no admin any more, are good for nothing about accounts at once and for orders, refunds and \
                   whatever admins do a few seconds later; reading one's own orders and payments goes on until they end.",
    params(
        ("id" = inline(Id), Path, description = "The account"),
        IfMatch,
    ),
    request_body = AccountChanges,
    responses(
        (status = 200, description = "The account as it is now", body = AccountResource, headers(("ETag" = String, description = "The version, for `If-Match` and `If-None-Match`"))),
        (status = 404, description = "No such account", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`last-admin`: the shop would be without an active admin", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "The account has changed since that version", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn update(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let account = account_id(&context)?;
    let expected_version = context.expected_version()?;
    let changes = AccountChanges::read(context.json()?)?.into();
    let ports = auth::instance().await.map_err(problem)?;
    caller::require_admin(&ports, &context)?;
    let command = UpdateAccount {
        account,
        changes,
        expected_version,
    };
    resource::account(&update_account::handle(&ports, command).map_err(problem)?)
}

/// The account of the path.
fn account_id(context: &Context) -> Result<AccountId, Problem> {
    AccountId::parse(&context.id("id")?).map_err(|_| problem(auth::Error::NotFound))
}
