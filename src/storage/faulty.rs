//! A store that refuses, loses answers, answers late or twice, and dies, for tests. What went wrong follows from a
//! seed and from the order of requests; it never breaks what the store below it promises.

use std::fmt;
use std::future::pending;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::execution::object_store::ObjectStoreRegistry;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use url::Url;

use super::Stores;

/// The longest time that a late request is on its way, in milliseconds.
const LATE_MILLIS_MAX: u64 = 150;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is done and answered.
    Well,
    /// It fails before anything is done.
    Refused,
    /// It is done, and its answer is lost.
    Unanswered,
    /// It fails, and is done a while later all the same.
    Late,
    /// It arrives twice, and the second answer comes back.
    Twice,
    /// The process dies; whether the last request was done is the flag.
    Dies(bool),
    /// The process is dead.
    Dead,
}

/// The store below with faults, shared by all its clones.
#[derive(Debug, Clone)]
struct Faulty {
    inner: Arc<dyn ObjectStore>,
    faults: Arc<Faults>,
}

/// What goes wrong.
#[derive(Debug)]
pub struct Faults {
    random: AtomicU64,
    /// Of so many writes one goes wrong; 0 for none.
    one_in: AtomicU64,
    /// Writes until the process dies; negative afterwards.
    writes_left: AtomicI64,
}

impl Faults {
    /// One in so many writes goes wrong from now on; none with 0.
    pub fn set(&self, one_in: u64) {
        self.one_in.store(one_in, Ordering::SeqCst);
    }

    /// The process dies at the write after so many.
    pub fn die_after(&self, writes: u32) {
        self.writes_left.store(i64::from(writes), Ordering::SeqCst);
    }

    pub fn is_dead(&self) -> bool {
        self.writes_left.load(Ordering::SeqCst) < 0
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn next(&self) -> u64 {
        let step = 0x9e37_79b9_7f4a_7c15_u64;
        let mut mixed = self.random.fetch_add(step, Ordering::SeqCst).wrapping_add(step);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn of_write(&self) -> Fate {
        match self.writes_left.fetch_sub(1, Ordering::SeqCst) {
            0 => return Fate::Dies(self.next().is_multiple_of(2)),
            ..0 => return Fate::Dead,
            1.. => {}
        }
        let one_in = self.one_in.load(Ordering::SeqCst);
        if one_in == 0 || !self.next().is_multiple_of(one_in) {
            return Fate::Well;
        }
        match self.next() % 4 {
            0 => Fate::Refused,
            1 => Fate::Unanswered,
            2 => Fate::Late,
            _ => Fate::Twice,
        }
    }

    /// Reads fail less often than writes, and only before they begin.
    fn check_read(&self) -> Result<()> {
        let one_in = self.one_in.load(Ordering::SeqCst);
        let fails = one_in > 0 && self.next().is_multiple_of(one_in.saturating_mul(4));
        if self.is_dead() || fails { Err(lost()) } else { Ok(()) }
    }
}

impl Stores {
    /// Has the local file system fail from now on as the faults say; there are none yet.
    pub fn have_faults(&self, seed: u64) -> Arc<Faults> {
        let store = Faulty::new(Arc::new(LocalFileSystem::new()), seed);
        let faults = Arc::clone(&store.faults);
        let root = Url::from_directory_path("/").unwrap();
        self.register_store(&root, Arc::new(store));
        faults
    }
}

impl Faulty {
    fn new(inner: Arc<dyn ObjectStore>, seed: u64) -> Self {
        let faults = Faults {
            random: AtomicU64::new(seed),
            one_in: AtomicU64::new(0),
            writes_left: AtomicI64::new(i64::MAX),
        };
        Faulty { inner, faults: Arc::new(faults) }
    }

    /// Does a write as its fate will have it.
    async fn write<T, F>(&self, request: impl Fn(Arc<dyn ObjectStore>) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let begin = || request(Arc::clone(&self.inner));
        match self.faults.of_write() {
            Fate::Well => begin().await,
            Fate::Refused => Err(lost()),
            Fate::Unanswered => {
                _ = begin().await;
                Err(lost())
            }
            Fate::Late => {
                let way = Duration::from_millis(self.faults.next() % LATE_MILLIS_MAX);
                let request = begin();
                // It is on its way even when the process that sent it has ended.
                std::thread::spawn(move || {
                    std::thread::sleep(way);
                    _ = futures::executor::block_on(request);
                });
                Err(lost())
            }
            Fate::Twice => {
                _ = begin().await;
                begin().await
            }
            Fate::Dies(is_done) => {
                if is_done {
                    _ = begin().await;
                }
                pending().await
            }
            Fate::Dead => pending().await,
        }
    }
}

fn lost() -> object_store::Error {
    object_store::Error::Generic { store: "faulty", source: "the connection was lost".into() }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with faults", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.write(|inner| {
            let (location, payload, options) = (location.clone(), payload.clone(), options.clone());
            async move { inner.put_opts(&location, payload, options).await }
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(FaultyUpload { upload, faults: Arc::clone(&self.faults) }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.faults.check_read()?;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.faults.check_read()?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let deleted = locations.and_then(move |location| {
            let store = store.clone();
            async move {
                store
                    .write(|inner| {
                        let one = stream::iter([Ok(location.clone())]).boxed();
                        async move { inner.delete_stream(one).try_collect::<Vec<_>>().await }
                    })
                    .await?;
                Ok(location)
            }
        });
        deleted.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.faults.check_read() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.faults.check_read() {
            Ok(()) => self.inner.list_with_offset(prefix, offset),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.faults.check_read()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.write(|inner| {
            let (from, to, options) = (from.clone(), to.clone(), options.clone());
            async move { inner.copy_opts(&from, &to, options).await }
        })
        .await
    }
}

/// An upload in parts, of which only the end goes wrong: what was not completed is no object.
#[derive(Debug)]
struct FaultyUpload {
    upload: Box<dyn MultipartUpload>,
    faults: Arc<Faults>,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        match self.faults.of_write() {
            Fate::Well | Fate::Twice => self.upload.complete().await,
            Fate::Refused => Err(lost()),
            Fate::Unanswered | Fate::Late => {
                _ = self.upload.complete().await;
                Err(lost())
            }
            Fate::Dies(_) | Fate::Dead => pending().await,
        }
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}
