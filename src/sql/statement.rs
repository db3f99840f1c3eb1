//! The closed list of everything the server can be asked.
