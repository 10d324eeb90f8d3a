//! A loaded policy: its instances, and the calls into them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::{PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};

use crate::adapter::Guest;
use crate::check;
use crate::contract::{
    Allowance, Batch, BatchEdit, BatchReply, ColumnAction, ColumnReply, Completion, Facts, Hooks,
    Notification, NotificationReply, Phase, Plan, Registration, ResultColumn, Verdict,
};
use crate::deadline::Deadline;
use crate::engine::Engine;
use crate::error::LoadError;
use crate::fault::Fault;
use crate::guest::GuestData;
use crate::load::{Code, one_line};
use crate::observer::Observer;
use crate::pool::{Pool, Slot};
use crate::services::{HostRefusal, Services};
use crate::settings::{Isolation, Mode, PolicySettings};
use crate::ticker::Running;
use crate::view::StatementView;

/// Bytes that a guest may pass to the host in one call. A reply can reference the same memory many times, so its size
/// is not limited by the guest's memory.
const REPLY_BYTES: usize = 64 * 1024 * 1024;

/// A loaded policy with its settings and instances. Calls are accepted from any thread. A call uses at most
/// the deadline of its thread's CPU, waits for as long if all instances are busy, and uses `init_deadline` if a new instance is started.
pub struct Policy {
    name: String,
    registration: Registration,
    settings: PolicySettings,
    settings_json: String,
    code: Arc<Code>,
    engine: Arc<Engine>,
    services: Arc<Services>,
    observer: Arc<dyn Observer>,
    pool: Pool<Instance>,
}

struct Instance {
    store: Store<GuestData>,
    guest: Box<dyn Guest>,
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
            pool: Pool::new(settings.max_instances),
            settings: settings.clone(),
            code,
            engine,
            services,
            observer,
        };
        let (instance, registration) = policy.instantiate().map_err(|error| match error {
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
            && let Some(mut place) = policy.pool.take(Duration::ZERO)
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
        &self,
        view: &Arc<dyn StatementView>,
        facts: &Facts,
    ) -> Result<Verdict, Fault> {
        let wanted = match facts.phase {
            Phase::Parse => Hooks::STATEMENT,
            Phase::Execute | Phase::Simple | Phase::FunctionCall => {
                Hooks::STATEMENT | Hooks::PARAMETERS
            }
        };
        if !self.hooks().intersects(wanted) {
            return Ok(Verdict::Allow(Allowance::default()));
        }
        self.call(
            "on-statement",
            view,
            |guest, store| guest.on_statement(store, facts),
            |verdict| check::verdict(verdict, self.hooks()),
        )
    }

    /// Asks for the action on each column of a result. Without the hook, all columns pass.
    ///
    /// # Errors
    /// When the policy gave no usable answer. The caller must deny.
    pub fn on_result(
        &self,
        view: &Arc<dyn StatementView>,
        columns: &[ResultColumn],
    ) -> Result<Plan, Fault> {
        if !self.hooks().contains(Hooks::RESULT_PLAN) {
            return Ok(Plan::Columns(vec![ColumnAction::Pass; columns.len()]));
        }
        self.call(
            "on-result",
            view,
            |guest, store| guest.on_result(store, columns),
            |plan| check::plan(plan, columns, self.hooks()),
        )
    }

    /// Passes a batch of rows to the policy. Without the hook, the rows are unchanged. Replaced columns are valid UTF-8
    /// and match the batch's row count. The caller decides whether a column may be replaced, and by what.
    ///
    /// # Errors
    /// When the policy gave no usable answer. The caller must not forward the rows.
    pub fn on_batch(
        &self,
        view: &Arc<dyn StatementView>,
        batch: &Batch,
    ) -> Result<BatchReply, Fault> {
        if !self.hooks().contains(Hooks::BATCH) {
            return Ok(BatchReply::Edit(BatchEdit {
                columns: vec![ColumnReply::Unchanged; batch.columns.len()],
                keep_rows: None,
            }));
        }
        self.call(
            "on-batch",
            view,
            |guest, store| guest.on_batch(store, batch),
            |reply| check::batch_reply(reply, batch),
        )
    }

    /// Reports how a statement ended. Without the hook, this does nothing.
    ///
    /// # Errors
    /// When the call failed. The statement has ended already, so this is only for the log.
    pub fn on_completion(
        &self,
        view: &Arc<dyn StatementView>,
        completion: &Completion,
    ) -> Result<(), Fault> {
        if !self.hooks().contains(Hooks::COMPLETION) {
            return Ok(());
        }
        self.call(
            "on-completion",
            view,
            |guest, store| guest.on_completion(store, completion),
            |()| Ok(()),
        )
    }

    /// Asks what becomes of a notification. Without the hook, it passes. The view is that of a statement of which nothing is known.
    ///
    /// # Errors
    /// When the policy gave no usable answer. The caller must not pass the notification on.
    pub fn on_notification(
        &self,
        view: &Arc<dyn StatementView>,
        received: &Notification,
    ) -> Result<NotificationReply, Fault> {
        if !self.hooks().contains(Hooks::NOTIFICATION) {
            return Ok(NotificationReply::Pass);
        }
        self.call(
            "on-notification",
            view,
            |guest, store| guest.on_notification(store, received),
            |_| Ok(()),
        )
    }

    fn call<R>(
        &self,
        hook: &'static str,
        view: &Arc<dyn StatementView>,
        ask: impl FnOnce(&dyn Guest, &mut Store<GuestData>) -> wasmtime::Result<R>,
        check: impl FnOnce(&R) -> Result<(), String>,
    ) -> Result<R, Fault> {
        let started = Instant::now();
        let answer = self.checkout().and_then(|mut place| {
            let answer = match place.item.as_mut() {
                Some(instance) => self.enter(instance, view, ask),
                None => Err(Fault::Exhausted(self.pool.limit())),
            };
            // The state of an instance is undefined after a trap.
            if answer.is_ok() && self.settings.isolation == Isolation::Pooled {
                place.keep();
            }
            answer
        });
        let answer =
            answer.and_then(|answer| check(&answer).map_err(Fault::IllegalReply).map(|()| answer));
        self.observer.call(&self.name, hook, started.elapsed());
        answer.inspect_err(|fault| self.observer.fault(&self.name, fault))
    }

    fn checkout(&self) -> Result<Slot<'_, Instance>, Fault> {
        let mut place = self
            .pool
            .take(self.settings.deadline)
            .ok_or(Fault::Exhausted(self.pool.limit()))?;
        if place.item.is_none() {
            let (instance, _) = self.instantiate().map_err(|error| match error {
                StartError::Fault(fault) => fault,
                StartError::Settings(_) => {
                    Fault::IllegalReply("it rejected settings that it had accepted before".into())
                }
            })?;
            place.item = Some(instance);
        }
        Ok(place)
    }

    fn enter<R>(
        &self,
        instance: &mut Instance,
        view: &Arc<dyn StatementView>,
        ask: impl FnOnce(&dyn Guest, &mut Store<GuestData>) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        let Instance { store, guest } = instance;
        store.data_mut().view = Some(view.clone());
        store.data_mut().memory.denied = false;
        let running = self.begin(store, self.settings.deadline);
        let answer = ask(guest.as_ref(), store);
        drop(running);
        store.data_mut().view = None;
        answer
            .map_err(|error| self.fault(&error, store.data().memory.denied, self.settings.deadline))
    }

    /// A call begins, which may use this much CPU.
    fn begin(&self, store: &mut Store<GuestData>, limit: Duration) -> Running<'_> {
        store.data_mut().deadline = self.deadline(limit);
        store.set_epoch_deadline(1);
        self.engine.ticker.begin()
    }

    fn deadline(&self, limit: Duration) -> Deadline {
        Deadline::new(limit, self.engine.tick)
    }

    fn instantiate(&self) -> Result<(Instance, Registration), StartError> {
        let mut store = Store::new(
            &self.engine.engine,
            GuestData::new(
                self.services.clone(),
                self.settings.memory_bytes,
                self.deadline(self.settings.init_deadline),
            ),
        );
        store.limiter(|data| &mut data.memory);
        store.set_hostcall_fuel(REPLY_BYTES);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().deadline.check()));
        let _running = self.begin(&mut store, self.settings.init_deadline);
        let started = self
            .code
            .adapter
            .instantiate(&mut store)
            .and_then(|guest| Ok((guest.init(&mut store, &self.settings_json)?, guest)));
        match started {
            Ok((Ok(registration), guest)) => Ok((Instance { store, guest }, registration)),
            Ok((Err(reason), _)) => Err(StartError::Settings(printable(&reason))),
            Err(error) => Err(StartError::Fault(self.fault(
                &error,
                store.data().memory.denied,
                self.settings.init_deadline,
            ))),
        }
    }

    fn fault(&self, error: &wasmtime::Error, memory_denied: bool, deadline: Duration) -> Fault {
        if error.is::<PoolConcurrencyLimitError>() {
            return Fault::Exhausted(self.pool.limit());
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
