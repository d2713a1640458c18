//! What the pages are made of.

use maud::{Markup, PreEscaped, Render, html};
use mercato_edge::{HeaderValue, Reply, StatusCode, header};

use super::standing::Icon;
use crate::storefront::Storefront;

/// The page's only style sheet; [`POLICY`] allows it by its hash.
pub const STYLE: &str = include_str!("../checkout_page.css");

/// No scripts, no images, nothing from elsewhere; the form goes back to us.
pub const POLICY: &str = "default-src 'none'; \
    style-src 'sha256-esNCYFvpy3JtMgj6J/55CW8vzXKCS3a03Ujj71zptiA='; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HTML: &str = "text/html; charset=utf-8";

/// Text between tags and in attributes; an apostrophe is escaped, too.
pub struct Text<'a>(pub &'a str);

impl Render for Text<'_> {
    fn render_to(&self, buffer: &mut String) {
        for character in self.0.chars() {
            match character {
                '&' => buffer.push_str("&amp;"),
                '<' => buffer.push_str("&lt;"),
                '>' => buffer.push_str("&gt;"),
                '"' => buffer.push_str("&quot;"),
                '\'' => buffer.push_str("&#39;"),
                other => buffer.push(other),
            }
        }
    }
}

/// A whole page.
pub fn document(status: StatusCode, title: &str, shop_name: &str, body: &Markup) -> Reply {
    let shop_name = Text(shop_name);
    let page = html! {
        (PreEscaped("<!doctype html>"))
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " – " (shop_name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p class="brand" { (shop_name) }
                    p class="step" { "Payment" }
                }
                main {
                    p class="notice" role="note" {
                        strong { "Simulated payment:" } " no money moves."
                    }
                    (body)
                }
                footer { p { "This page stands in for a payment provider’s." } }
            }
        }
    };
    Reply::with_body(status, HTML, page.into_string()).with_header(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    )
}

/// The title of a page that says how something ended.
pub fn heading(title: &str, icon: Icon) -> Markup {
    // A shape of SVG closes itself, which no element of HTML does.
    let shape = format!(
        "<circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"{}\"/>",
        icon.path
    );
    html! {
        div class="result" {
            svg class={ "icon " (icon.class) } viewBox="0 0 24 24" fill="none" stroke="currentColor"
                stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" {
                (PreEscaped(shape))
            }
            h1 { (title) }
        }
    }
}

/// An entry of a list of facts.
pub fn fact(name: &str, value: &Markup) -> Markup {
    html! { dt { (name) } dd { (value) } }
}

/// The button that leads from how it ended to the shop.
pub fn way_back(url: &str, shop: &Storefront) -> Markup {
    link_back(url, &format!("Back to {}", shop.name), Some("back"))
}

/// A link to the shop; nothing when the address is no page.
pub fn link_back(url: &str, label: &str, class: Option<&str>) -> Markup {
    html! {
        @if is_web(url) {
            p { a class=[class] href=(Text(url)) { (Text(label)) } }
        }
    }
}

/// Only such an address may become a link, whoever gave it.
pub fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
