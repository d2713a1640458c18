//! The OpenAPI document, put together from the documents of all adapters. `cargo xtask openapi` writes it to
//! `docs/openapi.json`; a test fails when that file is no longer what the code says.

use anyhow::{Result, bail};
use mercato_edge::{Route, openapi};
use utoipa::OpenApi;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Info, InfoBuilder, LicenseBuilder, OpenApiVersion, ServerBuilder};

/// The groups of operations, in the order in which a shop's front end meets them.
const TAGS: [(&str, &str); 5] = [
    (
        "Accounts",
        "Registration, login, sessions and the administration of accounts",
    ),
    ("Catalogue", "Products and their stock"),
    ("Orders", "From the basket to the parcel"),
    (
        "Payments",
        "Sessions, refunds, webhooks and the events on their way to the orders",
    ),
    ("Health", "Whether the shop is up, and this document"),
];

const DESCRIPTION: &str = "\
The backend of an online shop: accounts, catalogue with stock, orders and payments.

Try it here: *Log in* below gives an `accessToken`; paste it under **Authorize**, then execute any operation.

- Errors are `application/problem+json` (RFC 9457); `errors` names every field at fault.
- Amounts are decimal numbers with at most four places; nothing is ever rounded silently.
- Lists take `page` or, at the same cost on every page, the cursor `after`.
- Single resources have an `ETag`: `If-None-Match` answers 304, writes honour `If-Match` (412 when it is another one by now).
- Bodies may come in gzip (`Content-Encoding: gzip`); their limits are for what is unpacked.
- `POST /orders` and refunds take an `Idempotency-Key`: sent again, a request gets the first answer again.";

/// One adapter: its own document and the routes it answers.
type Adapter = (fn() -> utoipa::openapi::OpenApi, &'static [Route]);

fn adapters() -> [Adapter; 5] {
    [
        (auth_api::openapi::Document::openapi, auth_api::ROUTES),
        (
            products_api::openapi::Document::openapi,
            products_api::ROUTES,
        ),
        (orders_api::openapi::Document::openapi, orders_api::ROUTES),
        (
            payments_api::openapi::Document::openapi,
            payments_api::ROUTES,
        ),
        (gateway::openapi::Document::openapi, gateway::ROUTES),
    ]
}

/// The document of the whole API.
///
/// # Errors
/// When an adapter's document and its routes differ; every difference is named.
pub fn document() -> Result<utoipa::openapi::OpenApi> {
    let mut whole = utoipa::openapi::OpenApi::new(info(), utoipa::openapi::Paths::new());
    let mut mismatches = Vec::new();
    for (document, routes) in adapters() {
        match openapi::complete(document(), routes) {
            Ok(document) => whole.merge(document),
            Err(found) => mismatches.extend(found.iter().map(ToString::to_string)),
        }
    }
    if !mismatches.is_empty() {
        bail!("\n{}", mismatches.join("\n"));
    }
    openapi::add_shared_components(&mut whole);
    whole.openapi = OpenApiVersion::Version31;
    whole.servers = Some(vec![
        ServerBuilder::new()
            .url("/")
            .description(Some("This shop"))
            .build(),
    ]);
    let tag = |(name, description): (&str, &str)| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    };
    whole.tags = Some(TAGS.map(tag).into());
    Ok(whole)
}

/// The document as it is checked in: indented JSON with a line end.
///
/// # Errors
/// As [`document`].
pub fn document_text() -> Result<String> {
    Ok(document()?.to_pretty_json()? + "\n")
}

fn info() -> Info {
    InfoBuilder::new()
        .title("Mercato")
        .version("1.0.0")
        .description(Some(DESCRIPTION))
        .license(Some(
            LicenseBuilder::new()
                .name("Apache-2.0")
                .identifier(Some("Apache-2.0"))
                .build(),
        ))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKED_IN: &str = include_str!("../../../../docs/openapi.json");

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        document().unwrap();
    }

    #[test]
    fn the_checked_in_document_is_what_the_code_says() {
        assert!(
            document_text().unwrap() == CHECKED_IN,
            "docs/openapi.json is out of date: run `cargo xtask openapi`"
        );
    }
}
