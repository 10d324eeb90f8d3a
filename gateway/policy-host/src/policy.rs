//! A loaded policy: its instances, and the hooks that it can be asked through. `calling` makes the calls.

use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use wasmtime::{PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};

use crate::adapter::{Failed, Guest, Started, Starting};
use crate::call::{Call, Terms};
use crate::check;
use crate::contract::{
    Allowance, Batch, BatchEdit, BatchReply, ColumnAction, ColumnReply, Completion, Facts, Hooks,
    Notification, NotificationReply, Phase, Plan, Registration, ResultColumn, Verdict,
};
use crate::deadline::{self, Deadline};
use crate::engine::Engine;
use crate::error::LoadError;
use crate::fault::Fault;
use crate::guest::GuestData;
use crate::load::{Code, one_line};
use crate::observer::Observer;
use crate::pool::Pool;
use crate::services::{HostRefusal, Services};
use crate::settings::{Isolation, Mode, PolicySettings};
use crate::view::StatementView;

/// Bytes that a guest may pass to the host in one call. A reply can reference the same memory many times, so its size
/// is not limited by the guest's memory.
const REPLY_BYTES: usize = 64 * 1024 * 1024;

/// Instances, and the calls that wait for one.
pub(crate) type Instances = Pool<Box<dyn Guest>>;

/// A loaded policy with its settings and instances. Calls are accepted from any thread, and keep it for about a tick of the clock: one that
/// takes longer goes on elsewhere. A call uses at most the deadline of CPU, and `init_deadline` besides if a new instance is started.
pub struct Policy {
    name: String,
    registration: Registration,
    settings: PolicySettings,
    settings_json: String,
    code: Arc<Code>,
    engine: Arc<Engine>,
    services: Arc<Services>,
    observer: Arc<dyn Observer>,
    instances: Instances,
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy")
            .field("name", &self.name)
            .field("version", &self.registration.version)
            .field("digest", &self.digest())
            .finish_non_exhaustive()
    }
}

/// The host's shared parts that a policy uses.
pub(crate) struct Context {
    pub(crate) engine: Arc<Engine>,
    pub(crate) services: Arc<Services>,
    pub(crate) observer: Arc<dyn Observer>,
}

enum StartError {
    Fault(Fault),
    Settings(String),
}

impl Policy {
    /// Starts the first instance, which validates both code and settings.
    pub(crate) fn start(
        name: &str,
        code: Arc<Code>,
        settings: &PolicySettings,
        around: Context,
    ) -> Result<Policy, LoadError> {
        let Context {
            engine,
            services,
            observer,
        } = around;
        let mut policy = Policy {
            name: name.to_owned(),
            registration: Registration {
                name: String::new(),
                version: String::new(),
                description: String::new(),
                hooks: Hooks::empty(),
                settings_schema: None,
            },
            settings_json: settings.settings.to_string(),
            instances: Pool::new(settings.max_instances),
            settings: settings.clone(),
            code,
            engine,
            services,
            observer,
        };
        let (instance, registration) = policy.start_here().map_err(|error| match error {
            StartError::Settings(reason) => LoadError::Settings {
                policy: name.to_owned(),
                reason: one_line(&reason),
            },
            StartError::Fault(fault) => LoadError::Start {
                policy: name.to_owned(),
                reason: one_line(&fault),
            },
        })?;
        check::registration(&registration).map_err(|reason| LoadError::Registration {
            policy: name.to_owned(),
            reason,
        })?;
        if registration.name != name {
            tracing::warn!(policy = name, registered = %printable(&registration.name), "policy registered a name that differs from its file name; the file name is used");
        }
        if registration.hooks.is_empty() {
            tracing::warn!(
                policy = name,
                "policy registered no hooks and will never be called"
            );
        }
        policy.registration = registration;
        if settings.isolation == Isolation::Pooled
            && let Some(mut place) = policy.instances.take()
        {
            place.item = Some(instance);
            place.keep();
        }
        Ok(policy)
    }

    /// The file's stem, which is also the key of its settings.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version that the policy registered.
    pub fn version(&self) -> &str {
        &self.registration.version
    }

    /// The description that the policy registered.
    pub fn description(&self) -> &str {
        &self.registration.description
    }

    /// The JSON Schema of the settings, if the policy provides one.
    pub fn settings_schema(&self) -> Option<&str> {
        self.registration.settings_schema.as_deref()
    }

    /// SHA-256 of the file, in hex.
    pub fn digest(&self) -> String {
        hex::encode(self.code.digest)
    }

    /// Its name, file and settings.
    pub(crate) fn in_force_as(&self) -> String {
        format!("{:?} {} {:?}", self.name, self.digest(), self.settings)
    }

    /// The hooks that the policy registered.
    pub fn hooks(&self) -> Hooks {
        self.registration.hooks
    }

    /// Whether its answers take effect.
    pub fn mode(&self) -> Mode {
        self.settings.mode
    }

    /// Whether every statement is denied while the policy is not loaded.
    pub fn required(&self) -> bool {
        self.settings.required
    }

    pub(crate) fn code(&self) -> &Arc<Code> {
        &self.code
    }

    pub(crate) fn settings(&self) -> &PolicySettings {
        &self.settings
    }

    /// Evaluates a statement. At Parse, only a policy that registered `statement` is called; in every other phase, one
    /// that registered `statement` or `parameters`. A policy that is not called allows the statement. The caller
    /// decides whether an earlier answer may be reused.
    ///
    /// # Errors
    /// When the policy gave no usable answer. The caller must deny.
    pub fn on_statement(
        self: &Arc<Self>,
        view: &Arc<dyn StatementView>,
        facts: &Facts,
    ) -> Call<Verdict> {
        let wanted = match facts.phase {
            Phase::Parse => Hooks::STATEMENT,
            Phase::Execute | Phase::Simple | Phase::FunctionCall => {
                Hooks::STATEMENT | Hooks::PARAMETERS
            }
        };
        if !self.hooks().intersects(wanted) {
            return Call::Done(Ok(Verdict::Allow(Allowance::default())));
        }
        let (facts, hooks) = (facts.clone(), self.hooks());
        self.call(
            "on-statement",
            view,
            move |guest| guest.on_statement(facts),
            move |verdict| check::verdict(verdict, hooks),
        )
    }

    /// Asks for the action on each column of a result. Without the hook, all columns pass.
    ///
    /// # Errors
    /// When the policy gave no usable answer. The caller must deny.
    pub fn on_result(
        self: &Arc<Self>,
        view: &Arc<dyn StatementView>,
        columns: &Arc<[ResultColumn]>,
    ) -> Call<Plan> {
        if !self.hooks().contains(Hooks::RESULT_PLAN) {
            let all = Plan::Columns(vec![ColumnAction::Pass; columns.len()]);
            return Call::Done(Ok(all));
        }
        let (asked, checked, hooks) = (Arc::clone(columns), Arc::clone(columns), self.hooks());
        self.call(
            "on-result",
            view,
            move |guest| guest.on_result(asked),
            move |plan| check::plan(plan, &checked, hooks),
        )
    }

    /// Passes a batch of rows to the policy. Without the hook, the rows are unchanged. Replaced columns are valid UTF-8
    /// and match the batch's row count. The caller decides whether a column may be replaced, and by what.
    ///
    /// # Errors
    /// When the policy gave no usable answer. The caller must not forward the rows.
    pub fn on_batch(
        self: &Arc<Self>,
        view: &Arc<dyn StatementView>,
        batch: &Arc<Batch>,
    ) -> Call<BatchReply> {
        if !self.hooks().contains(Hooks::BATCH) {
            return Call::Done(Ok(BatchReply::Edit(BatchEdit {
                columns: vec![ColumnReply::Unchanged; batch.columns.len()],
                keep_rows: None,
            })));
        }
        let (asked, checked) = (Arc::clone(batch), Arc::clone(batch));
        self.call(
            "on-batch",
            view,
            move |guest| guest.on_batch(asked),
            move |reply| check::batch_reply(reply, &checked),
        )
    }

    /// Reports how a statement ended. Without the hook, this does nothing.
    ///
    /// # Errors
    /// When the call failed. The statement has ended already, so this is only for the log.
    pub fn on_completion(
        self: &Arc<Self>,
        view: &Arc<dyn StatementView>,
        completion: &Completion,
    ) -> Call<()> {
        if !self.hooks().contains(Hooks::COMPLETION) {
            return Call::Done(Ok(()));
        }
        let completion = completion.clone();
        self.call(
            "on-completion",
            view,
            move |guest| guest.on_completion(completion),
            |()| Ok(()),
        )
    }

    /// Asks what becomes of a notification. Without the hook, it passes. The view is that of a statement of which nothing is known.
    ///
    /// # Errors
    /// When the policy gave no usable answer. The caller must not pass the notification on.
    pub fn on_notification(
        self: &Arc<Self>,
        view: &Arc<dyn StatementView>,
        received: &Notification,
    ) -> Call<NotificationReply> {
        if !self.hooks().contains(Hooks::NOTIFICATION) {
            return Call::Done(Ok(NotificationReply::Pass));
        }
        let received = received.clone();
        self.call(
            "on-notification",
            view,
            move |guest| guest.on_notification(received),
            |_| Ok(()),
        )
    }

    pub(crate) fn instances(&self) -> &Instances {
        &self.instances
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(crate) fn observer(&self) -> &dyn Observer {
        self.observer.as_ref()
    }

    /// How long a call may go on, and who is told if it does not come to an end.
    pub(crate) fn terms(&self) -> Terms {
        Terms {
            policy: self.name.clone(),
            observer: Arc::clone(&self.observer),
            deadline: self.settings.deadline,
            wait: self.settings.wait,
            max_instances: self.instances.limit(),
        }
    }

    /// An instance is about to be asked about this statement.
    pub(crate) fn prepare(&self, guest: &mut dyn Guest, view: &Arc<dyn StatementView>) {
        let store = guest.store();
        let deadline = self.deadline(self.settings.deadline);
        let data = store.data_mut();
        data.view = Some(Arc::clone(view));
        data.memory.denied = false;
        data.deadline = deadline;
        store.set_epoch_deadline(1);
    }

    fn deadline(&self, limit: Duration) -> Deadline {
        Deadline::new(limit, self.engine.tick)
    }

    /// Starts an instance on this thread, which has nothing else to do.
    fn start_here(&self) -> Result<(Box<dyn Guest>, Registration), StartError> {
        let mut starting = self.starting();
        let mut context = task::Context::from_waker(Waker::noop());
        let started = loop {
            let _running = self.engine.ticker.begin();
            let polled = deadline::slice(|| starting.as_mut().poll(&mut context));
            if let Poll::Ready(started) = polled {
                break started;
            }
        };
        self.started(started)
    }

    pub(crate) fn starting(&self) -> Starting {
        let data = GuestData::new(
            Arc::clone(&self.services),
            self.settings.memory_bytes,
            self.deadline(self.settings.init_deadline),
        );
        let mut store = Store::new(&self.engine.engine, data);
        store.limiter(|data| &mut data.memory);
        store.set_hostcall_fuel(REPLY_BYTES);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().deadline.check()));
        store.set_epoch_deadline(1);
        Arc::clone(&self.code.adapter).start(store, self.settings_json.clone())
    }

    fn started(&self, started: Started) -> Result<(Box<dyn Guest>, Registration), StartError> {
        match started {
            Ok((guest, Ok(registration))) => Ok((guest, registration)),
            Ok((_, Err(reason))) => Err(StartError::Settings(printable(&reason))),
            Err(failed) => {
                let fault = self.fault(failed, self.settings.init_deadline);
                Err(StartError::Fault(fault))
            }
        }
    }

    /// One more instance, with settings that the policy has accepted before.
    pub(crate) fn another(&self, started: Started) -> Result<Box<dyn Guest>, Fault> {
        match self.started(started) {
            Ok((guest, _)) => Ok(guest),
            Err(StartError::Fault(fault)) => Err(fault),
            Err(StartError::Settings(_)) => Err(Fault::IllegalReply(
                "it rejected settings that it had accepted before".into(),
            )),
        }
    }

    pub(crate) fn fault(&self, failed: Failed, deadline: Duration) -> Fault {
        let (error, memory_denied) = match failed {
            Failed::Start(fault) => return fault,
            Failed::Wasm(error, memory_denied) => (error, memory_denied),
        };
        let error = &error;
        if error.is::<PoolConcurrencyLimitError>() {
            return Fault::Exhausted(self.instances.limit());
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Fault::Deadline(deadline),
            _ if memory_denied => Fault::Memory(self.settings.memory_bytes),
            Some(trap) => Fault::Trap(with_backtrace(&trap.to_string(), error)),
            None => match error.downcast_ref::<HostRefusal>() {
                Some(refusal) => Fault::Trap(with_backtrace(&refusal.to_string(), error)),
                // Not a trap and not raised by the host: the reply could not be decoded.
                None => Fault::IllegalReply(one_line(&error.root_cause())),
            },
        }
    }
}

/// The trap and the names of the innermost functions: enough to locate it, without any of the guest's data.
fn with_backtrace(reason: &str, error: &wasmtime::Error) -> String {
    let frames = error
        .downcast_ref::<WasmBacktrace>()
        .map(WasmBacktrace::frames)
        .unwrap_or_default();
    let names: Vec<String> = frames
        .iter()
        .map(|frame| {
            frame.func_name().map_or_else(
                || format!("function {}", frame.func_index()),
                |name| name.chars().take(120).collect(),
            )
        })
        .collect();
    if names.is_empty() {
        reason.to_owned()
    } else {
        format!("{reason} in {}", names.join(" < "))
    }
}

fn printable(text: &str) -> String {
    text.chars()
        .take(500)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
