//! Messages for chat channels: blocks as Slack takes them. What others wrote stands in code, where no markup is read, and nothing in it
//! can end the code: `<`, `>` and `&` are escaped, and backticks and what cannot be seen are named. Escapes count when a text is cut.

mod bot;
mod grant;
mod request;

use serde_json::{Value, json};

use super::envelope::Envelope;
use crate::approvals::Look;

pub(super) use bot::show;
pub(super) use grant::of_grant;
pub(super) use request::of_request;

const LONGEST_NAME: usize = 120;
const LONGEST_REASON: usize = 600;

/// Names that a list shows, where there may be many.
const MOST_NAMES: usize = 3;

/// What a message shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// What has happened, since an earlier message shows the rest.
    News,
    /// All of it, as it is after the event: it takes the place of what was shown before.
    Card,
}

/// A message with these blocks; `headline` is what notifications show.
fn message(headline: &str, blocks: Vec<Value>) -> Value {
    json!({
        "text": headline,
        "blocks": blocks,
        "parse": "none",
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// Links to what the event is about. Deciding takes a login there. `shows_all`: nothing that there is to agree to is cut or left out.
fn links(label: &str, envelope: &Envelope<'_>, shows_all: bool) -> Value {
    let button = |name: &str, url: &str| {
        json!({
            "type": "button",
            "text": { "type": "plain_text", "text": name, "emoji": false },
            "url": url,
        })
    };
    let mut buttons = vec![button(label, &envelope.url)];
    if let Some(url) = envelope.approve_url.as_deref().filter(|_| shows_all) {
        buttons.push(button("Approve", url));
    }
    json!({ "type": "actions", "elements": buttons })
}

/// Who did it, as a part of a headline.
fn by(envelope: &Envelope<'_>) -> String {
    envelope
        .by
        .map_or_else(String::new, |actor| format!(" by {}", code(&actor.subject)))
}

/// Whom it is about.
fn person(subject: &str, agent: Option<&str>) -> String {
    match agent {
        Some(agent) => format!("{} (agent {})", code(subject), code(agent)),
        None => code(subject),
    }
}

/// Who decided, and why it came to this.
fn outcome(decided_by: Option<&str>, reason: Option<&str>) -> Vec<String> {
    let decided = decided_by.map(|by| format!("Decided by {}", code(by)));
    let reason = reason.map(|reason| format!("Reason: {}", code_of(reason, LONGEST_REASON)));
    decided.into_iter().chain(reason).collect()
}

/// The first names, and how many more there are.
fn list(names: &[String], most: usize) -> String {
    let shown: Vec<_> = names.iter().take(most).map(|name| code(name)).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}

/// Whether a text stands in so many characters whole.
fn is_short(text: &str, most: usize) -> bool {
    !quoted(text, most, false).1
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } })
}

fn code(text: &str) -> String {
    code_of(text, LONGEST_NAME)
}

fn code_of(text: &str, most: usize) -> String {
    match text.is_empty() {
        true => "(empty)".to_owned(),
        false => format!("`{}`", quoted(text, most, false).0),
    }
}

/// A text to stand in code: at most so many characters, and whether it is cut. `breaks`: line breaks and tabs are kept.
fn quoted(text: &str, most: usize, breaks: bool) -> (String, bool) {
    let mut shown = String::new();
    let mut length = 0;
    for character in text.chars() {
        let own = match character {
            '\n' | '\t' if breaks => character.to_string(),
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '`' => named(character),
            other => match Look::of(other) {
                Look::Named(_) => named(other),
                Look::Plain | Look::Foreign => other.to_string(),
            },
        };
        length += own.chars().count();
        if length > most {
            shown.push('…');
            return (shown, true);
        }
        shown.push_str(&own);
    }
    (shown, false)
}

fn named(character: char) -> String {
    format!("[U+{:04X}]", u32::from(character))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_stays_text_and_what_cannot_be_seen_is_named() {
        let (shown, is_cut) = quoted("<!channel> ``` & a\u{202e}b\u{200b}\r\n", 100, true);
        assert_eq!(
            shown,
            "&lt;!channel&gt; [U+0060][U+0060][U+0060] &amp; a[U+202E]b[U+200B][U+000D]\n"
        );
        assert!(!is_cut);
        assert_eq!(code("a\nb"), "`a[U+000A]b`");
    }

    #[test]
    fn a_text_is_cut_where_its_escapes_are_too_long() {
        assert_eq!(quoted("<<", 8, false), ("&lt;&lt;".to_owned(), false));
        assert_eq!(quoted("<<", 7, false), ("&lt;…".to_owned(), true));
    }

    proptest! {
        /// Whatever the text, it does not end the code around it, and has no markup.
        #[test]
        fn nothing_gets_out(text in any::<Vec<char>>(), breaks in any::<bool>(), most in 0..50_usize) {
            let text: String = text.into_iter().collect();
            let (shown, _) = quoted(&text, most, breaks);
            prop_assert!(!shown.contains(['`', '<', '>', '\u{202e}']), "{shown}");
            prop_assert!(shown.chars().count() <= most + 1);
            for (at, _) in shown.match_indices('&') {
                let escapes = ["&amp;", "&lt;", "&gt;"];
                prop_assert!(escapes.iter().any(|escape| shown[at..].starts_with(escape)), "{shown}");
            }
        }
    }
}
