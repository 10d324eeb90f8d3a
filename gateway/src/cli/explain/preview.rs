//! Prints the verdicts of policies and the result columns of statements, as text or JSON.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Arc;

use anyhow::Result;
use gatewright_contract::{
    Allowance, ColumnAction, ColumnSource, Plan, ResultColumn, Transform, Verdict,
};
use gatewright_sql::{Flow, render};
use serde_json::json;

use super::setup::{self, Setup};
use super::{ExplainArguments, colours, one_line};
use crate::app::{self, Previewed};
use crate::gate::{Policies, PolicyAnswer, ResultPreview};
use crate::session::Refusal;

/// Returns whether all statements are permitted. Requires a stack of [`gatewright_sql::STACK_BYTES`].
pub(super) fn explain(arguments: &ExplainArguments, sql: &str) -> Result<bool> {
    let (settings, policies) = match setup::of(arguments)? {
        Setup::Granted(settings, policies) => (settings, policies),
        Setup::NoGrant(error) => {
            let mut err = io::stderr().lock();
            writeln!(
                err,
                "login refused: {}: {}",
                error.sqlstate(),
                error.client_text()
            )?;
            writeln!(err, "hint: {}", error.hint())?;
            return Ok(false);
        }
    };
    let metrics = app::metrics()?;
    let policies = policies.open(Arc::new(metrics.clone()))?;
    let all_loaded = report_missing_policies(&policies)?;
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

/// Prints why policies could not be loaded, which the resulting refusals do not contain. Returns whether all are
/// loaded.
fn report_missing_policies(policies: &Policies) -> io::Result<bool> {
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

fn needs_approval(preview: &Previewed) -> bool {
    let outcome = preview.preview.outcome.as_ref();
    outcome.is_ok_and(|(permit, _)| permit.needs_approval())
}

/// Whether it runs without anybody being asked.
fn is_permitted(preview: &Previewed) -> bool {
    let refused = match &preview.result {
        Some(Ok(result)) => result.refusal.is_some(),
        Some(Err(_)) | None => false,
    };
    preview.preview.outcome.is_ok() && !refused && !needs_approval(preview)
}

/// The text output: one aligned line per fact, with a label.
fn page(preview: &Previewed, colour: bool) -> String {
    let mut page = render::text(&preview.facts);
    let mut label = "writes";
    for flow in &preview.facts.flows {
        let _ = writeln!(page, "{label:<12} {}", flow_line(flow));
        label = "";
    }
    label = "policies";
    for verdict in &preview.preview.verdicts {
        let _ = writeln!(
            page,
            "{label:<12} {} {}: {}",
            verdict.policy,
            verdict.version,
            verdict_text(&verdict.answer)
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
    if let Some(rewritten) = &preview.rewritten {
        let label = if rewritten.is_edited {
            "edited"
        } else {
            "rewritten"
        };
        let words: Vec<&str> = rewritten.sql.split_whitespace().collect();
        let _ = writeln!(page, "{label:<12} {}", words.join(" "));
    }
    let refusal = match (&preview.preview.outcome, &preview.result) {
        (Err(refusal), _) => Some(refusal),
        (Ok(_), Some(Ok(result))) => result.refusal.as_ref(),
        (Ok(_), _) => None,
    };
    let permitted = match needs_approval(preview) {
        true => ("permitted once approved", 33),
        false => ("permitted", 32),
    };
    outcome(&mut page, refusal, permitted, colour);
    page
}

fn outcome(page: &mut String, refusal: Option<&Refusal>, permitted: (&str, u8), colour: bool) {
    let paint = |text: &str, code: u8| match colour {
        true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    };
    let Some(refusal) = refusal else {
        let _ = writeln!(
            page,
            "{:<12} {}",
            "outcome",
            paint(permitted.0, permitted.1)
        );
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
        None => "unknown sources".to_owned(),
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

/// The qualified name. A relation that is not in the catalog may have no schema.
fn name(schema: &str, table: &str, column: &str) -> String {
    let parts = [schema, table, column];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(".")
}

fn verdict_text(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allow(allowance) => allowed(allowance),
        Verdict::Deny(denial) => format!("refuses ({}): {}", denial.code, denial.message),
        Verdict::RequireApproval(approval) => {
            format!("requires approval ({}): {}", approval.code, approval.reason)
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
            .session_rows
            .map(|rows| format!("at most {rows} more rows in the session")),
        allowance
            .session_bytes
            .map(|bytes| format!("at most {bytes} more bytes in the session")),
        allowance
            .timeout_ms
            .map(|time| format!("at most {time} ms")),
        allowance
            .plan_result
            .then(|| "plans the result columns".to_owned()),
        (!allowance.edits.is_empty()).then(|| "edits the statement".to_owned()),
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
        for plan in &result.plans {
            if let Plan::Columns(actions) = &plan.answer
                && let Some(action) = actions.get(at)
                && *action != ColumnAction::Pass
            {
                let _ = writeln!(
                    page,
                    "{:<12}   {}: {}",
                    "",
                    plan.policy,
                    action_text(action)
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

fn action_text(action: &ColumnAction) -> String {
    match action {
        ColumnAction::Pass => "forwarded unchanged".to_owned(),
        ColumnAction::Nullify => "replaced with NULL".to_owned(),
        ColumnAction::Fixed(text) => format!("replaced with {text}"),
        ColumnAction::Partial(mask) => format!(
            "masked with {}, except the first {} and last {} characters",
            mask.fill, mask.first, mask.last
        ),
        ColumnAction::Pseudonym(_) => "replaced with a pseudonym".to_owned(),
        ColumnAction::Inspect(_) => "inspected; values may be replaced".to_owned(),
        ColumnAction::Observe(_) => "inspected".to_owned(),
    }
}

fn as_json(preview: &Previewed) -> serde_json::Value {
    let refusal = |refusal: &Refusal| json!({ "sqlstate": refusal.sqlstate, "message": refusal.message, "detail": refusal.detail, "hint": refusal.hint });
    let verdicts = preview.preview.verdicts.iter().map(
        |verdict| json!({ "policy": verdict.policy, "version": verdict.version, "verdict": verdict.answer }),
    );
    let result = match &preview.result {
        None => serde_json::Value::Null,
        Some(Err(error)) => json!({ "error": error }),
        Some(Ok(result)) => json!({
            "columns": result.columns,
            "plans": result.plans.iter().map(|plan| json!({ "policy": plan.policy, "version": plan.version, "plan": plan.answer })).collect::<Vec<_>>(),
            "refusal": result.refusal.as_ref().map(refusal),
        }),
    };
    let rewritten = preview.rewritten.as_ref().map(|rewritten| &rewritten.sql);
    json!({
        "sql": preview.sql,
        "facts": &*preview.facts,
        "verdicts": verdicts.collect::<Vec<_>>(),
        "refusal": preview.preview.outcome.as_ref().err().map(refusal),
        "rewritten": rewritten,
        "result": result,
        "needs_approval": needs_approval(preview),
        "permitted": is_permitted(preview),
    })
}
