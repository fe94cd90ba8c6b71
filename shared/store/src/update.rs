//! Builds an update for a single call or for a transaction, with an alias for every name.
//!
//! The SDK takes expressions as strings, and a name that is a reserved word fails only at run time.
//! No crate builds expressions for both kinds of call.

use std::collections::HashMap;

use aws::AwsError;
use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{
        AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
        Update as TransactUpdate,
    },
};
use rand::RngExt;

use crate::{DYNAMODB, keys::Key};

/// A number attribute.
pub(super) fn n(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// A string attribute.
pub(super) fn s(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// The attribute for the token of the last change of a draft: see [`write_token`].
pub(super) const EDIT: &str = "edit";

/// Returns a random token. It distinguishes a retry by the SDK, after a lost response, from a write
/// by another caller.
pub(super) fn write_token() -> AttributeValue {
    n(jobs::random().random::<u32>())
}

/// Returns the values of an expression, if there are any: DynamoDB refuses an empty map.
fn non_empty(values: HashMap<String, AttributeValue>) -> Option<HashMap<String, AttributeValue>> {
    Some(values).filter(|values| !values.is_empty())
}

/// A conditional update. In expressions, `#name` is the attribute `name`.
#[derive(Debug)]
pub(super) struct Update {
    key: Key,
    sets: Vec<String>,
    removes: Vec<String>,
    condition: String,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Update {
    pub fn new(key: Key) -> Self {
        Self {
            key,
            sets: Vec::new(),
            removes: Vec::new(),
            condition: String::new(),
            names: HashMap::new(),
            values: HashMap::new(),
        }
    }

    /// Sets a top-level attribute.
    pub fn set(self, name: &str, value: AttributeValue) -> Self {
        let assignment = format!("#{name} = :{name}");
        self.assign(&assignment, &format!(":{name}"), value)
    }

    /// Sets a top-level attribute, or removes it.
    pub fn set_or_remove(self, name: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self.remove(name),
        }
    }

    /// Adds an assignment expression and the value of its placeholder.
    pub fn assign(mut self, assignment: &str, placeholder: &str, value: AttributeValue) -> Self {
        self.alias(assignment);
        self.sets.push(assignment.to_owned());
        self.value(placeholder, value)
    }

    pub fn remove(mut self, name: &str) -> Self {
        let name = format!("#{name}");
        self.alias(&name);
        self.removes.push(name);
        self
    }

    /// Adds a condition. All conditions must hold.
    pub fn only_if(mut self, condition: &str) -> Self {
        self.alias(condition);
        if !self.condition.is_empty() {
            self.condition.push_str(" AND ");
        }
        self.condition.push_str(condition);
        self
    }

    pub fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    fn alias(&mut self, expression: &str) {
        for part in expression.split('#').skip(1) {
            let name: String = part
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            self.names.insert(format!("#{name}"), name);
        }
    }

    fn expression(&self) -> String {
        let clause = |word: &str, parts: &[String]| match parts {
            [] => String::new(),
            parts => format!("{word} {} ", parts.join(", ")),
        };
        clause("SET", &self.sets) + &clause("REMOVE", &self.removes)
    }

    /// Fills in a single call. If the condition fails, the call returns the current item.
    pub fn fill(self, call: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
        call.update_expression(self.expression())
            .key("pk", self.key.pk())
            .key("sk", self.key.sk())
            .set_condition_expression(Some(self.condition).filter(|one| !one.is_empty()))
            .set_expression_attribute_names(Some(self.names))
            .set_expression_attribute_values(non_empty(self.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// Converts the update into a part of a transaction.
    pub fn into_part(self, table: &str) -> Result<TransactWriteItem, AwsError> {
        let update = TransactUpdate::builder()
            .table_name(table)
            .update_expression(self.expression())
            .key("pk", self.key.pk())
            .key("sk", self.key.sk())
            .set_condition_expression(Some(self.condition).filter(|one| !one.is_empty()))
            .set_expression_attribute_names(Some(self.names))
            .set_expression_attribute_values(non_empty(self.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| AwsError::malformed(DYNAMODB, error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
