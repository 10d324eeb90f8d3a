//! `gatewright replay`: a session again, as its client saw it, in its time.

mod keys;
mod pace;
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
use pace::{Leave, Pace};
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
    /// Begin with this statement, by its number
    #[arg(long, value_name = "NUMBER")]
    from: Option<u64>,
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
    let mut pace = Pace::watched(speed)?;
    let mut from = arguments.from.unwrap_or_default();
    loop {
        let mut player = Player::from(io::stdout().lock(), pace, from);
        let mut played = Ok(());
        let scans = record.read(&segments, &mut |event| {
            if played.is_ok() && player.leave.is_none() {
                played = player.play(event);
            }
        })?;
        played?;
        match player.leave {
            Some(Leave::Quit) => return Ok(()),
            Some(Leave::To(number)) => {
                from = number;
                pace = player.pace;
                continue;
            }
            None => {}
        }
        if player.current < from {
            let last = player.current;
            writeln!(player.out, "-- the last statement is #{last}")?;
        }
        for damage in scans.iter().flat_map(|(_, scan)| &scan.damages) {
            writeln!(player.out, "-- DAMAGED: {damage}")?;
        }
        if player.sealed > 0 {
            writeln!(player.out, "-- {}", text::sealed(player.sealed))?;
        }
        return Ok(player.out.flush()?);
    }
}

/// Plays the events of a session.
pub(super) struct Player<W> {
    out: W,
    pace: Pace,
    /// What comes before this statement is not shown.
    from: u64,
    /// The statement that is shown.
    current: u64,
    /// Where to go instead of on.
    leave: Option<Leave>,
    last: Option<Time>,
    judged: HashMap<StatementId, Box<Judged>>,
    stream: Stream,
    /// Events that are encrypted for somebody else.
    sealed: u64,
}

impl<W: Write> Player<W> {
    /// `speed`: how many times as fast as it was; `None`: without pauses.
    pub fn new(out: W, speed: Option<f64>) -> Self {
        Self::from(out, Pace::of_speed(speed), 0)
    }

    fn from(out: W, mut pace: Pace, from: u64) -> Self {
        if from > 0 {
            pace.hurry();
        }
        Player {
            out,
            pace,
            from,
            current: 0,
            leave: None,
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
                self.current = event.execution;
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
                self.say(event.at, &text)?;
                if !self.is_silent() {
                    self.pace.arrived();
                }
                Ok(())
            }
            Event::Delivered(event) => {
                self.wait(event.at)?;
                if self.is_silent() {
                    // The messages have to be followed all the same.
                    return self.stream.take(&event.bytes, &mut io::sink());
                }
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
        self.wait(at)?;
        if self.is_silent() {
            return Ok(());
        }
        for line in printable(text.to_owned()).lines() {
            writeln!(self.out, "-- {line}")?;
        }
        self.out.flush()
    }

    /// Whether what happens is not to be shown.
    fn is_silent(&self) -> bool {
        self.leave.is_some() || self.current < self.from
    }

    fn wait(&mut self, at: Time) -> io::Result<()> {
        let last = self.last.replace(at).unwrap_or(at);
        if !self.is_silent() {
            let took = Duration::from_micros(at.saturating_sub(last));
            self.leave = self.pace.wait(took, self.current)?;
        }
        Ok(())
    }
}
