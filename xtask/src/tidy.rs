//! What the repository's own files must and must not hold.

use std::path::Path;

use anyhow::Result;

use crate::{process, workspace::Workspace};

/// Longer lines are hard to review; generated and data files are exempt.
const MAX_LINE_CHARACTERS: usize = 200;

/// The kinds of files that are looked into.
const TEXT_EXTENSIONS: &[&str] = &[
    "rs", "toml", "wit", "wac", "sql", "md", "yml", "yaml", "html", "js", "css", "ts", "py",
];

/// Marks of unfinished work, written in pieces so that this file does not hold them.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Beginnings of paths that exist only on somebody's machine.
const MACHINE_PATHS: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/ro", "ot/"),
    concat!("C:", "\\Users"),
];

/// Everything untidy in the files that git knows or would take.
///
/// # Errors
/// When git cannot list them.
pub fn problems(workspace: &Workspace) -> Result<Vec<String>> {
    let mut git = std::process::Command::new("git");
    git.current_dir(workspace.root()).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let mut problems = Vec::new();
    for name in process::output(&mut git)?.lines() {
        let path = workspace.path(name);
        // A file that was deleted but not yet committed is listed too.
        if path.is_file() && is_text(&path) {
            check(name, &std::fs::read(&path)?, &mut problems);
        }
    }
    Ok(problems)
}

fn is_text(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| TEXT_EXTENSIONS.contains(&extension))
}

fn check(name: &str, bytes: &[u8], problems: &mut Vec<String>) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        problems.push(format!("{name}: is not UTF-8"));
        return;
    };
    if text.contains('\r') {
        problems.push(format!("{name}: has CR LF line ends"));
        return;
    }
    if !text.is_empty() && !text.ends_with('\n') {
        problems.push(format!("{name}: does not end with a line end"));
    }
    for (index, line) in text.lines().enumerate() {
        let mut complain = |what: String| problems.push(format!("{name}:{}: {what}", index + 1));
        if line.ends_with([' ', '\t']) {
            complain("ends with a space".to_owned());
        }
        for mark in UNFINISHED.iter().filter(|mark| has_word(line, mark)) {
            complain(format!("says {mark}"));
        }
        for path in MACHINE_PATHS.iter().filter(|path| leads_on(line, path)) {
            complain(format!("has a path of one machine ({path})"));
        }
        if name.ends_with(".rs") && line.chars().count() > MAX_LINE_CHARACTERS {
            complain(format!("is longer than {MAX_LINE_CHARACTERS} characters"));
        }
    }
}

/// Whether a path in a line goes on after its beginning: by itself that names no machine.
fn leads_on(line: &str, beginning: &str) -> bool {
    line.split(beginning)
        .skip(1)
        .any(|rest| rest.starts_with(|letter: char| letter.is_ascii_alphanumeric()))
}

/// Whether a word stands in a line by itself, not as part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    line.split(|letter: char| !letter.is_ascii_alphanumeric())
        .any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        check(name, text.as_bytes(), &mut problems);
        problems
    }

    #[test]
    fn tidy_files_pass() {
        assert!(found("a.rs", "//! A module.\n\nfn todo_list() {}\n").is_empty());
        assert!(found("a.rs", "").is_empty());
        assert!(found("a.rs", &format!("\"{}\"\n", MACHINE_PATHS[0])).is_empty());
    }

    #[test]
    fn untidy_lines_are_named() {
        let unfinished = format!("// {}: later\n", UNFINISHED[0]);
        assert_eq!(found("a.rs", &unfinished).len(), 1);
        let path = format!("\n{}me/x\n", MACHINE_PATHS[0]);
        assert!(found("a.toml", &path)[0].starts_with("a.toml:2:"));
        assert_eq!(found("a.md", "text \n").len(), 1);
        assert_eq!(found("a.md", "text").len(), 1);
        assert_eq!(found("a.md", "a\r\nb\r\n").len(), 1);
        assert_eq!(found("a.rs", &format!("{}\n", "x".repeat(201))).len(), 1);
    }

    #[test]
    fn files_that_are_not_text_are_named() {
        let mut problems = Vec::new();
        check("a.md", &[0xff, 0xfe], &mut problems);
        assert_eq!(problems, ["a.md: is not UTF-8"]);
    }
}
