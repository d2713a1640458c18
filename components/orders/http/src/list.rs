use mercato_edge::{
    FromText, PageRequest, Paged, Path, PathParameter, Problem, Query, Refusal, Timestamp,
    endpoint, query,
};
use mercato_kernel::{AccountId, Caller};
use orders::application::queries::list_orders::{self, OrderFilter, OrderSort};
use orders::domain::{OrderNumber, OrderStatus};
use utoipa::ToSchema;

use crate::problems::problem;
use crate::resource::OrderResource;

/// Which orders, and in which order.
#[query]
#[derive(Debug)]
pub struct ListQuery {
    /// Only orders of this status.
    status: Option<OrderStatus>,
    #[query(flatten)]
    of_status: ListOfStatusQuery,
}

/// The same where the path says the status.
#[query]
#[derive(Debug)]
pub struct ListOfStatusQuery {
    /// Only orders of this account; for admins only, 400 for anybody else.
    #[query(admin)]
    user_id: Option<AccountId>,
    /// Only the order of that number, such as `M-7K3F-29QD`. Small letters, missing dashes and a missing `M` do not matter, nor do O, I and L for the digits
    /// that they look like.
    #[param(value_type = String, required = false, min_length = 8, max_length = 32)]
    number: Option<OrderNumber>,
    /// Only orders created later than that.
    created_after: Option<Timestamp>,
    /// Only orders created earlier than that.
    created_before: Option<Timestamp>,
    /// Only orders changed later than that. Whoever asks again and again does so with some seconds of overlap: a change that is being
    /// made while the list is read has an earlier time and is seen later.
    updated_after: Option<Timestamp>,
    /// The order of the list; a minus turns it round. Orders that are equal stand in the order of their ids.
    #[param(value_type = OrderSort, inline, required = false)]
    sort: Option<OrderSort>,
    #[query(flatten)]
    page: PageRequest,
}

/// The status of the orders that a list shows, where the path may also have an id.
#[derive(Debug, Clone, Copy, ToSchema)]
pub struct ListedStatus(OrderStatus);

impl FromText for ListedStatus {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        OrderStatus::from_text(text).map(Self)
    }
}

impl PathParameter for ListedStatus {
    const MEANING: &'static str = "Only orders of this status.";
    const FIELD: Option<&'static str> = Some("status");
}

/// List orders
///
/// One's own orders, newest first unless `sort` says otherwise; an admin sees everybody's, or with `userId` those of one
/// account. All conditions hold together.
#[endpoint(
    GET "/api/v1/orders", access = Bearer, tag = "Orders", id = "listOrders",
    returns = "One page of orders",
)]
pub async fn list(
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Paged<OrderResource>, Problem> {
    page(caller, query.status, query.of_status).await
}

/// List orders of one status
///
/// The same as `GET /api/v1/orders?status=…`.
#[endpoint(
    GET "/api/v1/orders/{statusOrId}", access = Bearer, tag = "Orders", id = "listOrdersByStatus",
    returns = "One page of orders",
)]
pub async fn list_by_status(
    caller: Caller,
    Path(ListedStatus(status)): Path<ListedStatus>,
    Query(query): Query<ListOfStatusQuery>,
) -> Result<Paged<OrderResource>, Problem> {
    page(caller, Some(status), query).await
}

async fn page(
    caller: Caller,
    status: Option<OrderStatus>,
    query: ListOfStatusQuery,
) -> Result<Paged<OrderResource>, Problem> {
    let (filter, sort, request) = query.of(status);
    let orders = orders::instance().await.map_err(problem)?;
    let page = list_orders::handle(&*orders, caller, filter, sort, &request);
    Paged::of(page.map_err(problem)?, TryInto::try_into)
}

impl ListOfStatusQuery {
    /// What is asked of the orders of that status, or of any.
    fn of(self, status: Option<OrderStatus>) -> (OrderFilter, OrderSort, PageRequest) {
        let filter = OrderFilter {
            status,
            customer_id: self.user_id,
            number: self.number,
            created_after: self.created_after.map(|time| time.0),
            created_before: self.created_before.map(|time| time.0),
            updated_after: self.updated_after.map(|time| time.0),
        };
        (filter, self.sort.unwrap_or_default(), self.page)
    }
}

#[cfg(test)]
mod tests {
    use mercato_edge::examples::from_path;
    use mercato_edge::{FromQuery as _, QueryString};
    use mercato_kernel::named::is_described_by_name;

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn sorted(text: &str) -> Result<(OrderFilter, OrderSort, PageRequest), Problem> {
        read(text, true)
    }

    fn read(text: &str, is_admin: bool) -> Result<(OrderFilter, OrderSort, PageRequest), Problem> {
        let mut query = QueryString::parse(text).of_admin(is_admin);
        let ListQuery { status, of_status } = ListQuery::from_query(&mut query);
        query.finish().map(|()| of_status.of(status))
    }

    fn listing(text: &str, is_admin: bool) -> Result<(OrderFilter, PageRequest), Problem> {
        let (filter, _, page) = read(text, is_admin)?;
        Ok((filter, page))
    }

    #[test]
    fn an_order_of_the_list_has_one_name() {
        assert!(is_described_by_name::<OrderSort>());
    }

    #[test]
    fn a_path_names_a_status_which_errors_call_so() {
        let ListedStatus(status) = from_path("statusOrId", "paid").unwrap();
        assert_eq!(status, OrderStatus::Paid);
        let wrong = from_path::<ListedStatus>("statusOrId", "OPEN").unwrap_err();
        let error = &wrong.document("/", "r", "t")["errors"][0];
        assert_eq!(
            (&error["field"], &error["code"]),
            (&"status".into(), &"format".into())
        );
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
