//! Faults of what the shop stands on: its network, its disk, its databases, its neighbours. Real processes, real files;
//! what each fault costs is written in `docs/reliability.md`.

mod damage;
mod disk;
mod locks;
mod market;
mod neighbours;
mod network;
