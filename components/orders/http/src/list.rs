use mercato_edge::{
    Context, FieldError, PageInfo, PageParameters, PageRequest, Problem, QueryString, Reply, paged,
};
use mercato_kernel::AccountId;
use orders::application::queries::list_orders::{self, OrderFilter, OrderSort};
use orders::domain::{OrderNumber, OrderStatus};

use crate::parameters::{Owner, Status, StatusInPlaceOfOrderId, Times};
use crate::problems::problem;
use crate::resource::resources;
use crate::schemas::PageDocument;
use crate::status::{STATUS_RULE, parse_order_status};

/// Every order with its name in the query.
const SORTS: [(&str, OrderSort); 4] = [
    ("-createdAt", OrderSort::NewestFirst),
    ("createdAt", OrderSort::OldestFirst),
    ("-updatedAt", OrderSort::RecentlyUpdatedFirst),
    ("updatedAt", OrderSort::LongUnchangedFirst),
];

/// `GET /orders`: one page of one's own orders; an admin sees everybody's, or with `userId` those of one.
#[utoipa::path(
    get,
    path = "/api/v1/orders",
    tag = "Orders",
    operation_id = "listOrders",
    summary = "List orders",
    description = "One's own orders, newest first unless `sort` says otherwise; an admin sees everybody's, or with `userId` those of one \
        account. All conditions hold together.",
    params(Status, Owner, Times, PageParameters),
    responses((status = 200, description = "One page of orders", body = PageDocument))
)]
pub async fn list(context: Context) -> Result<Reply, Problem> {
    let mut query = context.query_string();
    let status = status_parameter(&mut query);
    answer(&context, query, status).await
}

/// `GET /orders/{status}`: the same, only of that status.
#[utoipa::path(
    get,
    path = "/api/v1/orders/{statusOrId}",
    tag = "Orders",
    operation_id = "listOrdersByStatus",
    summary = "List orders of one status",
    description = "The same as `GET /api/v1/orders?status=…`.",
    params(StatusInPlaceOfOrderId, Owner, Times, PageParameters),
    responses((status = 200, description = "One page of orders", body = PageDocument))
)]
pub async fn list_by_status(context: Context) -> Result<Reply, Problem> {
    let status = parse_order_status(context.param("statusOrId"));
    if status.is_none() {
        return Err(unknown_status());
    }
    answer(&context, context.query_string(), status).await
}

/// 400 for what is no status.
pub fn unknown_status() -> Problem {
    let error = FieldError::new("status", "format", format!("status {STATUS_RULE}"));
    Problem::validation(vec![error])
}

async fn answer(
    context: &Context,
    query: Query,
    status: Option<OrderStatus>,
) -> Result<Reply, Problem> {
    let (filter, sort, request) = parse(query, status, context.is_admin())?;
    let orders = orders::instance().await.map_err(problem)?;
    let page = list_orders::handle(&*orders, context.caller()?, filter, sort, &request)
        .map_err(problem)?;
    paged(&resources(&page.entries), PageInfo::from(&page), page.limit)
}

/// What a query asks for.
///
/// # Errors
/// 400 naming every parameter at fault.
pub fn parse(
    mut query: QueryString,
    status: Option<OrderStatus>,
    is_admin: bool,
) -> Result<(OrderFilter, OrderSort, PageRequest), Problem> {
    let customer_id = if is_admin {
        user_parameter(&mut query)
    } else {
        None
    };
    let filter = OrderFilter {
        status,
        customer_id,
        number: number_parameter(&mut query),
        created_after: query.moment("createdAfter"),
        created_before: query.moment("createdBefore"),
        updated_after: query.moment("updatedAfter"),
    };
    let sort = sort_parameter(&mut query).unwrap_or_default();
    let page = query.page();
    query.finish()?;
    Ok((filter, sort, page))
}

fn sort_parameter(query: &mut QueryString) -> Option<OrderSort> {
    let wanted = query.text("sort")?;
    let known = SORTS.into_iter().find(|(name, _)| *name == wanted);
    if known.is_none() {
        let names = SORTS.map(|(name, _)| name).join(", ");
        query.reject("sort", "format", &format!("must be one of {names}"));
    }
    known.map(|(_, sort)| sort)
}

fn status_parameter(query: &mut QueryString) -> Option<OrderStatus> {
    let text = query.text("status")?;
    let status = parse_order_status(&text);
    if status.is_none() {
        query.reject("status", "format", STATUS_RULE);
    }
    status
}

fn user_parameter(query: &mut QueryString) -> Option<AccountId> {
    let text = query.text("userId")?;
    let id = AccountId::parse(&text);
    id.map_err(|error| query.reject("userId", "format", &error.to_string()))
        .ok()
}

fn number_parameter(query: &mut QueryString) -> Option<OrderNumber> {
    let text = query.text("number")?;
    let number = OrderNumber::parse(&text);
    number
        .map_err(|error| query.reject("number", "format", &error.to_string()))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn sorted(text: &str) -> Result<(OrderFilter, OrderSort, PageRequest), Problem> {
        let mut query = QueryString::parse(text);
        let status = status_parameter(&mut query);
        parse(query, status, true)
    }

    fn listing(text: &str, is_admin: bool) -> Result<(OrderFilter, PageRequest), Problem> {
        let mut query = QueryString::parse(text);
        let status = status_parameter(&mut query);
        let (filter, _, page) = parse(query, status, is_admin)?;
        Ok((filter, page))
    }

    #[test]
    fn times_and_the_order_come_from_the_query() {
        let (filter, sort, _) = sorted(
            "createdAfter=2026-01-01T00:00:00Z&createdBefore=2026-01-01T01:00:00.5%2B01:00\
            &updatedAfter=1970-01-01T00:00:01Z&sort=-updatedAt",
        )
        .unwrap();
        assert_eq!(filter.created_after, Some(1_767_225_600_000));
        assert_eq!(filter.created_before, Some(1_767_225_600_500));
        assert_eq!(filter.updated_after, Some(1_000));
        assert_eq!(sort, OrderSort::RecentlyUpdatedFirst);
        assert_eq!(sorted("").unwrap().1, OrderSort::NewestFirst);
        for wrong in [
            "sort=total",
            "sort=",
            "createdAfter=yesterday",
            "createdBefore=2026-01-01",
            "updatedAfter=2026-01-01T00:00:00",
            "updatedAfter=2026-01-01T00:00:00+01:00",
        ] {
            assert!(sorted(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn conditions_and_page_come_from_the_query() {
        let (filter, page) =
            listing(&format!("status=paid&userId={ID}&page=2&limit=5"), true).unwrap();
        assert_eq!(
            (filter.status, filter.customer_id),
            (Some(OrderStatus::Paid), AccountId::parse(ID).ok())
        );
        assert_eq!(
            page,
            PageRequest {
                page: 2,
                limit: 5,
                after: None
            }
        );
        let (filter, page) = listing("", false).unwrap();
        assert_eq!((filter.status, filter.customer_id), (None, None));
        assert_eq!(
            page,
            PageRequest {
                page: 1,
                limit: 10,
                after: None
            }
        );
    }

    #[test]
    fn only_an_admin_may_name_a_user() {
        assert!(listing(&format!("userId={ID}"), false).is_err());
        assert!(listing("userId=me", true).is_err());
    }

    #[test]
    fn what_is_unknown_or_malformed_is_named() {
        let document = listing("status=OPEN&limit=0&colour=x&number=7", false)
            .unwrap_err()
            .document("/", "r", "t");
        let errors = document["errors"].as_array().unwrap();
        let fields: Vec<_> = errors
            .iter()
            .map(|error| error["field"].as_str().unwrap())
            .collect();
        assert_eq!(fields, ["status", "number", "limit", "colour"]);
    }
}
