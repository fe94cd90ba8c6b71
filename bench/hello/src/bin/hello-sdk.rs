//! The smallest function that reads DynamoDB: it builds the client when it starts, and each request
//! is one `GetItem`. Any further time that a function takes is our own code.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = &Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await);
    run(service_fn(async |_: Request| {
        let key = |value: &str| AttributeValue::S(value.to_owned());
        let read = client
            .get_item()
            .table_name("jobs")
            .key("pk", key("JOB#1"))
            .key("sk", key("META"));
        let found = read.send().await?.item.is_some();
        Ok::<_, Error>(if found { "hello" } else { "nobody" })
    }))
    .await
}
