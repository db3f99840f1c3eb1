//! WITH in front of a statement where one of them changes rows: the parts of one statement, as data. A WITH of
//! queries in front of a query or an INSERT is part of that query and is not told of here.

use super::statement::Statement;

/// `WITH name AS (part), … body`
#[derive(Debug, Clone)]
pub struct With {
    /// In the order of the text. Each sees those before it.
    pub items: Vec<WithItem>,
    pub body: WithPart,
}

/// One named part.
#[derive(Debug, Clone)]
pub struct WithItem {
    pub name: String,
    /// Other names for its first columns.
    pub columns: Vec<String>,
    pub part: WithPart,
}

/// A query, INSERT, UPDATE, DELETE or MERGE.
#[derive(Debug, Clone)]
pub struct WithPart {
    pub statement: Statement,
    /// The numbers of the parameters that it names.
    pub parameters: Vec<usize>,
}

/// The name of the relation that stands for the rows of an item in the trees of the parts after it.
pub fn item_key(item: usize) -> String {
    format!("with#{item}")
}
