//! COPY FROM STDIN: the client's data goes through; anything else ends the copy. The server says nothing while it takes
//! data, so what it makes of a message depends on whether the copy has failed by then, which only the server knows. Where that
//! matters it is asked.

use gatewright_wire::frame::Frame;

use crate::session::doors::output::{Output, Taken};
use crate::session::judge::Judge;
use crate::session::state::copy_probe::CopySyncProbe;
use crate::session::state::outstanding::Outstanding;
use crate::session::state::pipeline::Mode;
use crate::session::state::session::Session;

/// The name of a statement that there is not; closing it is always answered.
const NOBODY: &str = "gatewright_nobody";

impl<J: Judge> Session<J> {
    pub(in crate::session) fn client_in_copy(
        &mut self,
        frame: Frame<'_>,
        output: &mut Output,
    ) -> Taken {
        match frame.tag {
            b'd' => {}
            b'c' | b'f' => {
                self.pipeline.mode = Mode::Ready;
                // A Flush that the copy took is none.
                self.pipeline.flushed = false;
            }
            // The server ignores both while it copies in, so it owes nothing for them.
            b'H' => {}
            b'S' => self.pipeline.copy_syncs += 1,
            _ => return self.out_of_place_in_copy(frame.tag, output),
        }
        if matches!(frame.tag, b'd' | b'c' | b'f') {
            output.copied_in(frame.bytes);
        }
        output.to_server.control(frame);
        Taken::Yes
    }

    /// The server ends a session that sends such a message while it copies in, naming its type. Has the copy failed by then, it reads the
    /// message as any other. So it gets one of that type which is empty, and which therefore fails; the client's own is offered again
    /// when it is known which.
    pub(in crate::session) fn out_of_place_in_copy(
        &mut self,
        tag: u8,
        output: &mut Output,
    ) -> Taken {
        output.to_server.empty(tag);
        let extended = matches!(self.queue.front(), Some(Outstanding::Execute { .. }));
        self.ask_about_syncs(extended, output);
        Taken::Hold
    }

    /// An error of the message in front. Was it copying in, which of the Syncs sent meanwhile will be answered?
    pub(in crate::session) fn probe_syncs_of_copy(&mut self, output: &mut Output) {
        let syncs = std::mem::take(&mut self.pipeline.copy_syncs);
        let extended = match self.queue.front() {
            Some(Outstanding::Query(_)) => false,
            Some(Outstanding::Execute { .. }) => true,
            _ => return,
        };
        if syncs > 0 && !self.queue.is_probing() {
            // Those behind the end of the data are among the answers.
            self.queue.drop_syncs_behind_front();
            self.ask_about_syncs(extended, output);
        }
    }

    fn ask_about_syncs(&mut self, extended: bool, output: &mut Output) {
        output.to_server.sync();
        output.to_server.close_statement(NOBODY);
        output.to_server.sync();
        self.expect(Outstanding::CopySyncProbe(CopySyncProbe::new(extended)));
    }

    /// The server has answered: both sides know where they stand.
    pub(in crate::session) fn probe_finished(&mut self, status: u8) {
        if let Some(Outstanding::CopySyncProbe(probe)) = self.queue.pop()
            && probe.leaves_skipping()
        {
            self.pipeline.mode = Mode::Skipping;
        }
        self.ready_for_query(status);
    }
}
