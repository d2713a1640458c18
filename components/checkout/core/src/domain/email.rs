//! E-mail addresses of customers.

use email_address::{EmailAddress, Options};
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use mercato_kernel::Refusal;

use super::texts::text_by;

/// Longest address that fits a mail path (RFC 5321 section 4.5.3.1.3, erratum 1690).
pub const EMAIL_BYTES_MAX: usize = 254;

text_by! {
    /// An address in lower case, its domain as the DNS has it: by it, uses of a discount code are counted.
    Email, email
}

fn email(text: &str) -> Result<String, Refusal> {
    let refused = || {
        let rest = "must be an address such as name@example.com";
        ("format", rest.into())
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(("required", "must not be empty".into()));
    }
    if text.chars().count() > EMAIL_BYTES_MAX {
        return Err(too_long());
    }
    let (local, domain) = text.rsplit_once('@').ok_or_else(refused)?;
    // Two addresses that look alike could be two customers: a local part is ASCII, and the domain is in its ASCII form (UTS 46).
    let domain = Uts46::new().to_ascii(
        domain.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::CheckFirstLast,
        DnsLength::Verify,
    );
    let address = format!("{local}@{}", domain.map_err(|_| refused())?);
    let form = Options::default()
        .with_required_tld()
        .without_domain_literal()
        .without_display_text();
    let is_plain = local.is_ascii() && !local.contains('"');
    if !is_plain || EmailAddress::parse_with_options(&address, form).is_err() {
        return Err(refused());
    }
    if address.len() > EMAIL_BYTES_MAX {
        return Err(too_long());
    }
    Ok(address.to_ascii_lowercase())
}

fn too_long() -> Refusal {
    let rest = format!("must not be longer than {EMAIL_BYTES_MAX} characters");
    ("max", rest.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_and_scripts_make_no_other_customer() {
        for (text, address) in [
            (" Ada@Example.COM ", "ada@example.com"),
            ("ada@Bücher.example", "ada@xn--bcher-kva.example"),
            ("a.b+c@sub.example.com", "a.b+c@sub.example.com"),
        ] {
            assert_eq!(Email::parse(text).unwrap().as_str(), address);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(EMAIL_BYTES_MAX));
        for (text, code) in [
            ("", "required"),
            ("ada", "format"),
            ("ada@localhost", "format"),
            ("ada@[127.0.0.1]", "format"),
            ("Ada <ada@example.com>", "format"),
            ("\"a b\"@example.com", "format"),
            ("ädа@example.com", "format"),
            ("a b@example.com", "format"),
            ("ada@exa mple.com", "format"),
            ("ada@example.com\r\nBcc: b@example.com", "format"),
            (&long, "max"),
        ] {
            assert_eq!(Email::parse(text).unwrap_err().0, code, "{text:?}");
        }
    }
}
