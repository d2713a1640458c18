//! Pictures of things that nobody has photographed yet: drawn from their names, the same for ever. The demo catalogue names them.

use std::fmt::Write as _;

#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{
    FromText, HeaderValue, Path, PathParameter, Problem, Refusal, Reply, StatusCode, endpoint,
    header,
};
use utoipa::ToSchema;

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 120;

/// How every name ends.
const ENDING: &str = ".svg";

/// What is sent.
const SVG: &str = "image/svg+xml";

/// A picture changes only with the program.
const A_WEEK: HeaderValue = HeaderValue::from_static("public, max-age=604800");

/// The FNV-1a hash of 64 bits (RFC 9923 section 5).
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// What is drawn, by the first word of a name: parts of an SVG of 400 by 400, in which `{a}`, `{b}` and `{c}` are colours.
const SHAPES: [(&str, &str); 8] = [
    (
        "bag",
        r#"<path fill="{a}" d="M120 110h160l18 210q0 20-20 20H122q-20 0-20-20z"/><path fill="{b}" d="M120 110h160l4 44H116z"/>
<rect x="150" y="196" width="100" height="84" rx="8" fill="{c}"/><path fill="{a}" d="M168 226h64v8h-64zm12 20h40v8h-40z"/>"#,
    ),
    (
        "cup",
        r#"<path fill="{a}" d="M110 160h160v70q0 70-70 70h-20q-70 0-70-70z"/><path fill="none" stroke="{a}" stroke-width="18" d="M270 180h20q30 0 30 30t-30 30h-24"/>
<ellipse cx="190" cy="160" rx="80" ry="16" fill="{b}"/><ellipse cx="190" cy="326" rx="110" ry="14" fill="{c}"/>"#,
    ),
    (
        "tin",
        r#"<rect x="120" y="130" width="160" height="200" rx="14" fill="{a}"/><rect x="112" y="104" width="176" height="40" rx="12" fill="{b}"/>
<circle cx="200" cy="240" r="48" fill="{c}"/><path fill="{a}" d="M200 204q36 36 0 72-36-36 0-72z"/>"#,
    ),
    (
        "plant",
        r#"<path fill="{b}" d="M140 260h120l-14 80q-2 12-14 12h-64q-12 0-14-12z"/><path fill="{a}" d="M196 262q-90-30-96-130 84 10 96 130zm8 0q90-30 96-130-84 10-96 130z"/>
<path fill="{c}" d="M200 262q-30-90 0-180 30 90 0 180z"/>"#,
    ),
    (
        "book",
        r#"<path fill="{a}" d="M110 90h170q14 0 14 14v200q0 14-14 14H110z"/><path fill="{b}" d="M110 90h26v228h-26z"/>
<rect x="160" y="136" width="104" height="54" rx="6" fill="{c}"/><path fill="white" d="M118 318h168v12H118z"/>"#,
    ),
    (
        "lamp",
        r#"<path fill="{a}" d="M150 90h100l50 110H100z"/><rect x="192" y="200" width="16" height="110" fill="{b}"/><rect x="140" y="306" width="120" height="18" rx="9" fill="{b}"/>
<ellipse cx="200" cy="204" rx="92" ry="12" fill="{c}"/>"#,
    ),
    (
        "cloth",
        r#"<path fill="{a}" d="M90 130q110-40 220 0v150q-110 40-220 0z"/><path fill="none" stroke="{b}" stroke-width="10" d="M90 170q110-40 220 0M90 240q110 40 220 0"/>
<circle cx="200" cy="206" r="22" fill="{c}"/>"#,
    ),
    (
        "box",
        r#"<path fill="{a}" d="M90 160l110-50 110 50-110 50z"/><path fill="{b}" d="M90 160l110 50v130L90 290z"/><path fill="{c}" d="M310 160l-110 50v130l110-50z"/>"#,
    ),
];

/// Name of a picture.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, min_length = 5, max_length = 120, pattern = r"^[a-z0-9]+(-[a-z0-9]+)*\.svg$")]
pub struct PictureName(String);

impl FromText for PictureName {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        let is_word = |word: &str| {
            let mut letters = word.bytes();
            !word.is_empty()
                && letters.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let name = text.strip_suffix(ENDING);
        let name = name.filter(|name| text.len() <= NAME_CHARS_MAX && name.split('-').all(is_word));
        let rest =
            "must be words of small letters and digits with hyphens between them, and end in .svg";
        name.map(|name| Self(name.to_owned()))
            .ok_or_else(|| ("format", rest.into()))
    }
}

impl PathParameter for PictureName {
    const MEANING: &'static str = "What is drawn (bag, cup, tin, plant, book, lamp, cloth, anything else as a box), and whatever tells it apart.";
    const EXAMPLE: Option<&'static str> = Some("bag-ethiopia-guji.svg");
}

/// Draw a picture
///
/// A picture of something by its name, for products that have none yet: the first word says what it shows, all of them choose the colours. The
/// same name is the same picture.
#[endpoint(
    GET "/api/pictures/{name}", access = Public, tag = "Catalogue", id = "drawPicture",
    returns = "The picture",
    describe = describe,
)]
pub async fn draw(Path(name): Path<PictureName>) -> Result<Reply, Problem> {
    Ok(reply(&name))
}

/// The picture of that name, as it is sent.
pub fn reply(name: &PictureName) -> Reply {
    Reply::with_body(StatusCode::OK, SVG, picture(&name.0))
        .with_header(header::CACHE_CONTROL, A_WEEK)
}

#[cfg(not(target_family = "wasm"))]
fn describe(description: &mut Description) {
    description.text(200, SVG);
}

fn picture(name: &str) -> String {
    let hash = name.bytes().fold(FNV_OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
    });
    let kind = name.split('-').next().unwrap_or_default();
    let [.., (_, anything)] = SHAPES;
    let shape = SHAPES.iter().find(|(known, _)| *known == kind);
    let shape = shape.map_or(anything, |(_, shape)| *shape);
    // Three hues that go together, and a ground of the first one.
    let hue = hash % 360;
    let colour = |turn: u64, saturation: u64, light: u64| {
        format!("hsl({} {saturation}% {light}%)", (hue + turn) % 360)
    };
    let second = [30, 150, 180, 210].get(usize::try_from(hash / 360 % 4).unwrap_or_default());
    let second = second.copied().unwrap_or_default();
    let shape = shape
        .replace("{a}", &colour(0, 45, 42))
        .replace("{b}", &colour(0, 40, 30))
        .replace("{c}", &colour(second, 55, 68));
    let mut svg = String::new();
    // Writing into a text does not fail.
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 400 400\" role=\"img\"><rect width=\"400\" height=\"400\" fill=\"{}\"/>\
         <circle cx=\"200\" cy=\"210\" r=\"160\" fill=\"{}\"/>{shape}</svg>",
        colour(0, 35, 92),
        colour(second, 40, 86),
    )
    .ok();
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_picture_for_ever_and_others_are_others() {
        assert_eq!(picture("bag-guji"), picture("bag-guji"));
        assert_ne!(picture("bag-guji"), picture("bag-nyeri"));
        assert_eq!(picture("nothing-known").matches("<path").count(), 3);
        for (kind, _) in SHAPES {
            let svg = picture(kind);
            assert!(
                svg.starts_with("<svg ") && svg.ends_with("</svg>\n"),
                "{svg}"
            );
            assert!(!svg.contains('{'), "{svg}");
        }
    }

    #[test]
    fn nothing_of_a_name_stands_in_its_picture() {
        for name in ["bag-script", "onload"] {
            assert!(!picture(name).contains(name));
        }
    }

    #[test]
    fn names_are_words_and_short() {
        assert!(PictureName::from_text("bag-ethiopia-guji.svg").is_ok());
        let long = format!("{}.svg", "x".repeat(NAME_CHARS_MAX));
        for name in [
            "bag",
            ".svg",
            "Bag.svg",
            "bag--a.svg",
            "bag .svg",
            "../a.svg",
            "é.svg",
            &long,
        ] {
            assert!(PictureName::from_text(name).is_err(), "{name}");
        }
    }
}
