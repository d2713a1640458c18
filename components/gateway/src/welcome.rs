//! What a person sees who opens the shop's address in a browser: what this is, whether it is well, and where to go on. Works
//! without scripts.

use mercato_edge::{Context, HeaderValue, Reply, header};

use crate::ready;

/// The page's only style sheet; [`POLICY`] allows it by its hash.
const STYLE: &str = include_str!("welcome.css");

/// No scripts, no images, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; \
    style-src 'sha256-KcoswI/zp43JARmN05/AmYASv4bVl2tAC6au1KcYx5k='; \
    form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

/// The page. It says how the shop is now, so nobody keeps it.
pub async fn page(context: &Context) -> Reply {
    let down = ready::boxes_that_are_down(context.request_id()).await;
    Reply::html(document(&standing(&down)))
        .with_header(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        )
        .with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

/// How the shop is, in a sentence.
fn standing(down: &[&str]) -> String {
    if down.is_empty() {
        "<p class=\"good\">Everything is up.</p>".to_owned()
    } else {
        format!("<p class=\"bad\">Not ready: {}.</p>", down.join(", "))
    }
}

fn document(standing: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mercato</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>Mercato</h1>
<p>The backend of an online shop: accounts, a catalogue with stock, orders and payments behind one REST API. What customers see of the shop
is yours to build on it.</p>
{standing}
<section class="card" aria-labelledby="next">
<h2 id="next">Where to go on</h2>
<ul>
<li><a href="/api/docs">The API, to read and to try</a><br><span class="muted">Every operation, with requests from the browser, and a first purchase to click through.</span></li>
<li><a href="/api/docs/guide">The guide</a><br><span class="muted">How to use the API, by example.</span></li>
<li><a href="/api/v1/products">The catalogue</a><br><span class="muted">What customers can buy, as JSON.</span></li>
<li><a href="/api/health/ready">The health of the shop</a><br><span class="muted">What monitoring asks for.</span></li>
</ul>
</section>
<section class="card" aria-labelledby="admin">
<h2 id="admin">An admin</h2>
<p>The first admin is made when the shop starts with the variables <code>admin_email</code> and <code>admin_password</code>. While you build,
<code>cargo xtask up --demo</code> makes one, shows the password once, and fills the catalogue.</p>
</section>
</main>
</body>
</html>
"#
    )
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_policy_allows_this_style_sheet_and_nothing_else() {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        assert!(
            POLICY.contains(&format!("style-src 'sha256-{hash}'")),
            "{hash}"
        );
        assert!(!POLICY.contains("unsafe"));
    }

    #[test]
    fn the_page_shows_the_state_of_the_shop_and_loads_nothing() {
        let page = document(&standing(&[]));
        assert!(page.contains("Everything is up."));
        for foreign in ["<script", "http:", "https:", "style=\"", "src="] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        let page = document(&standing(&["auth-api", "orders-api"]));
        assert!(page.contains("Not ready: auth-api, orders-api."));
    }
}
