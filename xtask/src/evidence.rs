//! What the documents point at: files, folders and tests of the repository that must exist.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

/// Where documents lie; decisions are left out, since they tell of their own time.
const FOLDERS: &[&str] = &["", "docs"];

/// A path in a document begins with one of these folders; anything else in backquotes is no path.
const ROOTS: &[&str] = &[
    "bench",
    "components",
    "compose",
    "crates",
    "demo",
    "docs",
    "fuzz",
    "host",
    "reliability",
    "tests",
    "wit",
    "xtask",
];

/// Stands between the file of a test and its name: `tests/tests/races.rs::the_last_unit_is_sold_once`.
const TEST_SEPARATOR: &str = "::";

/// Every path or test that a document names and that is not there.
///
/// # Errors
/// When a document cannot be read.
pub fn problems(workspace: &Workspace) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for folder in FOLDERS {
        let folder = workspace.path(folder);
        let listed = fs::read_dir(&folder)
            .with_context(|| format!("cannot list {}", folder.display()))?
            .collect::<std::io::Result<Vec<_>>>()?;
        let mut files: Vec<_> = listed.into_iter().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
        files.sort();
        for file in files {
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let name = file.strip_prefix(workspace.root()).unwrap_or(&file);
            check(
                &name.display().to_string(),
                &text,
                workspace.root(),
                &mut problems,
            );
        }
    }
    Ok(problems)
}

fn check(name: &str, text: &str, root: &Path, problems: &mut Vec<String>) {
    for (index, line) in text.lines().enumerate() {
        for quoted in line.split('`').skip(1).step_by(2) {
            if let Some(missing) = missing(quoted, root) {
                problems.push(format!("{name}:{}: {missing}", index + 1));
            }
        }
    }
}

/// What is wrong with a quoted text, if it is a path of the repository.
fn missing(quoted: &str, root: &Path) -> Option<String> {
    let (path, test) = match quoted.split_once(TEST_SEPARATOR) {
        Some((path, test)) => (path, Some(test)),
        None => (quoted, None),
    };
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    let (first, rest) = path.split_once('/')?;
    if !ROOTS.contains(&first) || !path.chars().all(is_plain) {
        return None;
    }
    let path = root.join(first).join(rest);
    if !path.exists() {
        return Some(format!("{quoted} does not exist"));
    }
    let test = test?;
    let text = fs::read_to_string(&path).unwrap_or_default();
    (!text.contains(&format!("fn {test}("))).then(|| format!("{quoted}: the file has no such test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the workspace");
        let mut problems = Vec::new();
        check("a.md", text, root, &mut problems);
        problems
    }

    #[test]
    fn what_is_there_may_be_named() {
        let text = "`xtask/src/evidence.rs`, `xtask/src/`, `xtask`, \
                    `xtask/src/evidence.rs::what_is_there_may_be_named`";
        assert_eq!(found(text), [""; 0]);
    }

    #[test]
    fn what_is_no_path_of_the_repository_is_left_alone() {
        let text = "`GET /api/v1/products`, `text/html`, `docs/{file}`, `tests/*.rs`, `a::b`, `/internal/ready`";
        assert_eq!(found(text), [""; 0]);
    }

    #[test]
    fn a_missing_file_or_test_is_named_with_its_line() {
        assert_eq!(
            found("\n`xtask/src/nothing.rs`"),
            ["a.md:2: xtask/src/nothing.rs does not exist"]
        );
        let unknown = format!("`xtask/src/evidence.rs::{}`", ["no", "such"].join("_"));
        assert_eq!(found(&unknown).len(), 1);
    }
}
