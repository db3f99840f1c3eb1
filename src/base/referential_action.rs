//! What a foreign key says that becomes of its rows when those change that it refers to. Nothing acts on it: clients
//! read it, and act themselves.

/// `ON DELETE` or `ON UPDATE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReferentialAction {
    #[default]
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

/// What a foreign key says of rows that change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReferentialRules {
    pub on_update: ReferentialAction,
    pub on_delete: ReferentialAction,
    /// `MATCH FULL`: of several columns all are NULL or none.
    pub match_full: bool,
}

impl ReferentialRules {
    /// Whether rows are to change because others do.
    pub fn has_actions(&self) -> bool {
        [self.on_update, self.on_delete].into_iter().any(|action| match action {
            ReferentialAction::NoAction | ReferentialAction::Restrict => false,
            ReferentialAction::Cascade
            | ReferentialAction::SetNull
            | ReferentialAction::SetDefault => true,
        })
    }
}

impl ReferentialAction {
    pub const ALL: [ReferentialAction; 5] = [
        ReferentialAction::NoAction,
        ReferentialAction::Restrict,
        ReferentialAction::Cascade,
        ReferentialAction::SetNull,
        ReferentialAction::SetDefault,
    ];

    /// In SQL.
    pub fn name(self) -> &'static str {
        match self {
            ReferentialAction::NoAction => "NO ACTION",
            ReferentialAction::Restrict => "RESTRICT",
            ReferentialAction::Cascade => "CASCADE",
            ReferentialAction::SetNull => "SET NULL",
            ReferentialAction::SetDefault => "SET DEFAULT",
        }
    }

    /// In `pg_constraint.confupdtype` and `confdeltype`.
    pub fn letter(self) -> &'static str {
        match self {
            ReferentialAction::NoAction => "a",
            ReferentialAction::Restrict => "r",
            ReferentialAction::Cascade => "c",
            ReferentialAction::SetNull => "n",
            ReferentialAction::SetDefault => "d",
        }
    }
}
