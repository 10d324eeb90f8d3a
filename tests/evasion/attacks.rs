//! Every attack reveals a protected value on PostgreSQL itself, and none does through the gateway.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Result, ensure};
use gatewright_harness::Dsn;

use crate::corpus::{self, Entry};
use crate::play::{Mode, REFUSED, Received, play};
use crate::stage::{Place, Stage, folder, on_each_version};

/// The outcome of one attack.
struct Outcome {
    class: String,
    failure: Option<String>,
    /// Whether the gateway refused one of its steps in any mode.
    refused: bool,
}

#[test]
fn no_attack_reveals_a_raw_value_of_a_masked_result() -> Result<()> {
    on_each_version(Place::Result, no_attack_reveals_a_raw_value)
}

#[test]
fn no_attack_reveals_a_raw_value_to_an_edited_statement() -> Result<()> {
    on_each_version(Place::Query, no_attack_reveals_a_raw_value)
}

fn no_attack_reveals_a_raw_value(stage: &Stage) -> Result<()> {
    let mut entries = corpus::read(&folder().join("attacks"))?;
    entries.retain(|entry| stage.takes(entry));
    if let Ok(wanted) = std::env::var("EVASION_ONLY") {
        entries.retain(|entry| entry.name().contains(&wanted));
    }
    let outcomes = stage.for_each(&entries, |entry, direct| judge(stage, entry, direct))?;
    let mut classes: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let mut failures = String::new();
    for outcome in &outcomes {
        let class = classes.entry(&outcome.class).or_default();
        class.0 += 1;
        class.1 += u32::from(outcome.refused);
        if let Some(failure) = &outcome.failure {
            writeln!(failures, "{failure}")?;
        }
    }
    println!("{} attacks", outcomes.len());
    for (class, (all, refused)) in classes {
        println!(
            "  {class}: {all} attacks, {refused} refused, {} answered without the value",
            all - refused
        );
    }
    remove_files()?;
    if let Some(value) = stage
        .needles
        .found_in(without_timestamps(&stage.gateway_log()?).as_bytes())
    {
        writeln!(failures, "the gateway's log contains {value}")?;
    }
    ensure!(
        failures.is_empty(),
        "{} failures:\n{failures}",
        failures.lines().count()
    );
    Ok(())
}

/// Removes the files that attacks made the server write.
fn remove_files() -> Result<()> {
    for file in std::fs::read_dir("/tmp")? {
        let file = file?;
        if file
            .file_name()
            .to_string_lossy()
            .starts_with("gatewright-evasion-")
        {
            std::fs::remove_file(file.path())?;
        }
    }
    Ok(())
}

fn judge(stage: &Stage, entry: &Entry, direct: &Dsn) -> Outcome {
    let mut outcome = Outcome {
        class: entry.class.clone(),
        failure: None,
        refused: false,
    };
    let name = entry.name();
    match leaks_directly(stage, entry, direct) {
        Ok(true) => {}
        Ok(false) => {
            outcome.failure = Some(format!(
                "{name}: not an attack, it reveals nothing without the gateway"
            ))
        }
        Err(error) => outcome.failure = Some(format!("{name}: played directly: {error:#}")),
    }
    if outcome.failure.is_some() {
        return outcome;
    }
    for &mode in entry.modes() {
        match through_the_gateway(stage, entry, direct, mode) {
            Ok((None, refused)) => outcome.refused |= refused,
            Ok((Some(revealed), _)) => {
                outcome.failure = Some(format!("{name}: LEAK in {mode:?}: {revealed}"));
                return outcome;
            }
            Err(error) => {
                outcome.failure = Some(format!("{name}: through the gateway: {error:#}"));
                return outcome;
            }
        }
    }
    outcome
}

fn revealed<'a>(stage: &'a Stage, entry: &'a Entry, received: &Received) -> Option<&'a str> {
    let bytes = received.bytes();
    let own = entry
        .shows
        .iter()
        .find(|trace| crate::secrets::contains(&bytes, trace.as_bytes()));
    own.map(String::as_str)
        .or_else(|| stage.needles.found_in(&bytes))
}

fn leaks_directly(stage: &Stage, entry: &Entry, direct: &Dsn) -> Result<bool> {
    let mut last = Received::default();
    for &mode in entry.modes() {
        if let Some(guesses) = &entry.guess {
            if guessed(stage, entry, direct, false, mode, guesses)?
                .0
                .is_some()
            {
                return Ok(true);
            }
            continue;
        }
        last = played(stage, entry, direct, false, mode, None)?;
        if revealed(stage, entry, &last).is_some() {
            return Ok(true);
        }
    }
    ensure!(
        last.errors().is_empty() || entry.guess.is_some(),
        "reveals nothing; errors: {:?}",
        last.errors()
    );
    Ok(false)
}

fn through_the_gateway(
    stage: &Stage,
    entry: &Entry,
    direct: &Dsn,
    mode: Mode,
) -> Result<(Option<String>, bool)> {
    let received = match &entry.guess {
        Some(guesses) => {
            let (difference, received) = guessed(stage, entry, direct, true, mode, guesses)?;
            if difference.is_some() {
                return Ok((difference, false));
            }
            received
        }
        None => played(stage, entry, direct, true, mode, None)?,
    };
    if std::env::var_os("EVASION_SHOW").is_some() {
        println!("{} {mode:?}: {:?}", entry.name(), received.errors());
    }
    let refused = received.ended || received.errors().iter().any(|(code, _)| code == REFUSED);
    Ok((
        revealed(stage, entry, &received).map(str::to_owned),
        refused,
    ))
}

/// Compares the replies to a right and a wrong guess. Returns how they differ, if they do, and the replies to the right one.
fn guessed(
    stage: &Stage,
    entry: &Entry,
    direct: &Dsn,
    gateway: bool,
    mode: Mode,
    guesses: &(String, String),
) -> Result<(Option<String>, Received)> {
    let mut outcome = differs(stage, entry, direct, gateway, mode, guesses)?;
    // On a busy machine, a policy may miss its deadline, which says nothing of the guess.
    for _ in 0..2 {
        if gateway && outcome.0.is_some() {
            outcome = differs(stage, entry, direct, gateway, mode, guesses)?;
        }
    }
    Ok(outcome)
}

fn differs(
    stage: &Stage,
    entry: &Entry,
    direct: &Dsn,
    gateway: bool,
    mode: Mode,
    (right, wrong): &(String, String),
) -> Result<(Option<String>, Received)> {
    let received = played(stage, entry, direct, gateway, mode, Some(right))?;
    let no = played(stage, entry, direct, gateway, mode, Some(wrong))?;
    let (yes, no) = (received.answer(right), no.answer(wrong));
    let difference = (yes != no).then(|| {
        let (yes, no) = (format!("{yes:?}"), format!("{no:?}"));
        format!("{right} and {wrong} are answered differently: {yes:.200} / {no:.200}")
    });
    Ok((difference, received))
}

fn played(
    stage: &Stage,
    entry: &Entry,
    direct: &Dsn,
    gateway: bool,
    mode: Mode,
    guess: Option<&str>,
) -> Result<Received> {
    let play = |direct: &Dsn| {
        let dsn = if gateway {
            stage.through(direct)?
        } else {
            direct.clone()
        };
        play(entry, &dsn, direct, mode, guess)
    };
    if entry.alone {
        stage.in_own_database(play)
    } else {
        play(direct)
    }
}

/// The log without its timestamps: six digits of microseconds may equal a protected value.
fn without_timestamps(log: &str) -> String {
    let log = without_ids(log);
    let lines = log.lines().map(|line| match line.split_once(' ') {
        Some((first, rest)) if first.contains('T') && first.contains(':') => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Without UUIDs, whose digits may look like a value.
fn without_ids(log: &str) -> String {
    const LENGTH: usize = 36;
    let is_id = |text: &str| {
        text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    let mut kept = String::with_capacity(log.len());
    let mut rest = log;
    while let Some(first) = rest.chars().next() {
        let skipped = match rest.get(..LENGTH) {
            Some(candidate) if is_id(candidate) => LENGTH,
            _ => {
                kept.push(first);
                first.len_utf8()
            }
        };
        rest = &rest[skipped..];
    }
    kept
}
