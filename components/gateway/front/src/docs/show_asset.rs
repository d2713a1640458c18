use mercato_edge::{Context, Problem, Reply};

use super::packed::{A_DAY, FOR_GOOD, Packed, packed};

/// What the page loads.
const ASSETS: [Packed; 5] = [
    packed!("favicon-32x32.png", "image/png"),
    packed!("initializer.js", "text/javascript; charset=utf-8"),
    packed!("page.css", "text/css; charset=utf-8"),
    packed!("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    packed!("swagger-ui.css", "text/css; charset=utf-8"),
];

/// `GET /api/docs/{file}`.
#[utoipa::path(
    get,
    path = "/api/docs/{file}",
    tag = "Health",
    operation_id = "getDocsFile",
    summary = "Get a part of the page",
    description = "Scripts, styles and the icon of `/api/docs`. The page names them with a tag that changes with the file, as in \
        `page.0123456789abcdef01234567.css`: so they may be kept for good.",
    params(
        ("file" = String, Path, description = "Name of the file", example = "page.css"),
        ("If-None-Match" = Option<String>, Header, description = "A tag of an earlier answer"),
    ),
    responses(
        (
            status = 200,
            description = "The file",
            content(
                (String = "text/javascript"),
                (String = "text/css"),
                (String = "image/png"),
            ),
            headers(("ETag" = String, description = "Changes with the file")),
        ),
        (status = 304, description = "Still as the client has it"),
        (
            status = 404,
            description = "There is no such file",
            body = mercato_edge::ProblemDocument,
            content_type = "application/problem+json",
        ),
    )
)]
pub async fn show_asset(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let name = context.param("file");
    for asset in ASSETS {
        if asset.tagged_name == name {
            return asset.reply(&context, FOR_GOOD);
        }
        if asset.name == name {
            return asset.reply(&context, A_DAY);
        }
    }
    Err(Problem::not_found("file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_nothing_but_what_is_here() {
        let page = include_str!("../../assets/index.html");
        let loaded: Vec<&str> = page
            .split(['"', ' '])
            .filter_map(|word| word.strip_prefix("/api/docs/"))
            .filter(|name| *name != "openapi.json")
            .collect();
        assert_eq!(loaded.len(), ASSETS.len(), "{loaded:?}");
        for name in loaded {
            assert!(ASSETS.iter().any(|asset| asset.name == name), "{name}");
        }
        assert!(!page.contains("//"), "nothing from elsewhere");
    }

    #[test]
    fn scripts_and_styles_stand_in_files_of_their_own() {
        let page = include_str!("../../assets/index.html");
        for inline in ["<style", "style=", "onclick", "onload", "javascript:"] {
            assert!(!page.contains(inline), "{inline}");
        }
        assert_eq!(
            page.matches("<script").count(),
            page.matches("<script src=").count()
        );
    }
}
