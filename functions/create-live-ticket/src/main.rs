//! Runs the function on AWS Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    lambda::serve(create_live_ticket::from_settings).await
}
