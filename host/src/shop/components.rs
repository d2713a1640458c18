//! The components of a shop: compiled, linked and tried, and what the runner asks them by itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Weak};

use super::plan::{Plan, read_artifact};
use crate::capabilities::http::{InternalNetwork, Networks};
use crate::engine::compiler::{Compiler, component_error};
use crate::engine::guest::{ComponentGrants, Services};
use crate::engine::linker;
use crate::engine::pool::{Lane, NoInstance, Pool, Triggers};
use crate::error::{Error, Result};
use crate::http::components::Components;
use crate::http::handler::HttpComponent;
use crate::http::metrics_listener::Source;
use crate::http::probes::Probes;
use crate::manifest::spin::Tool;
use crate::shutdown::Activity;
use crate::triggers::timer::Timer;

/// The linked components.
pub(super) struct Built {
    pub components: Arc<Components>,
    pub pools: BTreeMap<String, Arc<Pool>>,
}

/// Compiles, links and tries every component.
pub(super) async fn build(
    plan: &Plan,
    grants: &BTreeMap<String, Arc<ComponentGrants>>,
    services: &Arc<Services>,
    activity: &Activity,
) -> Result<Built> {
    let limits = &plan.settings.limits;
    let app = &plan.settings.app;
    let compiler = Compiler::new(&plan.data.path, plan.manifest.component.len(), limits)?;
    // One file at a time: what all of them need together would stay with the allocator.
    let mut cached = BTreeMap::new();
    for (id, spec) in &plan.manifest.component {
        if let Some(component) = compiler.compiled(&read_artifact(app, spec)?) {
            cached.insert(id, component);
        }
    }
    let is_complete = cached.len() == plan.manifest.component.len();
    if let Some(binary) = plan.settings.compiler.as_ref().filter(|_| !is_complete) {
        compile_apart(binary, plan).await;
    }
    // Guests yield as real time goes by, which no seed can repeat.
    if plan.settings.random_seed.is_none() {
        compiler.start_ticking()?;
    }
    let linker = linker::linker(&compiler.engine, services.faults.are_planned())?;
    let components = Arc::new(Components::default());
    let internal: Weak<dyn InternalNetwork> = Arc::<Components>::downgrade(&components);
    let networks = Networks {
        internal,
        external: plan.settings.network.clone(),
    };
    let mut pools = BTreeMap::new();
    let mut answering = BTreeMap::new();
    for (id, spec) in &plan.manifest.component {
        let wanted = Triggers {
            http: plan.manifest.answers_http(id),
            messages: plan.manifest.handles_messages(id),
        };
        let Some(grants) = grants.get(id).filter(|_| wanted.http || wanted.messages) else {
            continue;
        };
        let compiled = match cached.remove(id) {
            Some(component) => component,
            None => compiler.compile(id, &read_artifact(app, spec)?)?,
        };
        let pre = linker::link(id, &compiled, &linker)?;
        let pool = Pool::new(
            pre,
            wanted,
            Arc::clone(grants),
            Arc::clone(services),
            networks.clone(),
            limits,
        )?;
        let pool = Arc::new(pool);
        try_out(id, &pool).await?;
        if wanted.http {
            let component = HttpComponent {
                id: id.clone(),
                pool: Arc::clone(&pool),
                services: Arc::clone(services),
                activity: activity.clone(),
                request_time: limits.request_time,
                response_buffer_time: limits.response_buffer_time,
                admit: spec.tool().map_err(|message| plan.fault(message))?.admit,
            };
            answering.insert(id.clone(), Arc::new(component));
        }
        pools.insert(id.clone(), pool);
    }
    components.set(answering);
    Ok(Built { components, pools })
}

/// Makes the component's first instance.
async fn try_out(id: &str, pool: &Pool) -> Result<()> {
    match pool.lease(Lane::Client, None).await {
        Ok(lease) => {
            pool.give_back(lease);
            Ok(())
        }
        Err(NoInstance::Broken(cause)) => Err(component_error(id, &cause)),
        Err(NoInstance::Busy) => Err(Error::Component {
            component: id.to_owned(),
            message: "may have no instance at all".into(),
        }),
    }
}

/// Fills the cache from a child process. When that fails, this process compiles, and reports what is wrong.
async fn compile_apart(binary: &Path, plan: &Plan) {
    tracing::info!("compiling the components; the result is kept for the next start");
    let status = tokio::process::Command::new(binary)
        .arg("compile")
        .arg("--app")
        .arg(&plan.settings.app)
        .arg("--data-dir")
        .arg(&plan.data.path)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .status()
        .await;
    if !status.is_ok_and(|status| status.success()) {
        tracing::debug!("compiling in a child process failed; compiling here");
    }
}

/// The components that the runner asks something by itself, each with what its `tool.mercato` table says about it.
fn asked<T>(
    plan: &Plan,
    components: &Components,
    what: &str,
    pick: impl Fn(Tool) -> Option<T>,
) -> Result<Vec<(Arc<HttpComponent>, T)>> {
    let mut asked = Vec::new();
    for (id, spec) in &plan.manifest.component {
        let fault = |message| plan.fault(format!("component.{id}.tool.mercato: {message}"));
        if let Some(found) = pick(spec.tool().map_err(fault)?) {
            let component = components.http(id);
            let component = component.ok_or_else(|| fault(format!("{what} an HTTP trigger")))?;
            asked.push((component, found));
        }
    }
    Ok(asked)
}

/// The timers of the components, by id; those of the manifest run unless they are switched off.
pub(super) fn start_timers(
    plan: &Plan,
    components: &Components,
    activity: &Activity,
) -> Result<BTreeMap<String, Arc<Timer>>> {
    let mut timers = BTreeMap::new();
    for (component, spec) in asked(plan, components, "a timer needs", |tool| tool.timer)? {
        let id = component.id.clone();
        let timer = Arc::new(Timer { component, spec });
        if plan.settings.timers {
            let (timer, activity) = (Arc::clone(&timer), activity.clone());
            tokio::spawn(async move { timer.run(activity).await });
        }
        timers.insert(id, timer);
    }
    Ok(timers)
}

/// The components that have metrics.
pub(super) fn metrics_sources(plan: &Plan, components: &Components) -> Result<Vec<Source>> {
    let sources = asked(plan, components, "telling metrics needs", |tool| {
        tool.metrics
    })?;
    let sources = sources.into_iter();
    Ok(sources
        .map(|(component, path)| Source::new(component, path))
        .collect())
}

/// The components that are asked whether they can use their variables, and where.
pub(super) fn settings_checks(
    plan: &Plan,
    components: &Components,
) -> Result<Vec<(Arc<HttpComponent>, String)>> {
    asked(plan, components, "a check of settings needs", |tool| {
        tool.check
    })
}

/// The paths of probes. Under a fault plan nothing is asked that the plan does not count on.
pub(super) async fn probes(plan: &Plan, components: &Components) -> Result<Probes> {
    let mut probes = Probes::default();
    let is_live = plan.settings.faults.is_none();
    for (component, path) in asked(plan, components, "probes need", |tool| tool.live)? {
        if is_live {
            let repeated = probes.repeat(&component, path).await;
            repeated.map_err(|message| Error::Component {
                component: component.id.clone(),
                message,
            })?;
        }
    }
    for (component, path) in asked(plan, components, "probes need", |tool| tool.ready)? {
        let is_kept = is_live && plan.settings.random_seed.is_none();
        probes.keep_for(component.id.clone(), path, is_kept);
    }
    Ok(probes)
}
