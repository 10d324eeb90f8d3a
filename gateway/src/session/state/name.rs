//! Names of prepared statements, portals and cursors, as the server tells them apart.

use std::fmt::Write as _;

/// PostgreSQL's NAMEDATALEN, less the byte that ends a string.
const KEPT: usize = 63;

/// A name under which the server keeps something: of longer ones it looks at the first 63 bytes alone (NAMEDATALEN; `prepare.c` and
/// `portalmem.c` keep them in tables with keys of that length).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(String);

impl Name {
    /// From a message of the client's, or from SQL, where the parser has cut it already.
    pub fn new(name: &str) -> Self {
        let Some(kept) = name.as_bytes().get(..KEPT) else {
            return Name(name.to_owned());
        };
        let whole = name.floor_char_boundary(KEPT);
        let mut key = name.get(..whole).unwrap_or_default().to_owned();
        // A cut inside a character leaves bytes that are no text. Written out they make the key longer than any that was not cut so.
        for byte in kept.get(whole..).unwrap_or_default() {
            let _ = write!(key, "\\x{byte:02x}");
        }
        Name(key)
    }

    /// The unnamed statement or portal.
    pub fn unnamed() -> Self {
        Name(String::new())
    }

    pub fn is_unnamed(&self) -> bool {
        self.0.is_empty()
    }

    /// As the server knows it.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Bytes that it takes to remember.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_when_the_server_takes_them_for_the_same() {
        let long = "n".repeat(63);
        for (left, right, same) in [
            ("a", "a", true),
            ("a", "b", false),
            ("", "", true),
            (long.as_str(), &format!("{long}x"), true),
            (&format!("{long}y"), &format!("{long}x"), true),
            (&long[1..], &long, false),
        ] {
            assert_eq!(Name::new(left) == Name::new(right), same, "{left} {right}");
        }
        let short = &long[1..];
        // Of two bytes the first is kept: it is the same in é and ß, and another one in ж.
        assert_eq!(
            Name::new(&format!("{short}é1")),
            Name::new(&format!("{short}ß2"))
        );
        assert_ne!(
            Name::new(&format!("{short}é")),
            Name::new(&format!("{short}ж"))
        );
        assert_ne!(Name::new(&format!("{short}é")), Name::new(short));
        assert_eq!(
            Name::new(&format!("{}éé", &short[1..])),
            Name::new(&format!("{}é", &short[1..]))
        );
    }
}
