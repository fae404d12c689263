//! Resource quantities: `500m`, `1.5Gi`, and the one form the API server writes them in.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A text that is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a number with a known suffix.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// A suffix that does not exist.
    #[error("unable to parse quantity's suffix")]
    Suffix,
    /// More digits than a quantity can hold.
    #[error("unable to parse quantity: number too large")]
    TooLarge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Decimal,
    Binary,
    Exponent,
}

/// An exact amount, in billionths.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    nano: i128,
    format: Format,
}

const NANO: i128 = 1_000_000_000;
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

impl Quantity {
    /// The amount as a float, for comparisons that need no exactness.
    #[expect(clippy::cast_precision_loss, reason = "a float is asked for")]
    pub fn as_f64(self) -> f64 {
        self.nano as f64 / NANO as f64
    }

    /// The amount, rounded up to a whole number.
    pub fn as_whole(self) -> i128 {
        div_ceil(self.nano, NANO)
    }
}

/// A quantity's text as the API server writes it: the one form, except where the text given is taken for it.
pub(crate) fn canonical(text: &str) -> Result<String, QuantityError> {
    let quantity: Quantity = text.parse()?;
    Ok(if is_kept(text, quantity.format) { text.to_owned() } else { quantity.to_string() })
}

/// The original's shortcut: short numbers that look canonical keep their text, even when they are not.
fn is_kept(text: &str, format: Format) -> bool {
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let unsigned = number.trim_start_matches(['-', '+']);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    let digits = format!("{whole}{fraction}");
    let Ok((_, exponent, _)) = suffix_factor(suffix) else { return false };
    if digits.len() > 18 {
        return false;
    }
    match format {
        Format::Binary => {
            fraction.is_empty()
                && digits.parse::<i64>().is_ok_and(|value| value & 7 != 0)
                && digits.len() <= 3
        }
        _ => {
            let scale = exponent - i32::try_from(fraction.len()).unwrap_or(i32::MAX);
            scale >= -9 && scale % 3 == 0 && !digits.ends_with("000") && !digits.starts_with('0')
        }
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let end = text
            .char_indices()
            .position(|(at, character)| {
                !(character.is_ascii_digit()
                    || character == '.'
                    || (at == 0 && (character == '-' || character == '+')))
            })
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (digits, fraction_length, negative) = digits_of(number)?;
        let (multiplier, exponent, format) = suffix_factor(suffix)?;
        let mut amount = digits.checked_mul(multiplier).ok_or(QuantityError::TooLarge)?;
        let scale = exponent - i32::try_from(fraction_length).map_err(|_| QuantityError::TooLarge)? + 9;
        if scale >= 0 {
            let factor = 10_i128.checked_pow(scale.unsigned_abs()).ok_or(QuantityError::TooLarge)?;
            amount = amount.checked_mul(factor).ok_or(QuantityError::TooLarge)?;
        } else {
            // Finer than a billionth is rounded away from zero.
            let factor = 10_i128.checked_pow(scale.unsigned_abs());
            amount = factor.map_or(i128::from(amount != 0), |factor| div_ceil(amount, factor));
        }
        Ok(Self { nano: if negative { -amount } else { amount }, format })
    }
}

fn div_ceil(amount: i128, divisor: i128) -> i128 {
    let whole = amount / divisor;
    match amount % divisor {
        0 => whole,
        rest if rest > 0 => whole + 1,
        _ => whole - 1,
    }
}

fn suffix_factor(suffix: &str) -> Result<(i128, i32, Format), QuantityError> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Ok((1, *exponent, Format::Decimal));
    }
    if let Some(power) = BINARY.iter().position(|name| *name == suffix) {
        let shift = 10 * u32::try_from(power + 1).expect("six binary suffixes");
        return Ok((1 << shift, 0, Format::Binary));
    }
    let exponent = suffix.strip_prefix(['e', 'E']).ok_or(QuantityError::Suffix)?;
    let exponent: i32 = exponent.parse().map_err(|_| QuantityError::Suffix)?;
    if exponent.abs() > 40 {
        return Err(QuantityError::TooLarge);
    }
    Ok((1, exponent, Format::Exponent))
}

/// The digits without the point, how many of them follow it, and the sign.
fn digits_of(number: &str) -> Result<(i128, usize, bool), QuantityError> {
    let negative = number.starts_with('-');
    let unsigned = number.trim_start_matches(['-', '+']);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return Err(QuantityError::Format);
    }
    let digits = format!("{whole}{fraction}");
    if digits.len() > 30 {
        return Err(QuantityError::TooLarge);
    }
    Ok((digits.parse().map_err(|_| QuantityError::Format)?, fraction.len(), negative))
}

impl fmt::Display for Quantity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nano == 0 {
            return out.write_str("0");
        }
        match self.format {
            Format::Binary if self.nano.abs() >= 1024 * NANO => {
                let mut amount = self.as_whole();
                let mut power = 0;
                while amount % 1024 == 0 && power < BINARY.len() {
                    amount /= 1024;
                    power += 1;
                }
                write!(out, "{amount}{}", if power == 0 { "" } else { BINARY[power - 1] })
            }
            _ => self.decimal(out),
        }
    }
}

impl Quantity {
    /// The mantissa without trailing zeros, the exponent a multiple of three.
    fn decimal(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut amount, mut exponent) = (self.nano, -9);
        while amount % 10 == 0 {
            amount /= 10;
            exponent += 1;
        }
        while exponent % 3 != 0 {
            amount *= 10;
            exponent -= 1;
        }
        match self.format {
            Format::Exponent if exponent == 0 => write!(out, "{amount}"),
            Format::Exponent => write!(out, "{amount}e{exponent}"),
            _ => match DECIMAL.iter().find(|(_, known)| *known == exponent) {
                Some((suffix, _)) => write!(out, "{amount}{suffix}"),
                None => write!(out, "{amount}e{exponent}"),
            },
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nano.cmp(&other.nano)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_as_the_api_server_does() {
        let cases = [
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0", "0"),
            ("1000", "1k"),
            ("100000", "100k"),
            ("1500m", "1500m"),
            ("0.1", "100m"),
            ("512Ki", "512Ki"),
            ("1Ki", "1Ki"),
            ("1e3", "1e3"),
            ("12e6", "12e6"),
            ("-1.5", "-1500m"),
            ("0.0000000001", "1n"),
            ("500Mi", "500Mi"),
            ("0.5Ki", "512"),
            ("2.50", "2500m"),
        ];
        for (input, expected) in cases {
            let parsed: Quantity = input.parse().expect("the case is a quantity");
            assert_eq!(parsed.to_string(), expected, "{input}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_an_error() {
        for input in ["", "abc", "1.2.3", "1Qi", "m", "--1", "99999999999999999999999999999999999999"] {
            assert!(input.parse::<Quantity>().is_err(), "{input}");
        }
    }
}
