//! W3C Trace Context (level 1): the header `traceparent`, which ties what one call sets off together across services.

use std::fmt;

use crate::random;

const TRACE_ID_CHARS: usize = 32;
const SPAN_ID_CHARS: usize = 16;
const SPAN_ID_BYTES: usize = 8;
const VERSION_CHARS: usize = 2;
const FLAGS_CHARS: usize = 2;

/// The version that is written.
const VERSION: &str = "00";
/// The version that never will be (section 3.2.2.1).
const VERSION_INVALID: &str = "ff";
/// The only flags of version 00: sampled.
const FLAGS_KNOWN: u8 = 0b1;

/// A place in a trace: which trace, which span in it, and whether its caller records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: String,
    span_id: String,
    flags: u8,
}

impl TraceContext {
    /// Reads a `traceparent` header strictly (section 3.2); `None` for one that must be ignored. A version newer than
    /// ours may have more at its end, after a further dash.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.splitn(5, '-');
        let version = hex(parts.next()?, VERSION_CHARS)?;
        let trace_id = hex(parts.next()?, TRACE_ID_CHARS)?;
        let span_id = hex(parts.next()?, SPAN_ID_CHARS)?;
        let flags = hex(parts.next()?, FLAGS_CHARS)?;
        let has_more = parts.next().is_some();
        if version == VERSION_INVALID || (version == VERSION && has_more) {
            return None;
        }
        if is_zero(trace_id) || is_zero(span_id) {
            return None;
        }
        Some(Self {
            trace_id: trace_id.to_owned(),
            span_id: span_id.to_owned(),
            flags: u8::from_str_radix(flags, 16).ok()? & FLAGS_KNOWN,
        })
    }

    /// A new span of the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        let entropy = random::bytes::<SPAN_ID_BYTES>();
        // All zeros would be no id; the chance of it is not worth more than this.
        let span_id = u64::from_be_bytes(entropy).max(1);
        Self {
            trace_id: self.trace_id.clone(),
            span_id: format!("{span_id:016x}"),
            flags: self.flags,
        }
    }

    /// The trace, 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// The span in it, 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> &str {
        &self.span_id
    }
}

/// As a `traceparent` header.
impl fmt::Display for TraceContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            span_id,
            flags,
        } = self;
        write!(formatter, "{VERSION}-{trace_id}-{span_id}-{flags:02x}")
    }
}

/// The text when it is that many lower-case hexadecimal digits.
fn hex(text: &str, chars: usize) -> Option<&str> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    (text.len() == chars && text.bytes().all(is_digit)).then_some(text)
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_child_stays_in_the_trace() {
        let given = TraceContext::parse(GIVEN).unwrap();
        assert_eq!(given.to_string(), GIVEN);
        let child = given.child();
        assert_eq!(child.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_ne!(child.span_id(), given.span_id());
        assert_eq!(TraceContext::parse(&child.to_string()), Some(child));
    }

    #[test]
    fn flags_that_are_not_known_are_not_passed_on() {
        let given = GIVEN.replace("-01", "-ff");
        let written = TraceContext::parse(&given).unwrap().to_string();
        assert_eq!(written, GIVEN);
    }

    #[test]
    fn a_newer_version_may_say_more_and_is_answered_in_ours() {
        for newer in [
            GIVEN.replace("00-0a", "01-0a"),
            format!("{}-more-of-it", GIVEN.replace("00-0a", "cc-0a")),
        ] {
            let written = TraceContext::parse(&newer).unwrap().to_string();
            assert_eq!(written, GIVEN, "{newer}");
        }
    }

    #[test]
    fn anything_else_is_ignored() {
        for wrong in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
            "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
            " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_can_be_written_and_read_again(
            header in "(00|01|ff|.{2})-([0-9a-f]{32}|[0-9a-zA-Z]{30,34})-[0-9a-f]{16}-([0-9a-f]{2}|.{1,3})(-.*)?"
        ) {
            if let Some(read) = TraceContext::parse(&header) {
                let written = read.to_string();
                prop_assert_eq!(written.len(), GIVEN.len());
                prop_assert_eq!(TraceContext::parse(&written), Some(read));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(header in any::<String>()) {
            if let Some(read) = TraceContext::parse(&header) {
                let child = read.child();
                prop_assert_eq!(child.trace_id(), read.trace_id());
            }
        }
    }
}
