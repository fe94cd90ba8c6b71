//! Reads lists page by page.

use serde_json::{Value, json};

use crate::{
    args::Paging,
    error::Error,
    http::{Client, with_query},
    output::Output,
};

/// A list of the API.
pub struct List<'a> {
    /// The request in words, as an infinitive.
    pub action: &'a str,
    /// The path.
    pub path: String,
    /// The name of the entries in a page.
    pub entries: &'a str,
    /// The parameters, without the cursor.
    pub parameters: Vec<(&'a str, Option<String>)>,
}

impl List<'_> {
    /// Reads the first page, or all of them as one.
    pub fn read(&self, client: &Client, is_whole: bool) -> Result<Value, Error> {
        let mut found = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut parameters = self.parameters.clone();
            parameters.push(("cursor", cursor.take()));
            let mut page = client.get(self.action, with_query(&self.path, &parameters))?;
            if let Some(entries) = page[self.entries].as_array_mut() {
                found.append(entries);
            }
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if !is_whole || cursor.is_none() {
                return Ok(json!({(self.entries): found, "next_cursor": cursor}));
            }
        }
    }

    /// Prints what `--all` or its absence asks for.
    pub fn print(
        &self,
        client: &Client,
        output: &Output,
        paging: &Paging,
        view: fn(&[Value]) -> Vec<String>,
    ) -> Result<(), Error> {
        let page = self.read(client, paging.all)?;
        if output.is_json {
            return output.document(&page);
        }
        output.lines(view(entries(&page, self.entries)))?;
        if !page["next_cursor"].is_null() {
            output.note("There are more; list them with --all.");
        }
        Ok(())
    }
}

/// Returns the entries of a page.
pub fn entries<'a>(page: &'a Value, name: &str) -> &'a [Value] {
    page[name].as_array().map_or(&[], Vec::as_slice)
}

/// Joins the values of a parameter, or returns none.
pub fn joined(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(","))
}

/// Returns a number as a parameter.
pub fn number(value: Option<u64>) -> Option<String> {
    value.map(|number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Reply, TestServer, ok};

    fn server() -> TestServer {
        TestServer::start(|number, _| match number {
            0 => ok(r#"{"jobs": [{"id": 3}, {"id": 2}], "next_cursor": "a+b"}"#),
            1 => Reply::Cut,
            2 => ok(r#"{"jobs": [], "next_cursor": "c"}"#),
            _ => ok(r#"{"jobs": [{"id": 1}], "next_cursor": null}"#),
        })
    }

    fn list() -> List<'static> {
        List {
            action: "list jobs",
            path: "/api/jobs".to_owned(),
            entries: "jobs",
            parameters: vec![("status", Some("failed".to_owned())), ("limit", None)],
        }
    }

    #[test]
    fn all_pages_are_one_list_even_if_one_is_empty() {
        let server = server();
        let all = list().read(&server.client(), true).unwrap();
        let expected = json!({"jobs": [{"id": 3}, {"id": 2}, {"id": 1}], "next_cursor": null});
        assert_eq!(all, expected);
        let paths: Vec<String> = server.received().into_iter().map(|it| it.path).collect();
        let second = "/api/jobs?status=failed&cursor=a%2Bb";
        assert_eq!(
            paths,
            [
                "/api/jobs?status=failed",
                second,
                second,
                "/api/jobs?status=failed&cursor=c"
            ]
        );
    }

    #[test]
    fn first_page_names_the_cursor_of_the_next() {
        let server = server();
        let page = list().read(&server.client(), false).unwrap();
        assert_eq!(page["next_cursor"], "a+b");
        assert_eq!(server.received().len(), 1);
    }
}
