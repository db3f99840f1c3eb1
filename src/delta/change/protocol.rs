//! Which Delta protocol a table needs for its columns and properties. It never takes a feature away.

use std::collections::HashMap;

use deltalake::TableProperty;
use deltalake::kernel::{
    ColumnMetadataKey, DataType, PrimitiveType, Protocol, StructField, StructType,
};
use serde_json::json;

use super::owed::IN_COMMIT_TIMESTAMPS;
use super::shape::{COLUMN_MAPPING_MAX_ID, COLUMN_MAPPING_MODE};
use super::widening::ENABLE_TYPE_WIDENING;
use crate::base::{Error, ErrorKind, Result};
use crate::delta::check::CHECK_PREFIX;
use crate::delta::check_writable;

/// The versions whose features are listed by name.
const NAMED_FEATURES: Versions = Versions { reader: 3, writer: 7 };

/// What every table of ours needs at least: the versions of appendOnly and invariants.
const BASE: Versions = Versions { reader: 1, writer: 2 };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Versions {
    reader: i32,
    writer: i32,
}

/// A feature, and the versions that stand for it in tables without named features.
struct Feature {
    name: &'static str,
    is_for_readers: bool,
    since: Versions,
}

const fn writer_feature(name: &'static str, since: i32) -> Feature {
    Feature { name, is_for_readers: false, since: Versions { reader: 1, writer: since } }
}

const fn reader_feature(name: &'static str, since: Versions) -> Feature {
    Feature { name, is_for_readers: true, since }
}

/// The features that tables can get by columns and properties (Delta protocol, "Table Features").
const FEATURES: [Feature; 16] = [
    writer_feature("appendOnly", 2),
    writer_feature("invariants", 2),
    writer_feature("checkConstraints", 3),
    writer_feature("changeDataFeed", 4),
    writer_feature("generatedColumns", 4),
    reader_feature("columnMapping", Versions { reader: 2, writer: 5 }),
    reader_feature("deletionVectors", NAMED_FEATURES),
    reader_feature("timestampNtz", NAMED_FEATURES),
    reader_feature("v2Checkpoint", NAMED_FEATURES),
    reader_feature("typeWidening", NAMED_FEATURES),
    reader_feature("vacuumProtocolCheck", NAMED_FEATURES),
    writer_feature("identityColumns", 6),
    writer_feature("inCommitTimestamp", 7),
    writer_feature("allowColumnDefaults", 7),
    writer_feature("clustering", 7),
    writer_feature("domainMetadata", 7),
];

/// The protocol for a table: at least the one that it has.
pub fn required(
    existing: Option<&Protocol>,
    schema: &StructType,
    properties: &HashMap<String, String>,
) -> Result<Protocol> {
    required_with(existing, schema, properties, &[])
}

/// The protocol for a table that needs more features than its columns and properties tell.
pub fn required_with(
    existing: Option<&Protocol>,
    schema: &StructType,
    properties: &HashMap<String, String>,
    more: &[&str],
) -> Result<Protocol> {
    let had = existing.map_or(BASE, |protocol| Versions {
        reader: protocol.min_reader_version(),
        writer: protocol.min_writer_version(),
    });
    let is_wanted = |feature: &&Feature| {
        more.contains(&feature.name) || is_needed(feature.name, schema, properties)
    };
    let needed: Vec<&Feature> = FEATURES.iter().filter(is_wanted).collect();
    let versions = needed.iter().fold(had, |versions, feature| Versions {
        reader: versions.reader.max(feature.since.reader),
        writer: versions.writer.max(feature.since.writer),
    });
    let protocol = if versions.writer < NAMED_FEATURES.writer {
        json!({ "minReaderVersion": versions.reader, "minWriterVersion": versions.writer })
    } else {
        let named = |existing: Option<Vec<String>>, for_readers: bool| {
            let mut names = existing.unwrap_or_default();
            let implied = FEATURES.iter().filter(|feature| is_implied(feature, had));
            for feature in implied.chain(needed.iter().copied()) {
                let wanted = !for_readers || feature.is_for_readers;
                if wanted && names.iter().all(|name| name != feature.name) {
                    names.push(feature.name.to_owned());
                }
            }
            names
        };
        let strings = |features: Option<&[_]>| features.map(texts);
        let writer = named(strings(existing.and_then(Protocol::writer_features)), false);
        let reader = named(strings(existing.and_then(Protocol::reader_features)), true);
        let mut protocol = json!({
            "minReaderVersion": versions.reader,
            "minWriterVersion": versions.writer,
            "writerFeatures": writer,
        });
        if versions.reader >= NAMED_FEATURES.reader
            && let Some(object) = protocol.as_object_mut()
        {
            object.insert("readerFeatures".to_owned(), json!(reader));
        }
        protocol
    };
    let protocol = serde_json::from_value(protocol).map_err(|cause| {
        Error::internal("a protocol that does not hold together").caused_by(cause)
    })?;
    check_writable(&protocol)?;
    Ok(protocol)
}

fn texts<T: ToString>(features: &[T]) -> Vec<String> {
    features.iter().map(ToString::to_string).collect()
}

/// Whether versions without named features stand for a feature.
fn is_implied(feature: &Feature, had: Versions) -> bool {
    had.writer < NAMED_FEATURES.writer && feature.since.writer <= had.writer
}

fn is_needed(feature: &str, schema: &StructType, properties: &HashMap<String, String>) -> bool {
    let is_true =
        |key: &str| properties.get(key).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let has_metadata = |key: ColumnMetadataKey| {
        schema.fields().any(|field| field.metadata.contains_key(key.as_ref()))
    };
    match feature {
        "appendOnly" => is_true("delta.appendOnly"),
        "invariants" => has_metadata(ColumnMetadataKey::Invariants),
        "checkConstraints" => properties.keys().any(|key| key.starts_with(CHECK_PREFIX)),
        "changeDataFeed" => is_true("delta.enableChangeDataFeed"),
        "generatedColumns" => has_metadata(ColumnMetadataKey::GenerationExpression),
        "columnMapping" => properties.get(COLUMN_MAPPING_MODE).is_some_and(|mode| mode != "none"),
        "deletionVectors" => is_true("delta.enableDeletionVectors"),
        "timestampNtz" => schema.fields().any(has_timestamp_ntz),
        "typeWidening" => {
            is_true(ENABLE_TYPE_WIDENING) || has_metadata(ColumnMetadataKey::TypeChanges)
        }
        "identityColumns" => has_metadata(ColumnMetadataKey::IdentityStart),
        "inCommitTimestamp" => is_true(IN_COMMIT_TIMESTAMPS),
        "allowColumnDefaults" => has_metadata(ColumnMetadataKey::CurrentDefault),
        "v2Checkpoint" => properties.get("delta.checkpointPolicy").is_some_and(|it| it == "v2"),
        _ => false,
    }
}

fn has_timestamp_ntz(field: &StructField) -> bool {
    fn is_inside(data_type: &DataType) -> bool {
        match data_type {
            DataType::Primitive(primitive) => *primitive == PrimitiveType::TimestampNtz,
            DataType::Struct(fields) => fields.fields().any(has_timestamp_ntz),
            DataType::Array(array) => is_inside(&array.element_type),
            DataType::Map(map) => is_inside(&map.key_type) || is_inside(&map.value_type),
            DataType::Variant(_) => false,
        }
    }
    is_inside(&field.data_type)
}

/// Refuses properties that would promise what is not done: 0A000; unknown ones of Delta are 22023.
pub fn check_properties<'a>(
    properties: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<()> {
    for (key, value) in properties {
        let Some(name) = key.strip_prefix("delta.") else { continue };
        let enables = value.eq_ignore_ascii_case("true") || value == "supported";
        match name {
            "enableRowTracking"
            | "enableIcebergCompatV1"
            | "enableIcebergCompatV2"
            | "enableIcebergCompatV3"
                if enables =>
            {
                return Err(Error::unsupported(format!("the table property \"{key}\"")));
            }
            "minReaderVersion" | "minWriterVersion" => {
                return Err(Error::unsupported(format!("the table property \"{key}\""))
                    .with_hint("A table gets the protocol that its columns and properties need."));
            }
            _ if name.starts_with("feature.") => {
                return Err(Error::unsupported(format!("the table property \"{key}\""))
                    .with_hint("A table gets the features that its columns and properties need."));
            }
            _ => {}
        }
        let is_own = key == COLUMN_MAPPING_MAX_ID;
        if is_own || key.starts_with(CHECK_PREFIX) || !is_known(key) {
            let error = Error::new(
                ErrorKind::InvalidParameterValue,
                format!("\"{key}\" is no table property that can be set"),
            );
            return Err(if key.starts_with(CHECK_PREFIX) {
                error.with_hint("Use ALTER TABLE … ADD CONSTRAINT.")
            } else {
                error
            });
        }
    }
    Ok(())
}

fn is_known(key: &str) -> bool {
    // Spark's optimizer hints, commit times and type widening are not known to deltalake.
    key.starts_with("delta.autoOptimize.")
        || key == IN_COMMIT_TIMESTAMPS
        || key == ENABLE_TYPE_WIDENING
        || key.parse::<TableProperty>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protocol(existing: Option<&Protocol>, types: &[DataType], properties: &[&str]) -> Protocol {
        let fields = types.iter().enumerate();
        let fields = fields.map(|(at, t)| StructField::new(format!("c{at}"), t.clone(), true));
        let properties =
            properties.iter().map(|key| ((*key).to_owned(), "true".to_owned())).collect();
        required(existing, &StructType::try_new(fields).unwrap(), &properties).unwrap()
    }

    #[test]
    fn versions_grow_as_features_are_needed() {
        let plain = protocol(None, &[DataType::LONG], &[]);
        assert_eq!((plain.min_reader_version(), plain.min_writer_version()), (1, 2));
        let checked = protocol(Some(&plain), &[DataType::LONG], &["delta.constraints.c"]);
        assert_eq!((checked.min_reader_version(), checked.min_writer_version()), (1, 3));
        let ntz = protocol(Some(&checked), &[DataType::TIMESTAMP_NTZ], &["delta.constraints.c"]);
        assert_eq!((ntz.min_reader_version(), ntz.min_writer_version()), (3, 7));
        let names = texts(ntz.writer_features().unwrap());
        // What the old version stood for stays.
        assert_eq!(names, ["appendOnly", "invariants", "checkConstraints", "timestampNtz"]);
        assert_eq!(texts(ntz.reader_features().unwrap()), ["timestampNtz"]);
        assert_eq!(protocol(Some(&ntz), &[DataType::LONG], &[]), ntz);
    }

    #[test]
    fn properties_that_promise_too_much_are_refused() {
        assert!(check_properties([("delta.enableRowTracking", "true")]).is_err());
        assert!(check_properties([("delta.apendOnly", "true")]).is_err());
        assert!(check_properties([("delta.appendOnly", "true"), ("owner", "me")]).is_ok());
    }
}
