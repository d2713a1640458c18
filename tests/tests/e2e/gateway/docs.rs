use std::collections::BTreeSet;
use std::fs;

use mercato_tests::{Response, repository, shop::Shop};

const DOCUMENT: &str = "/api/docs/openapi.json";

const GUIDE: &str = "/api/docs/guide";

/// What the pages load, and as what.
const ASSETS: [(&str, &str); 8] = [
    ("favicon-32x32.png", "image/png"),
    ("guide.css", "text/css; charset=utf-8"),
    ("initializer.js", "text/javascript; charset=utf-8"),
    ("page.css", "text/css; charset=utf-8"),
    ("plugins.js", "text/javascript; charset=utf-8"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("walk.js", "text/javascript; charset=utf-8"),
];

/// The first bytes of what is compressed with gzip (RFC 1952).
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

fn get(path: &str) -> Response {
    Shop::shared().nobody().get(path).send()
}

#[test]
fn the_document_is_the_one_of_the_repository() {
    let answer = get(DOCUMENT).expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let own = fs::read(repository().join("docs/openapi.json")).expect("the document");
    assert!(answer.bytes() == own, "the shop was built from another one");
    assert_eq!(answer.json()["openapi"], "3.1.0");
}

#[test]
fn the_page_loads_nothing_from_elsewhere_and_is_not_framed() {
    let answer = get("/api/docs").expect(200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = answer.header("content-security-policy").expect("a policy");
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ] {
        assert!(
            policy.split("; ").any(|found| found == rule),
            "{rule}: {policy}"
        );
    }
    for weak in ["unsafe-eval", "http:", "https:", "*"] {
        assert!(!policy.contains(weak), "{policy}");
    }
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn the_guide_has_no_scripts_and_leads_to_the_operations() {
    let answer = get(GUIDE).expect(200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = answer.header("content-security-policy").expect("a policy");
    for rule in ["default-src 'none'", "style-src 'self'", "img-src 'self'"] {
        assert!(policy.contains(rule), "{rule}: {policy}");
    }
    for weak in ["script", "unsafe", "connect", "http:", "https:", "*"] {
        assert!(!policy.contains(weak), "{policy}");
    }
    let page = answer.text();
    for part in [
        "<h1 id=\"the-api-by-example\">",
        "<h2 id=\"orders\">",
        "<a href=\"#orders\">Orders</a>",
        "<a href=\"/api/docs\">",
        "curl -s $API/auth/register",
        "<th>status</th>",
        "(docs/stripe.md)",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script") && !page.contains(".md\""));
}

#[test]
fn everything_the_pages_load_is_here_and_may_be_kept_for_good() {
    let pages = ["/api/docs", GUIDE].map(|page| get(page).expect(200).text());
    let loaded: BTreeSet<&str> = pages
        .iter()
        .flat_map(|page| page.split('"'))
        .filter(|text| text.starts_with("/api/docs/") && *text != DOCUMENT && *text != GUIDE)
        .collect();
    assert_eq!(loaded.len(), ASSETS.len(), "{loaded:?}");
    for (file, content_type) in ASSETS {
        let (stem, extension) = file.rsplit_once('.').expect("an extension");
        let (begin, end) = (format!("/api/docs/{stem}."), format!(".{extension}"));
        let path = loaded
            .iter()
            .find(|path| {
                path.starts_with(&begin)
                    && path.ends_with(&end)
                    && path.len() > begin.len() + end.len()
            })
            .unwrap_or_else(|| panic!("{file} is not loaded"));
        let tagged = get(path).expect(200);
        assert_eq!(tagged.header("content-type"), Some(content_type));
        let caching = tagged.header("cache-control").unwrap_or_default();
        assert_eq!(caching, "public, max-age=31536000, immutable", "{path}");
        assert!(!tagged.bytes().is_empty(), "{file}");
        let plain = get(&format!("/api/docs/{file}")).expect(200);
        assert!(plain.bytes() == tagged.bytes(), "{file}");
    }
}

#[test]
fn what_is_there_already_is_not_sent_again() {
    let nobody = Shop::shared().nobody();
    for path in ["/api/docs", GUIDE, DOCUMENT, "/api/docs/swagger-ui.css"] {
        for coding in ["br", "gzip", "identity"] {
            let ask = || nobody.get(path).header("accept-encoding", coding);
            let first = ask().expect(200);
            let tag = first.header("etag").expect("a tag");
            let again = ask().header("if-none-match", tag).expect(304);
            assert_eq!(again.bytes(), b"");
            for name in ["etag", "cache-control", "vary", "content-security-policy"] {
                assert_eq!(again.header(name), first.header(name), "{path}: {name}");
            }
            ask().header("if-none-match", "\"other\"").expect(200);
        }
    }
}

#[test]
fn every_client_gets_the_coding_that_it_likes_best() {
    let nobody = Shop::shared().nobody();
    for path in [
        "/api/docs",
        GUIDE,
        DOCUMENT,
        "/api/docs/swagger-ui-bundle.js",
    ] {
        let ask = |accepted: &str| {
            nobody
                .get(path)
                .header("accept-encoding", accepted)
                .expect(200)
        };
        let plain = nobody.get(path).expect(200);
        assert_eq!(plain.header("content-encoding"), None);
        for (accepted, coding) in [
            ("br;q=0.5, gzip;q=0.8", "gzip"),
            ("gzip, deflate, br", "br"),
            ("gzip", "gzip"),
            ("*", "br"),
        ] {
            let packed = ask(accepted);
            assert_eq!(
                packed.header("content-encoding"),
                Some(coding),
                "{accepted}"
            );
            assert_eq!(packed.bytes().starts_with(&GZIP), coding == "gzip");
            assert!(packed.bytes().len() < plain.bytes().len(), "{path}");
            assert!(packed.lists("vary", "accept-encoding"), "{path}");
            assert_ne!(packed.header("etag"), plain.header("etag"), "another form");
        }
        for refused in ["gzip;q=0", "identity", "identity, br;q=0.5", "zstd"] {
            let answer = ask(refused);
            assert_eq!(answer.header("content-encoding"), None, "{refused}");
            assert_eq!(answer.bytes(), plain.bytes());
        }
    }
}

#[test]
fn head_answers_how_long_each_part_is() {
    let nobody = Shop::shared().nobody();
    for path in ["/api/docs", GUIDE, DOCUMENT, "/api/docs/page.css"] {
        let full = get(path).expect(200);
        let head = nobody.request("HEAD", path).expect(200);
        assert_eq!(head.bytes(), b"");
        let length = full.bytes().len().to_string();
        assert_eq!(head.header("content-length"), Some(&*length), "{path}");
        assert_eq!(head.header("etag"), full.header("etag"), "{path}");
    }
}

#[test]
fn the_page_is_at_one_address() {
    let answer = get("/api/docs/").expect(308);
    assert_eq!(answer.header("location"), Some("/api/docs"));
}

#[test]
fn other_files_methods_and_parameters_are_refused() {
    for path in [
        "/api/docs/index.html",
        "/api/docs/swagger-ui.js",
        "/api/docs/..%2Fopenapi.json",
        "/api/docs/Page.css",
        "/api/docs/a/b",
    ] {
        get(path).expect_problem(404, "not-found");
    }
    for path in ["/api/docs", GUIDE, DOCUMENT, "/api/docs/page.css"] {
        Shop::shared()
            .nobody()
            .post(path)
            .expect_problem(405, "method-not-allowed");
        get(&format!("{path}?x=1")).expect_problem(400, "validation");
    }
}
