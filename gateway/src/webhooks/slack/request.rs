//! A message about a request for approval.

use std::fmt::Write;

use serde_json::Value;

use super::{
    Form, LONGEST_NAME, LONGEST_REASON, MOST_NAMES, by, code, code_of, is_short, links, list,
    outcome, person, quoted, section,
};
use crate::approvals::State;
use crate::webhooks::envelope::readable;
use crate::webhooks::message::{MOST_EFFECTS, MOST_SETTINGS, Message, STRINGS, Statement};

/// Slack takes up to 3000 characters in one text; escapes count. The rest is for what stands around.
const LONGEST_STATEMENT: usize = 2800;
const LONGEST_EFFECT: usize = 80;

/// A message about a request.
pub(in crate::webhooks) fn of_request(message: &Message<'_>, form: Form) -> Value {
    let headline = headline(message);
    let mut blocks = vec![section(&headline)];
    let shows_it = form == Form::Card || message.asks();
    let mut is_cut = false;
    if shows_it {
        let (shown, cut) = statement(&message.statement);
        is_cut = cut;
        blocks.push(section(&shown));
        blocks.push(section(&details(message)));
        blocks.extend(session(message).map(|session| section(&session)));
    }
    if !message.asks() {
        blocks.extend(ended(message).map(|ended| section(&ended)));
    }
    let shows_all = shows_it && !is_cut && fits(message);
    blocks.push(links("Open the request", &message.envelope, shows_all));
    super::message(&headline, blocks)
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
    let who = person(&request.subject, request.agent.as_deref());
    if message.asks() {
        return format!("*Approval wanted:* {who} wants to run {what}.");
    }
    if message.broke_glass() && message.state == State::Pending {
        return format!("*Break-glass:* {who} runs {what} without approval.");
    }
    let by = by(&message.envelope);
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
        row("Tables", &list(&request.shown.tables, MOST_NAMES));
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
    if message.state == State::Pending {
        row("Decide before", &readable(request.expires_at));
    }
    text
}

/// What changes how the statement is read.
fn session(message: &Message<'_>) -> Option<String> {
    let mut rows = Vec::new();
    if let Some(path) = message.search_path().filter(|path| !path.is_empty()) {
        rows.push(format!("Search path: {}", list(path, MOST_NAMES)));
    }
    let settings = message.settings().unwrap_or_default().iter();
    let settings = settings.filter(|(name, value)| (name.as_str(), value.as_str()) != STRINGS);
    for (name, value) in settings.take(MOST_SETTINGS) {
        rows.push(format!("{} = {}", code(name), code(value)));
    }
    (!rows.is_empty()).then(|| rows.join("\n"))
}

/// How it came to this.
fn ended(message: &Message<'_>) -> Option<String> {
    let mut rows = outcome(message.decided_by, message.envelope.reason);
    let sqlstate = message.request.sqlstate.as_deref();
    if let Some(sqlstate) = sqlstate.filter(|_| message.state == State::Failed) {
        rows.push(format!("SQLSTATE {}", code(sqlstate)));
    }
    (!rows.is_empty()).then(|| rows.join("\n"))
}

/// Whether nothing besides the statement is cut.
fn fits(message: &Message<'_>) -> bool {
    let request = message.request;
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
    names.all(|name| is_short(name, LONGEST_NAME))
        && settings
            .all(|(name, value)| is_short(name, LONGEST_NAME) && is_short(value, LONGEST_NAME))
        && request.search_path.len() <= MOST_NAMES
        && is_short(&request.reason, LONGEST_REASON)
        && request
            .shown
            .effects
            .iter()
            .all(|effect| is_short(effect, LONGEST_EFFECT))
}
