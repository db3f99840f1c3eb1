//! Bytes at rest: locations and the object stores behind them. It never reads a table.
