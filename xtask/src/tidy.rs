//! What the repository's own files must and must not hold, and what its documents point at.

use anyhow::{Result, ensure};

use crate::workspace::{Workspace, run};

/// Longer lines of code are hard to review.
const MAX_LINE_CHARACTERS: usize = 200;

/// The kinds of files that are looked into.
const TEXT_EXTENSIONS: &str = "rs toml wit wac sql md yml yaml html js css ts py";

/// Marks of unfinished work, written in pieces so that this file does not hold them.
const UNFINISHED: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Beginnings of paths that exist only on somebody's machine.
const MACHINE_PATHS: [&str; 4] = [
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/ro", "ot/"),
    concat!("C:", "\\Users"),
];

/// A path in a document begins with one of these folders; anything else in backquotes is no path.
const FOLDERS: &str =
    "bench components compose crates demo deploy docs fuzz host reliability tests wit xtask";

/// What git compares with to look at every line of every file.
const NOTHING: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// Everything untidy in the files that git knows or would take.
pub fn check(workspace: &Workspace) -> Result<()> {
    // Spaces and carriage returns at the ends of lines.
    run(workspace.program("git", &format!("diff --check {NOTHING}")))?;
    let list = "ls-files --cached --others --exclude-standard";
    let mut problems = Vec::new();
    for name in workspace.program("git", list).read()?.lines() {
        let extension = name.rsplit('.').next().unwrap_or_default();
        // A file that was deleted but not yet committed is listed too.
        if is_among(TEXT_EXTENSIONS, extension) && workspace.path(name).is_file() {
            problems.extend(problems_in(workspace, name, &workspace.read(name)?));
        }
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    Ok(())
}

fn problems_in(workspace: &Workspace, name: &str, text: &str) -> Vec<String> {
    // Decisions speak of their own time.
    let is_document = match name.rsplit_once('/') {
        None | Some(("docs", _)) => name.ends_with(".md"),
        Some(_) => false,
    };
    let mut problems = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let mut complain = |what: String| problems.push(format!("{name}:{number}: {what}"));
        let mut words = line.split(|letter: char| !letter.is_ascii_alphanumeric());
        if let Some(mark) = words.find(|word| UNFINISHED.contains(word)) {
            complain(format!("says {mark}"));
        }
        for path in MACHINE_PATHS.iter().filter(|path| leads_on(line, path)) {
            complain(format!("has a path of one machine ({path})"));
        }
        if name.ends_with(".rs") && line.chars().count() > MAX_LINE_CHARACTERS {
            complain(format!("is longer than {MAX_LINE_CHARACTERS} characters"));
        }
        if is_document {
            let quoted = line.split('`').skip(1).step_by(2);
            let dangling = quoted.filter_map(|quoted| dangling(workspace, quoted));
            dangling.for_each(complain);
        }
    }
    problems
}

fn is_among(words: &str, word: &str) -> bool {
    words.split(' ').any(|known| known == word)
}

/// Whether a path in a line goes on after its beginning: by itself that names no machine.
fn leads_on(line: &str, beginning: &str) -> bool {
    let mut rests = line.split(beginning).skip(1);
    rests.any(|rest| rest.starts_with(|letter: char| letter.is_ascii_alphanumeric()))
}

/// What is wrong with a quoted text, if it is a path of the repository, as in `docs/api.md`, or of a test in it, as in
/// `tests/tests/races.rs::the_last_unit_is_sold_once`.
fn dangling(workspace: &Workspace, quoted: &str) -> Option<String> {
    let (path, test) = quoted.split_once("::").unwrap_or((quoted, ""));
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    let (folder, _) = path.split_once('/')?;
    if !is_among(FOLDERS, folder) || !path.chars().all(is_plain) {
        return None;
    }
    if !workspace.path(path).exists() {
        return Some(format!("{quoted} does not exist"));
    }
    let has_test = |text: String| text.contains(&format!("fn {test}("));
    let is_there = test.is_empty() || workspace.read(path).is_ok_and(has_test);
    (!is_there).then(|| format!("{quoted}: the file has no such test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str) -> Vec<String> {
        problems_in(&Workspace::find().unwrap(), name, text)
    }

    #[test]
    fn tidy_files_pass() {
        let code = format!(
            "fn todo_list() {{}}\na path begins with {}\n",
            MACHINE_PATHS[0]
        );
        assert_eq!(found("a.rs", &code), [""; 0]);
        let paths = "`xtask/src/tidy.rs`, `xtask/src/`, `xtask`, `xtask/src/tidy.rs::tidy_files_pass`, `text/html`, \
                     `GET /api/v1/products`, `docs/{file}`, `tests/*.rs`, `a::b`, `/internal/ready`\n";
        assert_eq!(found("docs/a.md", paths), [""; 0]);
    }

    #[test]
    fn each_untidiness_is_named_with_its_line() {
        let unfinished = format!("\n// {}: later\n", UNFINISHED[0]);
        let path = format!("\n{}me/x\n", MACHINE_PATHS[0]);
        let long = format!("\n{}\n", "x".repeat(MAX_LINE_CHARACTERS + 1));
        for text in [unfinished, path, long] {
            let found = found("a.rs", &text);
            assert!(
                matches!(&found[..], [one] if one.starts_with("a.rs:2: ")),
                "{found:?}"
            );
        }
        let unknown = format!("xtask/src/tidy.rs::{}", ["no", "such"].join("_"));
        let text = format!("`xtask/src/nothing.rs`, `{unknown}`\n");
        let missing = found("docs/a.md", &text);
        assert_eq!(
            missing[0],
            "docs/a.md:1: xtask/src/nothing.rs does not exist"
        );
        assert_eq!(
            missing[1],
            format!("docs/a.md:1: {unknown}: the file has no such test")
        );
        assert_eq!(found("docs/decisions/a.md", &text), [""; 0]);
    }
}
