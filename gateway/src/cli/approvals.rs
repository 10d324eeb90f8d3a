//! `gatewright approvals`: a person sees requests for approval and decides them, with the token of a login or a given one.

mod print;

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::{Args, Subcommand};

use super::asker::{Asker, Place, idempotency_key};
use crate::api::{ApiClient, DecisionBody, EventView, RequestView};
use crate::app;
use crate::approvals::{State, Verdict};

/// Arguments of `gatewright approvals`.
#[derive(Debug, Args)]
pub struct ApprovalsArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List requests, the newest first
    List {
        /// Only requests in this state, such as pending; can be repeated [default: all]
        #[arg(long, value_name = "STATE", value_parser = state)]
        state: Vec<State>,
        /// Only requests that ran without waiting for reviewers and are to be reviewed
        #[arg(long, conflicts_with = "state")]
        to_review: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Show one request: the whole statement, who sent it, and what happened to it
    Show {
        id: String,
        #[command(flatten)]
        place: Place,
    },
    /// Approve a request
    Approve(Decide),
    /// Reject a request
    Reject(Decide),
    /// Take back an approval that has not been used
    Revoke(Decide),
    /// Say that you have looked at what ran without waiting for reviewers
    Review(Decide),
    /// Print what happens to requests, as it happens
    Watch {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
struct Decide {
    /// The request
    id: String,
    /// Why; the gateway may require it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The digest of the effect that you saw, where the request shows one
    #[arg(long, value_name = "DIGEST")]
    effect: Option<String>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(arguments: ApprovalsArguments) -> ExitCode {
    super::finish(app::runtime().and_then(|runtime| runtime.block_on(execute(arguments.command))))
}

async fn execute(command: Command) -> Result<()> {
    match command {
        Command::List {
            state,
            to_review,
            place,
        } => {
            let states = (!to_review).then_some(state.as_slice());
            list(states, &Asker::new(place)?).await
        }
        Command::Show { id, place } => {
            let asker = Asker::new(place)?;
            let request = asker.client().await?.show(&id).await?;
            asker.print(&request, print::whole(&request))
        }
        Command::Approve(arguments) => decide(Verdict::Approve, arguments).await,
        Command::Reject(arguments) => decide(Verdict::Reject, arguments).await,
        Command::Revoke(arguments) => decide(Verdict::Revoke, arguments).await,
        Command::Review(arguments) => decide(Verdict::Review, arguments).await,
        Command::Watch { place } => watch(&Asker::new(place)?).await,
    }
}

/// Without states: those to review.
async fn list(states: Option<&[State]>, asker: &Asker) -> Result<()> {
    let client = asker.client().await?;
    let mut cursor = None;
    loop {
        let page = match states {
            Some(states) => client.list(states, cursor.as_deref()).await?,
            None => client.list_to_review(cursor.as_deref()).await?,
        };
        for request in &page.requests {
            asker.print(request, print::line(request))?;
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

async fn decide(verdict: Verdict, arguments: Decide) -> Result<()> {
    let asker = Asker::new(arguments.place)?;
    let body = DecisionBody {
        reason: arguments.reason,
        expected_state: verdict.state(),
        effect_digest: arguments.effect,
        idempotency_key: Some(idempotency_key()),
    };
    let client = asker.client().await?;
    let request = client.decide(&arguments.id, verdict, &body).await?;
    asker.print(&request, print::line(&request))
}

async fn watch(asker: &Asker) -> Result<()> {
    let open = async |client: &ApiClient, after: Option<&str>| client.watch(after).await;
    let shown = async |client: &ApiClient, event: &EventView| {
        // Who wants what; a request that ended meanwhile is shown as it is now. Without an answer it is no reason to end.
        match event.before {
            None => client.show(&event.request).await.ok(),
            Some(_) => None,
        }
        .map_or_else(|| print::event(event), |request| print::line(&request))
    };
    asker.watch(open, shown).await
}

fn state(name: &str) -> Result<State> {
    State::from_name(name).ok_or_else(|| {
        let names: Vec<_> = State::ALL.iter().map(|state| state.name()).collect();
        anyhow!("the states are {}", names.join(", "))
    })
}
