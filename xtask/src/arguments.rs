//! What stands among the arguments that go on to the runner.

use std::ffi::OsString;

/// The value of an option such as `--listen`; of several the last one counts.
pub fn value_of(arguments: &[OsString], option: &str) -> Option<String> {
    values_of(arguments, option).pop()
}

/// The value of a variable that is given as `--variable NAME=VALUE`.
pub fn variable(arguments: &[OsString], name: &str) -> Option<String> {
    let given = values_of(arguments, "--variable").into_iter().rev();
    let mut values = given.filter_map(|given| {
        let (key, value) = given.split_once('=')?;
        (key == name && !value.starts_with('@')).then(|| value.to_owned())
    });
    values.next()
}

fn values_of(arguments: &[OsString], option: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(argument) = arguments.next() {
        let joined = argument.strip_prefix(option);
        if let Some(joined) = joined.and_then(|rest| rest.strip_prefix('=')) {
            values.push(joined.to_owned());
        } else if argument == option {
            values.extend(arguments.next().map(std::borrow::Cow::into_owned));
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(texts: &[&str]) -> Vec<OsString> {
        texts.iter().map(OsString::from).collect()
    }

    #[test]
    fn the_last_value_of_an_option_counts() {
        for (given, address) in [
            (&[][..], None),
            (&["--redis", "redis://r"], None),
            (&["--listen-not", "x"], None),
            (&["--listen"], None),
            (&["--listen", "[::1]:80"], Some("[::1]:80")),
            (&["--listen=1.2.3.4:5", "--redis", "x"], Some("1.2.3.4:5")),
            (&["--listen=a:1", "--listen", "b:2"], Some("b:2")),
        ] {
            let found = value_of(&arguments(given), "--listen");
            assert_eq!(found.as_deref(), address, "{given:?}");
        }
    }

    #[test]
    fn a_variable_is_read_where_its_value_stands_in_the_arguments() {
        let given = arguments(&["--variable", "a=1", "--variable=b=x=y", "--variable", "a=2"]);
        assert_eq!(variable(&given, "a").as_deref(), Some("2"));
        assert_eq!(variable(&given, "b").as_deref(), Some("x=y"));
        let files = arguments(&["--variable", "@all.toml", "--variable", "a=@secret"]);
        assert_eq!(variable(&files, "a"), None);
    }
}
