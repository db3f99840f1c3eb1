//! Text to [`Statement`]: the grammar, its limits and its error positions. Nothing outside this room
//! looks at SQL text, and nothing in it looks at data or names that exist.

pub mod statement;
