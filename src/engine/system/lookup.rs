//! What a run of a query asks of a system relation by equality: the values that a column may have. Relations use
//! it to go straight to the object; it never decides that a row is wanted, the filter above the scan does.

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;

/// The columns that are bound, by name.
#[derive(Debug, Clone, Default)]
pub struct Lookup(Vec<(String, Values)>);

/// The values that a column may have.
#[derive(Debug, Clone)]
enum Values {
    Numbers(BTreeSet<i64>),
    Texts(BTreeSet<String>),
}

impl Lookup {
    /// That `column` has one of these texts.
    pub fn by_texts(column: &str, texts: BTreeSet<String>) -> Self {
        Lookup(vec![(column.to_owned(), Values::Texts(texts))])
    }

    /// That `column` has one of these values too; nothing when they are of no kind that binds.
    pub fn bind<'a>(
        &mut self,
        column: &str,
        values: impl Iterator<Item = &'a ScalarValue> + Clone,
    ) {
        if let Some(values) = values_of(values) {
            // The first that binds a column is asked; the shorter list goes first.
            let place = match self.0.iter().position(|(name, _)| name == column) {
                Some(known)
                    if self.0.get(known).is_some_and(|(_, own)| own.len() <= values.len()) =>
                {
                    return;
                }
                Some(known) => known,
                None => self.0.len(),
            };
            self.0.insert(place, (column.to_owned(), values));
        }
    }

    /// The OIDs or numbers that `column` may have; `None` when anything.
    pub fn numbers(&self, column: &str) -> Option<&BTreeSet<i64>> {
        self.0.iter().find_map(|(name, values)| match values {
            Values::Numbers(numbers) if name == column => Some(numbers),
            Values::Numbers(_) | Values::Texts(_) => None,
        })
    }

    /// The texts that `column` may have; `None` when anything.
    pub fn texts(&self, column: &str) -> Option<&BTreeSet<String>> {
        self.0.iter().find_map(|(name, values)| match values {
            Values::Texts(texts) if name == column => Some(texts),
            Values::Numbers(_) | Values::Texts(_) => None,
        })
    }

    /// Whether `column` may be `text`.
    pub fn admits_text(&self, column: &str, text: &str) -> bool {
        self.texts(column).is_none_or(|texts| texts.contains(text))
    }

    /// Whether `column` may be `number`.
    pub fn admits_number(&self, column: &str, number: impl Into<i64>) -> bool {
        self.numbers(column).is_none_or(|numbers| numbers.contains(&number.into()))
    }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Values::Numbers(numbers) => numbers.len(),
            Values::Texts(texts) => texts.len(),
        }
    }
}

fn values_of<'a>(values: impl Iterator<Item = &'a ScalarValue> + Clone) -> Option<Values> {
    let numbers: Option<BTreeSet<i64>> = values.clone().map(number_of).collect();
    if let Some(numbers) = numbers {
        return Some(Values::Numbers(numbers));
    }
    let texts: Option<BTreeSet<String>> =
        values.map(|value| value.try_as_str().flatten().map(str::to_owned)).collect();
    texts.map(Values::Texts)
}

fn number_of(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::Int64(number) => *number,
        ScalarValue::Int32(number) => number.map(i64::from),
        ScalarValue::Int16(number) => number.map(i64::from),
        ScalarValue::UInt32(number) => number.map(i64::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_list_of_a_column_is_asked() {
        let numbers = [5_i64, 7].map(ScalarValue::from);
        let mut lookup = Lookup::default();
        lookup.bind("oid", numbers.iter());
        lookup.bind("oid", numbers.iter().take(1));
        assert_eq!(lookup.numbers("oid").unwrap().iter().copied().collect::<Vec<_>>(), [5]);
        assert!(lookup.admits_number("oid", 5_i64) && !lookup.admits_number("oid", 7_i64));
        assert!(lookup.admits_text("relname", "t"));
    }

    #[test]
    fn what_is_of_no_kind_binds_nothing() {
        let mut lookup = Lookup::default();
        lookup.bind("oid", [ScalarValue::Int64(None)].iter());
        lookup.bind("relispartition", [ScalarValue::from(true)].iter());
        assert!(lookup.0.is_empty());
    }
}
