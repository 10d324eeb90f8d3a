//! `gatewright grants`: somebody asks for access for a time, and people decide, with the token of a login or a given one.

mod print;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::{Args, Subcommand};

use super::asker::{Asker, Place, idempotency_key};
use crate::access::{GrantTable, State, TableName, Verbs, Verdict};
use crate::api::{ApiClient, AskBody, GrantDecisionBody, GrantEventView, GrantView};
use crate::app;
use crate::config::parse_duration;

/// Arguments of `gatewright grants`.
#[derive(Debug, Args)]
pub struct GrantsArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List access grants, the newest first
    List {
        /// Only grants in this state, such as pending; can be repeated [default: all]
        #[arg(long, value_name = "STATE", value_parser = state)]
        state: Vec<State>,
        #[command(flatten)]
        place: Place,
    },
    /// Show one access grant: what it is for, who asked, and what happened to it
    Show {
        id: String,
        #[command(flatten)]
        place: Place,
    },
    /// Ask for access to tables for a time
    Request(Request),
    /// Approve an access grant
    Approve(Decide),
    /// Reject an access grant
    Reject(Decide),
    /// Take an approved access grant back from whoever holds it
    Revoke(Decide),
    /// Take back what you, or an agent of yours, asked for or hold
    Withdraw(Decide),
    /// Print what happens to access grants, as it happens
    Watch {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
struct Request {
    /// The id of a statement that the gateway refused, `decision` or `statement` in the error's DETAIL: access to its tables
    #[arg(long, value_name = "ID", conflicts_with_all = ["table", "verb"])]
    statement: Option<String>,
    /// A table as schema.name, or schema.* for all of a schema, quoted as in SQL; can be repeated
    #[arg(long, value_name = "TABLE", value_parser = table, requires = "verb", required_unless_present = "statement")]
    table: Vec<TableName>,
    /// What to do to the tables: select, insert, update, delete, truncate, ddl or lock; can be repeated
    #[arg(long, value_name = "VERB", value_parser = verb, requires = "table")]
    verb: Vec<Verbs>,
    /// A database, as clients name it; can be repeated [default: that of the statement]
    #[arg(long, value_name = "NAME", required_unless_present = "statement")]
    database: Vec<String>,
    /// For how long, from the approval or --from on
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    duration: Duration,
    /// When it begins, such as 2026-11-30T14:00:00Z [default: with the approval]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// How many rows may be returned and changed [default: any number]
    #[arg(long, value_name = "COUNT")]
    rows: Option<u64>,
    /// The agent of yours that it is for [default: yourself, or the agent that was refused]
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Decide {
    /// The access grant
    id: String,
    /// Why; the gateway may require it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(arguments: GrantsArguments) -> ExitCode {
    super::finish(app::runtime().and_then(|runtime| runtime.block_on(execute(arguments.command))))
}

async fn execute(command: Command) -> Result<()> {
    match command {
        Command::List { state, place } => list(&state, &Asker::new(place)?).await,
        Command::Show { id, place } => {
            let asker = Asker::new(place)?;
            let grant = asker.client().await?.grant(&id).await?;
            asker.print(&grant, print::whole(&grant))
        }
        Command::Request(arguments) => request(arguments).await,
        Command::Approve(arguments) => decide(Verdict::Approve, arguments).await,
        Command::Reject(arguments) => decide(Verdict::Reject, arguments).await,
        Command::Revoke(arguments) => decide(Verdict::Revoke, arguments).await,
        Command::Withdraw(arguments) => decide(Verdict::Withdraw, arguments).await,
        Command::Watch { place } => watch(&Asker::new(place)?).await,
    }
}

async fn list(states: &[State], asker: &Asker) -> Result<()> {
    let client = asker.client().await?;
    let mut cursor = None;
    loop {
        let page = client.grants(states, cursor.as_deref()).await?;
        for grant in &page.grants {
            asker.print(grant, print::line(grant))?;
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

async fn request(arguments: Request) -> Result<()> {
    let asker = Asker::new(arguments.place)?;
    let verbs = Verbs(arguments.verb.iter().map(|verbs| verbs.0).collect());
    let table = |table: TableName| GrantTable {
        schema: table.schema,
        name: table.name,
        verbs,
    };
    let body = AskBody {
        agent: arguments.agent,
        databases: arguments.database,
        tables: arguments.table.into_iter().map(table).collect(),
        from_statement: arguments.statement,
        row_budget: arguments.rows,
        duration_seconds: arguments.duration.as_secs(),
        starts_at: arguments.from,
        reason: arguments.reason,
        idempotency_key: Some(idempotency_key()),
    };
    let grant = asker.client().await?.ask_for_grant(&body).await?;
    asker.print(&grant, print::line(&grant))
}

async fn decide(verdict: Verdict, arguments: Decide) -> Result<()> {
    let asker = Asker::new(arguments.place)?;
    let body = GrantDecisionBody {
        reason: arguments.reason,
        expected_state: match verdict {
            Verdict::Approve | Verdict::Reject => Some(State::Pending),
            Verdict::Revoke => Some(State::Approved),
            Verdict::Withdraw => None,
        },
        idempotency_key: Some(idempotency_key()),
    };
    let client = asker.client().await?;
    let grant = client.decide_grant(&arguments.id, verdict, &body).await?;
    asker.print(&grant, print::line(&grant))
}

async fn watch(asker: &Asker) -> Result<()> {
    let open = async |client: &ApiClient, after: Option<&str>| client.watch_grants(after).await;
    let shown = async |client: &ApiClient, event: &GrantEventView| {
        // Who wants what, as in `list`. Without an answer it is no reason to end.
        match event.before {
            None => client.grant(&event.grant).await.ok(),
            Some(_) => None,
        }
        .map_or_else(|| print::event(event), |grant| print::line(&grant))
    };
    asker.watch(open, shown).await
}

fn state(name: &str) -> Result<State> {
    State::from_name(name).ok_or_else(|| {
        let names: Vec<_> = State::ALL.iter().map(|state| state.name()).collect();
        anyhow!("the states are {}", names.join(", "))
    })
}

fn table(text: &str) -> Result<TableName> {
    Ok(text.parse()?)
}

fn verb(name: &str) -> Result<Verbs> {
    Ok(Verbs::from_names([name])?)
}
