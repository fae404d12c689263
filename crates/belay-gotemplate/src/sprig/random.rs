//! Randomness, from the source the host gives.

use super::encoding::base64_encode;
use crate::function::{Call, FunctionError, Functions};
use crate::value::Type::{Int, String as Str};
use crate::value::Value;

const DIGITS: &str = "0123456789";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(super) fn register(functions: &mut Functions) {
    let ascii: String = (' '..='~').collect();
    let alphabets = [
        ("randAlphaNum", format!("{LETTERS}{DIGITS}")),
        ("randAlpha", LETTERS.to_owned()),
        ("randNumeric", DIGITS.to_owned()),
        ("randAscii", ascii),
    ];
    for (name, alphabet) in alphabets {
        functions.add(name, [Int], Str, move |call, arguments| {
            let count = usize::try_from(arguments.int(0)?).unwrap_or(0);
            call.charge_bytes(count)?;
            let mut text = Vec::with_capacity(count);
            for _ in 0..count {
                let index = below(call, name, alphabet.len() as u64)?;
                text.push(alphabet.as_bytes()[index as usize]);
            }
            Ok(Value::string(text))
        });
    }
    functions.add("randInt", [Int, Int], Int, |call, arguments| {
        let (min, max) = (arguments.int(0)?, arguments.int(1)?);
        if max <= min {
            return Err("invalid argument to Intn".into());
        }
        Ok(Value::Int(min.wrapping_add(below(call, "randInt", max.abs_diff(min))? as i64)))
    });
    functions.add("randBytes", [Int], Str, |call, arguments| {
        let count = arguments.int(0)?;
        let count =
            usize::try_from(count).map_err(|_| "runtime error: makeslice: len out of range".to_owned())?;
        call.charge_bytes(count)?;
        let mut bytes = vec![0; count];
        call.random("randBytes")?.fill(&mut bytes);
        Ok(Value::string(base64_encode(&bytes)))
    });
    functions.add("uuidv4", [], Str, |call, _| {
        let mut bytes = [0; 16];
        call.random("uuidv4")?.fill(&mut bytes);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let digits = hex::encode(bytes);
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        Ok(Value::string(parts.join("-")))
    });
}

/// A number below the limit, each as likely as the others.
pub(super) fn below(call: &Call<'_>, function: &str, limit: u64) -> Result<u64, FunctionError> {
    let source = call.random(function)?;
    let fair = u64::MAX - u64::MAX % limit;
    loop {
        let mut bytes = [0; 8];
        source.fill(&mut bytes);
        let number = u64::from_le_bytes(bytes);
        if number < fair {
            return Ok(number % limit);
        }
    }
}
