//! Instances that are taken, stopped by a fault plan, or see another clock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use mercato::{CallKind, Fault, HostCall, Limits, OffsetClock};
use serde_json::json;

use crate::{Accounts, PATIENCE, SHORT, exchange, login, me, register};

#[tokio::test]
async fn a_request_that_finds_no_free_instance_is_answered_503() {
    let accounts = Accounts::new();
    let (began, begun) = mpsc::channel();
    let (free, freed) = mpsc::channel::<()>();
    let (freed, held) = (Mutex::new(freed), AtomicBool::new(false));
    let shop = accounts
        .builder(Limits {
            instances_per_component: 1,
            queue_time: SHORT,
            ..Limits::default()
        })
        .faults(move |call: &HostCall<'_>| {
            if call.detail.contains("INSERT INTO users") && !held.swap(true, Ordering::SeqCst) {
                began.send(()).unwrap();
                freed.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            }
            Fault::Pass
        })
        .start()
        .await
        .unwrap();
    let address = shop.addr();
    let first = tokio::spawn(register(address, "ada@example.com"));
    let begun = tokio::task::spawn_blocking(move || begun.recv_timeout(PATIENCE));
    begun
        .await
        .unwrap()
        .expect("the first request is in its instance");
    let second = login(address, "ada@example.com").await;
    second.expect_last("503", "unavailable");
    assert!(second.0.contains("retry-after: 1\r\n"), "{second:?}");
    free.send(()).unwrap();
    assert_eq!(first.await.unwrap().status(), "201");
    assert_eq!(login(address, "ada@example.com").await.status(), "200");
    assert!(shop.stop().await);
}

#[tokio::test]
async fn a_test_moves_the_clock_that_a_component_sees() {
    let accounts = Accounts::new();
    let clock = OffsetClock::new();
    let shop = accounts
        .builder(Limits::default())
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    let account = register(shop.addr(), "ada@example.com").await.body();
    let token = account["accessToken"].as_str().unwrap();
    assert_eq!(me(shop.addr(), token).await.status(), "200");
    clock.advance(Duration::from_secs(901));
    let late = me(shop.addr(), token).await;
    assert_eq!(
        (late.status(), &late.body()["detail"]),
        ("401", &json!("the token has expired"))
    );
    clock.rewind(Duration::from_secs(901));
    assert_eq!(me(shop.addr(), token).await.status(), "200");
    assert!(shop.stop().await);
}

#[tokio::test]
async fn a_test_decides_what_becomes_of_host_calls() {
    let accounts = Accounts::new();
    let plan = Arc::new(Mutex::new((CallKind::Sqlite, Fault::Pass)));
    let (chosen, calls) = (Arc::clone(&plan), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&calls);
    let shop = accounts
        .builder(Limits::default())
        .faults(move |call: &HostCall<'_>| {
            assert_eq!(call.component, "auth-api");
            seen.lock().unwrap().push((call.number, call.kind));
            let (kind, fault) = chosen.lock().unwrap().clone();
            let is_it = match kind {
                CallKind::Sqlite => call.detail.contains("INSERT INTO users"),
                _ => true,
            };
            if is_it && call.kind == kind {
                fault
            } else {
                Fault::Pass
            }
        })
        .start()
        .await
        .unwrap();
    let decide = |kind, fault| *plan.lock().unwrap() = (kind, fault);
    let address = shop.addr();
    // The statement fails: the component answers, and nobody is registered.
    decide(CallKind::Sqlite, Fault::Fail("disk I/O error".into()));
    let failed = register(address, "fail@example.com").await;
    assert!(["500", "503"].contains(&failed.status()), "{failed:?}");
    assert!(!failed.0.contains("disk"), "{failed:?}");
    // The component stops dead at the clock, before or in the middle of its transaction: the runner answers, and nobody is
    // registered.
    for (kind, fault, email) in [
        (CallKind::Clock, Fault::Stop, "clock@example.com"),
        (CallKind::Sqlite, Fault::Stop, "stop@example.com"),
        (CallKind::Sqlite, Fault::StopAfter, "after@example.com"),
    ] {
        decide(kind, fault);
        let stopped = register(address, email).await;
        assert_eq!(stopped.status(), "500", "{stopped:?}");
        assert_eq!(
            stopped.body()["type"],
            "https://mercato.dev/problems/internal"
        );
    }
    decide(CallKind::Sqlite, Fault::Pass);
    for email in [
        "fail@example.com",
        "clock@example.com",
        "stop@example.com",
        "after@example.com",
    ] {
        assert_eq!(login(address, email).await.status(), "401", "{email}");
        assert_eq!(register(address, email).await.status(), "201", "{email}");
    }
    // It stops when everything is done: before its answer, which is lost, or after it.
    for (fault, email, status) in [
        (Fault::Stop, "unheard@example.com", "500"),
        (Fault::StopAfter, "heard@example.com", "201"),
    ] {
        decide(CallKind::Respond, fault);
        assert_eq!(register(address, email).await.status(), status, "{email}");
        decide(CallKind::Respond, Fault::Pass);
        assert_eq!(login(address, email).await.status(), "200", "{email}");
    }
    let calls = calls.lock().unwrap().clone();
    for kind in [CallKind::Sqlite, CallKind::Clock, CallKind::Respond] {
        assert!(calls.iter().any(|(_, seen)| *seen == kind), "{kind:?}");
    }
    let numbers: Vec<u64> = calls.into_iter().map(|(number, _)| number).collect();
    let counted: Vec<u64> = (0..).take(numbers.len()).collect();
    assert_eq!(numbers, counted, "calls are counted from 0");
    assert!(shop.stop().await);
}

#[tokio::test]
async fn an_answer_and_the_log_belong_to_the_trace_of_the_request() {
    let accounts = Accounts::new();
    let shop = accounts.start(Limits::default()).await;
    for (path, status) in [("/api/v1/auth/me", "401"), ("/nowhere", "404")] {
        let request = |trace: &str| {
            format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{trace}\r\n")
        };
        let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let answer = exchange(shop.addr(), request(&format!("traceparent: {given}\r\n"))).await;
        assert_eq!(answer.status(), status);
        let (_, ours) = answer.0.split_once("\r\ntraceparent: ").expect("a trace");
        assert!(
            ours.starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
            "{answer:?}"
        );
        assert!(!answer.0.contains(given), "{answer:?}");
        let answer = exchange(shop.addr(), request("traceparent: 00-nonsense\r\n")).await;
        assert_eq!(answer.status(), status);
        assert!(!answer.0.contains("traceparent"), "{answer:?}");
    }
    assert!(shop.stop().await);
}

#[tokio::test]
async fn a_probe_has_an_instance_when_all_others_are_taken() {
    let accounts = Accounts::new();
    accounts.rewrite(|manifest| {
        let slow = manifest.replace("bcrypt_cost = \"4\"", "bcrypt_cost = \"13\"");
        format!("{slow}[component.auth-api.tool.mercato]\nready = \"/api/v1/auth/verify\"\n")
    });
    let limits = Limits {
        instances_per_component: 1,
        requests_waiting: 0,
        ..Limits::default()
    };
    let shop = accounts.start(limits).await;
    let address = shop.addr();
    let hashing = tokio::spawn(async move {
        loop {
            let answer = register(address, "ada@example.com").await;
            if answer.status() != "503" {
                return answer;
            }
        }
    });
    let mut refused = me(address, "none").await;
    while refused.status() != "503" {
        assert!(!hashing.is_finished());
        refused = me(address, "none").await;
    }
    refused.expect_last("503", "unavailable");
    assert!(refused.0.contains("retry-after: "));
    let probe = "GET /api/v1/auth/verify HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    for _ in 0..10 {
        assert_eq!(exchange(address, probe).await.status(), "401");
    }
    assert!(!hashing.is_finished());
    assert_eq!(hashing.await.unwrap().status(), "201");
    assert!(shop.stop().await);
}
