//! Prints the cost of each operation in requests and capacity units, one JSON object per figure:
//! `cargo bench -p tests --bench costs --profile local`.

#[path = "../tests/common/mod.rs"]
mod common;

use common::costs::{Measured, measure};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for Measured {
        name,
        cost,
        budget,
        indexes,
    } in measure().await
    {
        let figure = |what: &str, value: f64, limit: f64| {
            if value > 0.0 {
                println!(
                    "{}",
                    json!({"name": format!("{name}: {what}"), "value": value, "unit": what, "limit": limit})
                );
            }
        };
        #[expect(clippy::cast_precision_loss, reason = "a few requests")]
        let count = |count: usize| count as f64;
        figure("requests", count(cost.requests), count(budget.requests));
        figure("messages", count(cost.messages), count(budget.messages));
        figure("read units", cost.reads, budget.reads);
        figure("write units", cost.writes, budget.writes);
        for (index, units) in indexes {
            println!(
                "{}",
                json!({"name": format!("{name}: {index}"), "value": units, "unit": "write units"})
            );
        }
    }
}
