//! Files of products: one request with many rows, by how many of them are taken in a second.

use std::time::Instant;

use anyhow::Result;

use crate::{
    figures::Sample,
    filling::{CSV_HEADER, row},
    measure::{Counters, Measurement, Shop},
    workload::Workload,
};

/// Lets all servers take turns; every row is a new product.
///
/// # Errors
/// When a row is refused.
pub fn measure(shops: &mut [Shop], rows: u64, rounds: u64) -> Result<Measurement> {
    let mut measurement = Measurement::new(Workload::Import, 1, shops);
    for round in 0..rounds {
        let csv = file(rows, round);
        for (index, shop) in shops.iter_mut().enumerate() {
            let token = shop.filling.admin_token()?;
            let before = Counters::of(&shop.server);
            let began = Instant::now();
            shop.filling.client.import(&token, &csv)?;
            let seconds = began.elapsed().as_secs_f64();
            shop.watch();
            shop.server.rest();
            let sample = Sample {
                per_second: rows as f64 / seconds,
                ..Sample::default()
            };
            measurement.add(index, before.charge(&shop.server, rows, sample));
        }
    }
    Ok(measurement)
}

fn file(rows: u64, round: u64) -> String {
    let run = std::process::id();
    let rows = (0..rows).map(|number| {
        let name = format!("imported thing of shelf {}", number % 1_000);
        row(&name, &format!("I{run}-{round}-{number}"), number)
    });
    CSV_HEADER.to_owned() + &rows.collect::<String>()
}
