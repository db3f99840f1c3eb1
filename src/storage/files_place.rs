//! Where files lie that a statement names: a folder or a file, and the glob pattern below it. It never looks
//! whether anything is there.

use std::fmt;

use super::glob::Glob;
use super::location::Location;
use crate::base::Result;

/// What begins a glob pattern.
const PATTERN: [char; 4] = ['*', '?', '[', '{'];

/// A place with files, and which of those below it are meant.
#[derive(Debug, Clone)]
pub struct FilesPlace {
    root: Location,
    pattern: Option<Glob>,
}

impl FilesPlace {
    /// The place that a text names: a location as tables have it, whose last segments may be patterns.
    /// 22023 for what is no place or no pattern.
    pub fn parse(text: &str) -> Result<Self> {
        let Some(first) = text.find(PATTERN) else {
            let root = Location::parse(text.strip_suffix('/').unwrap_or(text))?;
            return Ok(FilesPlace { root, pattern: None });
        };
        let folder = text[..first].rfind('/').map_or(0, |slash| slash + 1);
        let (root, pattern) = text.split_at(folder);
        // The slash of `s3://bucket/` is not to be taken for the end of a folder.
        let root = Location::parse(root.strip_suffix('/').unwrap_or(root))?;
        let pattern = Some(Glob::parse(pattern.trim_end_matches('/'))?);
        Ok(FilesPlace { root, pattern })
    }

    /// A place without a pattern.
    pub fn of(root: Location) -> Self {
        FilesPlace { root, pattern: None }
    }

    /// The folder or file that all of it lies in.
    pub fn root(&self) -> &Location {
        &self.root
    }

    /// Which paths below the root are meant; all without one.
    pub fn pattern(&self) -> Option<&Glob> {
        self.pattern.as_ref()
    }
}

impl fmt::Display for FilesPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pattern {
            Some(pattern) => write!(f, "{}/{pattern}", self.root),
            None => self.root.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, Option<String>) {
        let place = FilesPlace::parse(text).unwrap();
        (place.root().to_string(), place.pattern().map(ToString::to_string))
    }

    #[test]
    fn patterns_begin_at_a_folder() {
        assert_eq!(parts("/data/in/"), ("file:///data/in".into(), None));
        assert_eq!(parts("/data/in/*.csv"), ("file:///data/in".into(), Some("*.csv".into())));
        assert_eq!(parts("/data/a{b,c}/x"), ("file:///data".into(), Some("a{b,c}/x".into())));
        assert_eq!(parts("s3://b/*/"), ("s3://b".into(), Some("*".into())));
        assert!(FilesPlace::parse("*.csv").is_err());
        assert!(FilesPlace::parse("/a/../b/*.csv").is_err());
    }
}
