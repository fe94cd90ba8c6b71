//! Runs the function on AWS Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    lambda::serve(async |env| Ok(get_job_analysis::router(env.store()?))).await
}
