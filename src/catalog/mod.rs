//! What exists: catalogs, schemas, tables, views, principals, grants, and the metastore that keeps them.
//! It never opens a table and never decides who may do what.
