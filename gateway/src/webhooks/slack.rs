//! A message for a chat channel: blocks as Slack's incoming webhooks take them. What others wrote stands in code, where no markup is
//! read, and nothing in it can end the code: `<`, `>` and `&` are escaped, and backticks and what cannot be seen are named.

use std::fmt::Write;

use serde_json::{Value, json};

use super::message::{MOST_EFFECTS, MOST_SETTINGS, Message, STRINGS, Statement, readable};
use crate::approvals::{Look, Request, State};

/// Slack takes up to 3000 characters in one text; escapes count. The rest is for what stands around.
const LONGEST_STATEMENT: usize = 2800;
const LONGEST_NAME: usize = 120;
const LONGEST_REASON: usize = 600;
const LONGEST_EFFECT: usize = 80;

/// Names that a list shows.
const MOST_NAMES: usize = 3;

/// The body of a message.
pub(super) fn body(message: &Message<'_>) -> Vec<u8> {
    let headline = headline(message);
    let mut blocks = vec![section(&headline)];
    let mut is_cut = false;
    if message.asks() {
        let (shown, cut) = statement(&message.statement);
        is_cut = cut;
        blocks.push(section(&shown));
        blocks.push(section(&details(message)));
        if let Some(session) = session(message) {
            blocks.push(section(&session));
        }
    } else if let Some(more) = outcome(message) {
        blocks.push(section(&more));
    }
    blocks.push(buttons(message, is_cut));
    let body = json!({
        "text": headline,
        "blocks": blocks,
        "parse": "none",
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
    });
    body.to_string().into_bytes()
}

/// Who, what and where, on one line.
fn headline(message: &Message<'_>) -> String {
    let request = message.request;
    let what = format!(
        "{} on {} as {}",
        code(&request.shown.verb),
        code(&request.database),
        code(&request.role)
    );
    let who = requester(request);
    if message.asks() {
        return format!("*Approval wanted:* {who} wants to run {what}.");
    }
    if message.broke_glass() && message.state == State::Pending {
        return format!("*Break-glass:* {who} runs {what} without approval.");
    }
    let by = message
        .by
        .map_or_else(String::new, |actor| format!(" by {}", code(&actor.subject)));
    match message.state {
        _ if message.is_review() => format!("*Reviewed*{by}: {what}, sent by {who}."),
        State::Approved if message.broke_glass() => {
            format!("*Break-glass, approved*{by} themselves: {what}.")
        }
        State::Pending => format!("*One approval*{by}: {what}, sent by {who}."),
        // The requester's own statement is about to run.
        State::Claimed => format!("*Running:* {what}, sent by {who}."),
        state => format!("*{}*{by}: {what}, sent by {who}.", label(state)),
    }
}

fn label(state: State) -> &'static str {
    match state {
        State::Pending => "Waiting",
        State::Approved => "Approved",
        State::Claimed => "Running",
        State::Executed => "Executed",
        State::Failed => "Failed",
        State::Rejected => "Rejected",
        State::Expired => "Expired",
        State::Withdrawn => "Withdrawn",
        State::Revoked => "Approval taken back",
        State::EffectMismatch => "Effect differed, rolled back",
    }
}

fn requester(request: &Request) -> String {
    match &request.agent {
        Some(agent) => format!("{} (agent {})", code(&request.subject), code(agent)),
        None => code(&request.subject),
    }
}

/// The statement in a block of code, and whether something of it is missing.
fn statement(statement: &Statement) -> (String, bool) {
    let (text, note) = match statement {
        Statement::Whole(text) => (text, ""),
        Statement::Redacted(text) => (text, "\nConstants are hidden: `?`."),
        Statement::Withheld => return ("The statement is not shown here.".to_owned(), true),
    };
    let (shown, is_cut) = quoted(text.trim(), LONGEST_STATEMENT, true);
    let cut = if is_cut {
        "\nThe statement is longer than this."
    } else {
        ""
    };
    (format!("```\n{shown}\n```{note}{cut}"), is_cut)
}

/// What a reviewer goes by besides the statement.
fn details(message: &Message<'_>) -> String {
    let request = message.request;
    let mut text = format!("Policy {}: {}", code(&request.policy), code(&request.code));
    let mut row = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{name}: {value}");
    };
    if let Some(reason) = message.policy_reason() {
        row("Why", &code_of(reason, LONGEST_REASON));
    }
    if !request.shown.tables.is_empty() {
        row("Tables", &list(&request.shown.tables));
    }
    for effect in message
        .effects()
        .unwrap_or_default()
        .iter()
        .take(MOST_EFFECTS)
    {
        row("Effect", &code_of(effect, LONGEST_EFFECT));
    }
    match request.parameters.len() {
        0 => {}
        1 => row("Parameters", "1, not shown here"),
        many => row("Parameters", &format!("{many}, not shown here")),
    }
    if request.needed > 1 {
        row("Approvals needed", &request.needed.to_string());
    }
    row("Decide before", &readable(request.expires_at));
    text
}

/// What changes how the statement is read.
fn session(message: &Message<'_>) -> Option<String> {
    let mut rows = Vec::new();
    if let Some(path) = message.search_path().filter(|path| !path.is_empty()) {
        rows.push(format!("Search path: {}", list(path)));
    }
    let settings = message.settings().unwrap_or_default().iter();
    let settings = settings.filter(|(name, value)| (name.as_str(), value.as_str()) != STRINGS);
    for (name, value) in settings.take(MOST_SETTINGS) {
        rows.push(format!("{} = {}", code(name), code(value)));
    }
    (!rows.is_empty()).then(|| rows.join("\n"))
}

/// The first names, and how many more there are.
fn list(names: &[String]) -> String {
    let shown: Vec<_> = names
        .iter()
        .take(MOST_NAMES)
        .map(|name| code(name))
        .collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}

/// How it came to this.
fn outcome(message: &Message<'_>) -> Option<String> {
    let mut rows = Vec::new();
    if let Some(by) = message.decided_by {
        rows.push(format!("Decided by {}", code(by)));
    }
    if let Some(reason) = message.reason {
        rows.push(format!("Reason: {}", code_of(reason, LONGEST_REASON)));
    }
    let sqlstate = message.request.sqlstate.as_deref();
    if let Some(sqlstate) = sqlstate.filter(|_| message.state == State::Failed) {
        rows.push(format!("SQLSTATE {}", code(sqlstate)));
    }
    (!rows.is_empty()).then(|| rows.join("\n"))
}

/// Links to the request. Deciding takes a login there.
fn buttons(message: &Message<'_>, is_cut: bool) -> Value {
    let button = |name: &str, url: &str| {
        json!({
            "type": "button",
            "text": { "type": "plain_text", "text": name, "emoji": false },
            "url": url,
        })
    };
    let mut buttons = vec![button("Open the request", &message.url)];
    if let Some(url) = message
        .approve_url
        .as_deref()
        .filter(|_| !is_cut && fits(message))
    {
        buttons.push(button("Approve", url));
    }
    json!({ "type": "actions", "elements": buttons })
}

/// Whether nothing besides the statement is cut.
fn fits(message: &Message<'_>) -> bool {
    let request = message.request;
    let short = |text: &str, most: usize| !quoted(text, most, false).1;
    let names = [
        &request.subject,
        &request.database,
        &request.role,
        &request.policy,
    ];
    let mut names = names
        .into_iter()
        .chain(&request.agent)
        .chain(&request.search_path);
    let mut settings = request.settings.iter();
    names.all(|name| short(name, LONGEST_NAME))
        && settings.all(|(name, value)| short(name, LONGEST_NAME) && short(value, LONGEST_NAME))
        && request.search_path.len() <= MOST_NAMES
        && short(&request.reason, LONGEST_REASON)
        && request
            .shown
            .effects
            .iter()
            .all(|effect| short(effect, LONGEST_EFFECT))
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
