//! Temporary objects over a metastore that goes on changing.

use super::*;
use crate::catalog::TemporaryObjects;

#[tokio::test]
async fn they_are_laid_over_every_snapshot_and_stay_out_of_the_metastore() {
    let metastore = metastore().await;
    let newest = metastore.snapshot();
    let catalog = newest.catalog("main").unwrap();
    let empty = TemporaryObjects::new(catalog, "pg_temp_7".to_owned(), admin(&newest));
    let before = empty.over(&newest);
    let schema = before.temporary_schema().unwrap().id;

    let in_schema =
        |name: &str| NewRelation { schema, ..new_relation(&newest, name, view_kind("")) };
    let made = [
        Change::CreateRelation(in_schema("first")),
        Change::CreateRelation(new_relation(&newest, "lasting", view_kind(""))),
        Change::CreateRelation(in_schema("second")),
    ];
    let after = metastore.preview(&before, &made).unwrap();
    let objects = TemporaryObjects::of(&after).unwrap();
    let names: Vec<_> = objects.relations().iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["first", "second"]);

    // Others change the metastore meanwhile.
    metastore.apply(&made[1..2]).await.unwrap();
    let newest = metastore.snapshot();
    assert_eq!(newest.temporary_schema(), None);
    assert_eq!(newest.relations().count(), 1);
    let over = objects.over(&newest);
    assert_eq!(over.relations().count(), 3);
    for name in ["first", "second"] {
        let relation = over.relation(schema, name).unwrap();
        assert_eq!(relation.oid, after.relation(schema, name).unwrap().oid);
        assert_eq!(over.securable_by_oid(relation.oid).unwrap().id(), relation.id);
    }

    // An OID is not given twice, not even after a drop.
    let used: Vec<_> = objects.relations().iter().map(|relation| relation.oid).collect();
    let drops: Vec<_> = objects.relations().iter().map(|r| Change::Drop { id: r.id }).collect();
    let left = TemporaryObjects::of(&metastore.preview(&over, &drops).unwrap()).unwrap();
    assert!(left.relations().is_empty());
    let third = [Change::CreateRelation(in_schema("third"))];
    let with_third = metastore.preview(&left.over(&newest), &third).unwrap();
    assert!(!used.contains(&with_third.relation(schema, "third").unwrap().oid));
}
