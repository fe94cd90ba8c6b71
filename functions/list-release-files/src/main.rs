//! Runs the function on AWS Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::serve(async |env| Ok(list_release_files::router(env.store()?, env.files()?)))
        .await
}
