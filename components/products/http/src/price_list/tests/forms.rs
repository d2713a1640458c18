//! Files in the body of a request, and in a form.

use bytes::Bytes;

use super::*;

/// The rows of a body of that type.
fn uploaded(content_type: &str, query: &str, pieces: &[&str]) -> Result<Seen, Problem> {
    let mut upload = Upload::of(content_type, options(query))?;
    let mut seen = Vec::new();
    for piece in pieces {
        upload.push(Bytes::copy_from_slice(piece.as_bytes()));
        while let Some(line) = upload.next()? {
            seen.push((line.lines.first, line.row.map(|row| row.changes)));
        }
    }
    while let Some(line) = upload.finish()? {
        seen.push((line.lines.first, line.row.map(|row| row.changes)));
    }
    Ok(seen)
}

const FORM: &str = "multipart/form-data; boundary=b";

/// A form with a file of that name and type.
fn form(file_name: &str, media_type: &str, file: &str) -> String {
    let name = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"");
    format!("--b\r\n{name}\r\nContent-Type: {media_type}\r\n\r\n{file}\r\n--b--\r\n")
}

#[test]
fn a_file_in_a_form_is_read_as_one_that_is_the_body() {
    let text = "\u{feff}sku;name\r\nA;\"two\r\nlines\"\r\nB;";
    let expected = shown(&csv(text));
    let ndjson_text = "{\"sku\":\"A\"}\n{\"sku\":1}\n";
    for (file_name, media_type, file, expected) in [
        ("list.csv", "text/csv", text, &expected),
        ("LIST.CSV", "application/vnd.ms-excel", text, &expected),
        ("list.tsv", "text/tab-separated-values", text, &expected),
        ("list", "Text/CSV; charset=utf-8", text, &expected),
        (
            "list.jsonl",
            "application/octet-stream",
            ndjson_text,
            &shown(&ndjson(ndjson_text)),
        ),
        (
            "list",
            "application/x-ndjson",
            ndjson_text,
            &shown(&ndjson(ndjson_text)),
        ),
    ] {
        let body = form(file_name, media_type, file);
        let seen = uploaded(FORM, "", &[&body]).unwrap();
        assert_eq!(&shown(&seen), expected, "{file_name}");
        let pieces: Vec<&str> = body.split_inclusive(|_| true).collect();
        assert_eq!(
            &shown(&uploaded(FORM, "", &pieces).unwrap()),
            expected,
            "{file_name}"
        );
    }
    assert_eq!(
        shown(&uploaded("text/csv; charset=utf-8", "", &[text]).unwrap()),
        expected
    );
}

#[test]
fn a_form_has_one_part_and_that_is_a_file() {
    let status = |content_type: &str, query: &str, body: &str| {
        let problem = uploaded(content_type, query, &[body]).unwrap_err();
        (problem.status().as_u16(), problem.code())
    };
    let file = form("a.csv", "text/csv", "sku\nA");
    let twice = file.replace("--b--\r\n", &file);
    assert_eq!(status(FORM, "", &twice), (400, "malformed-multipart"));
    let field = "--b\r\nContent-Disposition: form-data; name=unknown\r\n\r\nignore\r\n";
    assert_eq!(
        status(FORM, "", &format!("{field}{file}")),
        (400, "malformed-multipart")
    );
    assert_eq!(status(FORM, "", "--b--"), (400, "malformed-multipart"));
    assert_eq!(
        status(FORM, "", &file.replace("--b--", "")),
        (400, "malformed-multipart")
    );
    assert_eq!(
        status("multipart/form-data", "", &file),
        (400, "malformed-multipart")
    );
    let picture = form("a.png", "image/png", "x");
    assert_eq!(status(FORM, "", &picture), (415, "unsupported-media-type"));
    assert_eq!(
        status("image/png", "", "x"),
        (415, "unsupported-media-type")
    );
    // The names of columns mean something only where there are columns.
    let query = "columns=sku:number";
    assert_eq!(
        status("application/jsonl", query, "{}"),
        (400, "validation")
    );
    let lines = form("a.jsonl", "application/jsonl", "{}");
    assert_eq!(status(FORM, query, &lines), (400, "validation"));
}
