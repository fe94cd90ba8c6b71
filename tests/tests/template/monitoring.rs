//! What operators are shown is what the code counts.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use worker::Metric;

use crate::{
    cloudformation::{Template, text},
    source,
};

fn names(metrics: impl IntoIterator<Item = Metric>) -> BTreeSet<String> {
    let names = metrics.into_iter().map(|metric| metric.as_str().to_owned());
    names.collect()
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
fn alarms_and_dashboard_show_the_metrics_of_the_code() {
    let template = Template::load();
    let namespace = json!({"Ref": "AWS::StackName"});
    let alarms = template.resources("AWS::CloudWatch::Alarm");
    let own = alarms
        .values()
        .filter(|alarm| alarm["Namespace"] == namespace);
    let own: BTreeSet<String> = own
        .map(|alarm| text(&alarm["MetricName"]).to_owned())
        .collect();
    let alarming = [Metric::JobsDeferred, Metric::JobsFailedInternally];
    assert_eq!(own, names(alarming));

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
    assert_eq!(shown, names(Metric::ALL));
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
