//! Where a table lives: one canonical URL for every spelling of a place. It never looks whether
//! anything is there.

use std::fmt;

use object_store::path::Path;
use url::Url;

use crate::base::{Error, ErrorKind, Result};

/// The kinds of storage that a location can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// A file system of this machine.
    File,
    /// The memory of this process: for tests.
    Memory,
    /// Amazon S3 and what speaks its protocol.
    S3,
    /// Azure Data Lake Storage, with the account in the URL.
    Abfss,
    /// Azure Blob Storage: a container of the storage credential's account.
    Az,
    /// Google Cloud Storage.
    Gs,
}

impl Scheme {
    /// The scheme as URLs spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Scheme::File => "file",
            Scheme::Memory => "memory",
            Scheme::S3 => "s3",
            Scheme::Abfss => "abfss",
            Scheme::Az => "az",
            Scheme::Gs => "gs",
        }
    }

    /// The scheme of a URL; `s3a`, Hadoop's name of S3, is `s3`.
    fn of(name: &str) -> Option<Scheme> {
        match name {
            "file" => Some(Scheme::File),
            "memory" => Some(Scheme::Memory),
            "s3" | "s3a" => Some(Scheme::S3),
            "abfss" => Some(Scheme::Abfss),
            "az" => Some(Scheme::Az),
            "gs" => Some(Scheme::Gs),
            _ => None,
        }
    }

    /// Whether URLs of this scheme name a bucket or container before the path.
    const fn has_authority(self) -> bool {
        match self {
            Scheme::File | Scheme::Memory => false,
            Scheme::S3 | Scheme::Abfss | Scheme::Az | Scheme::Gs => true,
        }
    }
}

/// The root of a table: an absolute URL, checked and in one canonical spelling.
///
/// Two locations are equal exactly if they name the same place, and let the table read the same others:
/// escapes are decoded and written anew, and there is always one slash at the end of [`Location::url`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    url: Url,
    path: Path,
    /// The roots of other tables in the same store, of which the table is a shallow clone: its log may name
    /// files below them.
    sources: Vec<Location>,
}

impl Location {
    /// The location that a text names: a URL with a scheme of [`Scheme`], or an absolute path of
    /// this machine's file system, which has no escapes.
    ///
    /// Refused with 22023: relative paths, `.` and `..`, empty path segments, queries, fragments,
    /// ports and passwords.
    pub fn parse(text: &str) -> Result<Self> {
        if text.starts_with('/') {
            let path = Path::parse(text).map_err(|cause| invalid(text).caused_by(cause))?;
            return Location::new(Scheme::File, "", path, text);
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(invalid(text)
                .with_hint("Give an absolute path, or a URL such as s3://bucket/path."));
        };
        let scheme = Scheme::of(&scheme.to_ascii_lowercase()).ok_or_else(|| {
            Error::unsupported(format!("storage of the kind \"{scheme}\""))
                .with_hint("Use a file, s3, abfss, az or gs URL.")
        })?;
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        if text.contains(['?', '#']) || authority.is_empty() == scheme.has_authority() {
            return Err(invalid(text));
        }
        // `Path` refuses dot segments, also escaped ones, and empty segments.
        let path = Path::from_url_path(path).map_err(|cause| invalid(text).caused_by(cause))?;
        Location::new(scheme, authority, path, text)
    }

    fn new(scheme: Scheme, authority: &str, path: Path, text: &str) -> Result<Self> {
        if path.as_ref().is_empty() && !scheme.has_authority() {
            return Err(invalid(text).with_detail("The root of a file system is no table."));
        }
        let root = format!("{}://{authority}/", scheme.name());
        let mut url = Url::parse(&root).map_err(|cause| invalid(text).caused_by(cause))?;
        let container = scheme == Scheme::Abfss && url.password().is_none();
        if url.port().is_some() || !(url.username().is_empty() || container) {
            return Err(invalid(text));
        }
        // Lower case, as names of hosts, buckets and containers are.
        let host = url.host_str().map(str::to_ascii_lowercase);
        url.set_host(host.as_deref()).map_err(|cause| invalid(text).caused_by(cause))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(path.parts().map(|part| part.as_ref().to_owned())).push("");
        }
        Ok(Location { url, path, sources: Vec::new() })
    }

    /// The location of a folder inside this one; `name` is one segment, not escaped.
    pub fn join(&self, name: &str) -> Result<Self> {
        let path = Path::parse(format!("{}/{name}", self.path))
            .map_err(|cause| invalid(name).caused_by(cause))?;
        let authority = self.url.authority().to_owned();
        Location::new(self.scheme(), &authority, path, name)
    }

    /// The same place of a table whose log may name files below other tables' roots.
    ///
    /// Refused with 0A000: roots in another object store.
    pub fn with_sources(self, sources: Vec<Location>) -> Result<Self> {
        if sources.iter().any(|source| source.store_url() != self.store_url()) {
            return Err(Error::unsupported("a table with files in another object store")
                .with_hint("Use CREATE TABLE … DEEP CLONE, which copies them."));
        }
        let sources = sources.into_iter().map(|source| Location { sources: Vec::new(), ..source });
        let mut sources: Vec<Location> = sources.collect();
        sources.sort();
        sources.dedup();
        Ok(Location { sources, ..self })
    }

    /// The roots of other tables that files of the table lie below.
    pub fn sources(&self) -> &[Location] {
        &self.sources
    }

    /// The URL of a file in the same store, not escaped, by which the logs of other tables can name it.
    pub fn reference(&self, file: &Path) -> String {
        format!("{}{file}", self.store_url())
    }

    /// The URL, with a slash at its end.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The path below the root of the bucket or file system, not escaped.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn scheme(&self) -> Scheme {
        // Only `new` makes locations, with one of these schemes.
        Scheme::of(self.url.scheme()).unwrap_or(Scheme::File)
    }

    /// The URL of the bucket or file system, with the slash at its end.
    pub fn store_url(&self) -> Url {
        let mut root = self.url.clone();
        root.set_path("/");
        root
    }

    /// Whether `other` is this place or lies below it.
    pub fn covers(&self, other: &Location) -> bool {
        self.store_url() == other.store_url() && other.path.prefix_matches(&self.path)
    }

    /// The path of a file that the table's log names, or `None` if it lies outside of the table and of its
    /// sources.
    ///
    /// `reference` is a URI, relative to the table or absolute (Delta protocol, "Add File").
    pub fn file(&self, reference: &str) -> Option<Path> {
        let relative = match reference.strip_prefix(self.url.as_str()) {
            Some(relative) => relative,
            None if is_absolute(reference) => return self.absolute_file(reference),
            None => reference,
        };
        let relative = Path::from_url_path(relative).ok()?;
        Some(self.path.parts().chain(relative.parts()).collect())
    }

    /// The same for a reference whose escapes have been resolved already.
    pub fn resolved_file(&self, reference: &str) -> Option<Path> {
        if is_absolute(reference) {
            let root = self.store_url();
            let path = match reference.strip_prefix(root.as_str()) {
                Some(path) => path,
                None => reference.strip_prefix("file:/").filter(|_| root.scheme() == "file")?,
            };
            return self.readable(Path::parse(path).ok()?);
        }
        let relative = Path::parse(reference).ok()?;
        Some(self.path.parts().chain(relative.parts()).collect())
    }

    /// Whether a file is the table's own, which may be written and deleted with it.
    pub fn owns(&self, file: &Path) -> bool {
        file.prefix_match(&self.path).is_some()
    }

    fn readable(&self, file: Path) -> Option<Path> {
        let is_readable = self.owns(&file) || self.sources.iter().any(|source| source.owns(&file));
        is_readable.then_some(file)
    }

    fn absolute_file(&self, reference: &str) -> Option<Path> {
        // Hadoop writes URIs without an authority with one slash (RFC 8089, appendix B): `file:/data/t/f`.
        let file = match reference.strip_prefix("file:/") {
            Some(path) if !path.starts_with('/') => Location::parse(&format!("file:///{path}")),
            Some(_) | None => Location::parse(reference),
        }
        .ok()?;
        if file.store_url() != self.store_url() {
            return None;
        }
        self.readable(file.path)
    }
}

/// Whether a URI begins with a scheme, and so is not relative.
fn is_absolute(reference: &str) -> bool {
    reference.starts_with('/')
        || reference.split_once(':').is_some_and(|(scheme, _)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        })
}

fn invalid(text: &str) -> Error {
    Error::new(ErrorKind::InvalidParameterValue, format!("\"{text}\" is not a table location"))
}

impl fmt::Display for Location {
    /// The URL without the slash at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        Location::parse(text).unwrap().url().to_string()
    }

    #[test]
    fn spellings_of_one_place_are_equal() {
        assert_eq!(canonical("/data/a b"), "file:///data/a%20b/");
        assert_eq!(canonical("file:///data/a%20b/"), "file:///data/a%20b/");
        assert_eq!(canonical("FILE:///data/%61%20b"), "file:///data/a%20b/");
        assert_eq!(canonical("/data/50%"), "file:///data/50%25/");
        assert_eq!(canonical("s3a://Bucket/t"), "s3://bucket/t/");
        assert_eq!(canonical("s3://bucket"), "s3://bucket/");
        let abfss = "abfss://container@account.dfs.core.windows.net/t/";
        assert_eq!(canonical(abfss), abfss);
        assert_eq!(canonical("memory:///t"), "memory:///t/");
        assert_eq!(
            Location::parse("/a/b").unwrap().join("c d").unwrap().to_string(),
            "file:///a/b/c%20d"
        );
    }

    #[test]
    fn what_is_no_absolute_place_is_refused() {
        let refused = [
            "relative",
            "",
            "/",
            "file:///",
            "file://host/t",
            "/a/../b",
            "/a/./b",
            "/a//b",
            "file:///a/%2e%2e/b",
            "s3:///t",
            "s3://b/t?x=1",
            "s3://b/t#x",
            "s3://b:80/t",
            "s3://user:password@b/t",
            "http://b/t",
            "/a/\u{0}",
        ];
        for text in refused {
            assert!(Location::parse(text).is_err(), "{text:?} was taken");
        }
        assert!(Location::parse("/a").unwrap().join("..").is_err());
    }

    #[test]
    fn a_place_covers_what_lies_below_it() {
        let covers = |outer: &str, inner: &str| {
            Location::parse(outer).unwrap().covers(&Location::parse(inner).unwrap())
        };
        assert!(covers("s3://bucket", "s3://bucket/a/b"));
        assert!(covers("s3://bucket/a", "s3://bucket/a/"));
        assert!(!covers("s3://bucket/a", "s3://bucket/ab"));
        assert!(!covers("s3://bucket/a/b", "s3://bucket/a"));
        assert!(!covers("s3://bucket", "s3://other/a"));
        assert!(!covers("s3://bucket", "gs://bucket/a"));
    }

    #[test]
    fn files_are_found_inside_the_table_only() {
        let table = Location::parse("/data/t").unwrap();
        let file = |reference| table.file(reference).map(|path| path.to_string());
        assert_eq!(file("p=a%20b/f.parquet").as_deref(), Some("data/t/p=a b/f.parquet"));
        assert_eq!(file("p=a%252Fb/f").as_deref(), Some("data/t/p=a%2Fb/f"));
        assert_eq!(file("p=a:b/f").as_deref(), Some("data/t/p=a:b/f"));
        assert_eq!(file("file:///data/t/f").as_deref(), Some("data/t/f"));
        assert_eq!(file("file:/data/t/a%20f").as_deref(), Some("data/t/a f"));
        assert_eq!(file("file:///data/u/f"), None);
        assert_eq!(file("file:/data/u/f"), None);
        assert_eq!(file("file:/data/t/../u/f"), None);
        assert_eq!(file("file:"), None);
        assert_eq!(file("file:/"), None);
        assert_eq!(file("/data/u/f"), None);
        assert_eq!(file("../u/f"), None);
        assert_eq!(file("%2e%2e/u/f"), None);
        assert_eq!(file("s3://bucket/f"), None);
    }

    #[test]
    fn files_of_sources_are_found_by_their_urls() {
        let location = |path| Location::parse(path).unwrap();
        let source = location("/data/s");
        let table = location("/data/t").with_sources(vec![source.clone(), source]).unwrap();
        let file = |reference| table.file(reference).map(|path| path.to_string());
        assert_eq!(file("f").as_deref(), Some("data/t/f"));
        assert_eq!(file("file:///data/s/p=a%253Ab/f").as_deref(), Some("data/s/p=a%3Ab/f"));
        assert_eq!(file("file:/data/s/f").as_deref(), Some("data/s/f"));
        assert_eq!(file("file:///data/sx/f"), None);
        assert_eq!(file("file:///data/s/../u/f"), None);
        let resolved = |reference| table.resolved_file(reference).map(|path| path.to_string());
        let reference = table.reference(&Path::from("data/s/p=a%3Ab/f"));
        assert_eq!(resolved(&reference).as_deref(), Some(reference.trim_start_matches("file:///")));
        assert_eq!(resolved("file:///data/u/f"), None);
        assert_ne!(table, location("/data/t"));
        assert!(!table.owns(&Path::from("data/s/f")) && table.owns(&Path::from("data/t/f")));
        assert!(location("/data/t").with_sources(vec![location("s3://b/t")]).is_err());
    }
}
