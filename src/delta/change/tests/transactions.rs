//! Commits that a transaction stages for itself: what they come to, when they conflict, how they are taken
//! back.

use super::*;
use uuid::Uuid;

impl Fixture {
    /// The same table as a transaction sees it from now on.
    pub(super) async fn transaction(&self) -> Fixture {
        let tables = Arc::new(self.tables.for_transaction());
        tables.open(&self.location).await.unwrap();
        Fixture {
            _folder: None,
            location: self.location.clone(),
            stores: Arc::clone(&self.stores),
            session: self.session.clone(),
            tables,
        }
    }

    async fn net(&self) -> NetChange {
        let mut nets = NetChange::of(self.tables.staged().unwrap()).await.unwrap();
        assert_eq!(nets.len(), 1);
        nets.remove(0)
    }

    async fn commit(&self, transaction: &Fixture, isolation: Isolation) -> Result<u64> {
        commit_net(&self.tables, &transaction.net().await, isolation, Uuid::new_v4()).await
    }
}

async fn numbers() -> Fixture {
    let fixture = Fixture::with_table(&[("a", DataType::Int32)]).await;
    fixture.insert("select * from (values (1), (2), (3)) v(a)").await.unwrap();
    fixture
}

const SUM: &str = "select count(*), sum(a) from t";

#[tokio::test]
async fn staged_commits_become_one() {
    let table = numbers().await;
    let own = table.transaction().await;
    own.insert("select 10 as a").await.unwrap();
    own.update("a = 10", &[("a", "a + 1")]).await.unwrap();
    own.delete("a = 1").await.unwrap();
    assert_eq!(own.query(SUM).await, ["3|16"]);
    assert_eq!(table.query(SUM).await, ["3|6"]);
    let net = own.net().await;
    assert_eq!(net.discarded.len(), 1, "the file with 10 was written for nothing");
    assert_eq!(table.commit(&own, Isolation::Snapshot).await.unwrap(), 2);
    assert_eq!(table.query(SUM).await, ["3|16"]);
    assert_eq!(table.tables.open(&table.location).await.unwrap().version(), 2);
}

#[tokio::test]
async fn a_rewound_transaction_has_done_nothing_since() {
    let table = numbers().await;
    let own = table.transaction().await;
    own.insert("select 10 as a").await.unwrap();
    let mark = own.tables.staged().unwrap().all();
    own.delete("a > 0").await.unwrap();
    assert_eq!(own.query("select count(*) from t").await, ["0"]);
    own.tables.rewind(&mark).await.unwrap();
    assert_eq!(own.query(SUM).await, ["4|16"]);
    own.tables.rewind(&[]).await.unwrap();
    assert_eq!(own.query(SUM).await, ["3|6"]);
}

#[tokio::test]
async fn only_added_rows_go_together_with_other_changes() {
    use Isolation::{Serializable, Snapshot};
    async fn race(
        isolation: Isolation,
        ours: fn(&Fixture) -> futures::future::BoxFuture<'_, ()>,
        others: fn(&Fixture) -> futures::future::BoxFuture<'_, ()>,
    ) -> bool {
        let table = numbers().await;
        let own = table.transaction().await;
        ours(&own).await;
        others(&table).await;
        table.commit(&own, isolation).await.is_ok()
    }
    let add: fn(&Fixture) -> futures::future::BoxFuture<'_, ()> = |f| {
        Box::pin(async {
            {
                let _ = f.insert("select 10 as a").await.unwrap();
            }
        })
    };
    let change: fn(&Fixture) -> futures::future::BoxFuture<'_, ()> = |f| {
        Box::pin(async {
            {
                let _ = f.update("a = 2", &[("a", "a + 5")]).await.unwrap();
            }
        })
    };
    assert!(race(Snapshot, add, add).await);
    assert!(race(Snapshot, add, change).await);
    assert!(race(Snapshot, change, add).await);
    assert!(!race(Snapshot, change, change).await);
    assert!(!race(Serializable, add, add).await);
    assert!(!race(Serializable, change, add).await);
}

#[tokio::test]
async fn a_commit_is_taken_back() {
    let table = numbers().await;
    let own = table.transaction().await;
    own.delete("a = 2").await.unwrap();
    own.insert("select 10 as a").await.unwrap();
    let id = Uuid::new_v4();
    commit_net(&table.tables, &own.net().await, Isolation::Snapshot, id).await.unwrap();
    assert_eq!(table.query(SUM).await, ["3|14"]);
    // What others have added since stays.
    table.insert("select 100 as a").await.unwrap();
    undo(&table.tables, &table.location, Some(1), id, false).await.unwrap();
    assert_eq!(table.query(SUM).await, ["4|106"]);
    // A commit that never was needs no taking back.
    undo(&table.tables, &table.location, Some(1), Uuid::new_v4(), false).await.unwrap();
    assert_eq!(table.query(SUM).await, ["4|106"]);
}

#[tokio::test]
async fn hidden_commits_become_visible_together() {
    let table = numbers().await;
    let hidden = table.tables.visibility().hide(vec![(table.location.clone(), 2)]);
    let own = table.transaction().await;
    own.insert("select 10 as a").await.unwrap();
    table.commit(&own, Isolation::Snapshot).await.unwrap();
    assert_eq!(table.query(SUM).await, ["3|6"]);
    let before = table.tables.visibility().now();
    drop(hidden);
    assert_eq!(table.query(SUM).await, ["4|16"]);
    let version = table.tables.open_as_of(&table.location, &before).await.unwrap();
    assert_eq!(version.version(), 1, "as of before, it does not count");
}
