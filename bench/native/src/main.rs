//! The yardstick as a program.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result};
use axum::serve::ListenerExt as _;
use clap::Parser;
use mimalloc::MiMalloc;
use native::{Settings, Shop};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Serves the shop's measured paths without WebAssembly.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long)]
    listen: SocketAddr,
    /// The SQLite file.
    #[arg(long)]
    database: PathBuf,
    /// What signs access tokens.
    #[arg(long, env = "NATIVE_JWT_SECRET")]
    jwt_secret: String,
    /// The admin that is made if it is missing.
    #[arg(long)]
    admin_email: String,
    /// Its password.
    #[arg(long, env = "NATIVE_ADMIN_PASSWORD")]
    admin_password: String,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let shop = Arc::new(Shop::open(&Settings {
        database: arguments.database,
        jwt_secret: arguments.jwt_secret,
        public_url: format!("http://{}", arguments.listen),
    })?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        native::ensure_admin(&shop, arguments.admin_email, arguments.admin_password).await?;
        let listener = TcpListener::bind(arguments.listen)
            .await
            .context("cannot listen")?
            // Answers are small and written in one piece.
            .tap_io(|stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, native::router(shop)).await?;
        Ok(())
    })
}
