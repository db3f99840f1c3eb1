//! Names to ids against one catalog snapshot: search path, views, time travel. It never opens a table.
