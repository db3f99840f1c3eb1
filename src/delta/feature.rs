//! Which table features Lakegate honours, for reading and for writing. It never looks at data.

use delta_kernel::actions::Protocol;
use delta_kernel::table_features::TableFeature;

use crate::base::{Error, Result};

/// The highest reader version of the Delta protocol; its readers go by the list of features.
const READER_VERSION_MAX: i32 = 3;

/// The highest writer version of the Delta protocol; its writers go by the list of features.
const WRITER_VERSION_MAX: i32 = 7;

/// The only format of data files that the Delta protocol knows by now.
const DATA_FORMAT: &str = "parquet";

/// Refuses a table that cannot be read rightly: 0A000, naming the feature.
pub fn check_readable(protocol: &Protocol) -> Result<()> {
    let version = protocol.min_reader_version();
    if !(1..=READER_VERSION_MAX).contains(&version) {
        return Err(Error::unsupported(format!("reader version {version} of the Delta protocol")));
    }
    let features = protocol.reader_features().unwrap_or_default();
    match features.iter().find(|feature| !is_readable(feature)) {
        Some(feature) => Err(unsupported("reading", feature)),
        None => Ok(()),
    }
}

/// Refuses a table whose data files are not Parquet: 0A000, naming their format.
pub fn check_format(provider: &str) -> Result<()> {
    match provider.eq_ignore_ascii_case(DATA_FORMAT) {
        true => Ok(()),
        false => {
            Err(Error::unsupported(format!("a table with data files of format \"{provider}\"")))
        }
    }
}

/// Refuses a table that cannot be changed rightly, before anything is written: 0A000, naming the
/// feature.
pub fn check_writable(protocol: &Protocol) -> Result<()> {
    check_readable(protocol)?;
    let version = protocol.min_writer_version();
    if !(1..=WRITER_VERSION_MAX).contains(&version) {
        return Err(Error::unsupported(format!("writer version {version} of the Delta protocol")));
    }
    let features = protocol.writer_features().unwrap_or_default();
    match features.iter().find(|feature| !is_writable(feature)) {
        Some(feature) => Err(unsupported("changing", feature)),
        None => Ok(()),
    }
}

/// Every feature that a table's protocol names, each once, sorted.
pub fn feature_names(protocol: &Protocol) -> Vec<String> {
    let reader = protocol.reader_features().unwrap_or_default();
    let writer = protocol.writer_features().unwrap_or_default();
    let mut names: Vec<String> = reader.iter().chain(writer).map(ToString::to_string).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_readable(feature: &TableFeature) -> bool {
    match feature {
        TableFeature::DeletionVectors
        | TableFeature::ColumnMapping
        | TableFeature::TimestampWithoutTimezone
        | TableFeature::TypeWidening
        | TableFeature::TypeWideningPreview
        | TableFeature::V2Checkpoint
        | TableFeature::VacuumProtocolCheck
        | TableFeature::VariantType
        | TableFeature::VariantTypePreview
        | TableFeature::VariantShredding
        | TableFeature::VariantShreddingPreview => true,
        // Features of writers: readers need not know them.
        TableFeature::AppendOnly
        | TableFeature::Invariants
        | TableFeature::CheckConstraints
        | TableFeature::ChangeDataFeed
        | TableFeature::GeneratedColumns
        | TableFeature::IdentityColumns
        | TableFeature::InCommitTimestamp
        | TableFeature::RowTracking
        | TableFeature::DomainMetadata
        | TableFeature::IcebergCompatV1
        | TableFeature::IcebergCompatV2
        | TableFeature::IcebergCompatV3
        | TableFeature::ClusteredTable
        | TableFeature::MaterializePartitionColumns
        | TableFeature::AllowColumnDefaults => true,
        TableFeature::CatalogManaged
        | TableFeature::CatalogOwnedPreview
        | TableFeature::AdaptiveMetadataPreview
        | TableFeature::GeospatialType
        | TableFeature::Unknown(_) => false,
    }
}

fn is_writable(feature: &TableFeature) -> bool {
    match feature {
        TableFeature::AppendOnly
        | TableFeature::Invariants
        | TableFeature::CheckConstraints
        | TableFeature::ChangeDataFeed
        | TableFeature::GeneratedColumns
        | TableFeature::ColumnMapping
        | TableFeature::DeletionVectors
        | TableFeature::TimestampWithoutTimezone
        | TableFeature::IdentityColumns
        | TableFeature::InCommitTimestamp
        | TableFeature::RowTracking
        | TableFeature::DomainMetadata
        | TableFeature::ClusteredTable
        | TableFeature::AllowColumnDefaults
        | TableFeature::TypeWidening
        | TableFeature::TypeWideningPreview
        | TableFeature::VacuumProtocolCheck
        | TableFeature::V2Checkpoint => true,
        TableFeature::IcebergCompatV1
        | TableFeature::IcebergCompatV2
        | TableFeature::IcebergCompatV3
        | TableFeature::MaterializePartitionColumns
        | TableFeature::CatalogManaged
        | TableFeature::CatalogOwnedPreview
        | TableFeature::VariantType
        | TableFeature::VariantTypePreview
        | TableFeature::VariantShredding
        | TableFeature::VariantShreddingPreview
        | TableFeature::AdaptiveMetadataPreview
        | TableFeature::GeospatialType
        | TableFeature::Unknown(_) => false,
    }
}

fn unsupported(doing: &str, feature: &TableFeature) -> Error {
    Error::unsupported(format!("{doing} a table with the Delta feature \"{feature}\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ErrorKind;

    fn protocol(reader: &[&str], writer: &[&str]) -> Protocol {
        let protocol = serde_json::json!({
            "minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": reader, "writerFeatures": writer,
        });
        serde_json::from_value(protocol).unwrap()
    }

    #[test]
    fn refusals_name_the_feature() {
        let managed = protocol(&["catalogManaged"], &["catalogManaged", "inCommitTimestamp"]);
        let refused = check_readable(&managed).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::FeatureNotSupported);
        assert!(refused.message().contains("\"catalogManaged\""), "{refused}");

        check_format("Parquet").unwrap();
        assert!(check_format("orc").unwrap_err().message().contains("\"orc\""));

        let iceberg = protocol(&[], &["icebergCompatV2"]);
        check_readable(&iceberg).unwrap();
        assert!(check_writable(&iceberg).unwrap_err().message().contains("\"icebergCompatV2\""));
    }
}
