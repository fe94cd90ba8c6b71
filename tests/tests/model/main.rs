//! Random histories of jobs in a small model and in the real store, side by side.

mod action;
#[path = "../common/mod.rs"]
mod common;
mod history;
mod model;
mod run_actions;

use action::{Action, Random};
use common::Api;
use history::History;

/// Reads a number from the environment: how many histories to drive, or the seed of an earlier run.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of the test, not of the product"
)]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// Drives jobs through half of `MODEL_SEQUENCES` histories of up to 16 actions each, on one table.
async fn drive(default_seed: u64) {
    let seed = setting("MODEL_SEED", default_seed);
    println!("MODEL_SEED={seed}");
    let api = Api::new().await;
    let mut random = Random(seed);
    for _ in 0..setting("MODEL_SEQUENCES", 600) / 2 {
        let mut history = History::new(&api, random.below(4) == 0).await;
        let mut actions = Vec::new();
        for _ in 0..4 + random.below(13) {
            let action = random.action();
            actions.push(action);
            let result = match history.apply(action).await {
                Ok(()) => history.check().await,
                difference => difference,
            };
            if let Err(difference) = result {
                let model = &history.model;
                panic!("seed {seed}: {difference}\nafter {actions:#?}\nmodel: {model:?}");
            }
        }
        let _ = history.apply(Action::Cancel).await;
    }
}

#[tokio::test]
async fn store_and_model_never_differ() {
    drive(0x9E37_79B9).await;
}

#[tokio::test]
async fn store_and_model_never_differ_with_a_new_seed() {
    drive(u64::from(std::process::id())).await;
}
