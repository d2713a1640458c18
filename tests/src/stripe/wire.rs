//! Requests as they come over the wire.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpStream,
};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// As in `POST /v1/refunds`.
    pub line: String,
    /// Names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The form's fields.
    pub form: BTreeMap<String, String>,
}

/// Reads one request; none when the connection ends before it is complete.
pub(super) fn receive(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let line = line.trim().strip_suffix(" HTTP/1.1")?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    assert!(
        !headers.contains_key("transfer-encoding"),
        "the body comes in one piece"
    );
    let length = headers.get("content-length").map_or("0", String::as_str);
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Received {
        line,
        headers,
        form: parse_form(&String::from_utf8(body).ok()?),
    })
}

/// The fields of a form as browsers send it.
pub fn parse_form(text: &str) -> BTreeMap<String, String> {
    let fields = text.split('&').filter_map(|field| field.split_once('='));
    fields
        .map(|(name, value)| (percent_decoded(name), percent_decoded(value)))
        .collect()
}

/// <https://url.spec.whatwg.org/#urlencoded-parsing>
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits =
                    [rest.next(), rest.next()].map(|digit| char::from(digit.unwrap_or(b'?')));
                u8::from_str_radix(&String::from_iter(digits), 16).expect("two hexadecimal digits")
            }
            other => other,
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}
