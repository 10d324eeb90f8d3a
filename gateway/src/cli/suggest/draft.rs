//! Renders a draft as TOML settings, with the evidence in a comment after each entry.

use std::fmt::Write;

use gatewright_sql::render::quoted_identifier;

use crate::config::quoted;
use crate::suggest::{Confidence, Draft, Evidence, Method, Suggestion};

/// Renders the draft. `table` is the name of the TOML table: `policy.mask-columns.settings` in a configuration file,
/// `mask-columns` in a settings file.
pub(super) fn render(draft: &Draft, table: &str) -> String {
    let mut out = String::new();
    let count = |confidence| {
        let all = draft.suggestions.iter();
        all.filter(|suggestion| suggestion.evidence.confidence == confidence)
            .count()
    };
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "# Draft settings for the mask-columns policy, to be reviewed. {} columns of {} tables were examined.\n\
         # Suggestions: {} with high and {} with medium confidence; {} with low confidence are commented out.",
        draft.columns,
        draft.tables,
        count(Confidence::High),
        count(Confidence::Medium),
        count(Confidence::Low)
    );
    for (name, reason) in &draft.unsampled {
        let _ = writeln!(
            out,
            "# {} was not sampled, only names were examined: {}",
            one_line(name),
            one_line(reason)
        );
    }
    let _ = writeln!(out, "\n[{table}]\ncolumns = [");
    let mut last = String::new();
    for suggestion in &draft.suggestions {
        let heading = format!("{}.{}", suggestion.schema, suggestion.table);
        if heading != last {
            let _ = writeln!(out, "    # {}", one_line(&heading));
            last = heading;
        }
        let off = match suggestion.evidence.confidence {
            Confidence::Low => "# ",
            _ => "",
        };
        let _ = writeln!(
            out,
            "    {off}{{ column = {}, {} }}, # {}",
            column(suggestion),
            method(suggestion.method),
            evidence(suggestion)
        );
        for view in &suggestion.view_columns {
            let _ = writeln!(out, "    #   also masks the view column {}", one_line(view));
        }
    }
    out.push_str("]\n");
    out
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
            "{} found in {hits} of {values} sampled values",
            kind.name()
        ));
    }
    one_line(&reasons.join("; "))
}

/// Removes line breaks from database object names, which would end the comment.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_names_cannot_inject_settings() {
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
            view_columns: vec![name.to_owned()],
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
        let text = render(&draft, "mask-columns");
        let settings: toml::Table = toml::from_str(&text).expect(&text);
        assert_eq!(
            settings.keys().collect::<Vec<_>>(),
            ["mask-columns"],
            "{text}"
        );
        let columns = settings["mask-columns"]["columns"]
            .as_array()
            .expect("a list");
        assert_eq!(columns.len(), 1);
        let quoted = format!("public.\"{}\".\"e\u{7f}\\mail\"", name.replace('"', "\"\""));
        assert_eq!(columns[0]["column"].as_str(), Some(quoted.as_str()));
    }
}
