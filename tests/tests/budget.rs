//! The cost of each operation, in requests and capacity units, against its budget.

mod common;

use common::costs::measure;

#[tokio::test]
async fn every_operation_stays_within_its_budget() {
    let measured = measure().await;
    assert!(measured.len() > 30);
    let over: Vec<_> = measured
        .iter()
        .filter(|each| !each.is_within_budget())
        .collect();
    assert!(over.is_empty(), "{over:#?}");
}
