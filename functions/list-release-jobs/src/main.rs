//! Runs the function on AWS Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    lambda::serve(async |env| Ok(list_release_jobs::router(env.store()?))).await
}
