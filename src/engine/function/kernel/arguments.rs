//! The arguments of a kernel's call: typed access to columns and constants, and builders of result columns that
//! leave NULL rows alone. It knows no function.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BinaryBuilder, BooleanArray,
    BooleanBuilder, ListBuilder, PrimitiveArray, PrimitiveBuilder, StringArray, StringBuilder,
    StringViewArray,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::config::ConfigOptions;

use crate::base::text_style::TextStyle;
use crate::base::{Error, Result};
use crate::engine::facts::Facts;

use super::broken;

/// The arguments of a call, column by column.
pub struct Arguments<'a> {
    /// A constant has one row.
    pub(super) arrays: Vec<(ArrayRef, bool)>,
    /// The arguments' fields: their types as PostgreSQL names them.
    pub fields: &'a [FieldRef],
    pub returns: &'a FieldRef,
    pub rows: usize,
    pub(super) nulls: Option<NullBuffer>,
    pub(super) options: &'a ConfigOptions,
}

/// A column or constant of numbers.
pub struct Values<'a, T: ArrowPrimitiveType> {
    array: &'a PrimitiveArray<T>,
    constant: bool,
}

impl<T: ArrowPrimitiveType> Values<'_, T> {
    /// The value of a row, which must not be NULL.
    pub fn at(&self, row: usize) -> T::Native {
        self.array.value(if self.constant { 0 } else { row })
    }

    pub fn get(&self, row: usize) -> Option<T::Native> {
        let row = if self.constant { 0 } else { row };
        self.array.is_valid(row).then(|| self.array.value(row))
    }
}

/// A column or constant of booleans.
pub struct Flags<'a> {
    array: &'a BooleanArray,
    constant: bool,
}

impl Flags<'_> {
    pub fn at(&self, row: usize) -> bool {
        self.array.value(if self.constant { 0 } else { row })
    }
}

/// A column or constant of byte strings.
pub struct Bytes<'a> {
    array: &'a BinaryArray,
    constant: bool,
}

impl Bytes<'_> {
    pub fn at(&self, row: usize) -> &[u8] {
        self.array.value(if self.constant { 0 } else { row })
    }
}

/// A column or constant of strings.
pub struct Texts<'a> {
    strings: Strings<'a>,
    pub constant: bool,
}

enum Strings<'a> {
    Plain(&'a StringArray),
    View(&'a StringViewArray),
}

impl<'a> Texts<'a> {
    /// The text of a row; empty for NULL.
    pub fn at(&self, row: usize) -> &'a str {
        let row = if self.constant { 0 } else { row };
        match self.strings {
            Strings::Plain(array) => array.value(row),
            Strings::View(array) => array.value(row),
        }
    }

    pub fn get(&self, row: usize) -> Option<&'a str> {
        let at = if self.constant { 0 } else { row };
        let is_valid = match self.strings {
            Strings::Plain(array) => array.is_valid(at),
            Strings::View(array) => array.is_valid(at),
        };
        is_valid.then(|| self.at(row))
    }

    /// The constant's text; `None` for a column or NULL.
    pub fn constant(&self) -> Option<&'a str> {
        if self.constant { self.get(0) } else { None }
    }
}

impl<'a> Arguments<'a> {
    pub fn count(&self) -> usize {
        self.arrays.len()
    }

    /// The session's settings of texts and time zone.
    pub fn style(&self) -> TextStyle {
        Facts::text_style(self.options)
    }

    pub fn facts(&self) -> Result<Facts> {
        Facts::of(self.options).map_err(broken)
    }

    /// The argument as it is: one row for a constant.
    pub fn raw(&self, index: usize) -> Result<(&ArrayRef, bool)> {
        match self.arrays.get(index) {
            Some((array, constant)) => Ok((array, *constant)),
            None => Err(Error::internal("a function lacks an argument")),
        }
    }

    pub fn values<T: ArrowPrimitiveType>(&self, index: usize) -> Result<Values<'_, T>> {
        let (array, constant) = self.raw(index)?;
        let array = array.as_primitive_opt::<T>().ok_or_else(|| self.mistyped(index))?;
        Ok(Values { array, constant })
    }

    /// The argument, or `None` when it is left out.
    pub fn optional<T: ArrowPrimitiveType>(&self, index: usize) -> Result<Option<Values<'_, T>>> {
        if index < self.count() { self.values(index).map(Some) } else { Ok(None) }
    }

    pub fn flags(&self, index: usize) -> Result<Flags<'_>> {
        let (array, constant) = self.raw(index)?;
        let array = array.as_boolean_opt().ok_or_else(|| self.mistyped(index))?;
        Ok(Flags { array, constant })
    }

    pub fn bytes(&self, index: usize) -> Result<Bytes<'_>> {
        let (array, constant) = self.raw(index)?;
        let array = array.as_binary_opt().ok_or_else(|| self.mistyped(index))?;
        Ok(Bytes { array, constant })
    }

    pub fn texts(&self, index: usize) -> Result<Texts<'_>> {
        let (array, constant) = self.raw(index)?;
        let strings = match array.data_type() {
            DataType::Utf8View => Strings::View(array.as_string_view()),
            DataType::Utf8 => Strings::Plain(array.as_string()),
            _ => return Err(self.mistyped(index)),
        };
        Ok(Texts { strings, constant })
    }

    pub fn optional_texts(&self, index: usize) -> Result<Option<Texts<'_>>> {
        if index < self.count() { self.texts(index).map(Some) } else { Ok(None) }
    }

    fn mistyped(&self, index: usize) -> Error {
        Error::internal(format!("argument {index} of a function has another type"))
    }

    /// Whether an argument of a strict function is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// A column of numbers, times or decimals of the result's type.
    pub fn make<T: ArrowPrimitiveType>(
        &self,
        mut value: impl FnMut(usize) -> Result<Option<T::Native>>,
    ) -> Result<ArrayRef> {
        let mut builder = PrimitiveBuilder::<T>::with_capacity(self.rows)
            .with_data_type(self.returns.data_type().clone());
        for row in 0..self.rows {
            builder.append_option(if self.is_null(row) { None } else { value(row)? });
        }
        Ok(Arc::new(builder.finish()))
    }

    pub fn make_flags(
        &self,
        mut value: impl FnMut(usize) -> Result<Option<bool>>,
    ) -> Result<ArrayRef> {
        let mut builder = BooleanBuilder::with_capacity(self.rows);
        for row in 0..self.rows {
            builder.append_option(if self.is_null(row) { None } else { value(row)? });
        }
        Ok(Arc::new(builder.finish()))
    }

    /// A column of strings, each written at the end of a buffer; `false` makes it NULL.
    pub fn make_texts(
        &self,
        mut write: impl FnMut(usize, &mut String) -> Result<bool>,
    ) -> Result<ArrayRef> {
        let mut builder = StringBuilder::with_capacity(self.rows, self.rows * 8);
        let mut text = String::new();
        for row in 0..self.rows {
            text.clear();
            match !self.is_null(row) && write(row, &mut text)? {
                true => builder.append_value(&text),
                false => builder.append_null(),
            }
        }
        Ok(Arc::new(builder.finish()))
    }

    pub fn make_bytes(
        &self,
        mut value: impl FnMut(usize) -> Result<Option<Vec<u8>>>,
    ) -> Result<ArrayRef> {
        let mut builder = BinaryBuilder::with_capacity(self.rows, self.rows * 8);
        for row in 0..self.rows {
            builder.append_option(if self.is_null(row) { None } else { value(row)? });
        }
        Ok(Arc::new(builder.finish()))
    }

    /// A column of arrays of strings, each filled by appending; `false` makes it NULL.
    pub fn make_text_arrays(
        &self,
        mut fill: impl FnMut(usize, &mut StringBuilder) -> Result<bool>,
    ) -> Result<ArrayRef> {
        let mut builder = ListBuilder::new(StringBuilder::new());
        if let DataType::List(element) = self.returns.data_type() {
            builder = builder.with_field(Arc::clone(element));
        }
        for row in 0..self.rows {
            let is_valid = !self.is_null(row) && fill(row, builder.values())?;
            builder.append(is_valid);
        }
        Ok(Arc::new(builder.finish()))
    }
}
