//! Writes deletion vectors (Delta protocol, "Deletion Vectors"): small ones for the log, all others of one
//! change into one file. It never makes them part of the table.

use bytes::Bytes;
use delta_kernel::actions::deletion_vector_writer::{
    DeletionVector, StreamingDeletionVectorWriter,
};
use delta_kernel::{DeltaResult, Error as KernelError};
use deltalake::kernel::{DeletionVectorDescriptor, StorageType};
use object_store::ObjectStoreExt;
use roaring::{RoaringTreemap, treemap};
use serde_json::Value;
use uuid::Uuid;

use super::ChangeContext;
use crate::base::{Error, Result};
use crate::delta::deletion_vector::{encoded_id, file_name, file_of};
use crate::storage::{Location, error_of_store};

/// The size up to which a deletion vector is part of the log.
const INLINE_BYTES_MAX: usize = 512;

/// What deletion vectors begin with.
const MAGIC: u32 = 1_681_511_377;

/// The storage type of deletion vectors in files that are named by an identifier.
const IN_FILE: &str = "u";

/// Writes the deletion vectors of a change; what the log calls each of them, in their order.
pub async fn write_vectors(
    ctx: &ChangeContext,
    location: &Location,
    vectors: Vec<RoaringTreemap>,
) -> Result<Vec<DeletionVectorDescriptor>> {
    let id = Uuid::new_v4();
    let mut bytes = Vec::new();
    let mut writer = StreamingDeletionVectorWriter::new(&mut bytes);
    let mut descriptors = Vec::with_capacity(vectors.len());
    for rows in vectors {
        if rows.serialized_size() <= INLINE_BYTES_MAX {
            descriptors.push(inline(Rows(rows))?);
            continue;
        }
        let written = writer.write_deletion_vector(Rows(rows)).map_err(unwritable)?;
        descriptors.push(DeletionVectorDescriptor {
            storage_type: StorageType::UuidRelativePath,
            path_or_inline_dv: encoded_id(id),
            offset: Some(written.offset),
            size_in_bytes: written.size_in_bytes,
            cardinality: written.cardinality,
        });
    }
    if !bytes.is_empty() {
        let path = location.file(&file_name(id));
        let path = path.ok_or_else(|| Error::internal("a deletion vector outside of its table"))?;
        let put = ctx.tables.store(location)?.put(&path, bytes.into()).await;
        put.map_err(error_of_store)?;
    }
    Ok(descriptors)
}

fn inline(rows: Rows) -> Result<DeletionVectorDescriptor> {
    let cardinality = i64::try_from(rows.cardinality()).map_err(too_long)?;
    let mut bytes = MAGIC.to_le_bytes().to_vec();
    bytes.extend(rows.serialize().map_err(unwritable)?);
    let size_in_bytes = i32::try_from(bytes.len()).map_err(too_long)?;
    // The encoding takes four bytes at a time; readers go by the size.
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    Ok(DeletionVectorDescriptor {
        storage_type: StorageType::Inline,
        path_or_inline_dv: z85::encode(bytes),
        offset: None,
        size_in_bytes,
        cardinality,
    })
}

/// The rows of one file, as the kernel's writer takes them.
struct Rows(RoaringTreemap);

impl DeletionVector for Rows {
    type IndexIterator = treemap::IntoIter;

    fn into_iter(self) -> Self::IndexIterator {
        self.0.into_iter()
    }

    fn cardinality(&self) -> u64 {
        self.0.len()
    }

    fn serialize(self) -> DeltaResult<Bytes> {
        let mut bytes = Vec::with_capacity(self.0.serialized_size());
        self.0.serialize_into(&mut bytes).map_err(KernelError::generic_err)?;
        Ok(bytes.into())
    }
}

fn too_long(cause: std::num::TryFromIntError) -> Error {
    Error::unsupported("a deletion vector of that length").caused_by(cause)
}

fn unwritable(cause: KernelError) -> Error {
    Error::internal("a deletion vector could not be written").caused_by(cause)
}

/// The file that an action of the log has its deletion vector in, if Lakegate may have written it.
pub fn vector_file(action: &Value) -> Option<String> {
    let vector = action.get("deletionVector")?;
    let is_in_file = vector.get("storageType")?.as_str() == Some(IN_FILE);
    is_in_file.then(|| file_of(vector.get("pathOrInlineDv")?.as_str()?))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_vectors_are_read_from_the_log() {
        let rows: RoaringTreemap = [0, 7, 1 << 40].into_iter().collect();
        let written = inline(Rows(rows.clone())).unwrap();
        assert_eq!((written.cardinality, written.offset), (3, None));
        assert_eq!(written.path_or_inline_dv.len() % 5, 0);
        let bytes = z85::decode(written.path_or_inline_dv).unwrap();
        assert_eq!(bytes[..4], MAGIC.to_le_bytes());
        let size = usize::try_from(written.size_in_bytes).unwrap();
        assert_eq!(RoaringTreemap::deserialize_from(&bytes[4..size]).unwrap(), rows);
    }
}
