//! Held against Stripe's own library for Python, of the version that `requirements.txt` names.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use mercato_platform::clock::{Clock as _, SystemClock};
use mercato_tests::{WEBHOOK_SECRET, left_out, repository, shop::text};
use serde_json::{Value, json};

use crate::Site;

/// The library, waiting for questions.
struct Library {
    _child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Library {
    /// The library, installed at first use; none, and said so, where there is no Python or no package index.
    fn get() -> Option<MutexGuard<'static, Self>> {
        static LIBRARY: OnceLock<Option<Mutex<Library>>> = OnceLock::new();
        let library = LIBRARY.get_or_init(|| match installed() {
            Ok(python) => Some(Mutex::new(Self::start(&python))),
            Err(why) => {
                left_out(&format!("Stripe's library cannot be installed: {why}"));
                None
            }
        });
        let library = library.as_ref()?;
        Some(library.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn start(python: &PathBuf) -> Self {
        let mut child = Command::new(python)
            .arg(repository().join("tests/stripe/library.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        Self {
            questions: child.stdin.take().expect("its input"),
            answers: BufReader::new(child.stdout.take().expect("its output")),
            _child: child,
        }
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.questions, "{question}").expect("the library listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("an answer");
        serde_json::from_str(&answer).expect("the library answers in JSON; its error is above")
    }

    fn sign(&mut self, body: &str, time: u64) -> String {
        let question =
            json!({ "ask": "sign", "body": body, "secret": WEBHOOK_SECRET, "time": time });
        text(&self.ask(&question))
    }

    fn verify(&mut self, body: &str, signature: &str) -> Value {
        self.ask(&json!({ "ask": "verify", "body": body, "signature": signature, "secret": WEBHOOK_SECRET }))
    }
}

/// A Python that has the library, in a folder of its own under `target`.
fn installed() -> Result<PathBuf, String> {
    let folder = repository().join("target/stripe-library");
    let requirements = repository().join("tests/stripe/requirements.txt");
    let wanted = fs::read_to_string(&requirements).map_err(|error| error.to_string())?;
    let python = folder.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    let note = folder.join("installed.txt");
    if fs::read_to_string(&note).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ])
        .arg(&requirements))?;
    fs::write(&note, wanted).map_err(|error| error.to_string())?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// The events that the units are tested with.
fn recorded_events() -> Vec<String> {
    let entries = fs::read_dir(repository().join("tests/stripe/events")).expect("the events");
    let bodies: Vec<_> = entries
        .map(|entry| fs::read_to_string(entry.expect("an event").path()).expect("its text"))
        .collect();
    assert_eq!(bodies.len(), 12);
    bodies
}

#[test]
fn signatures_of_stripes_library_are_ours() {
    let Some(mut library) = Library::get() else {
        return;
    };
    let now = SystemClock.now_seconds();
    for body in recorded_events()
        .iter()
        .chain(&[String::new(), "käse".to_owned()])
    {
        let theirs = library.sign(body, now);
        let ours = stripe_signature::sign(WEBHOOK_SECRET, now, body.as_bytes());
        assert_eq!(ours.as_ref(), Ok(&theirs));
        let verified = stripe_signature::verify(WEBHOOK_SECRET, &theirs, body.as_bytes(), now);
        assert_eq!(verified, Ok(()));
    }
}

#[test]
fn stripes_library_believes_what_we_sign_and_nothing_else() {
    let Some(mut library) = Library::get() else {
        return;
    };
    let now = SystemClock.now_seconds();
    for body in recorded_events() {
        let sign = |secret, time| {
            stripe_signature::sign(secret, time, body.as_bytes()).expect("a signature")
        };
        let ours = sign(WEBHOOK_SECRET, now);
        assert!(library.verify(&body, &ours).is_string());
        let tampered = body.replace("1999", "1");
        assert_ne!(tampered, body);
        assert_eq!(library.verify(&tampered, &ours), Value::Null);
        assert_eq!(
            library.verify(&body, &sign("whsec_other", now)),
            Value::Null
        );
        let old = sign(
            WEBHOOK_SECRET,
            now - stripe_signature::TOLERANCE_SECONDS - 1,
        );
        assert_eq!(library.verify(&body, &old), Value::Null);
    }
}

#[test]
fn the_endpoint_believes_stripes_library_and_nothing_else() {
    let Some(mut library) = Library::get() else {
        return;
    };
    let site = Site::shared();
    let send = |signature: &str, body: &str| {
        site.shop
            .nobody()
            .post("/api/v1/payments/webhook")
            .header("stripe-signature", signature)
            .body("application/json; charset=utf-8", body)
            .send()
    };
    let now = SystemClock.now_seconds();
    for body in recorded_events() {
        let signature = library.sign(&body, now);
        send(&signature, &body).expect(200);
        send(&signature, &body.replace("1999", "1")).expect_problem(400, "invalid-signature");
        let old = library.sign(&body, now - stripe_signature::TOLERANCE_SECONDS - 60);
        send(&old, &body).expect_problem(400, "invalid-signature");
    }
}

#[test]
fn events_of_the_tests_have_members_that_stripes_library_knows() {
    let Some(mut library) = Library::get() else {
        return;
    };
    for body in recorded_events() {
        let event: Value = serde_json::from_str(&body).expect("JSON");
        let object = &event["data"]["object"];
        let unknown = library.ask(&json!({ "ask": "unknown_members", "object": object }));
        assert_eq!(unknown, json!([]), "{}", event["type"]);
    }
}

#[test]
fn requests_have_only_parameters_that_stripes_library_knows() {
    let Some(mut library) = Library::get() else {
        return;
    };
    let site = Site::start();
    let (customer, _, order) = site.paid_order(12.3456, 1);
    site.buy(&customer, &site.shop.product(1, 5), 2);
    site.checkout_of_a_guest();
    let payment = site.shop.payment_of(&order.id);
    for (body, key) in [
        (json!({ "amount": 1, "reason": "duplicate" }), "one"),
        (json!({ "reason": "too many" }), "two"),
    ] {
        site.refund(&payment, &body, key).expect(200);
    }
    let version = library.ask(&json!({ "ask": "version" }));
    for (line, request, count) in [
        ("POST /v1/checkout/sessions", "checkout.session", 3),
        ("POST /v1/refunds", "refund", 2),
    ] {
        let received = site.stripe.received(line);
        assert_eq!(received.len(), count);
        for received in received {
            assert_eq!(received.headers["stripe-version"], text(&version));
            let fields: Vec<_> = received.form.keys().collect();
            let question =
                json!({ "ask": "unknown_parameters", "request": request, "fields": fields });
            assert_eq!(library.ask(&question), json!([]));
        }
    }
    // Otherwise the answers above would mean nothing.
    let invented = json!([
        "mode",
        "line_items[0][price]",
        "line_items[0][prize]",
        "moode"
    ]);
    let question =
        json!({ "ask": "unknown_parameters", "request": "checkout.session", "fields": invented });
    assert_eq!(
        library.ask(&question),
        json!(["line_items[0][prize]", "moode"])
    );
}
