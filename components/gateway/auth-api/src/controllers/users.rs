use mercato_edge::{Context, PageInfo, Problem, Reply, paged};

use crate::bindings::mercato::auth::accounts;
use crate::problems::problem;
use crate::resource::AccountResource;
use crate::{body, current, resource};

/// `GET /auth/users`: one page of all accounts, oldest first.
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
pub async fn update(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let id = context.id("id")?;
    let version = context.expected_version()?;
    let changes = body::account_changes(context.json()?)?;
    current::require_admin(&context).await?;
    let user = accounts::update_account(id, changes, version)
        .await
        .map_err(problem)?;
    resource::account(&user)
}
