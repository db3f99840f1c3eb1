//! What PostgreSQL 16 itself declares: its system relations with their columns, its types, its procedures,
//! read from the recorded files in `sql/system`. OIDs of system objects come from here and nowhere else.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::base::Oid;
use crate::base::datatype::{BaseType, NO_TYPMOD, PgType};
use crate::base::name::quote_identifier;

/// `pg_catalog`'s OID in `pg_namespace`.
pub const PG_CATALOG: Oid = Oid(11);
/// `information_schema`'s OID in `pg_namespace`; PostgreSQL has it in the range that `initdb` hands out.
pub const INFORMATION_SCHEMA: Oid = Oid(13207);
/// The role that owns the system's objects (PostgreSQL's bootstrap superuser).
pub const SYSTEM_ROLE: Oid = Oid(10);
/// The name of [`SYSTEM_ROLE`].
pub const SYSTEM_ROLE_NAME: &str = "lakegate";

/// `classoid` of relations, schemas, databases, roles, types and procedures.
pub const PG_CLASS: Oid = Oid(1259);
pub const PG_CONSTRAINT: Oid = Oid(2606);
pub const PG_NAMESPACE: Oid = Oid(2615);
pub const PG_DATABASE: Oid = Oid(1262);

/// A relation of `pg_catalog` or `information_schema`.
#[derive(Debug)]
pub struct RecordedRelation {
    pub schema: &'static str,
    pub name: &'static str,
    pub oid: Oid,
    /// `r` or `v`.
    pub kind: &'static str,
    pub columns: Vec<RecordedColumn>,
}

#[derive(Debug)]
pub struct RecordedColumn {
    pub name: &'static str,
    /// `text` where Lakegate lacks PostgreSQL's type.
    pub pg_type: PgType,
    pub not_null: bool,
    pub typmod: i32,
}

/// A row of `pg_type`, in PostgreSQL's names.
#[derive(Debug)]
pub struct RecordedType {
    pub oid: Oid,
    pub typname: &'static str,
    pub typlen: i16,
    pub typbyval: bool,
    pub typtype: &'static str,
    pub typcategory: &'static str,
    pub typispreferred: bool,
    pub typdelim: &'static str,
    pub typelem: Oid,
    pub typarray: Oid,
    pub typinput: Oid,
    pub typoutput: Oid,
    pub typreceive: Oid,
    pub typsend: Oid,
    pub typmodin: Oid,
    pub typmodout: Oid,
    pub typalign: &'static str,
    pub typstorage: &'static str,
    pub typcollation: Oid,
    pub typsubscript: Oid,
    pub typanalyze: Oid,
}

/// A row of `pg_proc`, in PostgreSQL's names.
#[derive(Debug)]
pub struct RecordedProcedure {
    pub oid: Oid,
    pub proname: &'static str,
    pub prolang: Oid,
    pub procost: f32,
    pub prorows: f32,
    pub provariadic: Oid,
    pub prokind: &'static str,
    pub proleakproof: bool,
    pub proisstrict: bool,
    pub proretset: bool,
    pub provolatile: &'static str,
    pub proparallel: &'static str,
    pub pronargs: i16,
    pub pronargdefaults: i16,
    pub prorettype: Oid,
    pub proargtypes: Vec<i64>,
    pub prosrc: &'static str,
    pub proallargtypes: Option<Vec<i64>>,
    pub proargmodes: Option<Vec<String>>,
    pub proargnames: Option<Vec<String>>,
    /// What `pg_get_function_arguments` says.
    pub arguments: &'static str,
    /// What `pg_get_function_identity_arguments` says.
    pub identity_arguments: &'static str,
    /// What `pg_get_function_result` says.
    pub result: &'static str,
    /// The name as `regproc` shows it: with its schema where it is ambiguous.
    pub regproc: &'static str,
}

/// What names resolve to of a row of `pg_operator`.
#[derive(Debug)]
pub struct RecordedOperator {
    pub oid: Oid,
    pub oprname: &'static str,
    /// [`Oid::INVALID`] of a prefix operator.
    pub oprleft: Oid,
    pub oprright: Oid,
}

/// What PostgreSQL says of a setting beside its value, in the names of `pg_settings`.
#[derive(Debug)]
pub struct RecordedSetting {
    pub name: &'static str,
    pub unit: Option<&'static str>,
    pub category: &'static str,
    pub extra_desc: Option<&'static str>,
    pub context: &'static str,
    pub vartype: &'static str,
    pub min_val: Option<&'static str>,
    pub max_val: Option<&'static str>,
}

/// A comment on an object of the system.
#[derive(Debug)]
pub struct RecordedDescription {
    pub object: Oid,
    pub class: Oid,
    pub subobject: i32,
    pub text: &'static str,
}

impl RecordedRelation {
    pub fn namespace(&self) -> Oid {
        if self.schema == "pg_catalog" { PG_CATALOG } else { INFORMATION_SCHEMA }
    }
}

impl RecordedType {
    /// The name that `format_type` shows.
    pub fn sql_name(&self, typmod: i32) -> String {
        match PgType::from_oid(self.oid) {
            Some(pg_type) => pg_type.sql_name(typmod),
            None => match self.typname.strip_prefix('_') {
                Some(element) => format!("{element}[]"),
                // `any` is a reserved word.
                None => quote_identifier(self.typname),
            },
        }
    }
}

/// Every system relation, by schema and name.
pub static RELATIONS: LazyLock<Vec<RecordedRelation>> = LazyLock::new(read_relations);

/// The types that Lakegate has, and the pseudo-types that their functions take, by OID.
pub static TYPES: LazyLock<Vec<RecordedType>> =
    LazyLock::new(|| lines(include_str!("../../../sql/system/types.tsv")).map(read_type).collect());

/// The procedures that Lakegate has, by OID.
pub static PROCEDURES: LazyLock<Vec<RecordedProcedure>> = LazyLock::new(|| {
    lines(include_str!("../../../sql/system/procedures.tsv")).map(read_procedure).collect()
});

/// The operators that Lakegate has, by OID.
pub static OPERATORS: LazyLock<Vec<RecordedOperator>> = LazyLock::new(|| {
    lines(include_str!("../../../sql/system/pg_operator.tsv")).map(read_operator).collect()
});

/// Comments on the system's own objects.
pub static DESCRIPTIONS: LazyLock<Vec<RecordedDescription>> = LazyLock::new(|| {
    lines(include_str!("../../../sql/system/descriptions.tsv")).map(read_description).collect()
});

static SETTING_BY_NAME: LazyLock<HashMap<&'static str, RecordedSetting>> = LazyLock::new(|| {
    let settings = lines(include_str!("../../../sql/system/settings.tsv")).map(read_setting);
    settings.map(|setting| (setting.name, setting)).collect()
});

/// Row type and the array type of it, by relation, where PostgreSQL fixes them.
static ROW_TYPES: LazyLock<HashMap<Oid, (Oid, Oid)>> = LazyLock::new(|| {
    let row_types = lines(include_str!("../../../sql/system/row_types.tsv")).map(read_row_type);
    row_types.map(|(relation, row, array)| (relation, (row, array))).collect()
});

static RELATION_BY_ROW_TYPE: LazyLock<HashMap<Oid, (Oid, bool)>> = LazyLock::new(|| {
    let both = |(&relation, &(row, array)): (&Oid, &(Oid, Oid))| {
        [(row, (relation, false)), (array, (relation, true))]
    };
    ROW_TYPES.iter().flat_map(both).collect()
});

static DESCRIPTION_BY_OBJECT: LazyLock<HashMap<(Oid, Oid), &'static str>> = LazyLock::new(|| {
    let whole = DESCRIPTIONS.iter().filter(|description| description.subobject == 0);
    whole.map(|found| ((found.object, found.class), found.text)).collect()
});

/// Where the OIDs of row types of relations begin that have no row type in PostgreSQL: the relation's OID with
/// this bit. The metastore hands out OIDs from 16384 upwards and never comes so far.
const ROW_TYPE: u32 = 1 << 30;
/// The same for arrays of them.
const ROW_ARRAY_TYPE: u32 = 1 << 31;

/// `pg_class.reltype`: the type of a relation's rows.
pub fn row_type(relation: Oid) -> Oid {
    ROW_TYPES.get(&relation).map_or(Oid(relation.0 | ROW_TYPE), |(row, _)| *row)
}

/// The array type of a relation's row type.
pub fn row_array_type(relation: Oid) -> Oid {
    ROW_TYPES.get(&relation).map_or(Oid(relation.0 | ROW_ARRAY_TYPE), |(_, array)| *array)
}

/// The relation whose rows a type has, and whether it is the array of them.
pub fn relation_of_row_type(oid: Oid) -> Option<(Oid, bool)> {
    if let Some(&found) = RELATION_BY_ROW_TYPE.get(&oid) {
        return Some(found);
    }
    let relation = Oid(oid.0 & !(ROW_TYPE | ROW_ARRAY_TYPE));
    match (oid.0 & ROW_TYPE != 0, oid.0 & ROW_ARRAY_TYPE != 0) {
        (true, false) => Some((relation, false)),
        (false, true) => Some((relation, true)),
        (true, true) | (false, false) => None,
    }
}

/// The operator with this OID.
pub fn operator_by_oid(oid: Oid) -> Option<&'static RecordedOperator> {
    let found = OPERATORS.binary_search_by_key(&oid, |operator| operator.oid).ok()?;
    OPERATORS.get(found)
}

/// What PostgreSQL says of a setting; `None` for one that it has not.
pub fn setting_by_name(name: &str) -> Option<&'static RecordedSetting> {
    SETTING_BY_NAME.get(name)
}

/// The comment on an object of the system: its OID, and that of the catalog that it is in.
pub fn description_of(object: Oid, class: Oid) -> Option<&'static str> {
    DESCRIPTION_BY_OBJECT.get(&(object, class)).copied()
}

static TYPE_BY_OID: LazyLock<HashMap<Oid, &'static RecordedType>> =
    LazyLock::new(|| TYPES.iter().map(|recorded| (recorded.oid, recorded)).collect());

static RELATION_BY_OID: LazyLock<HashMap<Oid, &'static RecordedRelation>> =
    LazyLock::new(|| RELATIONS.iter().map(|recorded| (recorded.oid, recorded)).collect());

static PROCEDURE_BY_OID: LazyLock<HashMap<Oid, &'static RecordedProcedure>> =
    LazyLock::new(|| PROCEDURES.iter().map(|recorded| (recorded.oid, recorded)).collect());

/// The procedure with this OID.
pub fn procedure_by_oid(oid: Oid) -> Option<&'static RecordedProcedure> {
    PROCEDURE_BY_OID.get(&oid).copied()
}

/// The type with this OID.
pub fn type_by_oid(oid: Oid) -> Option<&'static RecordedType> {
    TYPE_BY_OID.get(&oid).copied()
}

/// The system relation with this OID.
pub fn relation_by_oid(oid: Oid) -> Option<&'static RecordedRelation> {
    RELATION_BY_OID.get(&oid).copied()
}

/// The system relation of this name.
pub fn relation_by_name(schema: &str, name: &str) -> Option<&'static RecordedRelation> {
    let found = RELATIONS.binary_search_by(|r| (r.schema, r.name).cmp(&(schema, name))).ok()?;
    RELATIONS.get(found)
}

fn read_relations() -> Vec<RecordedRelation> {
    let mut relations: Vec<RecordedRelation> = Vec::new();
    for line in lines(include_str!("../../../sql/system/relations.tsv")) {
        let mut fields = Fields::of(line);
        let (schema, name) = (fields.text(), fields.text());
        let (oid, kind) = (fields.oid(), fields.text());
        let (column, type_name) = (fields.text(), fields.text());
        let column = RecordedColumn {
            name: column,
            pg_type: type_of_name(type_name).unwrap_or(PgType::Scalar(BaseType::Text)),
            not_null: fields.flag(),
            typmod: fields.number().unwrap_or(NO_TYPMOD),
        };
        match relations.last_mut() {
            Some(last) if last.oid == oid => last.columns.push(column),
            _ => {
                let columns = vec![column];
                relations.push(RecordedRelation { schema, name, oid, kind, columns });
            }
        }
    }
    relations.sort_by_key(|relation| (relation.schema, relation.name));
    relations
}

/// The type of this `pg_type.typname`, an array with a leading underscore.
pub fn type_of_name(name: &str) -> Option<PgType> {
    let named = |name: &str| BaseType::ALL.iter().copied().find(|base| base.name() == name);
    match name.strip_prefix('_') {
        Some(element) => named(element).map(PgType::Array),
        None => named(name).map(PgType::Scalar),
    }
}

fn read_type(line: &'static str) -> RecordedType {
    let mut fields = Fields::of(line);
    RecordedType {
        oid: fields.oid(),
        typname: fields.text(),
        typlen: fields.number().unwrap_or(-1),
        typbyval: fields.flag(),
        typtype: fields.text(),
        typcategory: fields.text(),
        typispreferred: fields.flag(),
        typdelim: fields.text(),
        typelem: fields.oid(),
        typarray: fields.oid(),
        typinput: fields.oid(),
        typoutput: fields.oid(),
        typreceive: fields.oid(),
        typsend: fields.oid(),
        typmodin: fields.oid(),
        typmodout: fields.oid(),
        typalign: fields.text(),
        typstorage: fields.text(),
        typcollation: fields.oid(),
        typsubscript: fields.oid(),
        typanalyze: fields.oid(),
    }
}

fn read_procedure(line: &'static str) -> RecordedProcedure {
    let mut fields = Fields::of(line);
    RecordedProcedure {
        oid: fields.oid(),
        proname: fields.text(),
        prolang: fields.oid(),
        procost: fields.number().unwrap_or(1.0),
        prorows: fields.number().unwrap_or(0.0),
        provariadic: fields.oid(),
        prokind: fields.text(),
        proleakproof: fields.flag(),
        proisstrict: fields.flag(),
        proretset: fields.flag(),
        provolatile: fields.text(),
        proparallel: fields.text(),
        pronargs: fields.number().unwrap_or(0),
        pronargdefaults: fields.number().unwrap_or(0),
        prorettype: fields.oid(),
        proargtypes: numbers(fields.text()),
        prosrc: fields.text(),
        proallargtypes: fields.optional().map(numbers),
        proargmodes: fields.optional().map(|modes| texts(modes, ' ')),
        proargnames: fields.optional().map(|names| texts(names, '|')),
        arguments: fields.text(),
        identity_arguments: fields.text(),
        result: fields.text(),
        regproc: fields.text(),
    }
}

fn numbers(text: &str) -> Vec<i64> {
    text.split_whitespace().filter_map(|oid| oid.parse().ok()).collect()
}

fn texts(text: &str, separator: char) -> Vec<String> {
    text.split(separator).map(str::to_owned).collect()
}

fn read_operator(line: &'static str) -> RecordedOperator {
    let mut fields = Fields::of(line);
    let (oid, oprname) = (fields.oid(), fields.text());
    let mut operands = fields.skip(5);
    RecordedOperator { oid, oprname, oprleft: operands.oid(), oprright: operands.oid() }
}

fn read_setting(line: &'static str) -> RecordedSetting {
    let mut fields = Fields::of(line);
    RecordedSetting {
        name: fields.text(),
        unit: fields.optional(),
        category: fields.text(),
        extra_desc: fields.optional(),
        context: fields.text(),
        vartype: fields.text(),
        min_val: fields.optional(),
        max_val: fields.optional(),
    }
}

fn read_description(line: &'static str) -> RecordedDescription {
    let mut fields = Fields::of(line);
    RecordedDescription {
        object: fields.oid(),
        class: fields.oid(),
        subobject: fields.number().unwrap_or(0),
        text: fields.text(),
    }
}

/// Relation, its row type, and the array type of that.
fn read_row_type(line: &'static str) -> (Oid, Oid, Oid) {
    let mut fields = Fields::of(line).skip(2);
    (fields.oid(), fields.oid(), fields.oid())
}

pub(super) fn lines(file: &'static str) -> impl Iterator<Item = &'static str> {
    file.lines().filter(|line| !line.starts_with('#'))
}

/// The fields of one line, separated by tabs.
pub(super) struct Fields(std::str::Split<'static, char>);

impl Fields {
    pub fn of(line: &'static str) -> Self {
        Fields(line.split('\t'))
    }

    /// Without the first `count` of the rest.
    fn skip(mut self, count: usize) -> Self {
        for _ in 0..count {
            self.0.next();
        }
        self
    }

    /// `None` for NULL, which stands as in COPY's text format.
    pub fn optional(&mut self) -> Option<&'static str> {
        self.0.next().filter(|text| *text != "\\N")
    }

    fn text(&mut self) -> &'static str {
        self.0.next().unwrap_or_default()
    }

    fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.text().parse().ok()
    }

    fn oid(&mut self) -> Oid {
        Oid(self.number().unwrap_or_default())
    }

    fn flag(&mut self) -> bool {
        self.text() == "t"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_recorded_as_it_is_declared() {
        for &base in BaseType::ALL {
            let recorded = type_by_oid(base.oid()).unwrap_or_else(|| panic!("{base:?}"));
            assert_eq!(recorded.typname, base.name());
            assert_eq!(recorded.typarray, base.array_oid(), "{base:?}");
            assert_eq!(recorded.typlen, base.length(), "{base:?}");
        }
    }

    #[test]
    fn the_oids_that_clients_know_by_heart() {
        for (name, oid) in
            [("pg_class", 1259), ("pg_type", 1247), ("pg_attribute", 1249), ("pg_proc", 1255)]
        {
            assert_eq!(relation_by_name("pg_catalog", name).unwrap().oid, Oid(oid));
        }
    }
}
