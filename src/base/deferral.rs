//! When a key says that it is to be checked. Nothing checks keys: clients order their statements by it.

/// `DEFERRABLE` and `INITIALLY DEFERRED` of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deferral {
    #[default]
    NotDeferrable,
    /// `DEFERRABLE [INITIALLY IMMEDIATE]`: at the end of a statement, or of the transaction where that is asked for.
    Deferrable,
    /// `[DEFERRABLE] INITIALLY DEFERRED`: at the end of the transaction.
    Deferred,
}
