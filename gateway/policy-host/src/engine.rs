//! The WebAssembly engine shared by all policies, and the epoch clock behind their deadlines.

use std::num::NonZeroUsize;
use std::time::Duration;

use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::error::HostError;
use crate::settings::HostSettings;
use crate::ticker::Ticker;
use crate::workers::Workers;

/// Reserving the full 32-bit address space lets compiled code omit bounds checks. Actual use is limited per policy.
const MEMORY_RESERVATION: u64 = 4 << 30;
/// A language runtime bundled into a component consists of many core modules.
const CORE_INSTANCES_PER_COMPONENT: u32 = 64;
const TABLES_PER_COMPONENT: u32 = 8;
const MEMORIES_PER_COMPONENT: u32 = 2;
/// Bytes of stack for what the host does on behalf of a guest. Only pages that were touched take memory.
const HOST_STACK: usize = 1536 << 10;
const BACKTRACE_FRAMES: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// The shared engine and the clock that advances its epoch.
pub(crate) struct Engine {
    pub(crate) engine: wasmtime::Engine,
    pub(crate) tick: Duration,
    pub(crate) ticker: Ticker,
    /// Where calls go on that take long.
    pub(crate) workers: Workers,
}

impl Engine {
    pub(crate) fn new(settings: &HostSettings) -> Result<Engine, HostError> {
        let engine = match wasmtime::Engine::new(&config(settings, true)) {
            Ok(engine) => engine,
            Err(error) => {
                tracing::warn!(
                    instances = settings.total_instances,
                    error = %format_args!("{error:#}"),
                    "cannot reserve address space for pooled policy instances; falling back to slower on-demand allocation"
                );
                wasmtime::Engine::new(&config(settings, false))
                    .map_err(|error| HostError::Engine(format!("{error:#}")))?
            }
        };
        let tick = settings.tick.max(Duration::from_micros(100));
        let advanced = engine.clone();
        let ticker = Ticker::start(tick, move || advanced.increment_epoch());
        Ok(Engine {
            engine,
            tick,
            ticker: ticker.map_err(HostError::Ticker)?,
            workers: Workers::start(settings.threads).map_err(HostError::Workers)?,
        })
    }
}

fn config(settings: &HostSettings, pooled: bool) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // Concurrency support costs 0.4 us per call and is needed only for async interfaces.
        .concurrency_support(false)
        .max_wasm_stack(settings.stack_bytes)
        // Guests and the host functions that they call run on a stack of their own, which can change threads.
        .async_stack_size(settings.stack_bytes.saturating_add(HOST_STACK))
        .memory_reservation(MEMORY_RESERVATION)
        .wasm_backtrace_max_frames(Some(BACKTRACE_FRAMES))
        .wasm_memory64(false)
        .relaxed_simd_deterministic(true);
    if pooled {
        let count = settings.total_instances;
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(count)
            .total_core_instances(count.saturating_mul(8))
            .total_memories(count)
            .total_tables(count.saturating_mul(2))
            .total_stacks(count)
            .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
            .max_tables_per_component(TABLES_PER_COMPONENT)
            .max_memories_per_component(MEMORIES_PER_COMPONENT);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}
