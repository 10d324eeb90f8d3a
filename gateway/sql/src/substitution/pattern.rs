//! The edits of a text that differs from another only in constants: they are the same, so neither text is parsed again.

use std::ops::Range;

use super::expression::literal;
use super::written::Written;
use crate::template::Template;

/// A part of an edited text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Part of the client's text.
    Client(Range<usize>),
    /// Written by the edits.
    Own(String),
    /// The constant that stands there in the client's text, written again.
    Repeated(Range<usize>),
}

/// The parts of what is written in one place.
pub(super) fn pieces(written: &Written) -> Option<Vec<Piece>> {
    let text = written.as_str();
    let mut pieces = Vec::new();
    let mut copied = 0;
    for constant in written.constants() {
        let before = text.get(copied..constant.at.start)?;
        pieces.push(Piece::Own(before.to_owned()));
        pieces.push(Piece::Repeated(constant.from.clone()));
        copied = constant.at.end;
    }
    pieces.push(Piece::Own(text.get(copied..)?.to_owned()));
    Some(pieces)
}

/// How an edited text follows from the client's, for every client's text with the same template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Client { start: Point, end: Point },
    Own(String),
    Constant(usize),
}

/// A place in a text, told by the constants in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Point {
    constants: usize,
    /// Bytes behind the last of those constants, or behind the start of the text.
    offset: usize,
}

impl Pattern {
    /// `None` if the parts do not follow from the template alone.
    pub(super) fn of(
        pieces: &[Piece],
        text: &str,
        edited: &str,
        template: &Template,
    ) -> Option<Self> {
        let parts = pieces.iter().map(|piece| match piece {
            Piece::Own(own) => Some(Part::Own(own.clone())),
            Piece::Client(range) => Some(Part::Client {
                start: Point::of(range.start, template)?,
                end: Point::of(range.end, template)?,
            }),
            Piece::Repeated(range) => {
                let known = template.constants.iter().position(|known| known == range);
                let touches =
                    |known: &Range<usize>| known.start < range.end && range.start < known.end;
                match known {
                    Some(at) => Some(Part::Constant(at)),
                    None if template.constants.iter().any(touches) => None,
                    None => Some(Part::Own(repeated(text.get(range.clone())?))),
                }
            }
        });
        let pattern = Pattern(parts.collect::<Option<_>>()?);
        (pattern.fill(text, template).as_deref() == Some(edited)).then_some(pattern)
    }

    /// The edited text of a client's text with this template. `None` if it is another text's template.
    pub fn fill(&self, text: &str, template: &Template) -> Option<String> {
        let mut edited = String::with_capacity(2 * text.len());
        for part in &self.0 {
            match part {
                Part::Own(own) => edited.push_str(own),
                Part::Client { start, end } => {
                    edited.push_str(text.get(start.at(template)?..end.at(template)?)?);
                }
                Part::Constant(at) => {
                    let own = text.get(template.constants.get(*at)?.clone())?;
                    edited.push_str(&repeated(own));
                }
            }
        }
        Some(edited)
    }
}

impl Point {
    /// `None` inside of a constant.
    fn of(at: usize, template: &Template) -> Option<Self> {
        let before = template
            .constants
            .iter()
            .take_while(|known| known.start < at);
        let (constants, end) = before.fold((0, 0), |(count, _), known| (count + 1, known.end));
        Some(Point {
            constants,
            offset: at.checked_sub(end)?,
        })
    }

    fn at(self, template: &Template) -> Option<usize> {
        let end = match self.constants.checked_sub(1) {
            None => 0,
            Some(last) => template.constants.get(last)?.end,
        };
        Some(end + self.offset)
    }
}

/// A constant of a template as edits write it.
fn repeated(constant: &str) -> String {
    let quoted = constant.strip_prefix('\'');
    match quoted.and_then(|inner| inner.strip_suffix('\'')) {
        Some(inner) => literal(&inner.replace("''", "'")),
        None => constant.to_owned(),
    }
}
