//! Functions of sprig that are not here yet. Templates that name them parse; a call fails and says so.

use crate::function::Functions;
use crate::value::Type;

const NAMES: [&str; 8] = [
    "genPrivateKey",
    "buildCustomCert",
    "genCA",
    "genCAWithKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
];

pub(super) fn register(functions: &mut Functions) {
    for name in NAMES {
        functions.add_variadic(name, [Type::Any], Type::Any, move |_, _| {
            Err(format!("`{name}` is not supported yet").into())
        });
    }
}
