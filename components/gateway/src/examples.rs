//! What the answers of the front door look like, for the OpenAPI document.

use std::collections::BTreeMap;

use mercato_edge::examples::{Examples, OperationExamples, refusal};
use mercato_edge::{
    FromText as _, InvalidSetting, Json, OutboxLag, Problem, Reply, Route, StatusCode, settings,
};
use serde_json::json;

use crate::docs::{SHOW_ASSET, SHOW_DOCUMENT, SHOW_GUIDE, SHOW_PAGE};
use crate::metrics::{METRICS, admit};
use crate::pictures::{DRAW, PictureName, reply};
use crate::ready::{COMPONENTS, READY, Readiness, not_ready};
use crate::{GREET, GREETING, LIVE, Liveness};

/// A page, in shape.
const PAGE: &str = "<!doctype html>\n<html lang=\"en\">…</html>\n";

/// What a scraper sees first.
const METRICS_TEXT: &str = "\
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
    let document = json!({"openapi": "3.1.0", "info": {"title": "Mercato", "version": "1.0.0"}});
    let document = Reply::json(&document)?;
    Ok(Examples::default()
        .with(
            GREET
                .examples(&[])
                .answer("greeting", "To programs", Reply::text(GREETING))?
                .answer("page", "To browsers", Reply::html(PAGE))?,
        )
        .with(
            LIVE.examples(&[])
                .answer("live", "It is", Json(Liveness::OK))?,
        )
        .with(ready()?)
        .with(
            METRICS
                .examples(&[])
                .answer("metrics", "The beginning", Reply::text(METRICS_TEXT))?
                .problem(&refusal(admit("secret", Ok(None))))
                .problem(&refusal(admit("", Ok(None)))),
        )
        .with(page(&SHOW_PAGE, "The page")?)
        .with(page(&SHOW_GUIDE, "The guide")?)
        .with(
            SHOW_DOCUMENT
                .examples(&[])
                .answer("document", "The beginning", document)?,
        )
        .with(file()?)
        .with(picture()?))
}

fn page(route: &Route, summary: &str) -> Result<OperationExamples, Problem> {
    route
        .examples(&[])
        .answer("page", summary, Reply::html(PAGE))
}

fn ready() -> Result<OperationExamples, Problem> {
    let boxes: BTreeMap<_, _> = COMPONENTS.map(|name| (name, "up")).into();
    let is_ready = Readiness::of(boxes.clone(), Some(NO_LAG), Vec::new());
    let mut down = boxes;
    down.insert("orders-api", "down");
    let unusable = InvalidSetting::new("trusted_proxies", "must be a whole number");
    Ok(READY
        .examples(&[])
        .answer("ready", "Everything is up", Json(is_ready))?
        .problem(&settings::unusable(&[unusable]))
        .problem(&not_ready(&["orders-api"], &down, Some(NO_LAG), &[])))
}

fn picture() -> Result<OperationExamples, Problem> {
    let name = "bag-ethiopia-guji.svg";
    let drawn = PictureName::from_text(name).map(|name| reply(&name));
    let drawn = drawn.map_err(|_| Problem::internal())?;
    DRAW.examples(&[("name", name)])
        .answer("bag", "A bag of coffee", drawn)
}

fn file() -> Result<OperationExamples, Problem> {
    let of =
        |content_type, text: &'static str| Reply::with_body(StatusCode::OK, content_type, text);
    let script = of("text/javascript", "\"use strict\";\n");
    Ok(SHOW_ASSET
        .examples(&[("file", "page.css")])
        .answer("script", "A script", script)?
        .answer("styles", "Styles", of("text/css", "html {}\n"))?
        .answer("icon", "An icon", of("image/png", "‰PNG…"))?
        .problem(&Problem::not_found("file")))
}
