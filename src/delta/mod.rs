//! Delta tables by location and version: snapshots, scans, changes. It knows no names and no users.
