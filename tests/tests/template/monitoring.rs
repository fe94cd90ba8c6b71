//! What operators are shown is what the code counts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    cloudformation::{Template, text},
    crates, source,
};

/// The counts that the functions write, as `("Name", number)` beside a call of `count`.
fn counted() -> BTreeSet<String> {
    let mut code: String = crates()
        .iter()
        .map(|name| source(&format!("functions/{name}/src/lib.rs")))
        .collect();
    code += &source("shared/worker/src/processor.rs");
    let words = code
        .split("(\"")
        .skip(1)
        .filter_map(|rest| rest.split_once("\", "));
    let named = words.filter(|(name, _)| name.starts_with("Jobs") || name.starts_with("Messages"));
    named.map(|(name, _)| name.to_owned()).collect()
}

/// The dashboard's body, with a word in place of each reference.
fn dashboard(template: &Template) -> Value {
    let body = text(&template.at("/Resources/Dashboard/Properties/DashboardBody")["Fn::Sub"]);
    let mut parts = body.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    let body = parts.fold(first, |body, part| {
        let (reference, rest) = part.split_once('}').unwrap();
        body + if reference == "AWS::StackName" {
            "stack"
        } else {
            "other"
        } + rest
    });
    serde_json::from_str(&body).unwrap()
}

#[test]
fn alarms_and_dashboard_know_the_counts_of_the_code_and_no_others() {
    let template = Template::load();
    let counts = counted();
    assert_eq!(
        counts,
        [
            "JobsBroken",
            "JobsEnded",
            "JobsPutOff",
            "JobsRescued",
            "MessagesResent"
        ]
        .map(str::to_owned)
        .into()
    );
    let own = json!({"Ref": "AWS::StackName"});
    let alarms = template.resources("AWS::CloudWatch::Alarm");
    let ours: BTreeSet<String> = alarms
        .values()
        .filter(|alarm| alarm["Namespace"] == own)
        .map(|alarm| text(&alarm["MetricName"]).to_owned())
        .collect();
    assert_eq!(ours, ["JobsBroken", "JobsPutOff"].map(str::to_owned).into());

    let mut shown = BTreeSet::new();
    for widget in dashboard(&template)["widgets"].as_array().unwrap() {
        for metric in widget["properties"]["metrics"].as_array().unwrap() {
            match metric[0]["expression"].as_str() {
                Some(search) => drop(shown.insert(search.split('"').nth(3).unwrap().to_owned())),
                None if metric[0] == "stack" => drop(shown.insert(text(&metric[1]).to_owned())),
                None => {}
            }
        }
    }
    assert_eq!(shown, counts);
}

#[test]
fn every_alarm_notifies_the_operators_topic_and_says_what_it_means() {
    let template = Template::load();
    let alarms = template.resources("AWS::CloudWatch::Alarm");
    assert!(alarms.len() > 10);
    for (name, alarm) in alarms {
        assert_eq!(
            alarm["AlarmActions"]["Fn::If"][1],
            json!([{"Ref": "AlarmTopicArn"}]),
            "{name}"
        );
        assert!(
            source("docs/operating.md").contains(&format!("`{name}`")),
            "{name} is not in docs/operating.md"
        );
    }
}
