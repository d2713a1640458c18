//! Which request runs when: queues that are fair between clients, limits for each owner, threads of low priority.

pub(crate) mod cpu;
pub(crate) mod limiter;
pub(crate) mod owner_limits;
pub(crate) mod recent;
pub(crate) mod request;
pub(crate) mod semaphore;
pub(crate) mod work;
pub(crate) mod workers;
