//! What policies in front of a server would make of statements, for people and as JSON.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Arc;

use anyhow::Result;
use gatewright_contract::{
    Allowance, ColumnAction, ColumnSource, Plan, ResultColumn, Transform, Verdict,
};
use gatewright_sql::{Flow, render};
use serde_json::json;

use super::front::{self, Front};
use super::{ExplainArguments, colours, one_line};
use crate::app::{self, Previewed};
use crate::gate::{Policies, PolicyAnswer, ResultPreview};
use crate::session::Refusal;

/// Whether all statements would run. Must be called on a stack of [`gatewright_sql::STACK_BYTES`].
pub(super) fn explain(arguments: &ExplainArguments, sql: &str) -> Result<bool> {
    let (settings, policies) = match front::of(arguments)? {
        Front::Open(settings, policies) => (settings, policies),
        Front::Closed(error) => {
            let mut err = io::stderr().lock();
            writeln!(
                err,
                "not let in: {}: {}",
                error.sqlstate(),
                error.client_text()
            )?;
            writeln!(err, "hint: {}", error.hint())?;
            return Ok(false);
        }
    };
    let metrics = app::metrics()?;
    let policies = policies.open(Arc::new(metrics.clone()))?;
    let all_loaded = say_what_is_missing(&policies)?;
    let previews = app::runtime()?.block_on(app::preview(&settings, policies, &metrics, sql))?;
    let runs = all_loaded && previews.iter().all(is_permitted);
    let mut out = io::stdout().lock();
    if arguments.json {
        let all: Vec<_> = previews.iter().map(as_json).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else if previews.is_empty() {
        writeln!(out, "no statement")?;
    }
    if !arguments.json {
        let several = previews.len() > 1;
        for (index, preview) in previews.iter().enumerate() {
            if several {
                let blank = if index > 0 { "\n" } else { "" };
                writeln!(out, "{blank}-- {}", one_line(&preview.sql))?;
            }
            out.write_all(page(preview, colours()).as_bytes())?;
        }
    }
    Ok(runs)
}

/// Without a policy everything is refused, and its reason stands in no refusal. True where none is missing.
fn say_what_is_missing(policies: &Policies) -> io::Result<bool> {
    let current = policies.current();
    let mut err = io::stderr().lock();
    for missing in &current.missing {
        writeln!(
            err,
            "policy {} is not loaded: {}",
            missing.name, missing.reason
        )?;
    }
    Ok(current.missing.is_empty())
}

fn is_permitted(preview: &Previewed) -> bool {
    let refused = match &preview.result {
        Some(Ok(result)) => result.refusal.is_some(),
        Some(Err(_)) | None => false,
    };
    preview.preview.outcome.is_ok() && !refused
}

/// Aligned lines, each a label and what was found.
fn page(preview: &Previewed, colour: bool) -> String {
    let mut page = render::text(&preview.facts);
    let mut label = "writes";
    for flow in &preview.facts.flows {
        let _ = writeln!(page, "{label:<12} {}", flow_line(flow));
        label = "";
    }
    label = "policies";
    for said in &preview.preview.verdicts {
        let _ = writeln!(
            page,
            "{label:<12} {} {}: {}",
            said.policy,
            said.version,
            verdict(&said.answer)
        );
        label = "";
    }
    match &preview.result {
        Some(Ok(result)) => columns(&mut page, result),
        Some(Err(error)) => {
            let _ = writeln!(page, "{:<12} {error}", "server");
        }
        None => {}
    }
    if let Ok((_, Some(text))) = &preview.preview.outcome {
        let _ = writeln!(page, "{:<12} {}", "rewritten", one_line(&text.source));
    }
    let refusal = match (&preview.preview.outcome, &preview.result) {
        (Err(refusal), _) => Some(refusal),
        (Ok(_), Some(Ok(result))) => result.refusal.as_ref(),
        (Ok(_), _) => None,
    };
    outcome(&mut page, refusal, colour);
    page
}

fn outcome(page: &mut String, refusal: Option<&Refusal>, colour: bool) {
    let paint = |text: &str, code: u8| match colour {
        true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    };
    let Some(refusal) = refusal else {
        let _ = writeln!(page, "{:<12} {}", "outcome", paint("permitted", 32));
        return;
    };
    let _ = writeln!(
        page,
        "{:<12} {}  {}: {}",
        "outcome",
        paint("refused", 31),
        refusal.sqlstate,
        refusal.message
    );
    if let Some(hint) = &refusal.hint {
        let _ = writeln!(page, "{:<12} hint: {hint}", "");
    }
}

fn flow_line(flow: &Flow) -> String {
    let target = &flow.target;
    let sources = match flow.sources.as_deref() {
        None => "what is not known".to_owned(),
        Some(sources) => {
            let named = |source: &gatewright_sql::ColumnSource| {
                name(&source.schema, &source.table, &source.column)
            };
            sources.iter().map(named).collect::<Vec<_>>().join(", ")
        }
    };
    let target = name(&target.schema, &target.table, &target.column);
    format!("{target} from {sources}")
}

/// A relation that is not in the catalog has no schema unless one was written.
fn name(schema: &str, table: &str, column: &str) -> String {
    let parts = [schema, table, column];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(".")
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allow(allowance) => allowed(allowance),
        Verdict::Deny(denial) => format!("refuses ({}): {}", denial.code, denial.message),
        Verdict::RequireApproval(approval) => {
            format!("asks for approval ({}): {}", approval.code, approval.reason)
        }
        Verdict::Rewrite(replacement) => {
            format!(
                "rewrites ({}): {}",
                replacement.reason,
                one_line(&replacement.sql)
            )
        }
    }
}

fn allowed(allowance: &Allowance) -> String {
    let limits = [
        allowance
            .row_limit
            .map(|rows| format!("at most {rows} rows")),
        allowance
            .byte_limit
            .map(|bytes| format!("at most {bytes} bytes")),
        allowance
            .timeout_ms
            .map(|time| format!("at most {time} ms")),
        allowance
            .plan_result
            .then(|| "looks at the columns".to_owned()),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    if limits.is_empty() {
        return "allows".to_owned();
    }
    format!("allows, {}", limits.join(", "))
}

fn columns(page: &mut String, result: &ResultPreview) {
    let mut label = "result";
    for (at, column) in result.columns.iter().enumerate() {
        let _ = writeln!(
            page,
            "{label:<12} {} {} ({}) {}",
            at + 1,
            column.name,
            column.type_name,
            origin(column)
        );
        label = "";
        for said in &result.plans {
            if let Plan::Columns(actions) = &said.answer
                && let Some(action) = actions.get(at)
                && *action != ColumnAction::Pass
            {
                let _ = writeln!(
                    page,
                    "{:<12}   {}: {}",
                    "",
                    said.policy,
                    action_line(action)
                );
            }
        }
    }
    for PolicyAnswer { policy, answer, .. } in &result.plans {
        if let Plan::Deny(denial) = answer {
            let _ = writeln!(
                page,
                "{:<12} {policy} refuses ({}): {}",
                "plan", denial.code, denial.message
            );
        }
    }
}

fn origin(column: &ResultColumn) -> String {
    let name = |source: &ColumnSource| {
        let computed = match source.transform {
            Transform::Identity => "",
            Transform::Aggregate => "aggregate of ",
            _ => "computed from ",
        };
        format!(
            "{computed}{}.{}.{}",
            source.schema, source.table, source.column
        )
    };
    match (column.sources.as_slice(), column.exact) {
        ([], true) => "carries no column".to_owned(),
        ([], false) => "of unknown origin".to_owned(),
        (sources, _) => {
            let names: Vec<String> = sources.iter().map(name).collect();
            format!("from {}", names.join(", "))
        }
    }
}

fn action_line(action: &ColumnAction) -> String {
    match action {
        ColumnAction::Pass => "passes".to_owned(),
        ColumnAction::Nullify => "leaves as NULL".to_owned(),
        ColumnAction::Fixed(text) => format!("leaves as {text}"),
        ColumnAction::Partial(mask) => format!(
            "leaves with its first {} and last {} characters, the others as {}",
            mask.first, mask.last, mask.fill
        ),
        ColumnAction::Pseudonym(_) => "leaves as a pseudonym".to_owned(),
        ColumnAction::Inspect(_) => "is looked at and may be replaced, value by value".to_owned(),
        ColumnAction::Observe(_) => "is looked at".to_owned(),
    }
}

fn as_json(preview: &Previewed) -> serde_json::Value {
    let refusal = |refusal: &Refusal| json!({ "sqlstate": refusal.sqlstate, "message": refusal.message, "detail": refusal.detail, "hint": refusal.hint });
    let verdicts = preview.preview.verdicts.iter().map(
        |said| json!({ "policy": said.policy, "version": said.version, "verdict": said.answer }),
    );
    let result = match &preview.result {
        None => serde_json::Value::Null,
        Some(Err(error)) => json!({ "error": error }),
        Some(Ok(result)) => json!({
            "columns": result.columns,
            "plans": result.plans.iter().map(|said| json!({ "policy": said.policy, "version": said.version, "plan": said.answer })).collect::<Vec<_>>(),
            "refusal": result.refusal.as_ref().map(refusal),
        }),
    };
    let rewritten = match &preview.preview.outcome {
        Ok((_, Some(text))) => Some(&*text.source),
        _ => None,
    };
    json!({
        "sql": preview.sql,
        "facts": &*preview.facts,
        "verdicts": verdicts.collect::<Vec<_>>(),
        "refusal": preview.preview.outcome.as_ref().err().map(refusal),
        "rewritten": rewritten,
        "result": result,
        "permitted": is_permitted(preview),
    })
}
