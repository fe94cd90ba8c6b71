//! What each operation may cost, in requests and in capacity units, is what it costs at the most.

mod common;

use common::costs::measure;

#[tokio::test]
async fn every_operation_keeps_to_its_budget() {
    let measured = measure().await;
    assert!(measured.len() > 30);
    let over: Vec<_> = measured.iter().filter(|each| !each.is_within()).collect();
    assert!(over.is_empty(), "{over:#?}");
}
