//! `gatewright replay`: a session again, as its client saw it, in its time.

mod stream;

use std::collections::HashMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use gatewright_contract::{SessionId, StatementId};
use gatewright_record::Event;
use gatewright_record::event::{Attempted, Decision, Judged, Time};

use super::record::RecordPlace;
use super::sessions::text;
use crate::gate::printable;
use stream::Stream;

/// Arguments of `gatewright replay`.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    session: SessionId,
    /// How many times as fast as it was
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Without its pauses
    #[arg(long)]
    at_once: bool,
    #[command(flatten)]
    place: RecordPlace,
}

pub(super) fn run(arguments: &ReplayArguments) -> ExitCode {
    super::finish(replay(arguments))
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok();
    let speed = speed.filter(|speed: &f64| speed.is_finite() && *speed > 0.0);
    speed.ok_or_else(|| "a number above 0".to_owned())
}

fn replay(arguments: &ReplayArguments) -> Result<()> {
    let record = arguments.place.open_for(&[arguments.session])?;
    let segments = record.segments(arguments.session)?;
    let speed = (!arguments.at_once).then_some(arguments.speed);
    let mut player = Player::new(io::stdout().lock(), speed);
    let mut played = Ok(());
    let scans = record.read(&segments, &mut |event| {
        if played.is_ok() {
            played = player.play(event);
        }
    })?;
    played?;
    for damage in scans.iter().flat_map(|(_, scan)| &scan.damages) {
        writeln!(player.out, "-- DAMAGED: {damage}")?;
    }
    if player.sealed > 0 {
        writeln!(player.out, "-- {}", text::sealed(player.sealed))?;
    }
    Ok(player.out.flush()?)
}

/// Plays the events of a session.
pub(super) struct Player<W> {
    out: W,
    /// `None`: without pauses.
    speed: Option<f64>,
    last: Option<Time>,
    judged: HashMap<StatementId, Box<Judged>>,
    stream: Stream,
    /// Events that are encrypted for somebody else.
    sealed: u64,
}

impl<W: Write> Player<W> {
    /// `speed`: how many times as fast as it was; `None`: without pauses.
    pub fn new(out: W, speed: Option<f64>) -> Self {
        Player {
            out,
            speed,
            last: None,
            judged: HashMap::new(),
            stream: Stream::default(),
            sealed: 0,
        }
    }

    pub fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// What an execution is called in one line.
    pub fn label(&self, attempted: &Attempted) -> String {
        let judged = self.judged.get(&attempted.statement);
        let text = text::as_sent(judged.map(|judged| &**judged));
        format!("#{} {text}", attempted.execution)
    }

    pub fn play(&mut self, event: Event<'_>) -> io::Result<()> {
        match event {
            Event::Opened(event) => self.say(event.at, &text::beginning(&event)),
            Event::Judged(event) => {
                let at = event.at;
                if event.decision == Decision::Refused {
                    self.say(at, &text::refusal(&event))?;
                }
                self.judged.insert(event.statement, event);
                Ok(())
            }
            Event::Attempted(event) => {
                let judged = self.judged.get(&event.statement);
                let what_ran = text::what_ran(&event).map(|what| format!("  {what}"));
                let text = format!(
                    "{}  #{}{}\n    {}{}",
                    text::time(event.at),
                    event.execution,
                    what_ran.unwrap_or_default(),
                    text::as_sent(judged.map(|judged| &**judged)),
                    text::parameters(&event.parameters)
                );
                self.say(event.at, &text)
            }
            Event::Delivered(event) => {
                self.wait(event.at);
                self.stream.take(&event.bytes, &mut self.out)?;
                self.out.flush()
            }
            Event::Received(event) => {
                let withheld = event.withheld.unwrap_or_default();
                let length = withheld.saturating_add(event.bytes.len() as u64);
                let text = format!("{length} bytes of COPY data from the client");
                self.say(event.at, &text)
            }
            Event::Truncated(event) => {
                // What follows does not go on with the message that has begun.
                self.stream = Stream::default();
                self.say(event.at, &text::truncation(&event))
            }
            Event::Ended(event) => {
                let text = format!("{}  ended: {}", text::time(event.at), event.why);
                self.say(event.at, &text)
            }
            Event::Viewed(event) => self.say(event.at, &text::viewing(&event)),
            Event::Sealed(_) => {
                self.sealed += 1;
                Ok(())
            }
            Event::Completed(_) | Event::Continued(_) => Ok(()),
        }
    }

    /// What the client did not see itself.
    fn say(&mut self, at: Time, text: &str) -> io::Result<()> {
        self.wait(at);
        for line in printable(text.to_owned()).lines() {
            writeln!(self.out, "-- {line}")?;
        }
        self.out.flush()
    }

    fn wait(&mut self, at: Time) {
        let last = self.last.replace(at).unwrap_or(at);
        if let Some(speed) = self.speed {
            let pause = Duration::from_micros(at.saturating_sub(last));
            std::thread::sleep(pause.div_f64(speed.max(1e-6)));
        }
    }
}
