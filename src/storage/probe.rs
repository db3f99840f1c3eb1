//! Whether a storage honours conditional put, on which every commit relies. It leaves nothing behind.

use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload, Result};
use uuid::Uuid;

/// The folder of the probe's file; readers of tables pass over names with an underscore.
const FOLDER: &str = "_lakegate_probe";

/// Makes a file twice, each time only if it does not exist, and tells whether the second time failed.
pub async fn honours_create(store: &dyn ObjectStore, root: &Path) -> Result<bool> {
    let path = root.clone().join(FOLDER).join(Uuid::new_v4().to_string());
    let create =
        || store.put_opts(&path, PutPayload::from_static(b"probe"), PutMode::Create.into());
    let first = create().await;
    let honours = match first {
        Ok(_) => match create().await {
            Ok(_) => false,
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => true,
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => false,
            Err(error) => return Err(error),
        },
        // A repeated request: its first answer was lost, and the second attempt met its own file.
        Err(Error::AlreadyExists { .. }) => true,
        Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => false,
        Err(error) => return Err(error),
    };
    if let Err(error) = store.delete(&path).await {
        tracing::debug!(%error, "the probe's file stays");
    }
    if !honours {
        tracing::error!(%store, %root, "the storage ignores conditional put; writes are refused");
    }
    Ok(honours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;

    #[tokio::test]
    async fn memory_honours_it_and_keeps_nothing() {
        let store = InMemory::new();
        assert!(honours_create(&store, &Path::from("a")).await.unwrap());
        let left = store.list_with_delimiter(Some(&Path::from("a"))).await.unwrap();
        assert!(left.objects.is_empty() && left.common_prefixes.is_empty());
    }
}
