//! Asking the server for the settings that decide how texts are read. In a series of extended messages it tells of no change before
//! Sync, so what follows would have to be refused.

use gatewright_wire::backend::DataRow;
use gatewright_wire::frame::Frame;

use crate::session::doors::output::{Output, Taken};
use crate::session::judge::Judge;
use crate::session::state::outstanding::{Asked, Outstanding};
use crate::session::state::reading::SETTINGS;
use crate::session::state::session::Session;
use crate::session::violation::Violation;

impl<J: Judge> Session<J> {
    /// Has the server say, behind all that was sent, how it reads what comes next.
    pub(in crate::session) fn ask_for_settings(&mut self, output: &mut Output) {
        let is_asked = |reply: &Outstanding<J>| matches!(reply, Outstanding::Asked(_));
        if self.queue.newest_first().any(is_asked) {
            return;
        }
        for setting in SETTINGS {
            output.to_server.show(setting);
            self.expect(Outstanding::Asked(Asked {
                setting,
                value: None,
                closed: 0,
            }));
        }
        output.to_server.flush();
        self.pipeline.flushed = true;
    }

    /// Part of the answer: ParseComplete, BindComplete, DataRow, CommandComplete, and CloseComplete of the portal and the statement.
    pub(in crate::session) fn setting_told(
        &mut self,
        frame: Frame<'_>,
    ) -> Result<Taken, Violation> {
        let unexpected = Violation::Unexpected(char::from(frame.tag));
        let Some(Outstanding::Asked(asked)) = self.queue.front_mut() else {
            return Err(unexpected);
        };
        match frame.tag {
            b'1' | b'2' | b'C' => {}
            b'D' => {
                let row = DataRow::decode(frame.body)
                    .map_err(|error| Violation::unreadable("DataRow", &error))?;
                let cell = row.cells().next();
                let value = cell.and_then(Result::ok).flatten().ok_or(unexpected)?;
                asked.value = Some(value.to_vec());
            }
            b'3' => {
                asked.closed += 1;
                if asked.closed == 2 {
                    let value = asked.value.take().ok_or(unexpected)?;
                    let setting = asked.setting;
                    self.queue.pop();
                    self.reading.setting(setting, &value);
                    if Some(&setting) == SETTINGS.last() {
                        self.reading.told();
                    }
                }
            }
            _ => return Err(unexpected),
        }
        Ok(Taken::Yes)
    }
}
