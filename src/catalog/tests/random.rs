//! Random sequences of changes: after every one, right or wrong, the snapshot that was made from the one
//! before equals the snapshot that the database gives.

use proptest::prelude::*;

use super::*;
use crate::catalog::Check;
use crate::catalog::storage::{
    CredentialOptions, ExternalPlace, NewExternalLocation, NewStorageCredential,
};
use crate::catalog::{Securable, StorageChange};

/// Numbers that `change` turns into a change of whatever exists at that moment.
type Step = (u8, u8, u8, u8);

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn change(snapshot: &Snapshot, (what, first, second, third): Step) -> Change {
    let pick = |from: u8, len: usize| usize::from(from) % len.max(1);
    let name = NAMES[pick(third, NAMES.len())].to_owned();
    let mut securables = Vec::new();
    for catalog in snapshot.catalogs() {
        securables.push(Securable::Catalog(Arc::clone(catalog)));
        for schema in snapshot.schemas_of(catalog.id) {
            securables.push(Securable::Schema(Arc::clone(schema)));
            let relations = snapshot.relations_of(schema.id);
            securables.extend(relations.map(|r| Securable::Relation(Arc::clone(r))));
        }
    }
    let credentials = snapshot.storage_credentials().cloned();
    securables.extend(credentials.map(Securable::StorageCredential));
    securables.extend(snapshot.external_locations().cloned().map(Securable::ExternalLocation));
    let principals: Vec<PrincipalId> = snapshot.principals().map(|p| p.id).collect();
    let nothing = SecurableId::generate();
    let at = |n: u8| securables.get(pick(n, securables.len())).map_or(nothing, Securable::id);
    let who = |n: u8| principals[pick(n, principals.len())];
    let (id, other, owner) = (at(first), at(second), who(second));
    let comment = third.is_multiple_of(2).then(|| name.clone());
    let columns = (0..third % 5).map(|n| {
        let number = i16::from(n) + 1;
        column(number, NAMES[pick(n.wrapping_add(second), 4)], DataType::LargeUtf8)
    });
    let kind = if second.is_multiple_of(2) {
        view_kind(&name)
    } else {
        table_kind(&format!("file:///{first}/{name}"), false)
    };
    let kept = || match snapshot.relation_by_id(id) {
        Some(relation) => relation.columns.iter().rev().take(2).cloned().collect(),
        None => Vec::new(),
    };
    let options = || CredentialOptions {
        provider: "s3".to_owned(),
        plain: [("region".to_owned(), name.clone())].into(),
        sealed: third.is_multiple_of(2).then(|| vec![first, second]),
    };
    let place = || ExternalPlace {
        url: format!("s3://{name}/{}/", second % 3),
        credential: snapshot.storage_credentials().next().map(|credential| credential.id),
    };
    match what % 25 {
        21 => Change::Storage(StorageChange::CreateCredential(NewStorageCredential {
            id: nothing,
            options: options(),
            name,
            owner,
            comment,
        })),
        22 => Change::Storage(StorageChange::SetCredential { id, options: options() }),
        23 => Change::Storage(StorageChange::CreateLocation(NewExternalLocation {
            id: nothing,
            place: place(),
            name,
            owner,
            comment,
        })),
        24 => Change::Storage(StorageChange::SetLocation { id, place: place() }),
        0 => Change::CreateCatalog(NewCatalog { id: nothing, name, owner, comment }),
        1 | 2 => Change::CreateSchema(NewSchema { id: nothing, catalog: id, name, owner, comment }),
        3..=6 => Change::CreateRelation(NewRelation {
            id: nothing,
            schema: id,
            name,
            owner,
            comment,
            kind,
            columns: columns.collect(),
            constraints: Vec::new(),
        }),
        7 => Change::ReplaceRelation {
            id,
            kind,
            columns: columns.collect(),
            comment,
            constraints: Vec::new(),
        },
        8 => {
            let mut columns = kept();
            columns.push(column(third.into(), "new", DataType::Float16));
            Change::SetColumns {
                id,
                columns,
                partition_columns: vec![name],
                checks: checks(second),
            }
        }
        9 => Change::Rename { id, name },
        10 => Change::SetSchema { id, schema: other },
        11 => Change::SetOwner { id, owner },
        12 => Change::SetComment { id, comment },
        13 => {
            let column = kept().first().map_or(nothing, |column| column.id);
            Change::SetColumnComment { relation: id, column, comment }
        }
        14 => Change::Drop { id },
        15 if second.is_multiple_of(3) => Change::CreatePrincipal(user(&name)),
        15 => Change::CreatePrincipal(group(&name)),
        16 => Change::DropPrincipal { id: who(first) },
        17 => Change::AddMember { group: who(first), member: who(second) },
        18 => Change::RemoveMember { group: who(first), member: who(second) },
        what => {
            let privilege = Privilege::ALL[pick(third, Privilege::ALL.len())];
            let grant = Grant { securable: id, principal: who(second), privilege };
            if what == 19 { Change::Grant(grant) } else { Change::Revoke(grant) }
        }
    }
}

/// Up to two checks.
fn checks(seed: u8) -> Vec<Check> {
    let names = ["c", "d"].into_iter().take(usize::from(seed) % 3);
    let check = |name: &str| Check { name: name.to_owned(), expression: format!("a > {seed}") };
    names.map(check).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..Default::default() })]

    #[test]
    fn snapshot_and_database_never_part(steps in prop::collection::vec(any::<Step>(), 1..100)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let metastore = metastore().await;
            let principals = [group("g"), group("h"), user("u")].map(Change::CreatePrincipal);
            metastore.apply(&principals).await.unwrap();
            for pair in steps.chunks(2) {
                let before = metastore.snapshot();
                let changes: Vec<_> = pair.iter().map(|step| change(&before, *step)).collect();
                match metastore.apply(&changes).await {
                    Ok(after) => assert_eq!(after.revision(), before.revision() + 1),
                    Err(error) => {
                        assert_ne!(error.kind(), ErrorKind::DataCorrupted, "{error:?} {changes:?}");
                        assert!(Arc::ptr_eq(&before, &metastore.snapshot()));
                    }
                }
                assert_stored(&metastore).await;
            }
        });
    }
}
