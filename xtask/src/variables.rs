//! `variables`: the secrets that have no default, made once and kept.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context as _, Result, anyhow};

use crate::{provider::Provider, workspace::Workspace};

/// The variables of `spin.toml` that must be unguessable and differ from one installation to the next.
const SECRETS: &[&str] = &["jwt_secret", WEBHOOK_SECRET];

/// What the provider signs its webhooks with.
const WEBHOOK_SECRET: &str = "payment_webhook_secret";

/// The strength of a secret: as many bytes as HMAC-SHA256 gives (RFC 7518 section 3.2 asks for no fewer).
const SECRET_BYTES: usize = 32;

/// What the owner may do with the file, and with its folder; others nothing.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// The variables that name the first admin.
const ADMIN: [&str; 2] = ["admin_email", "admin_password"];

/// What the rules for passwords ask for beside the random digits: a capital, a small letter, a symbol.
const ADMIN_PASSWORD_START: &str = "Demo-";

/// The strength of the admin's password.
const ADMIN_PASSWORD_BYTES: usize = 12;

/// Adds the secrets that are missing; whatever is in the file stays as it is. What Stripe signs webhooks with, only Stripe
/// can tell: a made-up secret would refuse every webhook, so none is made and the shop asks for it.
///
/// # Errors
/// When the file is not TOML, cannot be written, or the operating system gives no random bytes.
pub fn ensure(workspace: &Workspace, provider: Provider) -> Result<()> {
    let path = workspace.variables();
    let old = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let made =
        missing_in(&old, provider).with_context(|| format!("{} is not TOML", path.display()))?;
    if made.is_empty() {
        return keep_private(&path);
    }
    write_private(&path, &with_secrets(&old, &made)?)?;
    eprintln!("Made {} in {}", made.join(" and "), path.display());
    Ok(())
}

/// Whether the file sets that variable.
///
/// # Errors
/// When the file cannot be read, or is not TOML.
pub fn names(workspace: &Workspace, variable: &str) -> Result<bool> {
    let (_, table) = read(&workspace.variables())?;
    Ok(table.contains_key(variable))
}

/// Adds an admin of that address with a random password, unless the file names one. Gives the password when it is new.
///
/// # Errors
/// As [`ensure`].
pub fn ensure_admin(workspace: &Workspace, email: &str) -> Result<Option<String>> {
    let path = workspace.variables();
    let (old, table) = read(&path)?;
    if ADMIN.iter().any(|name| table.contains_key(*name)) {
        return Ok(None);
    }
    let password = format!(
        "{ADMIN_PASSWORD_START}{}",
        random_hex(ADMIN_PASSWORD_BYTES)?
    );
    let [email_name, password_name] = ADMIN;
    let new = format!("{email_name} = \"{email}\"\n{password_name} = \"{password}\"\n{old}");
    write_private(&path, &new)?;
    Ok(Some(password))
}

/// The text of a variables file, and what it sets.
fn read(path: &Path) -> Result<(String, toml::Table)> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let table = text
        .parse()
        .with_context(|| format!("{} is not TOML", path.display()))?;
    Ok((text, table))
}

/// The secrets to be made that a variables file does not set.
fn missing_in(text: &str, provider: Provider) -> Result<Vec<&'static str>> {
    let table: toml::Table = text.parse()?;
    Ok(SECRETS
        .iter()
        .copied()
        .filter(|name| !table.contains_key(*name))
        .filter(|name| provider == Provider::Mock || *name != WEBHOOK_SECRET)
        .collect())
}

/// The text with new secrets before everything else: at the end they could land inside a table.
fn with_secrets(old: &str, names: &[&str]) -> Result<String> {
    let mut text = String::new();
    for name in names {
        text.push_str(&format!("{name} = \"{}\"\n", random_hex(SECRET_BYTES)?));
    }
    text.push_str(old);
    Ok(text)
}

#[allow(
    clippy::disallowed_methods,
    reason = "a secret of an installation comes from the operating system and from nowhere else"
)]
fn random_hex(strength_bytes: usize) -> Result<String> {
    let mut bytes = vec![0_u8; strength_bytes];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow!("the operating system gives no random bytes: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes beside the file first, so that a crash leaves the old secrets whole.
fn write_private(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().context("the variables file has a folder")?;
    make_folder(folder)?;
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, FILE_MODE);
    options
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Makes the folder of the secrets, the databases and the compiled components for the owner alone, or takes the rights of
/// others away from one that is there.
fn make_folder(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, FOLDER_MODE);
    builder
        .create(folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    set_mode(folder, FOLDER_MODE)
}

/// Takes the rights of others away from a file that was made by hand.
fn keep_private(path: &Path) -> Result<()> {
    set_mode(path, FILE_MODE)?;
    path.parent()
        .map_or(Ok(()), |folder| set_mode(folder, FOLDER_MODE))
}

/// Windows keeps a user's folder private by itself.
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .with_context(|| format!("cannot make {} private", path.display()))?;
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_stays_and_what_is_missing_is_made() {
        let old = "jwt_secret = \"kept\" # by hand\ncurrency = \"EUR\"\n";
        let missing = missing_in(old, Provider::Mock).unwrap();
        assert_eq!(missing, ["payment_webhook_secret"]);
        let new = with_secrets(old, &missing).unwrap();
        assert!(new.ends_with(old));
        let table: toml::Table = new.parse().unwrap();
        assert_eq!(table["jwt_secret"].as_str(), Some("kept"));
        assert_eq!(
            table["payment_webhook_secret"].as_str().unwrap().len(),
            2 * SECRET_BYTES
        );
        assert!(missing_in(&new, Provider::Mock).unwrap().is_empty());
    }

    #[test]
    fn a_secret_that_only_stripe_knows_is_not_made_up() {
        assert_eq!(missing_in("", Provider::Stripe).unwrap(), ["jwt_secret"]);
    }

    #[test]
    fn secrets_differ() {
        assert_ne!(
            random_hex(SECRET_BYTES).unwrap(),
            random_hex(SECRET_BYTES).unwrap()
        );
    }

    #[test]
    fn broken_files_are_not_written_over() {
        assert!(missing_in("jwt_secret = ", Provider::Mock).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = std::env::temp_dir().join(format!("mercato-variables-{}", std::process::id()));
        let path = folder.join("variables.toml");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let modes = || (mode(&path), mode(&folder));
        write_private(&path, "a = \"1\"\n").unwrap();
        assert_eq!(modes(), (FILE_MODE, FOLDER_MODE));
        for (path, lax) in [(&path, 0o644), (&folder, 0o755)] {
            fs::set_permissions(path, fs::Permissions::from_mode(lax)).unwrap();
        }
        keep_private(&path).unwrap();
        assert_eq!(modes(), (FILE_MODE, FOLDER_MODE));
        fs::remove_dir_all(&folder).unwrap();
    }
}
