//! Text that edits write, with the constants of the client's text that it repeats.

use std::ops::Range;

#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    text: String,
    constants: Vec<Repeated>,
}

/// A constant of the client's text that is written again elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Repeated {
    /// Where it is written.
    pub at: Range<usize>,
    /// Where it stands in the client's text.
    pub from: Range<usize>,
}

impl Written {
    /// The constant that stands there in the client's text.
    pub fn constant(written: String, from: Range<usize>) -> Self {
        let at = 0..written.len();
        Written {
            text: written,
            constants: vec![Repeated { at, from }],
        }
    }

    pub fn push_str(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub fn push(&mut self, other: &Written) {
        let start = self.text.len();
        self.text.push_str(&other.text);
        let moved = other.constants.iter().map(|constant| Repeated {
            at: constant.at.start + start..constant.at.end + start,
            from: constant.from.clone(),
        });
        self.constants.extend(moved);
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// In the order in which they are written.
    pub fn constants(&self) -> &[Repeated] {
        &self.constants
    }
}

impl From<String> for Written {
    fn from(text: String) -> Self {
        Written {
            text,
            constants: Vec::new(),
        }
    }
}

impl From<&str> for Written {
    fn from(text: &str) -> Self {
        Written::from(text.to_owned())
    }
}
