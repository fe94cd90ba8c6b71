//! Alarms and dashboard against the metrics in the code.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use worker::Metric;

use crate::{
    cloudformation::{Template, list, references, text},
    source,
};

fn names(metrics: impl IntoIterator<Item = Metric>) -> BTreeSet<String> {
    let names = metrics.into_iter().map(|metric| metric.as_str().to_owned());
    names.collect()
}

/// Returns the dashboard's body with its references replaced.
fn dashboard(template: &Template) -> Value {
    let body = text(&template.at("/Resources/Dashboard/Properties/DashboardBody")["Fn::Sub"]);
    let mut parts = body.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    let body = parts.fold(first, |body, part| {
        let (reference, rest) = part.split_once('}').unwrap();
        body + if reference == "SystemName" {
            "stack"
        } else {
            "other"
        } + rest
    });
    serde_json::from_str(&body).unwrap()
}

#[test]
fn alarms_and_dashboard_use_the_metrics_in_the_code() {
    let template = Template::monitoring();
    let namespace = json!({"Ref": "SystemName"});
    let alarms = template.resources("AWS::CloudWatch::Alarm");
    let own = alarms
        .values()
        .filter(|alarm| alarm["Namespace"] == namespace);
    let own: BTreeSet<String> = own
        .map(|alarm| text(&alarm["MetricName"]).to_owned())
        .collect();
    let alarming = [
        Metric::JobsDeferred,
        Metric::JobsFailedInternally,
        Metric::RecordsUnreadable,
    ];
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
fn every_alarm_notifies_operators() {
    let template = Template::monitoring();
    let alarms = template.resources("AWS::CloudWatch::Alarm");
    assert!(alarms.len() > 10);
    for (name, alarm) in alarms {
        let topic = json!([{"Ref": "AlarmTopicArn"}]);
        assert_eq!(alarm["AlarmActions"]["Fn::If"][1], topic, "{name}");
    }
}

#[test]
fn every_alarm_leads_to_its_entry_that_says_what_to_do() {
    let page = source("docs/alarms.md");
    let template = Template::monitoring();
    let alarms = template.resources("AWS::CloudWatch::Alarm");
    let documented = page.matches("\n### `").count();
    assert_eq!(documented, alarms.len());
    for (name, alarm) in alarms {
        let anchor = format!(" See docs/alarms.md#{}", name.to_lowercase());
        assert!(
            text(&alarm["AlarmDescription"]).ends_with(&anchor),
            "{name}"
        );
        let (_, entry) = page.split_once(&format!("\n### `{name}`\n")).unwrap();
        let entry = entry.split("\n#").next().unwrap();
        for step in ["Check", "Do", "Tell"] {
            let mark = format!("\n- {step}: ");
            assert_eq!(entry.matches(&mark).count(), 1, "{step} of {name}");
        }
    }
}

/// Returns the parameters that name a resource of the system, each with that resource.
fn watched(template: &Template) -> BTreeMap<&str, &str> {
    let parameters = template.at("/Parameters").as_object().unwrap();
    let named = parameters.keys().filter_map(|parameter| {
        let resource = ["Name", "Id"]
            .iter()
            .find_map(|suffix| parameter.strip_suffix(suffix));
        (parameter != "SystemName").then(|| Some((parameter.as_str(), resource?)))?
    });
    named.collect()
}

#[test]
fn every_alarm_watches_the_resource_in_its_name() {
    let template = Template::monitoring();
    let watched = watched(&template);
    assert_eq!(watched.len(), 15);
    for (name, alarm) in template.resources("AWS::CloudWatch::Alarm") {
        assert!(!text(&alarm["AlarmDescription"]).is_empty(), "{name}");
        let parts = [&alarm["Dimensions"], &alarm["Metrics"]];
        for parameter in parts.into_iter().flat_map(references) {
            let resource = watched[parameter.as_str()].trim_end_matches("Function");
            assert!(name.starts_with(resource), "{name} watches {parameter}");
        }
    }
}

#[test]
fn monitoring_application_gets_the_resources_that_its_parameters_name() {
    let nested = Template::monitoring();
    let template = Template::load();
    let application = template.at("/Resources/Monitoring/Properties");
    assert_eq!(application["Location"], "monitoring.yaml");
    let mut expected = BTreeMap::from([
        ("SystemName", json!({"Ref": "AWS::StackName"})),
        ("AlarmTopicArn", json!({"Ref": "AlarmTopicArn"})),
    ]);
    for (parameter, resource) in watched(&nested) {
        // The name of a queue is an attribute: `Ref` returns its URL.
        let name = if resource.ends_with("Queue") {
            json!({"Fn::GetAtt": format!("{resource}.QueueName")})
        } else {
            json!({"Ref": resource})
        };
        expected.insert(parameter, name);
    }
    assert_eq!(application["Parameters"], json!(expected));
    // The functions count in the namespace that the alarms watch.
    for (name, (_, function)) in template.functions() {
        if let Some(namespace) = function["Environment"]["Variables"].get("METRICS_NAMESPACE") {
            assert_eq!(namespace, &expected["SystemName"], "{name}");
        }
    }
}

#[test]
fn budget_notifies_the_topic_of_the_alarms() {
    let template = Template::load();
    assert_eq!(template.at("/Resources/Budget/Condition"), "HasBudget");
    let notifications = template.at("/Resources/Budget/Properties/NotificationsWithSubscribers");
    let notifications = list(notifications);
    assert_eq!(notifications.len(), 2);
    for notification in notifications {
        assert_eq!(
            notification["Subscribers"],
            json!([{"SubscriptionType": "SNS", "Address": {"Ref": "AlarmTopicArn"}}])
        );
    }
    // Without a topic, there is nobody to notify.
    let rule = template.at("/Rules/BudgetHasTopic");
    assert_eq!(
        references(&rule["RuleCondition"]),
        ["MonthlyBudget".to_owned()].into()
    );
    assert_eq!(
        references(&rule["Assertions"]),
        ["AlarmTopicArn".to_owned()].into()
    );
}
