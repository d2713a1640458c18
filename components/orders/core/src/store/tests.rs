mod counts;
mod migrations;
mod plans;

use mercato_kernel::{
    AccountId, CheckoutId, OrderId, PageStart, PaymentId, ProductId, RecordedAnswer, Total,
};
use mercato_money::Money;

use super::*;
use crate::application::queries::list_orders::{OrderFilter, OrderSort};
use crate::domain::{
    Actor, Address, Cancellation, CheckoutSession, Choice, CustomerId, EventType, Holder, Line,
    LineProblem, Order, OrderItem, OrderNumber, OrderRequest, OrderStatus, OrderTokenHash,
    OrderView, OrderedQuote, PaymentEvent, Quantity, Receipt, ReceiptId, RejectedLine, Rejection,
    Saga, Step,
};

const ORDER: &str = "01939f6e-8a00-7000-8000-000000000001";
const OTHER: &str = "01939f6e-8a00-7000-8000-000000000002";
const CUSTOMER: &str = "01939f6e-8a00-7000-8000-00000000000c";
const PRODUCT: &str = "01939f6e-8a00-7000-8000-00000000000b";

fn database() -> Database {
    Database::for_test(LABEL, MIGRATIONS).unwrap()
}

/// A fresh SQLite, for tests of how that goes about statements.
fn on_sqlite() -> Database {
    Database::in_memory(LABEL, MIGRATIONS.sqlite).unwrap()
}

fn read<T>(database: &Database, work: impl FnOnce(&Records<'_>) -> Result<T, OrderError>) -> T {
    Store::read(database, work).unwrap()
}

fn write<T>(database: &Database, work: impl Fn(&Records<'_>) -> Result<T, OrderError>) -> T {
    Store::write(database, of_a_test(), work).unwrap()
}

fn of_a_test() -> Locks {
    Locks::name("test", "")
}

fn order_id(text: &str) -> OrderId {
    OrderId::parse(text).unwrap()
}

fn order(id: &str, price: i64) -> Order {
    let item = |name: &str, units| OrderItem {
        product_id: ProductId::parse(PRODUCT).unwrap(),
        name: name.to_owned(),
        choices: vec![Choice {
            name: "Size".to_owned(),
            value: format!("{units} \"bags\""),
        }],
        unit_price: Money::from_units(price),
        quantity: Quantity::new(units).unwrap(),
    };
    let items = vec![
        item("Tea \u{2615} 'green'", 3),
        item("; DROP TABLE orders --", 1),
    ];
    Order::place(
        order_id(id),
        AccountId::parse(CUSTOMER).unwrap(),
        items,
        "EUR".parse().unwrap(),
        5,
    )
    .unwrap()
}

fn receipt() -> Receipt {
    Receipt {
        id: ReceiptId::parse(OTHER).unwrap(),
        url: Some("https://r".to_owned()),
        issued_at: 7,
    }
}

fn saga(id: &str) -> Saga {
    let line = Line {
        product_id: ProductId::parse(PRODUCT).unwrap(),
        quantity: Quantity::new(3).unwrap(),
    };
    let request = OrderRequest {
        order_id: order_id(id),
        customer_id: AccountId::parse(CUSTOMER).unwrap().into(),
        client: Some(Holder::stored("c1".to_owned())),
        lines: vec![line],
        quote: None,
        expected_total: None,
        replaces: None,
        created_at: 10,
        expires_at: 100,
    };
    Saga::begin(request, 10)
}

fn number(database: &Database, statement: &str) -> u64 {
    let row = database.read::<_, Error>(|connection| connection.query_one(statement, &[]));
    row.unwrap().unwrap().get(0_usize).unwrap()
}

fn session() -> CheckoutSession {
    CheckoutSession {
        id: "cs".to_owned(),
        url: "https://pay".to_owned(),
        expires_at: 99,
    }
}

#[test]
fn an_order_is_read_as_it_was_written() {
    let database = database();
    let mut order = order(ORDER, 99_900);
    let id = order_id(ORDER);
    write(&database, |records| records.insert_order(&order));
    let stored = || read(&database, |records| records.order(id));
    assert_eq!(stored(), Some(order.clone()));
    order.pay(receipt(), "paid", 8).unwrap();
    write(&database, |records| records.update_order(&order));
    assert_eq!(stored(), Some(order.clone()));
    let hidden = Order::restore(order.into_view(), 7, true);
    write(&database, |records| records.update_order(&hidden));
    assert_eq!(stored(), Some(hidden.clone()));
    let shown = read(&database, |records| records.order_view(id));
    assert_eq!(shown, Some(hidden.into_view()));
    let other = read(&database, |records| records.order(order_id(OTHER)));
    assert_eq!(other, None);
}

#[test]
fn history_is_read_in_the_order_it_was_written() {
    let database = database();
    let mut order = order(ORDER, 1);
    let id = order_id(ORDER);
    let first = order.placed_change();
    let second = order.pay(receipt(), "paid", 3).unwrap();
    write(&database, |records| {
        records.insert_order(&order)?;
        records.add_history(id, &first)?;
        records.add_history(id, &second)
    });
    let history = read(&database, |records| records.history(id));
    assert_eq!(history, [first, second]);
}

/// The saga after that, which has to be its next step.
fn after(mut saga: Saga, step: impl FnOnce(&mut Saga) -> bool) -> Saga {
    assert!(step(&mut saga));
    saga
}

/// A saga at every step.
fn sagas() -> Vec<Saga> {
    let lines =
        [LineProblem::UnknownProduct, LineProblem::InsufficientStock].map(|code| RejectedLine {
            product_id: ProductId::parse(PRODUCT).unwrap(),
            code,
            requested: 3,
            available: 2,
        });
    let cancellation = Cancellation {
        actor: Actor::Account(AccountId::parse(CUSTOMER).unwrap()),
        reason: "why".to_owned(),
    };
    let mut tried = saga(ORDER);
    tried.attempt(77);
    let reserved = after(tried, Saga::hold_stock);
    let ready = after(reserved.clone(), |saga| saga.ready(Some(session())));
    let cancelling = after(ready.clone(), |saga| saga.cancel(cancellation, 99));
    let by_the_shop = Cancellation::by_the_shop("why");
    let rejected = |rejection| after(saga(ORDER), |saga| saga.reject(rejection));
    vec![
        after(reserved.clone(), |saga| saga.cancel(by_the_shop, 99)),
        reserved,
        ready,
        after(cancelling.clone(), Saga::finish),
        cancelling,
        rejected(Rejection::Lines(lines.to_vec())),
        rejected(Rejection::TotalTooLarge),
        rejected(Rejection::Abandoned),
    ]
}

#[test]
fn every_state_of_a_saga_is_read_as_it_was_written() {
    for state in sagas() {
        let database = database();
        let stored = || read(&database, |records| records.saga(order_id(ORDER)));
        write(&database, |records| records.insert_saga(&saga(ORDER)));
        assert_eq!(stored(), Some(saga(ORDER)));
        write(&database, |records| records.update_saga(&state));
        write(&database, |records| records.update_saga(&state));
        // Lines go when the stock is held, the client when the order has ended.
        let has_ended = matches!(state.step(), Step::Done | Step::Rejected);
        let request = OrderRequest {
            lines: vec![],
            client: state.request().client.clone().filter(|_| !has_ended),
            ..state.request().clone()
        };
        let expected = Saga::restore(
            request,
            state.step(),
            state.next_attempt_at(),
            state.attempts(),
            state.session().cloned(),
            state.cancellation().cloned(),
            state.rejection().cloned(),
        );
        assert_eq!(stored(), Some(expected));
    }
}

#[test]
fn pending_actions_are_read_in_order_and_removed_one_by_one() {
    let database = database();
    let id = order_id(ORDER);
    let actions = [
        Action::CommitStock,
        Action::ReleaseStock,
        Action::RestockStock,
        Action::Acknowledge(OTHER.to_owned()),
        Action::Refund(PaymentId::parse(OTHER).unwrap()),
        Action::CancelPayment,
    ];
    write(&database, |records| {
        actions
            .iter()
            .try_for_each(|action| records.add_pending_action(id, action, 50))
    });
    let pending = || read(&database, |records| records.pending_actions(id));
    let due = |now| read(&database, |records| records.due_pending_actions(now, 10));
    let stored: Vec<_> = pending()
        .into_iter()
        .map(|pending| pending.action)
        .collect();
    assert_eq!(stored, actions);
    assert!(due(49).is_empty());
    assert_eq!(due(50), [(id, 0)]);
    write(&database, |records| {
        records.postpone_pending_actions(id, 60)
    });
    assert_eq!(due(60), [(id, 1)]);
    let first = pending()[0].number;
    write(&database, |records| {
        records.remove_pending_actions(&[first])
    });
    assert_eq!(pending().len(), actions.len() - 1);
}

#[test]
fn the_inbox_takes_an_event_once() {
    let database = database();
    let event = PaymentEvent {
        id: OTHER.to_owned(),
        event_type: EventType::Succeeded,
        time: 1,
        order_id: ORDER.to_owned(),
        payment_id: OTHER.to_owned(),
        amount: 1,
        refunded_amount: 0,
        payment_version: 0,
        currency: "EUR".to_owned(),
        receipt_url: None,
        reason: None,
    };
    let insert = || write(&database, |records| records.insert_into_inbox(&event, 1));
    assert_eq!([insert(), insert()], [true, false]);
}

#[test]
fn what_fails_half_way_leaves_nothing() {
    let database = database();
    let result: Result<(), _> = Store::write(&database, of_a_test(), |records| {
        records.insert_order(&order(ORDER, 1))?;
        records.insert_saga(&saga(ORDER))?;
        Err(OrderError::VersionMismatch)
    });
    assert_eq!(result, Err(OrderError::VersionMismatch));
    assert_eq!(
        read(&database, |records| records.order(order_id(ORDER))),
        None
    );
    assert_eq!(
        read(&database, |records| records.saga(order_id(ORDER))),
        None
    );
}

#[test]
fn the_schema_refuses_what_the_rules_forbid() {
    let unpaid = OrderView {
        status: OrderStatus::Paid,
        ..order(ORDER, 1).into_view()
    };
    let negative = OrderView {
        total_amount: Money::from_units(-1),
        ..order(ORDER, 1).into_view()
    };
    for broken in [unpaid, negative] {
        let broken = Order::restore(broken, 0, false);
        let result = Store::write(&database(), of_a_test(), |records| {
            records.insert_order(&broken)
        });
        assert_eq!(result, Err(OrderError::Internal), "{broken:?}");
    }
    let request = || saga(ORDER).request().clone();
    let abandoned = Some(Rejection::Abandoned);
    for broken in [
        Saga::restore(request(), Step::Cancelling, 10, 0, None, None, None),
        Saga::restore(request(), Step::Rejected, 10, 0, None, None, None),
        Saga::restore(request(), Step::Ready, 10, 0, None, None, abandoned),
    ] {
        let result = Store::write(&database(), of_a_test(), |records| {
            records.insert_saga(&saga(ORDER))?;
            records.update_saga(&broken)
        });
        assert_eq!(result, Err(OrderError::Internal), "{broken:?}");
    }
    let missing = Store::write(&database(), of_a_test(), |records| {
        records.update_order(&order(ORDER, 1))
    });
    assert_eq!(missing, Err(OrderError::Internal));
}

#[test]
fn a_key_is_taken_once_per_customer_and_freed_with_its_order() {
    let database = database();
    let customer = CustomerId::from(AccountId::parse(CUSTOMER).unwrap());
    let record = KeyRecord {
        fingerprint: vec![1; 32],
        order_id: order_id(ORDER),
        created_at: 5,
        answer: None,
    };
    let insert = |record| {
        write(&database, |records| {
            records.insert_key(customer, "k", record)
        })
    };
    assert!(insert(&record));
    assert_eq!(
        read(&database, |records| records.key(customer, "k")),
        Some(record.clone())
    );
    assert!(read(&database, |records| records.has_key(order_id(ORDER))));
    let other = KeyRecord {
        order_id: order_id(OTHER),
        ..record.clone()
    };
    assert!(!insert(&other));
    let answer = RecordedAnswer {
        status: 201,
        body: vec![0, 255],
    };
    write(&database, |records| {
        records.set_answer(customer, "k", &answer)
    });
    let answered = KeyRecord {
        answer: Some(answer),
        ..record
    };
    assert_eq!(
        read(&database, |records| records.key(customer, "k")),
        Some(answered)
    );
    write(&database, |records| records.free_key(order_id(ORDER)));
    assert_eq!(read(&database, |records| records.key(customer, "k")), None);
}

/// A quote with something in every field.
fn full_quote() -> OrderedQuote {
    let product = ProductId::parse(PRODUCT).unwrap();
    let line = |price, total| crate::domain::quote_for_tests::line(product, price, 2, total);
    let mut lines = vec![line("9.99", 1_998), line("0.5", 100)];
    lines[0].choices.push(Choice {
        name: "Size".to_owned(),
        value: "250 g".to_owned(),
    });
    let mut content = crate::domain::quote_for_tests::quoted(lines, &["TEN", "FREE"]);
    content.billing_address = Some(Address {
        name: "Eve".to_owned(),
        company: Some("Eve & Co.".to_owned()),
        line2: Some("2nd floor".to_owned()),
        region: Some("CA".to_owned()),
        country: "US".to_owned(),
        ..content.shipping_address.clone()
    });
    content.metadata.push(("a".to_owned(), "'; --".to_owned()));
    let checkout = CheckoutId::parse(OTHER).unwrap();
    let hash = OrderTokenHash::stored("a hash".to_owned());
    OrderedQuote::new(checkout, Some(hash), content).unwrap()
}

#[test]
fn the_quote_of_an_order_is_read_as_it_was_written() {
    let database = database();
    let quote = Box::new(full_quote());
    let customer_id = quote.checkout_id().into();
    let request = OrderRequest {
        customer_id,
        lines: quote.lines(),
        quote: Some(quote.clone()),
        ..saga(ORDER).request().clone()
    };
    let asked = Saga::begin(request, 10);
    write(&database, |records| records.insert_saga(&asked));
    let id = order_id(ORDER);
    assert_eq!(read(&database, |records| records.saga(id)), Some(asked));
    let under_way = Some(Ordered::UnderWay(id));
    let ordered = || read(&database, |records| records.ordered(quote.checkout_id()));
    assert_eq!(ordered(), under_way);
    let order = Order::of_quote(id, customer_id, quote.clone(), 10);
    write(&database, |records| records.insert_order(&order));
    assert_eq!(read(&database, |records| records.order(id)), Some(order));
    write(&database, |records| {
        let mut saga = records.saga(id)?.unwrap();
        saga.hold_stock();
        records.update_saga(&saga)
    });
    assert_eq!(ordered(), Some(Ordered::Pending(id)));
    let shown = read(&database, |records| records.order_and_saga(id));
    let (order, saga) = shown.unwrap();
    assert_eq!(order.view().quote, Some(quote));
    assert_eq!(saga.unwrap().request().quote, None, "the order has it");
}
