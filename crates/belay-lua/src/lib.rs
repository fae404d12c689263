//! Users' Lua, run over an object within limits.
//!
//! [`run`] gives a script the global `obj` and takes back what it returns, as Argo CD does for health and actions:
//! the dialect is Lua 5.2 with 5.1's `unpack` and `table.getn`, numbers are floats, and there is no way to files,
//! processes or the network. The clock is an argument.

mod convert;
mod libraries;
mod run;
mod time;

pub use convert::ConvertError;
pub use run::{Clock, Error, Libraries, Returned, Script, run};
