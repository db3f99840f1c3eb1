//! The object stores in use, one for each bucket or file system. It never reads or writes through one.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use url::{Position, Url};

use super::location::{Location, Scheme};
use crate::base::{Error, Result};

/// Object stores by the root of their URLs, each made once and rooted at its bucket or file system.
///
/// The engine looks stores up here too: it is DataFusion's registry.
#[derive(Default)]
pub struct Stores {
    by_root: RwLock<HashMap<String, Arc<dyn ObjectStore>>>,
}

impl Stores {
    pub fn new() -> Self {
        Stores::default()
    }

    /// The store that holds a location; paths in it begin at the bucket or file system's root.
    pub fn store(&self, location: &Location) -> Result<Arc<dyn ObjectStore>> {
        let root = root_of(location.url());
        if let Some(store) = self.find(root) {
            return Ok(store);
        }
        let store: Arc<dyn ObjectStore> = match location.scheme() {
            Scheme::File => Arc::new(LocalFileSystem::new()),
            Scheme::Memory => Arc::new(InMemory::new()),
            scheme @ (Scheme::S3 | Scheme::Abfss | Scheme::Gs) => {
                return Err(Error::unsupported(format!("object store {}", scheme.name()))
                    .with_hint("Use a location on a file system."));
            }
        };
        let mut stores = self.by_root.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(stores.entry(root.to_owned()).or_insert(store)))
    }

    fn find(&self, root: &str) -> Option<Arc<dyn ObjectStore>> {
        self.by_root.read().unwrap_or_else(PoisonError::into_inner).get(root).map(Arc::clone)
    }
}

/// Scheme and authority of a URL: what tells stores apart.
fn root_of(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

impl ObjectStoreRegistry for Stores {
    fn register_store(
        &self,
        url: &Url,
        store: Arc<dyn ObjectStore>,
    ) -> Option<Arc<dyn ObjectStore>> {
        let mut stores = self.by_root.write().unwrap_or_else(PoisonError::into_inner);
        stores.insert(root_of(url).to_owned(), store)
    }

    fn deregister_store(&self, url: &Url) -> DataFusionResult<Arc<dyn ObjectStore>> {
        let mut stores = self.by_root.write().unwrap_or_else(PoisonError::into_inner);
        stores.remove(root_of(url)).ok_or_else(|| not_registered(url))
    }

    fn get_store(&self, url: &Url) -> DataFusionResult<Arc<dyn ObjectStore>> {
        self.find(root_of(url)).ok_or_else(|| not_registered(url))
    }
}

fn not_registered(url: &Url) -> DataFusionError {
    let error = Error::internal(format!("no object store for {}", root_of(url)));
    DataFusionError::External(Box::new(error))
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stores = self.by_root.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(stores.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ErrorKind;

    #[test]
    fn one_store_for_one_root() {
        let stores = Stores::new();
        let store = |text: &str| stores.store(&Location::parse(text).unwrap());
        assert!(Arc::ptr_eq(&store("/a").unwrap(), &store("file:///b/c").unwrap()));
        assert!(!Arc::ptr_eq(&store("/a").unwrap(), &store("memory:///a").unwrap()));
        let refused = store("s3://bucket/t").err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::FeatureNotSupported);
        assert_eq!(refused.message(), "object store s3 is not supported");
    }
}
