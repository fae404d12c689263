//! The functions of sprig 3.3, one file per family. `env` and `expandenv` are not among them.

mod base64;

pub(crate) use base64::encode as base64_encode;

use crate::function::Functions;

/// All sprig functions.
pub fn sprig() -> Functions {
    Functions::new()
}
