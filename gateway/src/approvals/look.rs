//! What a person sees of a character. Whoever sends a statement chooses every character of it, and some cannot be seen, reorder or cover
//! others, or look like a plain space.

/// How a character looks to whoever decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Plain,
    /// Outside ASCII: it may look like another one.
    Foreign,
    /// It has to be named to be noticed; the text says what it does.
    Named(&'static str),
}

impl Look {
    /// The groups are those of the Unicode Character Database: control and format characters, spaces, combining marks, private use.
    pub fn of(character: char) -> Self {
        Self::Named(match character {
            ' '..='~' => return Self::Plain,
            '\n' => "line break",
            '\r' => "carriage return",
            '\t' => "tab",
            '\u{1b}' => "escape",
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => "control character",
            '\u{202a}' | '\u{202b}' => "embedding: what follows may be reordered",
            '\u{202d}' | '\u{202e}' => "override: what follows may be reordered",
            '\u{2066}'..='\u{2068}' => "isolate: what follows may be reordered",
            '\u{202c}' | '\u{2069}' => "end of a reordering",
            '\u{200e}' | '\u{200f}' | '\u{61c}' => "direction mark",
            '\u{2028}' | '\u{2029}' => "line or paragraph separator",
            '\u{a0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{202f}'
            | '\u{205f}'
            | '\u{3000}' => "a space that is not the usual one",
            '\u{ad}'
            | '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' => "cannot be seen",
            '\u{300}'..='\u{36f}'
            | '\u{483}'..='\u{489}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe20}'..='\u{fe2f}' => "covers the character before it",
            '\u{e000}'..='\u{f8ff}' | '\u{f0000}'.. => {
                "private use: fonts differ in what it looks like"
            }
            _ => return Self::Foreign,
        })
    }
}
