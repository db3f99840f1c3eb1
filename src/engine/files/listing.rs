//! Which files lie in a place: patterns, hidden names, and the values of columns that names of folders hold.
//! It opens no file.

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::options::FileFilter;
use crate::base::{Error, ErrorKind, Result};
use crate::storage::{FilesPlace, Stores, error_of_store};

/// The name of the folder whose rows have NULL in its column (Hive's).
const NULL_FOLDER: &str = "__HIVE_DEFAULT_PARTITION__";

/// The files of a place at one moment.
#[derive(Debug, Clone)]
pub struct FileList {
    pub store: Arc<dyn ObjectStore>,
    /// By path.
    pub files: Vec<ForeignFile>,
    /// The columns that names of folders hold, in their order.
    pub partition_columns: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct ForeignFile {
    pub meta: ObjectMeta,
    /// The values of the partition columns.
    pub partition: Vec<Option<String>>,
    /// The URL by which the file is named.
    pub url: String,
}

/// Lists the files of a place that are meant, by their paths.
pub async fn list(stores: &Stores, place: &FilesPlace, filter: &FileFilter) -> Result<FileList> {
    let root = place.root();
    let store = stores.store(root)?;
    let mut found: Vec<(ObjectMeta, Vec<(String, Option<String>)>)> = Vec::new();
    if place.pattern().is_none()
        && let Ok(meta) = store.head(root.path()).await
        && meta.location == *root.path()
    {
        found.push((meta, Vec::new()));
    } else {
        let mut listed = store.list(Some(root.path()));
        while let Some(meta) = listed.try_next().await.map_err(error_of_store)? {
            let Some(relative) = relative(&meta.location, root.path()) else { continue };
            if relative.starts_with("_delta_log/") {
                return Err(delta_table());
            }
            if let Some(folders) = meant(&relative, place, filter)
                && is_of_time(&meta, filter)
            {
                found.push((meta, folders));
            }
        }
    }
    found.sort_by(|(a, _), (b, _)| a.location.cmp(&b.location));
    let partition_columns = partition_columns(&found, filter)?;
    let url_of = |path: &Path| {
        let mut url = root.store_url();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(path.parts().map(|part| part.as_ref().to_owned()));
        }
        url.to_string()
    };
    let files = found.into_iter().map(|(meta, folders)| {
        let value = |name: &String| {
            folders.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.clone())
        };
        let partition = partition_columns.iter().map(value).collect();
        ForeignFile { url: url_of(&meta.location), partition, meta }
    });
    let files = files.collect();
    Ok(FileList { store, files, partition_columns })
}

fn delta_table() -> Error {
    Error::new(ErrorKind::WrongObjectType, "a Delta table lies at the location")
        .with_detail("Its files are more than the rows of its newest version.")
        .with_hint("Register it with CREATE TABLE … USING DELTA LOCATION, and read the table.")
}

/// The path below the root, not escaped.
fn relative(path: &Path, root: &Path) -> Option<String> {
    let rest = path.prefix_match(root)?;
    let parts: Vec<String> = rest.map(|part| part.as_ref().to_owned()).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The columns in the names of a file's folders, if the file is meant.
fn meant(
    relative: &str,
    place: &FilesPlace,
    filter: &FileFilter,
) -> Option<Vec<(String, Option<String>)>> {
    let mut segments: Vec<&str> = relative.split('/').collect();
    let is_hidden = |segment: &str| {
        segment.starts_with('.') || segment.starts_with('_') && !segment.contains('=')
    };
    if segments.iter().any(|segment| is_hidden(segment)) {
        return None;
    }
    let name = segments.pop()?;
    if filter.name.as_ref().is_some_and(|glob| !glob.matches(name)) {
        return None;
    }
    let below = match place.pattern() {
        Some(pattern) => pattern.rest(relative)?,
        None => relative,
    };
    if filter.is_recursive {
        return Some(Vec::new());
    }
    let mut folders_below = below.split('/').rev().skip(1);
    if !folders_below.all(|folder| column_of(folder).is_some()) {
        return None;
    }
    Some(segments.iter().filter_map(|folder| column_of(folder)).collect())
}

/// `column=value`, as Hive names folders.
fn column_of(folder: &str) -> Option<(String, Option<String>)> {
    let (name, value) = folder.split_once('=').filter(|(name, _)| !name.is_empty())?;
    let value = match Path::from_url_path(value) {
        Ok(decoded) if !value.contains('/') => decoded.to_string(),
        _ => value.to_owned(),
    };
    Some((name.to_owned(), (value != NULL_FOLDER).then_some(value)))
}

fn is_of_time(meta: &ObjectMeta, filter: &FileFilter) -> bool {
    filter.modified_after.is_none_or(|after| meta.last_modified > after)
        && filter.modified_before.is_none_or(|before| meta.last_modified < before)
}

type Found = (ObjectMeta, Vec<(String, Option<String>)>);

/// The columns that the folders of every file name. 22023 where they do not agree.
fn partition_columns(found: &[Found], filter: &FileFilter) -> Result<Vec<String>> {
    let names = |folders: &[(String, Option<String>)]| {
        folders.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    if let Some(wanted) = &filter.partition_columns {
        return Ok(wanted.clone());
    }
    let first = found.first().map(|(_, folders)| names(folders)).unwrap_or_default();
    if found.iter().any(|(_, folders)| names(folders) != first) {
        let message = "the folders of the files name different columns";
        return Err(Error::new(ErrorKind::InvalidParameterValue, message).with_hint(
            "Name those to be read with partitionColumns, or set recursiveFileLookup.",
        ));
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Glob;

    fn folders(relative: &str, place: &str, filter: &FileFilter) -> Option<Vec<String>> {
        let place = FilesPlace::parse(place).unwrap();
        let found = meant(relative, &place, filter)?;
        Some(found.into_iter().map(|(k, v)| format!("{k}={}", v.unwrap_or_default())).collect())
    }

    #[test]
    fn folders_hold_columns_or_are_not_looked_into() {
        let plain = FileFilter::default();
        let none = Some(Vec::new());
        assert_eq!(folders("a.csv", "/d", &plain), none);
        assert_eq!(folders("x/a.csv", "/d", &plain), None);
        assert_eq!(folders("y=1/m=a%20b/a.csv", "/d", &plain).unwrap(), ["y=1", "m=a b"]);
        assert_eq!(folders("_tmp/a.csv", "/d", &plain), None);
        assert_eq!(folders(".a.csv", "/d", &plain), None);
        let recursive = FileFilter { is_recursive: true, ..FileFilter::default() };
        assert_eq!(folders("x/y=1/a.csv", "/d", &recursive), none);
        let name = Some(Glob::parse("*.csv").unwrap());
        let named = FileFilter { name, ..FileFilter::default() };
        assert_eq!(folders("a.json", "/d", &named), None);
        assert_eq!(folders("x/a.csv", "/d/*", &plain), none);
        assert_eq!(folders("x/y/a.csv", "/d/*", &plain), None);
        assert_eq!(folders("y=1/a.csv", "/d/*/*.csv", &plain).unwrap(), ["y=1"]);
    }
}
