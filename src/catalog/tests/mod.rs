//! What the metastore promises, tested through its public face; the fixture that the tests share.

mod changes;
mod constraints;
mod durability;
mod random;
mod temporary;

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};

use crate::base::{ErrorKind, PrincipalId, Result, SecurableId};

use super::change::{Change, NewCatalog, NewPrincipal, NewRelation, NewSchema};
use super::principal::PrincipalKind;
use super::securable::{Column, RelationKind, Table, View};
use super::{Grant, Metastore, Privilege, Relation, Schema, Snapshot};

/// A new metastore in memory with the user `admin`, the catalog `main` and the schema `public`.
async fn metastore() -> Arc<Metastore> {
    let metastore = Metastore::open("sqlite::memory:").await.unwrap();
    metastore.initialise(user("admin"), "main", "public").await.unwrap();
    metastore
}

fn user(name: &str) -> NewPrincipal {
    let (id, kind) = (PrincipalId::generate(), PrincipalKind::User);
    NewPrincipal { id, name: name.to_owned(), kind, admin: name == "admin", verifier: None }
}

fn group(name: &str) -> NewPrincipal {
    NewPrincipal { kind: PrincipalKind::Group, ..user(name) }
}

fn admin(snapshot: &Snapshot) -> PrincipalId {
    snapshot.principal("admin").unwrap().id
}

fn public(snapshot: &Snapshot) -> Arc<Schema> {
    let catalog = snapshot.catalog("main").unwrap().id;
    Arc::clone(snapshot.schema(catalog, "public").unwrap())
}

fn relation(snapshot: &Snapshot, name: &str) -> Arc<Relation> {
    Arc::clone(snapshot.relation(public(snapshot).id, name).unwrap())
}

fn column(number: i16, name: &str, data_type: DataType) -> Column {
    let field = Field::new(name, data_type, true);
    Column { id: SecurableId::generate(), number, field, comment: None, source: None }
}

fn view_kind(definition: &str) -> RelationKind {
    RelationKind::View(View {
        definition: definition.to_owned(),
        catalog: "main".to_owned(),
        search_path: vec!["$user".to_owned(), "public".to_owned()],
    })
}

fn table_kind(location: &str, managed: bool) -> RelationKind {
    RelationKind::Table(Table {
        location: location.to_owned(),
        managed,
        partition_columns: vec!["a".to_owned()],
        foreign: None,
        sources: Vec::new(),
    })
}

/// A relation with two columns in `main.public`.
fn new_relation(snapshot: &Snapshot, name: &str, kind: RelationKind) -> NewRelation {
    NewRelation {
        id: SecurableId::generate(),
        schema: public(snapshot).id,
        name: name.to_owned(),
        owner: admin(snapshot),
        comment: Some(format!("about {name}")),
        kind,
        columns: vec![column(1, "a", DataType::Int64), column(2, "b", DataType::Utf8View)],
        constraints: Vec::new(),
    }
}

fn new_catalog(snapshot: &Snapshot, name: &str) -> NewCatalog {
    let (id, owner) = (SecurableId::generate(), admin(snapshot));
    NewCatalog { id, name: name.to_owned(), owner, comment: None }
}

fn new_schema(snapshot: &Snapshot, catalog: SecurableId, name: &str) -> NewSchema {
    let (id, owner) = (SecurableId::generate(), admin(snapshot));
    NewSchema { id, catalog, name: name.to_owned(), owner, comment: None }
}

/// Creates a view in `main.public`.
async fn create_view(metastore: &Metastore, name: &str) -> Arc<Relation> {
    let new = new_relation(&metastore.snapshot(), name, view_kind("SELECT 1"));
    let snapshot = metastore.apply(&[Change::CreateRelation(new)]).await.unwrap();
    relation(&snapshot, name)
}

fn kind_of<T>(result: Result<T>) -> ErrorKind {
    match result {
        Ok(_) => panic!("an error was expected"),
        Err(error) => error.kind(),
    }
}

/// Asserts that the database holds what the snapshot says.
async fn assert_stored(metastore: &Metastore) {
    let facts = super::load::facts(&mut *metastore.writer().await).await.unwrap();
    assert_eq!(*metastore.snapshot(), Snapshot::new(facts));
}
