//! `x COLLATE "C"` becomes `x`: text is ordered by its bytes, which is the collations `C`, `POSIX` and
//! `ucs_basic`, and the server's default is one of them. Any other collation is refused.

use sqlparser::ast::{Expr, ObjectName, ObjectNamePart};

use super::take;
use crate::base::{Error, Result};

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Collate { expr, collation } = expression else { return Ok(()) };
    if !orders_by_bytes(collation) {
        return Err(Error::unsupported(format!("collation {collation}"))
            .with_hint("Text is compared by its bytes, as with COLLATE \"C\"."));
    }
    *expression = take(expr);
    Ok(())
}

fn orders_by_bytes(collation: &ObjectName) -> bool {
    let name = match collation.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => name,
        [ObjectNamePart::Identifier(schema), ObjectNamePart::Identifier(name)]
            if schema.value.eq_ignore_ascii_case("pg_catalog") =>
        {
            name
        }
        _ => return false,
    };
    ["default", "C", "POSIX", "ucs_basic", "C.UTF-8", "C.utf8"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(&name.value))
}
