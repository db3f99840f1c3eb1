//! The tests that are no data, one file a concern. `tidy` comes first: it is quick and says what is out of
//! place.

mod tidy;
