#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{Context, Path, PathParameter, Problem, Reply, endpoint};
use mercato_kernel::text_value;
use utoipa::ToSchema;

use super::packed::{A_DAY, FOR_GOOD, Packed, packed};

/// What the page loads.
const ASSETS: [Packed; 8] = [
    packed!("favicon-32x32.png", "image/png"),
    packed!("guide.css", "text/css; charset=utf-8"),
    packed!("initializer.js", "text/javascript; charset=utf-8"),
    packed!("page.css", "text/css; charset=utf-8"),
    packed!("plugins.js", "text/javascript; charset=utf-8"),
    packed!("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    packed!("swagger-ui.css", "text/css; charset=utf-8"),
    packed!("walk.js", "text/javascript; charset=utf-8"),
];

/// Name of a file.
#[derive(Debug, ToSchema)]
pub struct FileName(String);

text_value!(FileName);

impl PathParameter for FileName {
    const MEANING: &'static str = "Name of the file";
    const EXAMPLE: Option<&'static str> = Some("page.css");
}

/// Get a part of the page
///
/// Scripts, styles and the icon of `/api/docs`. The page names them with a tag that changes with the file, as in
/// `page.0123456789abcdef01234567.css`: so they may be kept for good.
#[endpoint(
    GET "/api/docs/{file}", access = Public, tag = "Health", id = "getDocsFile",
    returns = "The file",
    404 = "There is no such file",
    describe = describe,
)]
pub async fn show_asset(context: Context, Path(file): Path<FileName>) -> Result<Reply, Problem> {
    for asset in ASSETS {
        if asset.tagged_name == file.0 {
            return asset.reply(&context, FOR_GOOD);
        }
        if asset.name == file.0 {
            return asset.reply(&context, A_DAY);
        }
    }
    Err(Problem::not_found("file"))
}

#[cfg(not(target_family = "wasm"))]
fn describe(description: &mut Description) {
    for media_type in ["text/javascript", "text/css", "image/png"] {
        description.text(200, media_type);
    }
    description.tagged(200);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PAGES: [&str; 2] = [
        include_str!("../../assets/index.html"),
        include_str!("../../assets/guide.html"),
    ];

    #[test]
    fn the_pages_load_nothing_but_what_is_here() {
        let mut loaded = BTreeSet::new();
        for page in PAGES {
            let names = page
                .split("src=\"")
                .skip(1)
                .chain(
                    page.split("<link ")
                        .skip(1)
                        .filter_map(|link| link.split_once("href=\""))
                        .map(|(_, rest)| rest),
                )
                .filter_map(|rest| rest.split('"').next());
            loaded.extend(names);
            assert!(!page.contains("//"), "nothing from elsewhere");
        }
        let expected: BTreeSet<String> = ASSETS
            .iter()
            .map(|asset| format!("/api/docs/{}", asset.name))
            .collect();
        assert_eq!(loaded, expected.iter().map(String::as_str).collect());
    }

    #[test]
    fn scripts_and_styles_stand_in_files_of_their_own() {
        for page in PAGES {
            for inline in ["<style", "style=", "onclick", "onload", "javascript:"] {
                assert!(!page.contains(inline), "{inline}");
            }
            assert_eq!(
                page.matches("<script").count(),
                page.matches("<script src=").count()
            );
        }
        assert!(!PAGES[1].contains("<script"), "the guide has none");
    }
}
