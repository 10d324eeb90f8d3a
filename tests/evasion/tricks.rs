//! Every trick leaks when played against PostgreSQL, and shows nothing through the gateway.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Result, ensure};
use gatewright_harness::Dsn;

use crate::corpus::{self, Entry};
use crate::play::{Heard, Mode, REFUSED, play};
use crate::stage::{Stage, folder, stage};

/// What became of one trick.
struct Outcome {
    class: String,
    fault: Option<String>,
    /// Played through the gateway: refused by it in some step, in the first mode.
    refused: bool,
}

#[test]
fn no_trick_shows_a_raw_value() -> Result<()> {
    let stage = stage()?;
    let mut entries = corpus::read(&folder().join("tricks"))?;
    if let Ok(wanted) = std::env::var("EVASION_ONLY") {
        entries.retain(|entry| entry.name().contains(&wanted));
    }
    let outcomes = stage.for_each(&entries, |entry, direct| judge(stage, entry, direct))?;
    let mut classes: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let mut faults = String::new();
    for outcome in &outcomes {
        let class = classes.entry(&outcome.class).or_default();
        class.0 += 1;
        class.1 += u32::from(outcome.refused);
        if let Some(fault) = &outcome.fault {
            writeln!(faults, "{fault}")?;
        }
    }
    println!("{} tricks", outcomes.len());
    for (class, (all, refused)) in classes {
        println!(
            "  {class}: {all}, of which refused {refused}, answered without the value {}",
            all - refused
        );
    }
    remove_files()?;
    if let Some(value) = stage
        .needles
        .found_in(untimed(&stage.gateway_log()?).as_bytes())
    {
        writeln!(faults, "the gateway's log holds {value}")?;
    }
    ensure!(
        faults.is_empty(),
        "{} faults:\n{faults}",
        faults.lines().count()
    );
    Ok(())
}

/// What tricks made the server write.
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
        fault: None,
        refused: false,
    };
    let name = entry.name();
    match leaks_directly(stage, entry, direct) {
        Ok(true) => {}
        Ok(false) => {
            outcome.fault = Some(format!(
                "{name}: is no trick, it shows nothing even without the gateway"
            ))
        }
        Err(error) => outcome.fault = Some(format!("{name}: played directly: {error:#}")),
    }
    if outcome.fault.is_some() {
        return outcome;
    }
    for &mode in entry.modes() {
        match through_the_gateway(stage, entry, direct, mode) {
            Ok((None, refused)) => outcome.refused |= refused,
            Ok((Some(shown), _)) => {
                outcome.fault = Some(format!("{name}: LEAK in {mode:?}: {shown}"));
                return outcome;
            }
            Err(error) => {
                outcome.fault = Some(format!("{name}: through the gateway: {error:#}"));
                return outcome;
            }
        }
    }
    outcome
}

fn shown<'a>(stage: &'a Stage, entry: &'a Entry, heard: &Heard) -> Option<&'a str> {
    let bytes = heard.bytes();
    let own = entry
        .shows
        .iter()
        .find(|trace| crate::secrets::contains(&bytes, trace.as_bytes()));
    own.map(String::as_str)
        .or_else(|| stage.needles.found_in(&bytes))
}

fn leaks_directly(stage: &Stage, entry: &Entry, direct: &Dsn) -> Result<bool> {
    let mut last = Heard::default();
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
        if shown(stage, entry, &last).is_some() {
            return Ok(true);
        }
    }
    ensure!(
        last.errors().is_empty() || entry.guess.is_some(),
        "shows nothing; errors: {:?}",
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
    let heard = match &entry.guess {
        Some(guesses) => {
            let (told, heard) = guessed(stage, entry, direct, true, mode, guesses)?;
            if told.is_some() {
                return Ok((told, false));
            }
            heard
        }
        None => played(stage, entry, direct, true, mode, None)?,
    };
    if std::env::var_os("EVASION_SHOW").is_some() {
        println!("{} {mode:?}: {:?}", entry.name(), heard.errors());
    }
    let refused = heard.ended || heard.errors().iter().any(|(code, _)| code == REFUSED);
    Ok((shown(stage, entry, &heard).map(str::to_owned), refused))
}

/// The answers to the right and the wrong guess where they differ, and what was heard of the right one.
fn guessed(
    stage: &Stage,
    entry: &Entry,
    direct: &Dsn,
    gateway: bool,
    mode: Mode,
    (right, wrong): &(String, String),
) -> Result<(Option<String>, Heard)> {
    let heard = played(stage, entry, direct, gateway, mode, Some(right))?;
    let no = played(stage, entry, direct, gateway, mode, Some(wrong))?;
    let (yes, no) = (heard.answer(right), no.answer(wrong));
    let told = (yes != no).then(|| {
        let (yes, no) = (format!("{yes:?}"), format!("{no:?}"));
        format!("{right} is answered otherwise than {wrong}: {yes:.200} / {no:.200}")
    });
    Ok((told, heard))
}

fn played(
    stage: &Stage,
    entry: &Entry,
    direct: &Dsn,
    gateway: bool,
    mode: Mode,
    guess: Option<&str>,
) -> Result<Heard> {
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

/// The log without the time that begins each line: microseconds are six digits by chance, as some protected values are.
fn untimed(log: &str) -> String {
    let lines = log.lines().map(|line| match line.split_once(' ') {
        Some((first, rest)) if first.contains('T') && first.contains(':') => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}
