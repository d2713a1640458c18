//! Application variables and the templates that use them.
//!
//! A value comes from, in this order: `--redis` (for `redis_url`), `--variable`, `SPIN_VARIABLE_NAME` in the
//! environment, `variables.toml` in the data directory, the default in the manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mercato_platform::text::loggable;

use crate::error::{Error, Result, line_of, one_line};
use crate::manifest::spin::VariableSpec;

/// Prefix of environment variables that give values, as under Spin.
pub const ENV_PREFIX: &str = "SPIN_VARIABLE_";

/// The values of all variables of the application.
#[derive(Clone, Default)]
pub struct Variables {
    values: BTreeMap<String, String>,
    /// Those that have the manifest's default.
    defaulted: BTreeSet<String>,
}

/// Where values come from, highest precedence first.
pub(crate) struct Sources<'a> {
    pub given: &'a BTreeMap<String, String>,
    pub environment: &'a BTreeMap<String, String>,
    pub file: &'a BTreeMap<String, String>,
}

impl Variables {
    /// Finds a value for every variable of the manifest.
    pub(crate) fn resolve(
        specs: &BTreeMap<String, VariableSpec>,
        sources: &Sources<'_>,
    ) -> Result<Self> {
        for name in specs.keys() {
            valid_name(name)
                .map_err(|reason| Error::Variable(format!("variable `{name}`: {reason}")))?;
        }
        for name in sources.given.keys() {
            if !specs.contains_key(name) {
                return Err(Error::Variable(format!(
                    "--variable {name}: the manifest declares no variable of this name"
                )));
            }
        }
        for name in unknown_in_environment(specs, sources.environment) {
            tracing::warn!(
                "{} is set, but the manifest declares no such variable: it is not used",
                loggable(name)
            );
        }
        let (mut values, mut defaulted) = (BTreeMap::new(), BTreeSet::new());
        for (name, spec) in specs {
            let value = sources
                .given
                .get(name)
                .cloned()
                .or_else(|| sources.environment.get(&environment_name(name)).cloned())
                .or_else(|| sources.file.get(name).cloned())
                .or_else(|| {
                    defaulted.insert(name.clone());
                    spec.default.clone()
                })
                .ok_or_else(|| {
                    Error::Variable(format!(
                        "variable `{name}` has no value; run `cargo xtask variables`, or {}",
                        how_to_give(name, spec)
                    ))
                })?;
            values.insert(name.clone(), value);
        }
        Ok(Self { values, defaulted })
    }

    /// Gives a variable another default than the manifest's: a given value stays.
    pub(crate) fn set_default(&mut self, name: &str, value: String) {
        if self.defaulted.contains(name) {
            self.values.insert(name.to_owned(), value);
        }
    }

    /// The value of a variable that the manifest declares.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Fills the `{{ name }}` places of a template.
    ///
    /// # Errors
    /// A sentence when the braces do not match or a name is not declared.
    pub fn fill(&self, template: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((literal, after)) = rest.split_once("{{") {
            filled.push_str(literal);
            let (name, tail) = after
                .split_once("}}")
                .ok_or_else(|| format!("`{template}` has `{{{{` without `}}}}`"))?;
            let name = name.trim();
            let value = self.values.get(name).ok_or_else(|| {
                format!("`{template}` uses `{name}`, which the manifest does not declare")
            })?;
            filled.push_str(value);
            rest = tail;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// What the environment gives for variables that there are not: misspelt ones, most of the time. Spin ignores them, and an
/// environment may be meant for several applications, so they are no error.
fn unknown_in_environment<'a>(
    specs: &BTreeMap<String, VariableSpec>,
    environment: &'a BTreeMap<String, String>,
) -> Vec<&'a str> {
    let known: BTreeSet<String> = specs.keys().map(|name| environment_name(name)).collect();
    let given = environment
        .keys()
        .filter(|name| name.starts_with(ENV_PREFIX));
    given
        .map(String::as_str)
        .filter(|name| !known.contains(*name))
        .collect()
}

/// Reads a file of `KEY = "value"` lines.
///
/// # Errors
/// When the file cannot be read or holds anything but strings.
pub fn read_file(path: &Path) -> Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).map_err(|cause| Error::Read {
        path: path.to_owned(),
        cause,
        hint: "",
    })?;
    // The parser's own message may quote the line, and the line may hold a secret.
    toml::from_str(&text).map_err(|error| Error::Config {
        path: path.to_owned(),
        line: line_of(&text, &error),
        message: format!(
            "every line must be NAME = \"value\" ({})",
            without_quotes(error.message())
        ),
    })
}

fn without_quotes(message: &str) -> String {
    let message = one_line(message);
    message
        .split(['"', '`'])
        .step_by(2)
        .collect::<Vec<_>>()
        .join("…")
}

/// Reads a file that holds one value and nothing else. The line break at its end, which editors make, does not count.
///
/// # Errors
/// When the file cannot be read or is no text.
pub fn read_value(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).map_err(|cause| Error::Read {
        path: path.to_owned(),
        cause,
        hint: "",
    })?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

/// What one `--variable` gives; the same forms as under Spin.
#[derive(Debug, PartialEq, Eq)]
pub enum Given<'a> {
    /// `KEY=VALUE`.
    Value {
        /// The variable.
        name: &'a str,
        /// Its value.
        value: &'a str,
    },
    /// `KEY=@FILE`: the value is what the file holds.
    FromFile {
        /// The variable.
        name: &'a str,
        /// The file.
        file: &'a Path,
    },
    /// `@FILE`: many variables.
    All {
        /// A TOML file.
        file: &'a Path,
    },
}

/// Reads an argument of `--variable`.
///
/// # Errors
/// A sentence when there is no `=` or the key is not a variable name.
pub fn parse_argument(text: &str) -> Result<Given<'_>, String> {
    if let Some(file) = text.strip_prefix('@') {
        let file = Path::new(file);
        return Ok(Given::All { file });
    }
    let (name, value) = text.split_once('=').ok_or(
        "give a variable as KEY=VALUE, its value from a file as KEY=@FILE, or a file of them as @FILE.toml",
    )?;
    valid_name(name).map_err(|reason| format!("`{name}` {reason}"))?;
    Ok(match value.strip_prefix('@') {
        Some(file) => Given::FromFile {
            name,
            file: Path::new(file),
        },
        None => Given::Value { name, value },
    })
}

/// The name of the environment variable that gives a variable its value.
fn environment_name(name: &str) -> String {
    format!("{ENV_PREFIX}{}", name.to_ascii_uppercase())
}

fn how_to_give(name: &str, spec: &VariableSpec) -> String {
    if spec.secret {
        out_of_sight(name)
    } else {
        format!("give it with --variable {name}=VALUE")
    }
}

/// How to give a secret so that other users do not see it.
pub(crate) fn out_of_sight(name: &str) -> String {
    let environment = environment_name(name);
    format!(
        "give it in the environment as {environment}, or from a file with --variable {name}=@FILE"
    )
}

/// Lower-case letters, digits and single underscores, beginning with a letter, as Spin demands.
pub(crate) fn valid_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        Err("must not be empty")
    } else if !name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    {
        Err("may hold only lower-case letters, digits and underscores")
    } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        Err("must begin with a letter")
    } else if name.ends_with('_') || name.contains("__") {
        Err("must not end with an underscore or hold two in a row")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(required: bool, default: Option<&str>) -> VariableSpec {
        let mut table = toml::Table::new();
        table.insert("required".into(), required.into());
        table.insert("secret".into(), required.into());
        if let Some(default) = default {
            table.insert("default".into(), default.into());
        }
        table.try_into().unwrap()
    }

    fn resolve(
        given: &[(&str, &str)],
        environment: &[(&str, &str)],
        file: &[(&str, &str)],
    ) -> Result<Variables> {
        let map = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        let specs = BTreeMap::from([
            ("key".to_owned(), spec(true, None)),
            ("url".to_owned(), spec(false, Some("redis://h"))),
        ]);
        Variables::resolve(
            &specs,
            &Sources {
                given: &map(given),
                environment: &map(environment),
                file: &map(file),
            },
        )
    }

    #[test]
    fn given_beats_environment_beats_file_beats_default() {
        let env = [("SPIN_VARIABLE_KEY", "e")];
        let file = [("key", "f"), ("url", "u")];
        assert_eq!(
            resolve(&[("key", "g")], &env, &file)
                .unwrap()
                .fill("{{key}} {{ url }}")
                .unwrap(),
            "g u"
        );
        assert_eq!(
            resolve(&[], &env, &file)
                .unwrap()
                .fill("{{ key }}")
                .unwrap(),
            "e"
        );
        assert_eq!(
            resolve(&[], &[], &[("key", "f")])
                .unwrap()
                .fill("<{{ key }}> {{ url }}")
                .unwrap(),
            "<f> redis://h"
        );
    }

    #[test]
    fn what_the_environment_gives_for_no_variable_is_noticed() {
        let specs = BTreeMap::from([("key".to_owned(), spec(true, None))]);
        let names = [
            "SPIN_VARIABLE_KEY",
            "SPIN_VARIABLE_KEYS",
            "SPIN_VARIABLE_key",
            "PATH",
        ];
        let given = names.map(|name| (name.to_owned(), "x".to_owned()));
        assert_eq!(
            unknown_in_environment(&specs, &BTreeMap::from(given)),
            ["SPIN_VARIABLE_KEYS", "SPIN_VARIABLE_key"]
        );
    }

    #[test]
    fn a_missing_required_variable_is_named_with_the_cure() {
        assert_eq!(
            resolve(&[], &[], &[]).err().unwrap().to_string(),
            "variable `key` has no value; run `cargo xtask variables`, or give it in the environment as SPIN_VARIABLE_KEY, or from a file with --variable key=@FILE"
        );
    }

    #[test]
    fn a_variable_that_nobody_declared_is_refused() {
        assert_eq!(
            resolve(&[("kez", "x")], &[], &[("key", "f")])
                .err()
                .unwrap()
                .to_string(),
            "--variable kez: the manifest declares no variable of this name"
        );
    }

    #[test]
    fn templates_that_cannot_be_filled_say_why() {
        let variables = resolve(&[("key", "g")], &[], &[]).unwrap();
        assert_eq!(
            variables.fill("a{{ key").unwrap_err(),
            "`a{{ key` has `{{` without `}}`"
        );
        assert_eq!(
            variables.fill("{{ nope }}").unwrap_err(),
            "`{{ nope }}` uses `nope`, which the manifest does not declare"
        );
    }

    #[test]
    fn a_variable_is_given_by_value_or_by_file() {
        let (name, value) = ("a_b", "c=d");
        assert_eq!(parse_argument("a_b=c=d"), Ok(Given::Value { name, value }));
        let file = Path::new("/run/secrets/x");
        assert_eq!(
            parse_argument("a_b=@/run/secrets/x"),
            Ok(Given::FromFile { name, file })
        );
        let given = parse_argument("@/run/secrets/x");
        assert_eq!(given, Ok(Given::All { file }));
        assert!(parse_argument("nothing").is_err());
        assert_eq!(
            parse_argument("A=1").unwrap_err(),
            "`A` may hold only lower-case letters, digits and underscores"
        );
        for name in ["a__b=1", "1a=1", "a_=1", "a__b=@file"] {
            assert!(parse_argument(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_value_of_a_file_is_its_text_without_the_last_line_break() {
        let id = mercato_platform::ids::Ids::new_id(&mercato_platform::ids::RandomIds);
        let path = std::env::temp_dir().join(format!("mercato-value-{id}"));
        for (text, value) in [
            ("s3", "s3"),
            ("s3\n", "s3"),
            ("s3\r\n", "s3"),
            (" s\n\n", " s\n"),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read_value(&path).unwrap(), value, "{text:?}");
        }
        std::fs::remove_file(&path).unwrap();
        let message = read_value(&path).unwrap_err().to_string();
        assert!(message.contains("mercato-value-"), "{message}");
    }

    #[test]
    fn a_wrong_file_does_not_leak_its_secret() {
        let message = without_quotes("invalid type: string \"hunter2\", expected `x`");
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn another_default_gives_way_to_a_given_value() {
        let mut variables = resolve(&[("key", "k")], &[], &[]).unwrap();
        variables.set_default("url", "http://here".into());
        assert_eq!(variables.fill("{{ url }}").unwrap(), "http://here");
        let mut variables = resolve(&[("key", "k"), ("url", "http://there")], &[], &[]).unwrap();
        variables.set_default("url", "http://here".into());
        assert_eq!(variables.fill("{{ url }}").unwrap(), "http://there");
    }
}
