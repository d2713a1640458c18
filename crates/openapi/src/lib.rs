//! The OpenAPI document, put together from the endpoints of all adapters. `cargo xtask openapi` writes it to
//! `docs/openapi.json`; a test fails when that file is no longer what the code says.

mod guide;

use anyhow::{Result, anyhow, bail};
use mercato_edge::examples::Examples;
use mercato_edge::{Problem, Route, openapi};
use utoipa::openapi::{Info, InfoBuilder, LicenseBuilder, OpenApiVersion, ServerBuilder};

const DESCRIPTION: &str = "\
The backend of an online shop: accounts, catalogue with stock, orders and payments.

A first purchase: *Open an account* gives an `accessToken` (**Authorize** sends it), *List and search products* an `id`, *Place an order* \
a `paymentSession.url` to pay at, and *Read an order* tells that it is `PAID`. [The guide](/api/docs/guide) goes on from there.

- Errors are `application/problem+json` (RFC 9457); `errors` names every field at fault.
- Amounts are decimal numbers with at most four places; nothing is ever rounded silently.
- Lists take `page` or, at the same cost on every page, the cursor `after`.
- Single resources have an `ETag`: `If-None-Match` answers 304, writes honour `If-Match` (412 when it is another one by now).
- Bodies may come in gzip (`Content-Encoding: gzip`); their limits are for what is unpacked.
- `POST /orders` and refunds take an `Idempotency-Key`: sent again, a request gets the first answer again.";

/// One adapter: the endpoints it has, and examples of their answers.
struct Adapter {
    routes: &'static [Route],
    examples: fn() -> Result<Examples, Problem>,
}

macro_rules! adapters {
    ($($name:ident),*) => {
        [$(Adapter {
            routes: $name::ROUTES,
            examples: $name::examples::examples,
        }),*]
    };
}

const ADAPTERS: [Adapter; 6] = adapters![
    auth_http,
    products_http,
    checkout_http,
    orders_http,
    payments_http,
    gateway
];

/// The routes of all adapters.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    ADAPTERS.into_iter().flat_map(|adapter| adapter.routes)
}

/// The document of the whole API.
///
/// # Errors
/// When a public route says nothing of itself, or an example is of what is not described; each is named.
pub fn document() -> Result<utoipa::openapi::OpenApi> {
    let mut whole = utoipa::openapi::OpenApi::new(info(), utoipa::openapi::Paths::new());
    let mut mismatches = Vec::new();
    for adapter in ADAPTERS {
        let examples = (adapter.examples)()
            .map_err(|problem| anyhow!("an example cannot be made: {problem:?}"))?;
        match openapi::document(adapter.routes, examples) {
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
    whole.external_docs = Some(guide::whole());
    whole.tags = Some(guide::tags());
    guide::link_operations(&mut whole);
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
mod checks;

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKED_IN: &str = include_str!("../../../docs/openapi.json");

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
