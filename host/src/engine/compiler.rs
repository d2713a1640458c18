//! wasmtime: its settings, and the cache of compiled components.

use std::path::Path;

use wasmtime::component::Component;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ProfilingStrategy,
};

use super::artifacts::Artifacts;
use crate::error::{Error, Result, one_line};
use crate::limits::{
    EPOCH_TICK, INSTANCES_KEPT_FOR_PROBES, INSTANCES_KEPT_FOR_TIMERS, Limits, TABLE_ELEMENTS_MAX,
};
use crate::permissions;

/// Folder of compiled components in the data directory.
pub(crate) const CACHE_FOLDER: &str = "cache";
/// Where this variable is set, functions of components have names in the profiles of Linux's `perf`, by a file
/// `/tmp/perf-PID.map`.
const PERF_MAP: &str = "MERCATO_PERF_MAP";
/// Core instances, memories and tables of one composed component, adapters included.
const CORE_INSTANCES_PER_COMPONENT: u32 = 200;
const MEMORIES_PER_COMPONENT: u32 = 24;
const TABLES_PER_COMPONENT: u32 = 64;
/// Memories and tables of one instance on average over all components; each memory reserves address space.
const MEMORIES_PER_INSTANCE: u32 = 6;
const TABLES_PER_INSTANCE: u32 = 24;
/// Fibers of one instance: the call itself and what it runs at the same time.
const STACKS_PER_INSTANCE: u32 = 4;
/// Memory of an ended instance that stays mapped for the next one.
const KEEP_RESIDENT_BYTES: usize = 1 << 20;
/// Metadata of one instance of a large composed component.
const INSTANCE_METADATA_BYTES: usize = 4 << 20;

/// An engine, and the folder where what it compiled is kept.
pub(crate) struct Compiler {
    pub engine: Engine,
    artifacts: Artifacts,
}

impl Compiler {
    /// Sets up the engine for a number of components.
    pub(crate) fn new(data_dir: &Path, components: usize, limits: &Limits) -> Result<Self> {
        let folder = data_dir.join(CACHE_FOLDER);
        // A folder that has a cache is a data directory of ours, however an older version has made it.
        if folder.is_dir() {
            permissions::tighten(data_dir);
        }
        permissions::create_folder(&folder).map_err(|cause| {
            Error::Machine(format!(
                "cannot create {}: {cause}; choose another folder with --data-dir",
                folder.display()
            ))
        })?;
        permissions::tighten(&folder);
        let config = config(components, limits);
        let engine = match Engine::new(&config.pooled) {
            Ok(engine) => engine,
            Err(cause) => {
                tracing::warn!(
                    "instances are allocated one by one, more slowly: {}",
                    one_line(&format!("{cause:#}"))
                );
                Engine::new(&config.plain)
                    .map_err(|cause| machine_error("cannot start wasmtime", &cause))?
            }
        };
        let artifacts = Artifacts::new(folder);
        artifacts.remove_unused();
        Ok(Self { engine, artifacts })
    }

    /// Lets running guests yield once a tick, until the engine is gone.
    pub(crate) fn start_ticking(&self) -> Result<()> {
        let engine = self.engine.weak();
        let tick = move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(EPOCH_TICK);
            }
        };
        let thread = std::thread::Builder::new().name("epoch".into()).spawn(tick);
        thread
            .map(drop)
            .map_err(|cause| Error::Machine(format!("cannot start a thread: {cause}")))
    }

    /// Takes the component from the cache, if it was compiled before by a compatible engine.
    pub(crate) fn compiled(&self, wasm: &[u8]) -> Option<Component> {
        let path = self.artifacts.path(&self.engine, wasm);
        self.artifacts.load(&self.engine, &path)
    }

    /// Takes the component from the cache, or compiles it.
    pub(crate) fn compile(&self, id: &str, wasm: &[u8]) -> Result<Component> {
        let path = self.artifacts.path(&self.engine, wasm);
        if let Some(component) = self.artifacts.load(&self.engine, &path) {
            return Ok(component);
        }
        let failed = |cause| component_error(id, &cause);
        let compiled = self.engine.precompile_component(wasm).map_err(failed)?;
        match self.artifacts.save(&path, &compiled) {
            Ok(()) => drop(compiled),
            Err(cause) => {
                tracing::warn!(path = %path.display(), "cannot keep what was compiled for the next start: {cause}");
            }
        }
        match self.artifacts.load(&self.engine, &path) {
            Some(component) => Ok(component),
            // Without a file it is compiled into memory.
            None => Component::new(&self.engine, wasm).map_err(failed),
        }
    }
}

struct Configs {
    pooled: Config,
    plain: Config,
}

fn config(components: usize, limits: &Limits) -> Configs {
    let mut plain = Config::new();
    plain
        .wasm_component_model(true)
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .memory_init_cow(true);
    if std::env::var_os(PERF_MAP).is_some() {
        plain.profiler(ProfilingStrategy::PerfMap);
    }
    let mut pooled = plain.clone();
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(
        components, limits,
    )));
    Configs { pooled, plain }
}

fn pooling(components: usize, limits: &Limits) -> PoolingAllocationConfig {
    let components = u32::try_from(components.max(1)).unwrap_or(u32::MAX);
    let per_component = limits
        .instances_per_component
        .saturating_add(INSTANCES_KEPT_FOR_PROBES + INSTANCES_KEPT_FOR_TIMERS);
    let instances = components.saturating_mul(per_component);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES_PER_COMPONENT))
        .total_memories(instances.saturating_mul(MEMORIES_PER_INSTANCE))
        .total_tables(instances.saturating_mul(TABLES_PER_INSTANCE))
        .total_stacks(instances.saturating_mul(STACKS_PER_INSTANCE))
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(MEMORIES_PER_COMPONENT)
        .max_tables_per_component(TABLES_PER_COMPONENT)
        .max_component_instance_size(INSTANCE_METADATA_BYTES)
        .max_core_instance_size(INSTANCE_METADATA_BYTES)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memory_size(limits.instance_memory_bytes)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto);
    pool
}

pub(crate) fn component_error(id: &str, cause: &wasmtime::Error) -> Error {
    Error::Component {
        component: id.to_owned(),
        message: one_line(&format!("{cause:#}")),
    }
}

pub(crate) fn machine_error(what: &str, cause: &wasmtime::Error) -> Error {
    Error::Machine(format!("{what}: {}", one_line(&format!("{cause:#}"))))
}
