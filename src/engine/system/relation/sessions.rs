//! `lakegate_catalog.sessions`: the live sessions; another user's statement text only to an admin.

use datafusion::common::Result;

use crate::base::Oid;

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{INT4, NAME, OID, TEXT, TIMESTAMPTZ};

pub const SESSIONS: NativeRelation = NativeRelation {
    name: "sessions",
    columns: &[
        ("datid", OID),
        ("datname", NAME),
        ("pid", INT4),
        ("usesysid", OID),
        ("usename", NAME),
        ("application_name", TEXT),
        ("client_addr", TEXT),
        ("client_port", INT4),
        ("backend_start", TIMESTAMPTZ),
        ("xact_start", TIMESTAMPTZ),
        ("query_start", TIMESTAMPTZ),
        ("state_change", TIMESTAMPTZ),
        ("wait_event_type", TEXT),
        ("wait_event", TEXT),
        ("state", TEXT),
        ("query", TEXT),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, _: &Lookup, rows: &mut Rows) -> Result<()> {
    let snapshot = visible.snapshot();
    for session in visible.facts.sessions.list().iter() {
        let principal = snapshot.principal(&session.user);
        let mine = principal.is_some_and(|principal| visible.access.is(principal.id));
        let open = mine || visible.access.is_admin();
        let detail = |cell: Cell<'static>| if open { cell } else { Cell::Null };
        let time = |time: Option<i64>| detail(time.map_or(Cell::Null, Cell::Timestamp));
        let query = if open { session.query.as_str() } else { "<insufficient privilege>" };
        let catalog = snapshot.catalog(&session.catalog);
        let catalog = catalog.filter(|catalog| visible.access.may_know(catalog.id));
        let address = session.client_address;
        let wait = match session.state {
            "active" if visible.facts.locks.is_waiting(session.backend_pid) => {
                Some(("Lock", "advisory"))
            }
            "active" => None,
            _ => Some(("Client", "ClientRead")),
        };
        rows.push(&[
            catalog.map_or(Oid::INVALID, |catalog| catalog.oid).into(),
            catalog.map(|catalog| catalog.name.as_str()).into(),
            session.backend_pid.into(),
            principal.map_or(Oid::INVALID, |principal| principal.oid).into(),
            session.user.as_str().into(),
            session.application_name.as_str().into(),
            detail(address.map(|address| address.ip().to_string()).into()),
            detail(address.map(|address| i32::from(address.port())).into()),
            time(Some(session.backend_start)),
            time(session.transaction_start),
            time(session.query_start),
            time(session.state_change),
            detail(wait.map(|(kind, _)| kind).into()),
            detail(wait.map(|(_, event)| event).into()),
            detail(session.state.into()),
            query.into(),
        ])?;
    }
    Ok(())
}
