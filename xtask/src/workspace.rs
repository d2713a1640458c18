//! Where things are in the repository.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// The repository and the fixed places inside it.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the repository from where Cargo says this crate lives.
    ///
    /// # Errors
    /// When this crate's folder has no parent, which a checkout always has.
    pub fn find() -> Result<Self> {
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest_dir
            .parent()
            .context("run this as `cargo xtask` inside the repository")?;
        Ok(Self {
            root: root.to_path_buf(),
        })
    }

    /// The folder that holds `spin.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path given relative to the root.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// The `.wac` files, one per box.
    pub fn compositions(&self) -> PathBuf {
        self.path("compose")
    }

    /// The composed boxes, where `spin.toml` looks for them.
    pub fn boxes(&self) -> PathBuf {
        self.path("target/components")
    }

    /// Cargo's target directory for guests: their own, because their standard library may be built with them.
    pub fn guest_target(&self) -> PathBuf {
        self.path("target/guest")
    }

    /// The variables file that `up` reads; ignored by git.
    pub fn variables(&self) -> PathBuf {
        self.path(".mercato/variables.toml")
    }

    /// The OpenAPI document, checked in.
    pub fn openapi(&self) -> PathBuf {
        self.path("docs/openapi.json")
    }

    /// What says which tools the tests need, with the programs that use them.
    pub fn tools_sources(&self) -> PathBuf {
        self.path("tests/tools")
    }

    /// Where these tools are installed.
    pub fn tools(&self) -> PathBuf {
        self.path("target/tools")
    }

    /// A native binary, beside this very program: that is right whatever the target directory is.
    ///
    /// # Errors
    /// When the operating system does not tell where this program is.
    pub fn native_binary(&self, name: &str) -> Result<PathBuf> {
        let program = env::current_exe().context("cannot find the path of this program")?;
        Ok(program.with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX)))
    }
}
