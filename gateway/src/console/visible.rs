//! Others' text in a page. Whoever sends a statement chooses every character of it, so characters that cannot be seen, that reorder or
//! cover others, or that look like a plain space are named instead, and what is outside ASCII is marked.

use std::fmt::{self, Display, Formatter, Write};

use askama::filters::HtmlSafe;

use crate::approvals::Look;

/// HTML that shows a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Visible(String);

/// Askama writes it as it is. Everything that gets into it is escaped in [`Visible::push`].
impl HtmlSafe for Visible {}

impl Display for Visible {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Visible {
    /// A text with its line breaks and tabs.
    pub fn text(text: &str) -> Self {
        Self::of(text, true)
    }

    /// A text on one line.
    pub fn line(text: &str) -> Self {
        Self::of(text, false)
    }

    /// The beginning of a text: at most so many characters.
    pub fn beginning(text: &str, most: usize) -> Self {
        match text.char_indices().nth(most) {
            None => Self::text(text),
            Some((end, _)) => {
                let mut visible = Self::text(&text[..end]);
                visible.0.push('…');
                visible
            }
        }
    }

    /// Whether something in it is named or marked.
    pub fn has_marks(&self) -> bool {
        self.0.contains("<span class=")
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of(text: &str, breaks: bool) -> Self {
        let mut html = Visible::default();
        let mut rest = text.chars().peekable();
        let mut is_foreign = false;
        while let Some(character) = rest.next() {
            let look = match character {
                '\n' | '\t' if breaks => Look::Plain,
                // A line that ends as on Windows.
                '\r' if breaks && rest.peek() == Some(&'\n') => continue,
                _ => Look::of(character),
            };
            if is_foreign != (look == Look::Foreign) {
                is_foreign = !is_foreign;
                html.0.push_str(match is_foreign {
                    true => "<span class=\"foreign\">",
                    false => "</span>",
                });
            }
            match look {
                Look::Named(name) => html.push_named(character, name),
                Look::Plain | Look::Foreign => html.push(character),
            }
        }
        if is_foreign {
            html.0.push_str("</span>");
        }
        html
    }

    fn push(&mut self, character: char) {
        match character {
            '&' => self.0.push_str("&amp;"),
            '<' => self.0.push_str("&lt;"),
            '>' => self.0.push_str("&gt;"),
            '"' => self.0.push_str("&quot;"),
            '\'' => self.0.push_str("&#39;"),
            other => self.0.push(other),
        }
    }

    fn push_named(&mut self, character: char, name: &str) {
        let code = u32::from(character);
        // Writing to a String cannot fail.
        let _ = write!(
            self.0,
            "<span class=\"named\" title=\"{name}\">U+{code:04X}</span>"
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(code: &str, name: &str) -> String {
        format!("<span class=\"named\" title=\"{name}\">{code}</span>")
    }

    #[test]
    fn markup_stays_text() {
        let text = Visible::text("<script>alert('x')</script> & \"a\"").to_string();
        assert_eq!(
            text,
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;a&quot;"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_named() {
        let text = Visible::text("a\u{202e}b\u{200b}c\u{1b}\r\nd\re\u{a0}f").to_string();
        let expected = format!(
            "a{}b{}c{}\nd{}e{}f",
            named("U+202E", "override: what follows may be reordered"),
            named("U+200B", "cannot be seen"),
            named("U+001B", "escape"),
            named("U+000D", "carriage return"),
            named("U+00A0", "a space that is not the usual one"),
        );
        assert_eq!(text, expected);
        assert!(Visible::text("\u{e4}").has_marks() && Visible::text("\0").has_marks());
        assert!(!Visible::text("<span class=\"named\">\n").has_marks());
        let line = Visible::line("a\n\tb").to_string();
        let expected = format!(
            "a{}{}b",
            named("U+000A", "line break"),
            named("U+0009", "tab")
        );
        assert_eq!(line, expected);
    }

    #[test]
    fn what_may_look_like_something_else_is_marked() {
        let text = Visible::text("cust\u{43e}m\u{435}\u{440}s e\u{301}").to_string();
        let expected = format!(
            "cust<span class=\"foreign\">\u{43e}</span>m<span class=\"foreign\">\u{435}\u{440}</span>s e{}",
            named("U+0301", "covers the character before it")
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn a_beginning_says_that_it_is_one() {
        assert_eq!(Visible::beginning("äbc", 3), Visible::text("äbc"));
        let cut = Visible::beginning("äbcd", 3).to_string();
        assert_eq!(cut, format!("{}…", Visible::text("äbc")));
    }

    proptest! {
        /// Whatever the text, what is left outside our own two elements is no markup, and nothing invisible.
        #[test]
        fn nothing_gets_through(text in any::<Vec<char>>(), breaks in any::<bool>()) {
            let text: String = text.into_iter().collect();
            let mut html = Visible::of(&text, breaks).to_string();
            prop_assert_eq!(html.matches("<span").count(), html.matches("</span>").count());
            while let Some((before, rest)) = html.split_once("<span class=\"") {
                let (_, after) = rest.split_once('>').expect("the end of the element");
                html = format!("{before}{after}");
            }
            let html = html.replace("</span>", "");
            let wrong = html.contains(['<', '>', '"', '\'', '\u{202e}', '\u{200b}']);
            prop_assert!(!wrong, "{}", html);
            let shown = html.chars().all(|c| !c.is_control() || (breaks && "\n\t".contains(c)));
            prop_assert!(shown, "{}", html);
        }
    }
}
