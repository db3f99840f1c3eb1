//! Constraints: which may be, what goes with what, and that the database has what the snapshot says.

use super::*;
use crate::base::{Deferral, ReferentialAction, ReferentialRules};
use crate::catalog::{Check, ConstraintKind, NewConstraint};

fn key(name: &str, primary: bool, columns: &[SecurableId]) -> NewConstraint {
    let kind = ConstraintKind::Key { primary, columns: columns.to_vec(), rely: false };
    let deferral = Deferral::Deferrable;
    NewConstraint { id: SecurableId::generate(), name: name.to_owned(), kind, deferral }
}

fn foreign(name: &str, from: &Relation, to: &Relation, places: &[usize]) -> NewConstraint {
    let at = |relation: &Relation| places.iter().map(|at| relation.columns[*at].id).collect();
    let kind = ConstraintKind::Foreign {
        columns: at(from),
        relation: to.id,
        referenced: at(to),
        rely: true,
        rules: ReferentialRules {
            on_delete: ReferentialAction::Cascade,
            on_update: ReferentialAction::SetDefault,
            match_full: true,
        },
    };
    let deferral = Deferral::Deferrable;
    NewConstraint { id: SecurableId::generate(), name: name.to_owned(), kind, deferral }
}

fn names(snapshot: &Snapshot, relation: &str) -> Vec<String> {
    let constraints = &self::relation(snapshot, relation).constraints;
    constraints.iter().map(|constraint| constraint.name.clone()).collect()
}

/// The tables `parent`, with a primary key over both columns, and `child`, which refers to it.
async fn family(metastore: &Metastore) -> (Arc<Relation>, Arc<Relation>) {
    let table = |name: &str| {
        let kind = table_kind(&format!("file:///{name}"), false);
        new_relation(&metastore.snapshot(), name, kind)
    };
    let mut parent = table("parent");
    let columns: Vec<SecurableId> = parent.columns.iter().map(|column| column.id).collect();
    parent.constraints = vec![key("parent_pkey", true, &columns)];
    let changes = [Change::CreateRelation(parent), Change::CreateRelation(table("child"))];
    let snapshot = metastore.apply(&changes).await.unwrap();
    let (parent, child) = (relation(&snapshot, "parent"), relation(&snapshot, "child"));
    let constraint = foreign("fk", &child, &parent, &[0, 1]);
    metastore.apply(&[Change::AddConstraint { relation: child.id, constraint }]).await.unwrap();
    assert_stored(metastore).await;
    (parent, child)
}

#[tokio::test]
async fn a_foreign_key_goes_with_the_key_that_it_refers_to() {
    for what in ["drop the key", "drop the table", "drop a column", "replace the table"] {
        let metastore = metastore().await;
        let (parent, child) = family(&metastore).await;
        let key = relation(&metastore.snapshot(), "parent").constraints[0].id;
        let change = match what {
            "drop the key" => Change::DropConstraint { relation: parent.id, constraint: key },
            "drop the table" => Change::Drop { id: parent.id },
            "drop a column" => Change::SetColumns {
                id: parent.id,
                columns: parent.columns[..1].to_vec(),
                partition_columns: Vec::new(),
                checks: Vec::new(),
            },
            _ => Change::ReplaceRelation {
                id: parent.id,
                kind: parent.kind.clone(),
                columns: parent.columns.to_vec(),
                comment: None,
                constraints: Vec::new(),
            },
        };
        let snapshot = metastore.apply(&[change]).await.unwrap();
        assert!(names(&snapshot, "child").is_empty(), "{what}");
        assert_eq!(snapshot.referring_to(parent.id).count(), 0, "{what}");
        assert_stored(&metastore).await;
        metastore.apply(&[Change::Drop { id: child.id }]).await.unwrap();
        assert_stored(&metastore).await;
    }
}

#[tokio::test]
async fn constraints_that_cannot_be_are_refused() {
    let metastore = metastore().await;
    let (parent, child) = family(&metastore).await;
    let first = parent.columns[0].id;
    let add = |relation, constraint| [Change::AddConstraint { relation, constraint }];
    let second = metastore.apply(&add(parent.id, key("another", true, &[first]))).await;
    assert_eq!(kind_of(second), ErrorKind::InvalidTableDefinition);
    let taken = key("parent_pkey", false, &[child.columns[0].id]);
    let taken = metastore.apply(&add(child.id, taken)).await;
    assert_eq!(kind_of(taken), ErrorKind::DuplicateTable);
    let no_key = metastore.apply(&add(child.id, foreign("x", &child, &parent, &[0]))).await;
    assert_eq!(kind_of(no_key), ErrorKind::InvalidForeignKey);
    let twice = metastore.apply(&add(child.id, foreign("fk", &child, &parent, &[0, 1]))).await;
    assert_eq!(kind_of(twice), ErrorKind::DuplicateObject);
    let of_another = metastore.apply(&add(child.id, key("y", false, &[first]))).await;
    assert_eq!(kind_of(of_another), ErrorKind::UndefinedColumn);
    let named = new_relation(&metastore.snapshot(), "parent_pkey", view_kind("SELECT 1"));
    let named = metastore.apply(&[Change::CreateRelation(named)]).await;
    assert_eq!(kind_of(named), ErrorKind::DuplicateTable);
    assert_stored(&metastore).await;
}

#[tokio::test]
async fn checks_follow_the_table_and_keep_their_oids() {
    let metastore = metastore().await;
    let (parent, _) = family(&metastore).await;
    let set = |names: &[&str]| Change::SetColumns {
        id: parent.id,
        columns: parent.columns.to_vec(),
        partition_columns: Vec::new(),
        checks: names
            .iter()
            .map(|name| Check { name: (*name).to_owned(), expression: "a > 0".to_owned() })
            .collect(),
    };
    let oid = |snapshot: &Snapshot, name: &str| {
        let table = relation(snapshot, "parent");
        table.constraints.iter().find(|known| known.name == name).map(|known| known.oid)
    };
    let before = metastore.apply(&[set(&["c", "d"])]).await.unwrap();
    assert_eq!(names(&before, "parent"), ["parent_pkey", "c", "d"]);
    let after = metastore.apply(&[set(&["d", "e"])]).await.unwrap();
    assert_eq!(names(&after, "parent"), ["parent_pkey", "d", "e"]);
    assert_eq!(oid(&before, "d"), oid(&after, "d"));
    assert_eq!(names(&after, "child"), ["fk"]);
    assert_stored(&metastore).await;
}
