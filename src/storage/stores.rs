//! The object stores in use, one for each bucket or file system. It never reads or writes through one.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::object_store::ObjectStoreRegistry;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use url::{Position, Url};

use super::bucket::{Bucket, Place, no_place};
use super::credential::{Credential, Provider};
use super::error::error_of_store;
use super::location::{Location, Scheme};
use super::open::{StoreOptions, open};
use crate::base::limits::Limits;
use crate::base::{Error, Result};

/// Object stores by the root of their URLs, each made once and rooted at its bucket or file system.
///
/// The engine looks stores up here too: it is DataFusion's registry.
pub struct Stores {
    options: StoreOptions,
    by_root: RwLock<HashMap<String, Arc<dyn ObjectStore>>>,
    buckets: RwLock<HashMap<String, Bucket>>,
}

impl Stores {
    /// Stores that are as patient as the default limits.
    pub fn new() -> Self {
        Stores::with_options(StoreOptions::new(&Limits::default()))
    }

    pub fn with_options(options: StoreOptions) -> Self {
        Stores { options, by_root: RwLock::default(), buckets: RwLock::default() }
    }

    /// The store that holds a location; paths in it begin at the bucket or file system's root.
    ///
    /// 55000 for a place in an object store that no credential is known for.
    pub fn store(&self, location: &Location) -> Result<Arc<dyn ObjectStore>> {
        let root = root_of(location.url());
        if Provider::of(location.scheme()).is_some() {
            let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
            let bucket = buckets.get(root).filter(|bucket| bucket.place(location.path()).is_some());
            let store: Arc<dyn ObjectStore> = Arc::new(bucket.ok_or_else(no_place)?.clone());
            return Ok(store);
        }
        if let Some(store) = self.find(root) {
            return Ok(store);
        }
        let store: Arc<dyn ObjectStore> = match location.scheme() {
            Scheme::Memory => Arc::new(InMemory::new()),
            _ => Arc::new(LocalFileSystem::new()),
        };
        let mut stores = self.by_root.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(stores.entry(root.to_owned()).or_insert(store)))
    }

    /// 22023 for a credential that no store of the location can be opened with.
    pub fn check(&self, location: &Location, credential: &Credential) -> Result<()> {
        open(location, credential, &self.options).map(drop)
    }

    /// Says with which credential each place in an object store is reached, from the next request on.
    /// Places that stay as they are keep their connections.
    pub fn set_places(&self, places: Vec<(Location, Arc<Credential>)>) {
        let mut wanted: HashMap<String, Vec<Arc<Place>>> = HashMap::new();
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        for (location, credential) in places {
            let root = root_of(location.url()).to_owned();
            let known = buckets.get(&root).and_then(|bucket| {
                let places = bucket.places();
                places
                    .iter()
                    .find(|known| known.location == location && known.credential == credential)
                    .map(Arc::clone)
            });
            let place = known.unwrap_or_else(|| {
                // Places of one bucket and one credential share their connections.
                let mut others = wanted.get(&root).into_iter().flatten();
                let shared = others.find(|other| other.credential == credential);
                let store = match shared.and_then(|other| other.opened()) {
                    Some(store) => Ok(store),
                    None => open(&location, &credential, &self.options),
                };
                Arc::new(Place::new(location, credential, store))
            });
            wanted.entry(root).or_default().push(place);
        }
        let mut stores = self.by_root.write().unwrap_or_else(PoisonError::into_inner);
        for root in wanted.keys() {
            let bucket = buckets.entry(root.clone()).or_insert_with(|| Bucket::new(root));
            stores.insert(root.clone(), Arc::new(bucket.clone()));
        }
        for (root, bucket) in buckets.iter() {
            bucket.set_places(wanted.remove(root).unwrap_or_default());
        }
    }

    /// Removes every file below a location.
    pub async fn remove_all(&self, location: &Location) -> Result<()> {
        let store = self.store(location)?;
        let files = store.list(Some(location.path())).map_ok(|file| file.location).boxed();
        let removed = store.delete_stream(files);
        removed.try_for_each(|_| std::future::ready(Ok(()))).await.map_err(error_of_store)
    }

    fn find(&self, root: &str) -> Option<Arc<dyn ObjectStore>> {
        self.by_root.read().unwrap_or_else(PoisonError::into_inner).get(root).map(Arc::clone)
    }
}

impl Default for Stores {
    fn default() -> Self {
        Stores::new()
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
    }

    #[test]
    fn a_place_in_a_bucket_needs_a_credential_that_covers_it() {
        let stores = Stores::new();
        let location = |text: &str| Location::parse(text).unwrap();
        let refused = |text: &str| stores.store(&location(text)).err().map(|error| error.kind());
        assert_eq!(refused("s3://bucket/a/t"), Some(ErrorKind::ObjectNotInPrerequisiteState));
        let credential = Arc::new(Credential::from_environment(Provider::S3));
        let both = ["s3://bucket/a", "s3://bucket/b"];
        stores.set_places(both.map(|url| (location(url), Arc::clone(&credential))).to_vec());
        let opened: Vec<_> = stores.buckets.read().unwrap()["s3://bucket"]
            .places()
            .iter()
            .map(|place| place.opened().unwrap())
            .collect();
        assert!(opened.len() == 2 && Arc::ptr_eq(&opened[0], &opened[1]));
        assert_eq!(refused("s3://bucket/a/t"), None);
        assert_eq!(refused("s3://bucket/ab"), Some(ErrorKind::ObjectNotInPrerequisiteState));
        stores.set_places(Vec::new());
        assert_eq!(refused("s3://bucket/a/t"), Some(ErrorKind::ObjectNotInPrerequisiteState));
    }
}
