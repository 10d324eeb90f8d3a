//! asciicast v3 (docs.asciinema.org): what replay shows, with a marker where each statement begins.

use std::io::Write;

use anyhow::Result;
use gatewright_record::Event;
use gatewright_record::directory::Segments;
use gatewright_record::event::Time;
use gatewright_record::segment::Scan;
use serde_json::json;

use crate::cli::record::Record;
use crate::cli::replay::Player;
use crate::gate::printable;

/// What a marker shows of a statement.
const MARKER: usize = 80;

pub(super) fn export(
    record: &Record,
    segments: &Segments,
    out: &mut impl Write,
) -> Result<Vec<(u32, Scan)>> {
    let mut cast = Cast {
        out,
        player: Player::new(Vec::new(), None),
        last: None,
    };
    let mut written = Ok(());
    let scans = record.read(segments, &mut |event| {
        if written.is_ok() {
            written = cast.take(event);
        }
    })?;
    written?;
    Ok(scans)
}

struct Cast<'a, W> {
    out: &'a mut W,
    player: Player<Vec<u8>>,
    /// `None`: there is no header yet.
    last: Option<Time>,
}

impl<W: Write> Cast<'_, W> {
    fn take(&mut self, event: Event<'_>) -> Result<()> {
        let at = event.at();
        let last = match (self.last, at) {
            (Some(last), _) => last,
            (None, at) => {
                let begun = at.unwrap_or_default();
                let header = json!({
                    "version": 3,
                    "term": { "cols": 120, "rows": 40 },
                    "timestamp": begun / 1_000_000,
                });
                writeln!(self.out, "{header}")?;
                begun
            }
        };
        let at = at.unwrap_or(last).max(last);
        // Intervals are since the event before, in seconds.
        let mut interval = Some(at - last);
        self.last = Some(last);
        if let Event::Attempted(attempted) = &event {
            let label = self.player.label(attempted);
            let label: String = printable(label).chars().take(MARKER).collect();
            self.event(&mut interval, "m", &label.replace('\n', " "))?;
            self.last = Some(at);
        }
        self.player.play(event)?;
        let shown = std::mem::take(self.player.out());
        if !shown.is_empty() {
            let shown = String::from_utf8_lossy(&shown).replace('\n', "\r\n");
            self.event(&mut interval, "o", &shown)?;
            self.last = Some(at);
        }
        Ok(())
    }

    fn event(&mut self, interval: &mut Option<Time>, code: &str, data: &str) -> Result<()> {
        let micros = interval.take().unwrap_or_default();
        let seconds = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        let (code, data) = (json!(code), json!(data));
        Ok(writeln!(self.out, "[{seconds}, {code}, {data}]")?)
    }
}
