use mercato_edge::{
    Context, Id, IfMatch, IfNoneMatch, PageInfo, PageParameters, Problem, ProblemDocument, Reply,
    paged,
};

use crate::bindings::mercato::auth::accounts;
use crate::body::AccountChanges;
use crate::problems::problem;
use crate::resource::{AccountPage, AccountResource};
use crate::{current, resource};

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
    let mut query = context.query();
    let email = query.text("email");
    let page = query.page();
    query.finish()?;
    current::require_admin(&context).await?;
    let request = accounts::PageRequest {
        page: page.page,
        limit: page.limit,
        after: page.after,
    };
    let list = accounts::list_users(request, email)
        .await
        .map_err(problem)?;
    let resources: Vec<_> = list.users.iter().map(AccountResource::new).collect();
    let info = PageInfo {
        total: list.total,
        total_is_exact: list.total_is_exact,
        page: list.page,
        next: list.next,
    };
    paged(&resources, info, page.limit)
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
    context.query().finish()?;
    let id = context.id("id")?;
    current::require_admin(&context).await?;
    let user = accounts::find_user(id).await.map_err(problem)?;
    resource::account(&user)
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
    context.query().finish()?;
    let id = context.id("id")?;
    let version = context.expected_version()?;
    let changes = AccountChanges::read(context.json()?)?;
    current::require_admin(&context).await?;
    let user = accounts::update_account(id, changes.into(), version)
        .await
        .map_err(problem)?;
    resource::account(&user)
}
