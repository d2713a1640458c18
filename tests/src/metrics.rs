//! Metrics of a running server, read as strictly as Prometheus does and held against its conventions.

use mercato_metrics::Family;

use crate::{Client, METRICS_TOKEN, Server, ServerBuilder, free_port};

/// The metrics of a server.
#[derive(Debug)]
pub struct Metrics(Vec<Family>);

impl Metrics {
    /// Reads a text.
    ///
    /// # Panics
    /// When it is not in the format or against the conventions.
    pub fn read(text: &str) -> Self {
        let families = match mercato_metrics::parse(text) {
            Ok(families) => families,
            Err(error) => panic!("{error} of\n{text}"),
        };
        let objections = mercato_metrics::unconventional(&families);
        assert!(objections.is_empty(), "{objections:?}");
        Self(families)
    }

    /// What the shop's public route answers to whoever holds the secret.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn of_shop(server: &Server) -> Self {
        let client = server.client();
        let answer = client.get("/api/metrics").bearer(METRICS_TOKEN).send();
        Self::read(&answer.expect(200).text())
    }

    /// The names of all families.
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|family| family.name.as_str()).collect()
    }

    /// The sum of the samples of that name with that value of a label; `None` without such a sample.
    pub fn find(&self, name: &str, label: Option<(&str, &str)>) -> Option<f64> {
        let values: Vec<f64> = self
            .0
            .iter()
            .flat_map(|family| &family.samples)
            .filter(|sample| sample.name == name)
            .filter(|sample| label.is_none_or(|(key, value)| sample.label(key) == Some(value)))
            .map(|sample| sample.value)
            .collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    /// The sum of the samples of that name.
    ///
    /// # Panics
    /// When there is none.
    pub fn sum(&self, name: &str) -> f64 {
        let found = self.find(name, None);
        found.unwrap_or_else(|| panic!("no {name} among {:?}", self.names()))
    }

    /// The sample of that name with that value of a label.
    ///
    /// # Panics
    /// When there is none.
    pub fn of(&self, name: &str, label: &str, value: &str) -> f64 {
        let found = self.find(name, Some((label, value)));
        found.unwrap_or_else(|| panic!("no {name} of {label} {value} among {:?}", self.names()))
    }
}

/// The runner's own listener for metrics.
#[derive(Debug)]
pub struct Listener {
    port: u16,
}

impl Listener {
    /// Lets a server that is about to start have one.
    pub fn on(builder: ServerBuilder) -> (Self, ServerBuilder) {
        let port = free_port();
        let builder = builder
            .argument("--metrics-listen")
            .argument(&format!("127.0.0.1:{port}"));
        (Self { port }, builder)
    }

    /// The metrics now.
    pub fn read(&self) -> Metrics {
        let client = Client::new(format!("http://127.0.0.1:{}", self.port));
        Metrics::read(&client.get("/metrics").expect(200).text())
    }
}
