//! `variables`: the secrets that have no default, made once and kept.

use std::{
    ffi::OsString,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use mercato_platform::random;
use toml_edit::{DocumentMut, value};

use crate::{arguments, variant::Provider, workspace::Workspace};

/// Where the runner keeps its data unless it is told otherwise; ignored by git.
const DATA: &str = ".mercato";

/// The file of variables in the runner's folder of data.
const FILE: &str = "variables.toml";

/// The variables that must be unguessable and differ from one installation to the next.
const SIGNING_KEY: &str = "jwt_secret";
const WEBHOOK_SECRET: &str = "payment_webhook_secret";

/// The strength of a secret: as many bytes as HMAC-SHA256 gives (RFC 7518 section 3.2 asks for no fewer).
const SECRET_BYTES: usize = 32;

/// The variables that name the first admin.
pub const ADMIN_EMAIL: &str = "admin_email";
pub const ADMIN_PASSWORD: &str = "admin_password";

/// The strength of the admin's password, beside what the rules for passwords ask for: a capital, a small letter, a symbol.
const ADMIN_PASSWORD_BYTES: usize = 12;

/// The file of variables that a runner with these arguments reads.
pub fn file(workspace: &Workspace, arguments: &[OsString]) -> PathBuf {
    let data = arguments::value_of(arguments, "--data-dir");
    let data = data.unwrap_or_else(|| DATA.to_owned());
    workspace.path(data).join(FILE)
}

/// Adds the secrets that are missing; whatever is in the file stays as it is.
pub fn ensure(path: &Path, provider: Provider) -> Result<()> {
    let mut variables = read(path)?;
    let made = add_secrets(&mut variables, provider);
    if made.is_empty() {
        return keep_private(path);
    }
    write_private(path, &variables)?;
    eprintln!("Made {} in {}", made.join(" and "), path.display());
    Ok(())
}

/// Adds an admin of that address with a random password, unless the file names one. Gives the password when it is new.
pub fn ensure_admin(path: &Path, email: &str) -> Result<Option<String>> {
    let mut variables = read(path)?;
    if variables.contains_key(ADMIN_EMAIL) || variables.contains_key(ADMIN_PASSWORD) {
        return Ok(None);
    }
    let password = format!("Demo-{}", random::hex::<ADMIN_PASSWORD_BYTES>());
    variables.insert(ADMIN_EMAIL, value(email));
    variables.insert(ADMIN_PASSWORD, value(&password));
    write_private(path, &variables)?;
    Ok(Some(password))
}

/// What a file of variables sets; nothing when there is none.
pub fn read(path: &Path) -> Result<DocumentMut> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        text => text,
    };
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    text.parse()
        .with_context(|| format!("{} is not TOML", path.display()))
}

/// Makes the secrets that are missing and gives their names. What Stripe signs webhooks with, only Stripe knows: a made-up
/// secret would refuse every webhook, so none is made and the shop asks for it.
fn add_secrets(variables: &mut DocumentMut, provider: Provider) -> Vec<&'static str> {
    let wanted: &[_] = match provider {
        Provider::Mock => &[SIGNING_KEY, WEBHOOK_SECRET],
        Provider::Stripe => &[SIGNING_KEY],
    };
    let mut made = wanted.to_vec();
    made.retain(|name| !variables.contains_key(name));
    for name in &made {
        variables.insert(name, value(random::hex::<SECRET_BYTES>()));
    }
    made
}

/// Writes beside the file first, so that a crash leaves the old secrets whole.
fn write_private(path: &Path, variables: &DocumentMut) -> Result<()> {
    let folder = path.parent().context("the file has a folder")?;
    let write = || {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(variables.to_string().as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        std::io::Result::Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))?;
    keep_private(path)
}

/// Takes the rights of others away from the file and from its folder, which holds the databases too. Windows keeps a
/// user's folder private by itself.
fn keep_private(path: &Path) -> Result<()> {
    #[cfg(unix)]
    for (path, mode) in [(Some(path), 0o600), (path.parent(), 0o700)] {
        use std::os::unix::fs::PermissionsExt as _;
        let path = path.context("the file has a folder")?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .with_context(|| format!("cannot make {} private", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_stays_and_what_is_missing_is_made() {
        let old = "jwt_secret = \"kept\" # by hand\ncurrency = \"EUR\"\n[later]\nsalt = \"1\"\n";
        let mut variables: DocumentMut = old.parse().unwrap();
        let made = add_secrets(&mut variables, Provider::Mock);
        assert_eq!(made, [WEBHOOK_SECRET]);
        let new = variables.to_string();
        let kept = "jwt_secret = \"kept\" # by hand\ncurrency = \"EUR\"\n";
        assert!(new.starts_with(kept), "{new}");
        let mut variables: DocumentMut = new.parse().unwrap();
        let secret = variables[WEBHOOK_SECRET].as_str().unwrap();
        assert_eq!(secret.len(), 2 * SECRET_BYTES);
        assert_eq!(add_secrets(&mut variables, Provider::Mock), [""; 0]);
        let made = add_secrets(&mut DocumentMut::new(), Provider::Stripe);
        assert_eq!(made, [SIGNING_KEY]);
    }

    #[test]
    fn the_file_is_where_the_runner_looks_for_it() {
        let workspace = Workspace::find().unwrap();
        let found = |arguments: &[&str]| {
            let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
            file(&workspace, &arguments)
        };
        assert_eq!(found(&[]), workspace.path(".mercato/variables.toml"));
        let other = found(&["--data-dir", "elsewhere", "--listen", "a:1"]);
        assert_eq!(other, workspace.path("elsewhere/variables.toml"));
        let absolute = found(&["--data-dir=/shop"]);
        assert_eq!(absolute, Path::new("/shop/variables.toml"));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop/variables.toml");
        let places = [&path, path.parent().unwrap()];
        let modes = || places.map(|path| fs::metadata(path).unwrap().permissions().mode() & 0o777);
        write_private(&path, &"a = \"1\"".parse().unwrap()).unwrap();
        assert_eq!(modes(), [0o600, 0o700]);
        for path in places {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        keep_private(&path).unwrap();
        assert_eq!(modes(), [0o600, 0o700]);
    }

    #[test]
    fn broken_files_are_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("variables.toml");
        fs::write(&path, "jwt_secret = ").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("not TOML"));
    }
}
