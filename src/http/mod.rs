//! Health and metrics over HTTP. It serves no data.
