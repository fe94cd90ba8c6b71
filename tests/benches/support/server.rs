//! DynamoDB in a process of its own, so that its work is not measured.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

const SERVE: &str = "--serve";

/// This program started again as DynamoDB. It ends when this is dropped.
pub struct Server {
    process: Child,
    /// Its address.
    pub endpoint: String,
}

impl Server {
    /// Starts the process.
    pub fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut process = command.arg(SERVE).stdout(Stdio::piped()).spawn().unwrap();
        let mut endpoint = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut endpoint)
            .unwrap();
        Self {
            process,
            endpoint: endpoint.trim().to_owned(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves for ever if this program was started as DynamoDB.
pub async fn serve_if_asked() {
    if std::env::args().any(|argument| argument == SERVE) {
        println!(
            "{}",
            store::testing::serve(dynoxide::Database::memory().unwrap()).await
        );
        std::future::pending::<()>().await;
    }
}
