use mercato_edge::{Context, Id, PageInfo, Problem, ProblemDocument, Reply, paged};

use crate::bindings::mercato::auth::accounts;
use crate::body::AccountChanges;
use crate::problems::problem;
use crate::resource::{AccountPage, AccountResource};
use crate::{current, resource};

/// Which page is wanted.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes what Query::page reads")]
struct ListParameters {
    /// Number of the page.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 4_294_967_295_u64, default = 1, example = 1)]
    page: Option<u32>,
    /// Most accounts on it.
    #[param(minimum = 1, maximum = 100, default = 10, example = 10)]
    limit: Option<u32>,
    /// The `meta.next` of the page before, instead of `page`: costs the same on every page.
    after: Option<String>,
}

/// `GET /auth/users`: one page of all accounts, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/auth/users",
    tag = "Accounts",
    operation_id = "listAccounts",
    summary = "List all accounts",
    description = "All accounts, oldest first.",
    params(ListParameters),
    responses((status = 200, description = "One page", body = AccountPage))
)]
pub async fn list(context: Context) -> Result<Reply, Problem> {
    let mut query = context.query();
    let page = query.page();
    query.finish()?;
    current::require_admin(&context).await?;
    let request = accounts::PageRequest {
        page: page.page,
        limit: page.limit,
        after: page.after,
    };
    let list = accounts::list_users(request).await.map_err(problem)?;
    let resources: Vec<_> = list.users.iter().map(AccountResource::new).collect();
    let info = PageInfo {
        total: list.total,
        page: list.page,
        next: list.next,
    };
    paged(&resources, info, page.limit)
}

/// `PATCH /auth/users/{id}`: sets role or disables. With `If-Match`, only that version of the account.
#[utoipa::path(
    patch,
    path = "/api/v1/auth/users/{id}",
    tag = "Accounts",
    operation_id = "updateAccount",
    summary = "Change somebody's account",
    description = "Sets the role or disables the account. A disabled account's sessions end at once; an access token that \
                   is out already is good for products, orders and payments until it ends.",
    params(
        ("id" = inline(Id), Path, description = "The account"),
        ("If-Match" = Option<String>, Header, nullable = false, pattern = "^[^,]*$", description = "The `ETag` that the change is meant for; without it, the account as it is"),
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
