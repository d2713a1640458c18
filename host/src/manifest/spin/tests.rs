use super::*;

const HEAD: &str = "spin_manifest_version = 2\n[application]\nname = \"shop\"\n";

fn error(rest: &str) -> String {
    Manifest::parse(Path::new("spin.toml"), &format!("{HEAD}{rest}"))
        .unwrap_err()
        .to_string()
}

#[test]
fn a_full_manifest_is_accepted() {
    let text = format!(
        "{HEAD}[application.trigger.redis]\naddress = \"{{{{ url }}}}\"\n[variables]\nurl = {{ default = \"redis://h\" }}\nkey = {{ required = true, secret = true }}\n\
         [[trigger.http]]\nroute = \"/a/...\"\ncomponent = \"a\"\n[[trigger.http]]\nroute = {{ private = true }}\ncomponent = \"b\"\n\
         [[trigger.redis]]\nchannel = \"c\"\ncomponent = \"b\"\n\
         [component.a]\nsource = \"a.wasm\"\n[component.a.build]\ncommand = \"make\"\nwatch = [\"src\"]\n[component.a.tool.other]\nx = 1\n\
         [component.a.tool.mercato]\nevery_ms = 5\npath = \"/tick\"\nmetrics = \"/told\"\nadmit = \"/admit\"\n\
         check = \"/settings\"\n[component.b]\nsource = \"b.wasm\"\nsqlite_databases = [\"d\"]\n"
    );
    let manifest = Manifest::parse(Path::new("spin.toml"), &text).unwrap();
    let expected = Tool {
        timer: Some(TimerSpec {
            every_ms: 5,
            path: "/tick".into(),
        }),
        metrics: Some("/told".into()),
        admit: Some("/admit".into()),
        check: Some("/settings".into()),
        ..Tool::default()
    };
    assert_eq!(manifest.component["a"].tool(), Ok(expected));
    assert_eq!(manifest.component["b"].tool(), Ok(Tool::default()));
    assert!(
        manifest.answers_http("b")
            && manifest.handles_messages("b")
            && !manifest.handles_messages("a")
    );
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let message = error("[component.a]\nsource = \"a.wasm\"\nsqlite_database = [\"x\"]\n");
    assert!(
        message
            .starts_with("spin.toml:6: unknown field `sqlite_database`, expected one of `source`"),
        "{message}"
    );
}

#[test]
fn an_unknown_trigger_is_named() {
    let message = error("[[trigger.sqs]]\ncomponent = \"a\"\n");
    assert_eq!(
        message,
        "spin.toml:4: unknown field `sqs`, expected `http` or `redis`"
    );
}

#[test]
fn mistakes_are_answered_in_one_line() {
    let cases = [
        (
            "[[trigger.http]]\nroute = \"/\"\ncomponent = \"a\"\n",
            "spin.toml: a trigger names component `a`, which is not defined",
        ),
        (
            "[variables]\nx = {}\n",
            "spin.toml: variable `x` needs `required = true` or a default",
        ),
        (
            "[component.a]\nsource = \"a.wasm\"\nfiles = [\"x\"]\n",
            "spin.toml: component `a` uses `files`, which this runner does not offer",
        ),
        (
            "[component.a]\nsource = \"a.wasm\"\n[component.a.tool.mercato]\nevery_ms = 1\nroute = \"/\"\n",
            "spin.toml: component.a.tool.mercato: unknown field `route`, expected one of `every_ms`, `path`, `metrics`, `admit`, `check`, `live`, `ready`",
        ),
        (
            "[component.a]\nsource = \"a.wasm\"\n[component.a.tool.mercato]\nevery_ms = 0\npath = \"/\"\n",
            "spin.toml: component.a.tool.mercato: `every_ms` must be at least 1",
        ),
        (
            "[component.a]\nsource = \"a.wasm\"\n[component.a.tool.mercato]\nevery_ms = 1\n",
            "spin.toml: component.a.tool.mercato: a timer needs both `every_ms` and `path`",
        ),
        (
            "[component.a]\nsource = \"a.wasm\"\n[component.a.tool.mercato]\nmetrics = \"told\"\n",
            "spin.toml: component.a.tool.mercato: `metrics` must begin with `/`, not \"told\"",
        ),
        (
            "[component.a]\nsource = \"a.wasm\"\n[component.a.tool.mercato]\nadmit = \"admit\"\n",
            "spin.toml: component.a.tool.mercato: `admit` must begin with `/`, not \"admit\"",
        ),
        (
            "[[trigger.redis]]\nchannel = \"c\"\ncomponent = \"a\"\n[component.a]\nsource = \"a.wasm\"\n",
            "spin.toml: the Redis trigger of `a` has no address; set it there or in [application.trigger.redis]",
        ),
        (
            "[component.A]\nsource = \"a.wasm\"\nfiles = [\"x\"]\n",
            "spin.toml: component id `A` must be lower-case words joined by `-`\n\
             spin.toml: component `A` uses `files`, which this runner does not offer",
        ),
        (
            "[[trigger.http]]\nroute = 5\ncomponent = \"a\"\n",
            "spin.toml:5: a route is a string or { private = true }",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(error(text), expected);
    }
}

#[test]
fn another_manifest_version_is_refused() {
    let message = Manifest::parse(
        Path::new("m.toml"),
        "spin_manifest_version = 1\n[application]\nname = \"x\"\n",
    )
    .unwrap_err();
    assert_eq!(
        message.to_string(),
        "m.toml: spin_manifest_version must be 2, not 1"
    );
}
