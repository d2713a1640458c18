//! What is shown of orders and payments is possible, and is what the operation leads to.

use serde_json::{Map, Value};

use super::{Example, objects};

type Members = Map<String, Value>;

pub fn complaints(example: &Example<'_>) -> Vec<String> {
    let mut complaints: Vec<String> = objects(example.value)
        .into_iter()
        .flat_map(|members| [order(members), details(members), payment(members)])
        .flatten()
        .collect();
    complaints.extend(outcome(example));
    complaints
}

fn text<'a>(members: &'a Members, name: &str) -> Option<&'a str> {
    members.get(name)?.as_str()
}

fn order(members: &Members) -> Option<String> {
    let paid = members.get("paid")?.as_bool()?;
    let status = text(members, "status")?;
    if paid != matches!(status, "PAID" | "DELIVERED") {
        return Some(format!("an order that is {status} has paid {paid}"));
    }
    let was_paid = paid || status == "REFUNDED";
    for proof in ["paidAt", "receipt"] {
        if members.get(proof)?.is_null() == was_paid {
            return Some(format!(
                "an order that is {status} has {proof} {}",
                members[proof]
            ));
        }
    }
    let (created, updated) = (text(members, "createdAt")?, text(members, "updatedAt")?);
    (created > updated).then(|| "it was updated before it was created".to_owned())
}

/// An order and its payment say the same.
fn details(members: &Members) -> Option<String> {
    let status = text(members, "status")?;
    let payment = members.get("payment")?.as_object()?;
    let expected = match status {
        "PENDING" => "PENDING",
        "PAID" | "DELIVERED" => "SUCCEEDED",
        "REFUNDED" => "REFUNDED",
        _ => return None,
    };
    if text(payment, "status")? != expected {
        return Some(format!(
            "an order that is {status} has a payment that is {}",
            payment["status"]
        ));
    }
    if payment.get("amount") != members.get("totalAmount") {
        return Some("the payment is not of the order's total".to_owned());
    }
    let history = members.get("history")?.as_array()?;
    let last = history.last().and_then(|change| change["to"].as_str());
    (last != Some(status)).then(|| format!("the history does not end with {status}"))
}

fn payment(members: &Members) -> Option<String> {
    let session = members.get("session")?;
    let processing = members.get("processing")?.as_bool()?;
    let status = text(members, "status")?;
    if session.is_null() == (status == "PENDING" && !processing) {
        return Some(format!("a payment that is {status} has session {session}"));
    }
    let was_paid = matches!(status, "SUCCEEDED" | "REFUNDED");
    (members.get("receiptUrl")?.is_null() == was_paid).then(|| {
        format!(
            "a payment that is {status} has receiptUrl {}",
            members["receiptUrl"]
        )
    })
}

/// What the operation has done shows in its answer.
fn outcome(example: &Example<'_>) -> Option<String> {
    let value = example.value;
    let entries = || value["data"].as_array().into_iter().flatten();
    let is_as_it_should = match (example.operation.id, example.status?) {
        ("createOrder", "201") => {
            value["order"]["status"] == "PENDING" && value["order"]["id"] == value["id"]
        }
        ("changeOrderStatus", "200") => {
            matches!(value["status"].as_str(), Some("CANCELLED" | "DELIVERED"))
        }
        ("listOrdersByStatus", "200") => {
            let first = entries().next().map(|order| &order["status"]);
            entries().all(|order| Some(&order["status"]) == first)
        }
        ("openPaymentSession", "200") => {
            value["status"] == "PENDING" && value["session"].is_object()
        }
        ("simulateCheckout", "200") => match example.name {
            "declined" => value["status"] == "PENDING",
            _ => value["status"] == "SUCCEEDED",
        },
        ("refundPayment", "200") => value["refundedAmount"].as_f64() > Some(0.0),
        ("refundPayment", "202") => value["refundedAmount"] == 0,
        ("retryOutboxEvent", "200") => value["parked"] == false,
        ("createProduct", "201") => value["version"] == 1,
        ("register", "201") => value["user"]["role"] == "customer",
        _ => true,
    };
    (!is_as_it_should).then(|| "this is not what the operation leads to".to_owned())
}
