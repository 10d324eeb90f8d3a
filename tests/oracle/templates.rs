//! Texts that share an analysis because they differ only in constants: each constant of the corpora is changed, and the
//! facts of the changed text must be those that it would be given.

use anyhow::{Context, Result, ensure};
use gatewright_harness::Version;
use gatewright_sql::{Catalog, Facts, SessionEffect, Settings, analyze, on_big_stack, template};

use crate::corpora::{cases, stage};
use crate::server::Server;

#[tokio::test]
async fn constants_change_no_shared_facts() -> Result<()> {
    let (_postgres, database) = stage(Version::Installed)?;
    let server = Server::connect(&database).await?;
    let catalog = server.catalog();
    let cases = cases()?;
    let (shared, failures) = on_big_stack(|| {
        let (mut shared, mut failures) = (0, Vec::new());
        for case in &cases {
            // Longer texts have no template.
            if template(&case.text).is_none() {
                continue;
            }
            for changed in changed(&case.text) {
                match compare(&case.text, &changed, &catalog) {
                    Some(true) => shared += 1,
                    Some(false) => {
                        failures.push(format!("{}: {}\n    {changed}", case.name, case.text))
                    }
                    None => {}
                }
            }
        }
        (shared, failures)
    })
    .context("the analysis panicked")?;
    println!("{shared} changed texts share their facts");
    ensure!(
        shared > 300,
        "only {shared} changed texts share their facts"
    );
    crate::none_differ(&failures)
}

/// Whether two texts with one template have the same facts. `None`: they share none.
fn compare(one: &str, other: &str, catalog: &Catalog) -> Option<bool> {
    let (left, right) = (template(one)?, template(other)?);
    if left.key != right.key {
        return None;
    }
    // As the gate shares them: a text that is not valid, or whose facts it would not share, is analysed by itself.
    let (left, right) = (facts(one, catalog)?, facts(other, catalog)?);
    shares(&left).then_some(left == right)
}

pub fn facts(text: &str, catalog: &Catalog) -> Option<Facts> {
    let analysis = analyze(text, catalog, &Settings::default()).ok()?;
    Some((*analysis.statements.first()?.facts).clone())
}

pub fn shares(facts: &Facts) -> bool {
    facts.session == SessionEffect::None && facts.limit.is_none() && facts.opaque.is_empty()
}

/// The text with one constant changed, in every way for every constant.
pub fn changed(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (start, end) in constants(text) {
        let others: &[&str] = if text[start..].starts_with('\'') {
            &["'x'", "'1'", "'people'", "'c%'", "''"]
        } else {
            &["1", "2", "3", "7", "0", "1.5"]
        };
        for other in others {
            found.push(format!("{}{other}{}", &text[..start], &text[end..]));
        }
    }
    found
}

/// Where numbers and strings are. Comments and quoted names may hide one; then the text is no longer valid.
fn constants(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let (mut at, mut found) = (0, Vec::new());
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            quote @ (b'\'' | b'"') => {
                at += 1 + text[at + 1..]
                    .find(char::from(quote))
                    .map_or(text.len(), |end| end + 1);
                at = at.min(text.len());
                if quote == b'\'' {
                    found.push((start, at));
                }
            }
            b'0'..=b'9' => {
                while bytes
                    .get(at)
                    .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.')
                {
                    at += 1;
                }
                found.push((start, at));
            }
            byte if byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$') => {
                while bytes
                    .get(at)
                    .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
                {
                    at += 1;
                }
            }
            _ => at += text[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    found
}
