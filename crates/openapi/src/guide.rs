//! Links from the document to the guide, `docs/api.md`, which a running shop shows at `/api/docs/guide`.

use utoipa::openapi::path::Operation;
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{ExternalDocs, OpenApi};

/// Where a running shop shows the guide.
const GUIDE: &str = "/api/docs/guide";

/// The groups of operations, in the order in which a shop's front end meets them, and their sections of the guide.
const TAGS: [(&str, &str, &str); 6] = [
    (
        "Accounts",
        "Registration, login, sessions and the administration of accounts",
        "accounts",
    ),
    ("Catalogue", "Products and their stock", "catalogue"),
    (
        "Checkouts",
        "What an order would cost, with shipping, taxes and discount codes",
        "checkouts",
    ),
    ("Orders", "From the basket to the parcel", "orders"),
    (
        "Payments",
        "Sessions, refunds, webhooks and the events on their way to the orders",
        "payments",
    ),
    (
        "Health",
        "Whether the shop is up, and this document",
        "health",
    ),
];

/// The guide as a whole.
pub fn whole() -> ExternalDocs {
    let mut link = ExternalDocs::new(GUIDE);
    link.description = Some("The guide: how to use the API, by example".to_owned());
    link
}

/// The groups, each with a link to its section.
pub fn tags() -> Vec<Tag> {
    let tag = |(name, description, section): (&str, &str, &str)| {
        let link = format!("{name} in the guide");
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .external_docs(Some(section_link(section, link)))
            .build()
    };
    TAGS.map(tag).into()
}

/// Gives every operation that has a section of its own a link to it.
pub fn link_operations(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            link_operation(operation);
        }
    }
}

fn link_operation(operation: &mut Operation) {
    let id = operation.operation_id.as_deref().unwrap_or_default();
    if let Some(section) = section_of(id) {
        let link = "By example, in the guide".to_owned();
        operation.external_docs = Some(section_link(section, link));
    }
}

fn section_link(section: &str, description: String) -> ExternalDocs {
    let mut link = ExternalDocs::new(format!("{GUIDE}#{section}"));
    link.description = Some(description);
    link
}

/// The section of an operation, by its name in the guide's page.
fn section_of(operation_id: &str) -> Option<&'static str> {
    Some(match operation_id {
        "register" | "logIn" | "refreshSession" | "verifyToken" => "tokens",
        "showProfile" | "updateProfile" => "profiles",
        "getAddresses" | "replaceAddresses" => "address-book",
        "listAccounts" | "getAccount" | "updateAccount" => "accounts-of-others",
        "logOut" | "changePassword" | "listSessions" | "endSession" | "endOtherSessions" => {
            "sessions"
        }
        "createProduct" | "deleteProduct" => "catalogue",
        "importProducts" | "exportProducts" => "imports",
        "listCategories" | "findCategory" | "createCategory" | "updateCategory"
        | "deleteCategory" => "categories",
        "listProducts" | "findProduct" => "search",
        "updateProduct" | "productStats" => "stock",
        "getShippingSettings"
        | "replaceShippingSettings"
        | "getTaxSettings"
        | "replaceTaxSettings" => "shipping-and-taxes",
        "listDiscountCodes" | "createDiscountCode" | "getDiscountCode" | "changeDiscountCode"
        | "removeDiscountCode" => "discount-codes",
        "openCheckout" | "getCheckout" | "changeCheckout" | "removeCheckout" => {
            "a-checkout-of-a-guest"
        }
        "createOrder" => "placing-an-order",
        "listOrders" | "listOrdersByStatus" | "getOrder" => "reading-orders",
        "changeOrderStatus" => "cancelling-and-delivering",
        "orderStats" => "numbers",
        "showCheckout" | "simulateCheckout" | "openPaymentSession" | "getPaymentOfOrder"
        | "getPayment" => "paying",
        "refundPayment" | "listRefunds" | "listPayments" => "refunds",
        "listDisputes" => "second-charges-and-disputes",
        "receiveWebhook" | "listOutbox" | "relayOutbox" | "retryOutboxEvent" => {
            "webhooks-and-events"
        }
        "live" | "ready" => "health",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    const TEXT: &str = include_str!("../../../docs/api.md");

    /// The sections of the guide by the names that its page gives them.
    fn sections() -> BTreeSet<String> {
        let headings = TEXT.lines().filter(|line| line.starts_with("##"));
        headings
            .map(|line| {
                line.trim_start_matches('#')
                    .trim()
                    .to_lowercase()
                    .replace(' ', "-")
            })
            .collect()
    }

    fn links(value: &Value, found: &mut Vec<String>) {
        if let Some(url) = value.pointer("/externalDocs/url").and_then(Value::as_str) {
            found.push(url.to_owned());
        }
        match value {
            Value::Object(members) => members.values().for_each(|member| links(member, found)),
            Value::Array(items) => items.iter().for_each(|item| links(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_link_leads_to_a_section_of_the_guide() {
        let document = serde_json::to_value(crate::document().unwrap()).unwrap();
        let mut found = Vec::new();
        links(&document, &mut found);
        let sections = sections();
        for link in &found {
            let section = link.strip_prefix(super::GUIDE).unwrap();
            let is_there = section.is_empty() || sections.contains(&section[1..]);
            assert!(is_there, "{link}");
        }
        let linked: BTreeSet<&str> = found
            .iter()
            .filter_map(|link| link.split('#').nth(1))
            .collect();
        for (_, _, section) in super::TAGS {
            assert!(linked.contains(section), "{section}");
        }
    }

    #[test]
    fn every_operation_of_the_shop_itself_has_its_section() {
        let document = serde_json::to_value(crate::document().unwrap()).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for operation in item.as_object().unwrap().values() {
                let is_linked = operation["externalDocs"]["url"].is_string();
                assert!(is_linked || !path.starts_with("/api/v1/"), "{path}");
            }
        }
    }
}
