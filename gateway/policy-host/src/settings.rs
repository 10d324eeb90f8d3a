//! Settings of the host and of each policy.

use std::path::PathBuf;
use std::time::Duration;

/// Limits and directories of the host as a whole.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// The directory that keeps compiled code between runs; `None` disables it. It is created if absent. It must belong
    /// to the gateway's user and be inaccessible to others.
    pub cache_directory: Option<PathBuf>,
    /// The maximum number of live instances of all policies together.
    pub total_instances: u32,
    /// The resolution of deadlines. A call that has used more CPU than about twice this leaves the thread that it was made on.
    pub tick: Duration,
    /// Threads on which calls go on that take long.
    pub threads: usize,
    /// Bytes of stack available to a guest.
    pub stack_bytes: usize,
    /// Bytes of keys and values that one policy may keep in the host. When the store is full, the least recently
    /// written entries are evicted.
    pub state_bytes_per_policy: usize,
    /// The number of keys that one policy may keep in the host.
    pub state_keys_per_policy: usize,
}

impl Default for HostSettings {
    fn default() -> Self {
        HostSettings {
            cache_directory: None,
            total_instances: 256,
            tick: Duration::from_millis(1),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            stack_bytes: 512 * 1024,
            state_bytes_per_policy: 16 * 1024 * 1024,
            state_keys_per_policy: 65_536,
        }
    }
}

/// Whether a policy's answers take effect. The host loads `Enforce` and `Shadow` alike and skips `Off`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Enforce,
    /// Evaluated and reported, without effect.
    Shadow,
    Off,
}

/// How long an instance lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Reused across calls.
    #[default]
    Pooled,
    /// A new instance for each call.
    Statement,
}

/// Settings of one policy.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicySettings {
    /// Passed to the policy's `init` as JSON.
    pub settings: serde_json::Value,
    /// Whether every statement is denied while the policy is not loaded.
    pub required: bool,
    pub mode: Mode,
    /// How much CPU time one call may use.
    pub deadline: Duration,
    /// How long one call may wait besides: for an instance, and for its turns on the threads for long calls.
    pub wait: Duration,
    /// How much CPU time starting an instance may use, including `init`. Runtimes of scripting languages start slowly.
    pub init_deadline: Duration,
    /// Bytes of linear memory per instance.
    pub memory_bytes: usize,
    pub isolation: Isolation,
    /// The maximum number of instances, busy and idle.
    pub max_instances: usize,
}

impl Default for PolicySettings {
    fn default() -> Self {
        PolicySettings {
            settings: serde_json::Value::Object(serde_json::Map::new()),
            required: false,
            mode: Mode::Enforce,
            deadline: Duration::from_millis(50),
            wait: Duration::from_secs(10),
            init_deadline: Duration::from_secs(2),
            memory_bytes: 64 * 1024 * 1024,
            isolation: Isolation::Pooled,
            max_instances: 64,
        }
    }
}
