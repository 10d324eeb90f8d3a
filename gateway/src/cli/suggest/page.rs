//! The draft as settings that a person reviews: TOML with the evidence beside each entry.

use std::fmt::Write;

use gatewright_sql::render::quoted_identifier;

use crate::config::quoted;
use crate::suggest::{Confidence, Draft, Evidence, Method, Suggestion};

/// The page. `table` heads the settings: `policy.mask-columns.settings` in a configuration file, `mask-columns` in a file of settings.
pub(super) fn page(draft: &Draft, table: &str) -> String {
    let mut page = String::new();
    let count = |confidence| {
        let all = draft.suggestions.iter();
        all.filter(|suggestion| suggestion.evidence.confidence == confidence)
            .count()
    };
    // Writing to a String cannot fail.
    let _ = writeln!(
        page,
        "# A draft for the policy mask-columns, to be reviewed: {} columns of {} tables were looked at.\n\
         # Proposed: {} with high, {} with medium confidence; {} with low confidence stand in comments.",
        draft.columns,
        draft.tables,
        count(Confidence::High),
        count(Confidence::Medium),
        count(Confidence::Low)
    );
    for (name, reason) in &draft.unsampled {
        let _ = writeln!(
            page,
            "# {} was judged by names alone: {}",
            one_line(name),
            one_line(reason)
        );
    }
    let _ = writeln!(page, "\n[{table}]\ncolumns = [");
    let mut last = String::new();
    for suggestion in &draft.suggestions {
        let heading = format!("{}.{}", suggestion.schema, suggestion.table);
        if heading != last {
            let _ = writeln!(page, "    # {}", one_line(&heading));
            last = heading;
        }
        let off = match suggestion.evidence.confidence {
            Confidence::Low => "# ",
            _ => "",
        };
        let _ = writeln!(
            page,
            "    {off}{{ column = {}, {} }}, # {}",
            column(suggestion),
            method(suggestion.method),
            evidence(suggestion)
        );
        for view in &suggestion.shown_by {
            let _ = writeln!(
                page,
                "    #   also protected where it is shown: {}",
                one_line(view)
            );
        }
    }
    page.push_str("]\n");
    page
}

fn column(suggestion: &Suggestion) -> String {
    let quote = |name: &str| {
        let plain = name.chars().enumerate().all(|(at, letter)| {
            letter.is_ascii_lowercase() || letter == '_' || at > 0 && letter.is_ascii_digit()
        });
        match plain && !name.is_empty() {
            true => name.to_owned(),
            false => quoted_identifier(name),
        }
    };
    let parts = [&suggestion.schema, &suggestion.table, &suggestion.column];
    let name = parts.map(|part| quote(part)).join(".");
    quoted(&name)
}

fn method(method: Method) -> String {
    match method {
        Method::Redact => "method = \"redact\"".to_owned(),
        Method::Null => "method = \"null\"".to_owned(),
        Method::Hash => "method = \"hash\"".to_owned(),
        Method::Email => "method = \"email\"".to_owned(),
        Method::Last(count) => format!("method = \"partial\", last = {count}"),
        Method::First => "method = \"partial\", first = 1".to_owned(),
    }
}

fn evidence(suggestion: &Suggestion) -> String {
    let Evidence {
        confidence,
        name,
        found,
    } = &suggestion.evidence;
    let mut reasons = vec![format!("{}: {}", confidence.name(), suggestion.type_name)];
    if let Some(name) = name {
        reasons.push(format!("named like {name}"));
    }
    if let Some((kind, hits, values)) = found {
        reasons.push(format!(
            "{hits} of {values} sampled values hold what looks like {}",
            kind.name()
        ));
    }
    one_line(&reasons.join("; "))
}

/// Names are anything that a database allows; a comment ends with its line.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_writes_settings_of_its_own() {
        let name = "x\n[listen]\naddress = \"0.0.0.0:1\"\n#";
        let suggestion = Suggestion {
            schema: "public".to_owned(),
            table: name.to_owned(),
            column: "e\u{7f}\\mail".to_owned(),
            type_name: "text".to_owned(),
            method: Method::Email,
            evidence: Evidence {
                confidence: Confidence::Low,
                name: Some("email"),
                found: None,
            },
            shown_by: vec![name.to_owned()],
        };
        let sure = Suggestion {
            evidence: Evidence {
                confidence: Confidence::High,
                ..suggestion.evidence.clone()
            },
            ..suggestion.clone()
        };
        let draft = Draft {
            suggestions: vec![suggestion, sure],
            unsampled: vec![(name.to_owned(), "permission denied".to_owned())],
            ..Draft::default()
        };
        let page = page(&draft, "mask-columns");
        let settings: toml::Table = toml::from_str(&page).expect(&page);
        assert_eq!(
            settings.keys().collect::<Vec<_>>(),
            ["mask-columns"],
            "{page}"
        );
        let columns = settings["mask-columns"]["columns"]
            .as_array()
            .expect("a list");
        assert_eq!(columns.len(), 1);
        let quoted = format!("public.\"{}\".\"e\u{7f}\\mail\"", name.replace('"', "\"\""));
        assert_eq!(columns[0]["column"].as_str(), Some(quoted.as_str()));
    }
}
