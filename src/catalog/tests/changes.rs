//! Each change: what it makes, what it refuses, and that SQL and snapshot agree after it.

use super::*;

#[tokio::test]
async fn a_new_metastore_has_a_user_a_catalog_and_a_schema() {
    let metastore = Metastore::open("sqlite::memory:").await.unwrap();
    assert!(metastore.is_new());
    let snapshot = metastore.initialise(user("admin"), "main", "public").await.unwrap();
    assert!(!metastore.is_new());
    assert_eq!(snapshot.revision(), 1);
    assert_eq!(public(&snapshot).oid.0, 2200);
    assert_eq!(snapshot.catalog("main").unwrap().owner, admin(&snapshot));
    let again = metastore.initialise(user("root"), "other", "public").await;
    assert_eq!(kind_of(again), ErrorKind::ObjectNotInPrerequisiteState);
    assert_stored(&metastore).await;
}

#[tokio::test]
async fn taken_names_give_the_errors_of_postgresql() {
    let metastore = metastore().await;
    create_view(&metastore, "v").await;
    let other = create_view(&metastore, "other").await;
    let snapshot = metastore.snapshot();
    let main = snapshot.catalog("main").unwrap().id;
    let view = new_relation(&snapshot, "v", view_kind("SELECT 1"));
    let cases = [
        (Change::CreateCatalog(new_catalog(&snapshot, "main")), "42P04", "database \"main\""),
        (Change::CreateSchema(new_schema(&snapshot, main, "public")), "42P06", "schema \"public\""),
        (Change::CreateRelation(view), "42P07", "relation \"v\""),
        (Change::CreatePrincipal(user("admin")), "42710", "role \"admin\""),
        (Change::Rename { id: other.id, name: "v".to_owned() }, "42P07", "relation \"v\""),
    ];
    for (change, sqlstate, what) in cases {
        let error = metastore.apply(&[change]).await.unwrap_err();
        assert_eq!(error.sqlstate(), sqlstate);
        assert_eq!(error.message(), format!("{what} already exists"));
    }
    assert!(Arc::ptr_eq(&snapshot, &metastore.snapshot()));
    assert_stored(&metastore).await;
}

#[tokio::test]
async fn things_that_are_gone_are_undefined() {
    let metastore = metastore().await;
    let snapshot = metastore.snapshot();
    let (gone, nobody) = (SecurableId::generate(), PrincipalId::generate());
    let mut orphan = new_relation(&snapshot, "v", view_kind("SELECT 1"));
    orphan.schema = gone;
    let columns = vec![];
    let cases = [
        (Change::CreateSchema(new_schema(&snapshot, gone, "s")), "3D000"),
        (Change::CreateRelation(orphan), "3F000"),
        (
            Change::SetColumns { id: gone, columns, partition_columns: vec![], checks: vec![] },
            "42P01",
        ),
        (Change::Drop { id: gone }, "42704"),
        (Change::Rename { id: gone, name: "x".to_owned() }, "42704"),
        (Change::SetOwner { id: public(&snapshot).id, owner: nobody }, "42704"),
        (Change::DropPrincipal { id: nobody }, "42704"),
    ];
    for (change, sqlstate) in cases {
        assert_eq!(metastore.apply(&[change]).await.unwrap_err().sqlstate(), sqlstate);
    }
}

#[tokio::test]
async fn an_error_leaves_nothing_of_the_whole_list() {
    let metastore = metastore().await;
    let before = metastore.snapshot();
    let changes = [
        Change::CreateCatalog(new_catalog(&before, "sales")),
        Change::CreatePrincipal(user("ann")),
        Change::CreatePrincipal(user("ann")),
    ];
    assert_eq!(kind_of(metastore.apply(&changes).await), ErrorKind::DuplicateObject);
    assert!(Arc::ptr_eq(&before, &metastore.snapshot()));
    assert_stored(&metastore).await;
    let [first, second, _] = changes;
    let after = metastore.apply(&[first, second]).await.unwrap();
    assert_eq!(after.revision(), before.revision() + 1);
    assert!(before.catalog("sales").is_none(), "a snapshot never changes");
}

#[tokio::test]
async fn a_change_decided_on_an_old_snapshot_is_refused() {
    let metastore = metastore().await;
    let old = metastore.snapshot();
    create_view(&metastore, "v").await;
    let change = [Change::CreatePrincipal(user("ann"))];
    let late = metastore.apply_at(old.revision(), &change).await;
    assert_eq!(kind_of(late), ErrorKind::SerializationFailure);
    let now = metastore.snapshot().revision();
    metastore.apply_at(now, &change).await.unwrap();
}

#[tokio::test]
async fn oids_are_never_used_twice() {
    let metastore = metastore().await;
    let first = create_view(&metastore, "v").await;
    metastore.apply(&[Change::Drop { id: first.id }]).await.unwrap();
    let second = create_view(&metastore, "v").await;
    assert!(second.oid > first.oid && first.oid.0 >= 16384);
}

#[tokio::test]
async fn a_drop_takes_all_that_is_inside() {
    let metastore = metastore().await;
    let view = create_view(&metastore, "v").await;
    let snapshot = metastore.snapshot();
    let grant =
        Grant { securable: view.id, principal: admin(&snapshot), privilege: Privilege::Select };
    let snapshot = metastore.apply(&[Change::Grant(grant), Change::Grant(grant)]).await.unwrap();
    assert!(snapshot.has_grant(view.id, grant.principal, Privilege::Select));
    let main = snapshot.catalog("main").unwrap().id;
    let snapshot = metastore.apply(&[Change::Drop { id: main }]).await.unwrap();
    assert!(snapshot.securable(view.id).is_none());
    assert!(snapshot.securable_by_oid(view.oid).is_none());
    assert_eq!(snapshot.grants_on(view.id).count(), 0);
    assert_stored(&metastore).await;
}

#[tokio::test]
async fn a_rename_or_move_keeps_identity_and_grants() {
    let metastore = metastore().await;
    let view = create_view(&metastore, "v").await;
    let snapshot = metastore.snapshot();
    let schema = new_schema(&snapshot, snapshot.catalog("main").unwrap().id, "archive");
    let (schema_id, principal) = (schema.id, admin(&snapshot));
    let grant = Grant { securable: view.id, principal, privilege: Privilege::Select };
    let changes = [
        Change::Grant(grant),
        Change::CreateSchema(schema),
        Change::Rename { id: view.id, name: "w".to_owned() },
        Change::SetSchema { id: view.id, schema: schema_id },
    ];
    let snapshot = metastore.apply(&changes).await.unwrap();
    let moved = snapshot.relation(schema_id, "w").unwrap();
    assert_eq!((moved.id, moved.oid), (view.id, view.oid));
    assert!(snapshot.relation(view.schema, "v").is_none());
    assert!(snapshot.has_grant(view.id, principal, Privilege::Select));
    assert_stored(&metastore).await;
    // Made and gone within one list.
    let passing = new_relation(&snapshot, "passing", view_kind("SELECT 1"));
    let drop = Change::Drop { id: passing.id };
    metastore.apply(&[Change::CreateRelation(passing), drop]).await.unwrap();
    assert_stored(&metastore).await;
}

#[tokio::test]
async fn columns_may_trade_names_and_keep_their_ids() {
    let metastore = metastore().await;
    let new = new_relation(&metastore.snapshot(), "t", table_kind("file:///t", false));
    let snapshot = metastore.apply(&[Change::CreateRelation(new)]).await.unwrap();
    let table = relation(&snapshot, "t");
    assert_eq!(table.columns[1].field.data_type(), &DataType::Utf8, "the canonical type");
    let mut columns = table.columns.to_vec();
    let (first, second) = (columns[0].field.name().clone(), columns[1].field.name().clone());
    columns[0].field.set_name(second);
    columns[1].field.set_name(first);
    columns.push(column(3, "c", DataType::Date32));
    let change =
        Change::SetColumns { id: table.id, columns, partition_columns: vec![], checks: vec![] };
    let comment = Change::SetColumnComment {
        relation: table.id,
        column: table.columns[0].id,
        comment: Some("was a".to_owned()),
    };
    let snapshot = metastore.apply(&[change, comment]).await.unwrap();
    let changed = relation(&snapshot, "t");
    let names: Vec<&str> = changed.columns.iter().map(|c| c.field.name().as_str()).collect();
    assert_eq!(names, ["b", "a", "c"]);
    assert_eq!(changed.columns[0].id, table.columns[0].id);
    assert_stored(&metastore).await;

    let columns = vec![changed.columns[2].clone()];
    let change =
        Change::SetColumns { id: table.id, columns, partition_columns: vec![], checks: vec![] };
    metastore.apply(&[change]).await.unwrap();
    assert_stored(&metastore).await;
    // A column of another relation cannot be taken over.
    let mut thief = new_relation(&snapshot, "thief", view_kind("SELECT 1"));
    thief.columns = changed.columns[2..].to_vec();
    let stolen = metastore.apply(&[Change::CreateRelation(thief)]).await;
    assert_eq!(kind_of(stolen), ErrorKind::InternalError);
    assert_stored(&metastore).await;
}

#[tokio::test]
async fn doubled_columns_are_refused() {
    let metastore = metastore().await;
    let mut new = new_relation(&metastore.snapshot(), "v", view_kind("SELECT 1"));
    new.columns = vec![column(1, "a", DataType::Int8), column(2, "a", DataType::Int8)];
    let doubled = metastore.apply(&[Change::CreateRelation(new)]).await;
    assert_eq!(kind_of(doubled), ErrorKind::DuplicateColumn);
}

#[tokio::test]
async fn an_owner_cannot_be_dropped() {
    let metastore = metastore().await;
    create_view(&metastore, "v").await;
    let ann = user("ann");
    let (ann_id, snapshot) = (ann.id, metastore.snapshot());
    let view = relation(&snapshot, "v");
    let grant = Grant { securable: view.id, principal: ann_id, privilege: Privilege::Select };
    let owner = Change::SetOwner { id: view.id, owner: ann_id };
    metastore.apply(&[Change::CreatePrincipal(ann), owner, Change::Grant(grant)]).await.unwrap();
    let error = metastore.apply(&[Change::DropPrincipal { id: ann_id }]).await.unwrap_err();
    assert_eq!(error.sqlstate(), "2BP01");
    assert_eq!(error.detail(), Some("owner of view main.public.v"));
    let back = Change::SetOwner { id: view.id, owner: admin(&snapshot) };
    let drop = Change::DropPrincipal { id: ann_id };
    let snapshot = metastore.apply(&[back, drop]).await.unwrap();
    assert_eq!(snapshot.grants_on(view.id).count(), 0);
    assert_stored(&metastore).await;
}

#[tokio::test]
async fn groups_hold_members_without_cycles() {
    let metastore = metastore().await;
    let (staff, sales, ann) = (group("staff"), group("sales"), user("ann"));
    let (staff_id, sales_id, ann_id) = (staff.id, sales.id, ann.id);
    let add = |group, member| Change::AddMember { group, member };
    let mut changes: Vec<Change> =
        [staff, sales, ann].into_iter().map(Change::CreatePrincipal).collect();
    changes.extend([add(staff_id, sales_id), add(sales_id, ann_id), add(sales_id, ann_id)]);
    let snapshot = metastore.apply(&changes).await.unwrap();
    assert_eq!(snapshot.identities_of(ann_id), [ann_id, sales_id, staff_id].into());
    for (group, member) in [(sales_id, staff_id), (staff_id, staff_id)] {
        let cycle = metastore.apply(&[add(group, member)]).await;
        assert_eq!(kind_of(cycle), ErrorKind::InvalidObjectDefinition);
    }
    let in_user = metastore.apply(&[add(ann_id, staff_id)]).await;
    assert_eq!(kind_of(in_user), ErrorKind::WrongObjectType);
    assert_stored(&metastore).await;
    let snapshot = metastore.apply(&[Change::DropPrincipal { id: sales_id }]).await.unwrap();
    assert_eq!(snapshot.identities_of(ann_id), [ann_id].into());
    assert_stored(&metastore).await;
}

#[tokio::test]
async fn the_last_admin_stays() {
    let metastore = Metastore::open("sqlite::memory:").await.unwrap();
    let with_password = |name| NewPrincipal { verifier: Some("verifier".to_owned()), ..user(name) };
    let admin = with_password("admin");
    let admin_id = admin.id;
    metastore.initialise(admin, "main", "public").await.unwrap();
    let demote = Change::SetAdmin { id: admin_id, admin: false };
    let lock_out = Change::SetVerifier { id: admin_id, verifier: None };
    for change in [&demote, &lock_out] {
        let error = metastore.apply(std::slice::from_ref(change)).await.unwrap_err();
        assert_eq!((error.sqlstate(), error.hint().is_some()), ("55006", true), "{error}");
    }

    // An admin through a group is one; who cannot log in is none.
    let root = NewPrincipal { admin: true, ..group("root") };
    let (ann, root_id) = (with_password("ann"), root.id);
    let ann_id = ann.id;
    let join = Change::AddMember { group: root_id, member: ann_id };
    let made = [Change::CreatePrincipal(root), Change::CreatePrincipal(ann), join];
    metastore.apply(&made).await.unwrap();
    metastore.apply(&[demote]).await.unwrap();
    let leave = Change::RemoveMember { group: root_id, member: ann_id };
    for (change, sqlstate) in [
        (Change::DropPrincipal { id: ann_id }, "2BP01"),
        (Change::DropPrincipal { id: root_id }, "2BP01"),
        (Change::SetAdmin { id: root_id, admin: false }, "55006"),
        (leave, "55006"),
    ] {
        let error = metastore.apply(std::slice::from_ref(&change)).await.unwrap_err();
        assert_eq!(error.sqlstate(), sqlstate, "{change:?}");
    }
    assert_stored(&metastore).await;
    let back = Change::SetAdmin { id: admin_id, admin: true };
    metastore.apply(&[back, Change::DropPrincipal { id: root_id }]).await.unwrap();
}

#[tokio::test]
async fn everybody_is_granted_to_and_is_no_principal() {
    let metastore = metastore().await;
    create_view(&metastore, "v").await;
    let view = relation(&metastore.snapshot(), "v").id;
    let principal = PrincipalId::PUBLIC;
    let grant = Grant { securable: view, principal, privilege: Privilege::Select };
    metastore.apply(&[Change::Grant(grant), Change::Grant(grant)]).await.unwrap();
    assert_stored(&metastore).await;
    assert!(metastore.snapshot().has_grant(view, principal, Privilege::Select));
    metastore.apply(&[Change::Revoke(grant)]).await.unwrap();
    assert_stored(&metastore).await;
    metastore.apply(&[Change::Grant(grant), Change::Drop { id: view }]).await.unwrap();
    assert_stored(&metastore).await;
    for name in ["public", "account users", "none"] {
        let reserved = metastore.apply(&[Change::CreatePrincipal(user(name))]).await;
        assert_eq!(kind_of(reserved), ErrorKind::InvalidName);
    }
    let owner = Change::SetOwner { id: public(&metastore.snapshot()).id, owner: principal };
    assert_eq!(kind_of(metastore.apply(&[owner]).await), ErrorKind::UndefinedObject);
}

#[tokio::test]
async fn a_change_shares_what_it_does_not_touch() {
    let metastore = metastore().await;
    let kept = create_view(&metastore, "kept").await;
    create_view(&metastore, "other").await;
    assert!(Arc::ptr_eq(&kept, &relation(&metastore.snapshot(), "kept")));
}
