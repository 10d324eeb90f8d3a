//! The span that a client names: a `traceparent` of W3C's Trace Context (<https://www.w3.org/TR/trace-context/#traceparent-header>).

/// The flag of spans that are recorded.
const SAMPLED: u8 = 1;

/// The length of a traceparent of version 00.
const LENGTH: usize = 55;

/// The parent of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    pub trace: [u8; 16],
    pub span: [u8; 8],
    pub flags: u8,
}

impl TraceParent {
    /// `None`: it is not valid, and must be ignored.
    pub fn parse(text: &str) -> Option<Self> {
        // Later versions may go on behind it.
        let (known, rest) = text.split_at_checked(LENGTH)?;
        let parts: Vec<&str> = known.split('-').collect();
        let [version, trace, span, flags] = parts.as_slice() else {
            return None;
        };
        let [version] = bytes::<1>(version)?;
        let follows = match version {
            0 => rest.is_empty(),
            255 => return None,
            1..=254 => rest.is_empty() || rest.starts_with('-'),
        };
        let [flags] = bytes::<1>(flags)?;
        let parent = TraceParent {
            trace: bytes(trace)?,
            span: bytes(span)?,
            flags,
        };
        let is_valid = follows && parent.trace != [0; 16] && parent.span != [0; 8];
        is_valid.then_some(parent)
    }

    /// Whether the trace is recorded.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
}

/// Hexadecimal digits in lower case.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    is_lower.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_parent_is_read_as_the_standard_has_it() {
        let parent = TraceParent::parse(VALID).expect("a parent");
        assert_eq!(
            hex::encode(parent.trace),
            "0af7651916cd43dd8448eb211c80319c"
        );
        assert_eq!(hex::encode(parent.span), "b7ad6b7169203331");
        assert!(parent.is_sampled());
        let unsampled = TraceParent::parse(&VALID.replace("-01", "-00")).expect("a parent");
        assert!(!unsampled.is_sampled());
        let later = format!("{}-what-comes", VALID.replacen("00", "01", 1));
        assert_eq!(TraceParent::parse(&later), Some(parent));
    }

    #[test]
    fn what_is_not_valid_is_ignored() {
        for text in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
            "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
            "ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää",
        ] {
            assert_eq!(TraceParent::parse(text), None, "{text}");
        }
    }
}
