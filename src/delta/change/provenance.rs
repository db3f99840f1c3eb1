//! What a commit says of itself where deltalake's list of operations has no word for it. It never looks at
//! the log.

use deltalake::kernel::{Action, CommitInfo};
use deltalake::protocol::DeltaOperation;
use serde_json::{Map, Value};

/// A commit info as one of a change's actions: it stands in the place of the one that its operation would
/// give. Parameters are texts in the log, as other engines write them.
pub fn provenance(
    operation: &str,
    parameters: impl IntoIterator<Item = (&'static str, Value)>,
    metrics: Map<String, Value>,
) -> Action {
    let text = |value: Value| match value {
        Value::String(text) => Value::String(text),
        other => Value::String(other.to_string()),
    };
    let parameters = parameters.into_iter().filter(|(_, value)| !value.is_null());
    let parameters = parameters.map(|(key, value)| (key.to_owned(), text(value))).collect();
    let mut info = CommitInfo {
        operation: Some(operation.to_owned()),
        operation_parameters: Some(parameters),
        ..CommitInfo::default()
    };
    if !metrics.is_empty() {
        let metrics = metrics.into_iter().map(|(key, value)| (key, text(value))).collect();
        info.info.insert("operationMetrics".to_owned(), Value::Object(metrics));
    }
    Action::CommitInfo(info)
}

/// The operation that a commit info tells of.
pub fn said_operation(action: &Action) -> Option<&str> {
    match action {
        Action::CommitInfo(info) => info.operation.as_deref(),
        _ => None,
    }
}

/// The operation of a change that brings its own [`provenance`].
pub fn named_elsewhere() -> DeltaOperation {
    DeltaOperation::UpdateFieldMetadata { fields: Vec::new() }
}
