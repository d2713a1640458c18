//! What the answers of the front door look like, for the OpenAPI document.

use std::collections::BTreeMap;

use mercato_edge::examples::{Examples, OperationExamples, refusal};
use mercato_edge::{InvalidSetting, Method, OutboxLag, Problem, Reply, StatusCode, settings};
use serde_json::json;

use crate::metrics::admit;
use crate::ready::{BOXES, Readiness, not_ready};
use crate::{GREETING, LIVE};

/// A page, in shape.
const PAGE: &str = "<!doctype html>\n<html lang=\"en\">…</html>\n";

/// What a scraper sees first.
const METRICS: &str = "\
    # HELP mercato_component_up Whether the component told its metrics.\n\
    # TYPE mercato_component_up gauge\n\
    mercato_component_up{component=\"orders-api\"} 1\n";

/// Nothing is under way.
const NO_LAG: OutboxLag = OutboxLag {
    pending: 0,
    parked: 0,
    oldest_ms: 0,
};

/// The examples of all operations.
///
/// # Errors
/// What makes an answer fails, which the document's tests find out.
pub fn examples() -> Result<Examples, Problem> {
    Ok(Examples::default()
        .with(
            of("/")
                .answer("greeting", "To programs", &Reply::text(GREETING))
                .answer("page", "To browsers", &Reply::html(PAGE)),
        )
        .with(of("/api/health/live").answer("live", "It is", &Reply::json(&LIVE)?))
        .with(ready()?)
        .with(
            of("/api/metrics")
                .answer("metrics", "The beginning", &Reply::text(METRICS))
                .problem(&refusal(admit("secret", Ok(None))))
                .problem(&refusal(admit("", Ok(None)))),
        )
        .with(of("/api/docs").answer("page", "The page", &Reply::html(PAGE)))
        .with(of("/api/docs/guide").answer("page", "The guide", &Reply::html(PAGE)))
        .with(of("/api/docs/openapi.json").answer(
            "document",
            "The beginning",
            &Reply::json(
                &json!({"openapi": "3.1.0", "info": {"title": "Mercato", "version": "1.0.0"}}),
            )?,
        ))
        .with(file()))
}

fn of(pattern: &'static str) -> OperationExamples {
    OperationExamples::of(Method::GET, pattern, &[])
}

fn ready() -> Result<OperationExamples, Problem> {
    let boxes: BTreeMap<_, _> = BOXES.map(|name| (name, "up")).into();
    let is_ready = Readiness::of(boxes.clone(), Some(NO_LAG), Vec::new());
    let mut down = boxes;
    down.insert("orders-api", "down");
    Ok(of("/api/health/ready")
        .answer("ready", "Everything is up", &Reply::json(&is_ready)?)
        .problem(&settings::unusable(&[InvalidSetting::new(
            "trusted_proxies",
            "must be a whole number",
        )]))
        .problem(&not_ready(&["orders-api"], &down, Some(NO_LAG), &[])))
}

fn file() -> OperationExamples {
    let of =
        |content_type, text: &'static str| Reply::with_body(StatusCode::OK, content_type, text);
    OperationExamples::of(Method::GET, "/api/docs/{file}", &[("file", "page.css")])
        .answer(
            "script",
            "A script",
            &of("text/javascript", "\"use strict\";\n"),
        )
        .answer("styles", "Styles", &of("text/css", "html {}\n"))
        .answer("icon", "An icon", &of("image/png", "‰PNG…"))
        .problem(&Problem::not_found("file"))
}
