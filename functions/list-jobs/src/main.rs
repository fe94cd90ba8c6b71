//! Runs the function on AWS Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::serve(async |env| {
        Ok(list_jobs::router(
            env.store()?,
            env.clock(),
            env.retention()?,
        ))
    })
    .await
}
