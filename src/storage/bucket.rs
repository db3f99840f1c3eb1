//! A bucket as tables see it: every request goes, with the credential of the external location that covers
//! its path, to the store behind. Credentials that change are used from the next request on. It keeps no
//! bytes and knows no tables.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
    UploadPart,
};
use tokio::sync::OnceCell;

use super::credential::Credential;
use super::failure::{carried, described};
use super::location::Location;
use super::probe::honours_create;
use crate::base::{Error, ErrorKind};

/// A place that data may lie in, with the store that holds it.
pub struct Place {
    pub location: Location,
    pub credential: Arc<Credential>,
    store: std::result::Result<Arc<dyn ObjectStore>, Error>,
    /// Whether commits to it exclude each other; asked once, before the first write.
    honours_create: OnceCell<bool>,
}

impl Place {
    pub fn new(
        location: Location,
        credential: Arc<Credential>,
        store: crate::base::Result<Arc<dyn ObjectStore>>,
    ) -> Self {
        Place { location, credential, store, honours_create: OnceCell::new() }
    }

    /// The store behind, if it could be opened.
    pub fn opened(&self) -> Option<Arc<dyn ObjectStore>> {
        self.store.as_ref().ok().map(Arc::clone)
    }

    fn store(&self) -> Result<&Arc<dyn ObjectStore>> {
        self.store.as_ref().map_err(|error| {
            let mut same = Error::new(error.kind(), error.message());
            if let Some(hint) = error.hint() {
                same = same.with_hint(hint);
            }
            carried(same)
        })
    }

    /// The store, once it is known that two writers cannot both make one file.
    async fn writable_store(&self) -> Result<&Arc<dyn ObjectStore>> {
        let store = self.store()?;
        let honours = self
            .honours_create
            .get_or_try_init(|| honours_create(store.as_ref(), self.location.path()))
            .await
            .map_err(described)?;
        if *honours {
            return Ok(store);
        }
        Err(carried(
            Error::unsupported("writing to a storage that ignores conditional put")
                .with_detail(
                    "The storage overwrites a file that was to be made only if it did not exist: two \
                     writers could each lose the other's commit.",
                )
                .with_hint("Use a storage that honours If-None-Match. Reading works."),
        ))
    }
}

/// One bucket or container, and the places in it.
#[derive(Clone)]
pub struct Bucket {
    /// The URL of its root.
    root: Arc<str>,
    places: Arc<ArcSwap<Vec<Arc<Place>>>>,
}

impl Bucket {
    pub fn new(root: &str) -> Self {
        Bucket { root: root.into(), places: Arc::default() }
    }

    pub fn set_places(&self, places: Vec<Arc<Place>>) {
        self.places.store(Arc::new(places));
    }

    pub fn places(&self) -> Arc<Vec<Arc<Place>>> {
        self.places.load_full()
    }

    /// The place that a path lies in; the innermost of several.
    pub fn place(&self, path: &Path) -> Option<Arc<Place>> {
        let places = self.places.load();
        let covering = places.iter().filter(|place| path.prefix_matches(place.location.path()));
        covering.max_by_key(|place| place.location.path().as_ref().len()).map(Arc::clone)
    }

    fn covering(&self, path: &Path) -> Result<Arc<Place>> {
        self.place(path).ok_or_else(|| carried(no_place()))
    }
}

/// No external location says how to reach a path.
pub fn no_place() -> Error {
    Error::new(
        ErrorKind::ObjectNotInPrerequisiteState,
        "no external location covers the place of the data",
    )
    .with_hint("Make one with CREATE EXTERNAL LOCATION … WITH (STORAGE CREDENTIAL …).")
}

#[async_trait]
impl ObjectStore for Bucket {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let place = self.covering(path)?;
        let store = place.writable_store().await?;
        store.put_opts(path, payload, options).await.map_err(described)
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let place = self.covering(path)?;
        let store = place.writable_store().await?;
        let upload = store.put_multipart_opts(path, options).await.map_err(described)?;
        Ok(Box::new(Upload(upload)))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let place = self.covering(path)?;
        let mut result = place.store()?.get_opts(path, options).await.map_err(described)?;
        if let GetResultPayload::Stream(bytes) = result.payload {
            result.payload = GetResultPayload::Stream(bytes.map_err(described).boxed());
        }
        Ok(result)
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let place = self.covering(path)?;
        place.store()?.get_ranges(path, ranges).await.map_err(described)
    }

    /// Paths of one call lie in one place, as those of a table do.
    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let deleted = self.clone().deleted(paths);
        stream::once(deleted).try_flatten().map_err(described).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.listed(prefix) {
            Ok(store) => store.list(prefix).map_err(described).boxed(),
            Err(error) => stream::once(std::future::ready(Err(error))).boxed(),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.listed(prefix) {
            Ok(store) => store.list_with_offset(prefix, offset).map_err(described).boxed(),
            Err(error) => stream::once(std::future::ready(Err(error))).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.listed(prefix)?.list_with_delimiter(prefix).await.map_err(described)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let place = self.one_place(from, to)?;
        let store = place.writable_store().await?;
        store.copy_opts(from, to, options).await.map_err(described)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let place = self.one_place(from, to)?;
        let store = place.writable_store().await?;
        store.rename_opts(from, to, options).await.map_err(described)
    }
}

impl Bucket {
    async fn deleted(
        self,
        mut paths: BoxStream<'static, Result<Path>>,
    ) -> Result<BoxStream<'static, Result<Path>>> {
        let Some(first) = paths.next().await else { return Ok(stream::empty().boxed()) };
        let first = first?;
        let place = self.covering(&first)?;
        let store = Arc::clone(place.store()?);
        let paths = stream::once(std::future::ready(Ok(first))).chain(paths).map(move |path| {
            let path = path?;
            match path.prefix_matches(place.location.path()) {
                true => Ok(path),
                false => Err(carried(Error::internal("one removal in two places"))),
            }
        });
        Ok(store.delete_stream(paths.boxed()))
    }

    fn listed(&self, prefix: Option<&Path>) -> Result<Arc<dyn ObjectStore>> {
        let place = self.covering(prefix.unwrap_or(&Path::ROOT))?;
        place.store().map(Arc::clone)
    }

    fn one_place(&self, from: &Path, to: &Path) -> Result<Arc<Place>> {
        let place = self.covering(to)?;
        match from.prefix_matches(place.location.path()) {
            true => Ok(place),
            false => Err(carried(Error::unsupported("a copy between external locations"))),
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({})", self.root)
    }
}

/// An upload in parts whose failures say what they mean.
#[derive(Debug)]
struct Upload(Box<dyn MultipartUpload>);

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let part = self.0.put_part(data);
        Box::pin(async move { part.await.map_err(described) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.0.complete().await.map_err(described)
    }

    async fn abort(&mut self) -> Result<()> {
        self.0.abort().await.map_err(described)
    }
}
