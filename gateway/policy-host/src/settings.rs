//! How the host and each policy are set up.

use std::path::PathBuf;
use std::time::Duration;

/// What the host as a whole may use.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// Where compiled code is kept between runs; `None` keeps none. Must belong to this user and be closed to others; made if absent.
    pub cache_directory: Option<PathBuf>,
    /// Instances of all policies together that can live at one time.
    pub total_instances: u32,
    /// How often deadlines are looked at.
    pub tick: Duration,
    /// Bytes of stack a guest may use.
    pub stack_bytes: usize,
    /// Bytes of keys and values one policy may keep in the host; the oldest go first when it is full.
    pub state_bytes_per_policy: usize,
    /// Keys one policy may keep in the host.
    pub state_keys_per_policy: usize,
}

impl Default for HostSettings {
    fn default() -> Self {
        HostSettings {
            cache_directory: None,
            total_instances: 256,
            tick: Duration::from_millis(2),
            stack_bytes: 512 * 1024,
            state_bytes_per_policy: 16 * 1024 * 1024,
            state_keys_per_policy: 65_536,
        }
    }
}

/// Whether a policy's answers count. The host loads `Enforce` and `Shadow` alike and leaves out `Off`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Enforce,
    /// Asked and reported, without effect.
    Shadow,
    Off,
}

/// How long an instance lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Reused from call to call.
    #[default]
    Pooled,
    /// A fresh instance for each call.
    Statement,
}

/// How one policy is set up.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicySettings {
    /// Handed to the policy's `init` as JSON.
    pub settings: serde_json::Value,
    /// When it is missing, everything is refused.
    pub required: bool,
    pub mode: Mode,
    /// For one call.
    pub deadline: Duration,
    /// For starting an instance and its `init`; runtimes of scripting languages take long here.
    pub init_deadline: Duration,
    /// Linear memory of one instance.
    pub memory_bytes: usize,
    pub isolation: Isolation,
    /// Instances that can be at work or kept at one time.
    pub max_instances: usize,
}

impl Default for PolicySettings {
    fn default() -> Self {
        PolicySettings {
            settings: serde_json::Value::Object(serde_json::Map::new()),
            required: false,
            mode: Mode::Enforce,
            deadline: Duration::from_millis(50),
            init_deadline: Duration::from_secs(2),
            memory_bytes: 64 * 1024 * 1024,
            isolation: Isolation::Pooled,
            max_instances: 64,
        }
    }
}
