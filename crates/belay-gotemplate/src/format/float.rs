//! Go's `strconv.FormatFloat`.

/// Formats a float as Go does with format `e`, `E`, `f`, `g` or `G`; without a precision, with the
/// fewest digits that read back as the same number.
pub fn format_float(number: f64, format: char, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match format {
        'f' | 'F' => match precision {
            Some(precision) => {
                let exact = precision.min(MAX_DIGITS);
                format!("{number:.exact$}{}", "0".repeat(precision - exact))
            }
            None => format!("{number}"),
        },
        'e' | 'E' => exponent_form(number, precision, format),
        'b' => binary_form(number),
        'x' | 'X' => hex_form(number, precision, format),
        _ => general_form(number, precision, format),
    }
}

fn exponent_form(number: f64, precision: Option<usize>, letter: char) -> String {
    let exact = precision.map(|precision| precision.min(MAX_DIGITS));
    let text = match exact {
        Some(exact) => format!("{number:.exact$e}"),
        None => format!("{number:e}"),
    };
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let zeros = "0".repeat(precision.unwrap_or(0) - exact.unwrap_or(0));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}{zeros}{letter}{sign}{:02}", exponent.unsigned_abs())
}

/// No `float64` has more digits than this that are not zero.
const MAX_DIGITS: usize = 1100;

/// `%g`: the exponent form for very small and large numbers, trailing zeros dropped.
fn general_form(number: f64, precision: Option<usize>, format: char) -> String {
    let precision = precision.map(|precision| precision.clamp(1, MAX_DIGITS));
    let scientific = match precision {
        Some(precision) => format!("{number:.*e}", precision - 1),
        None => format!("{number:e}"),
    };
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let digits =
        if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    let count = digits.bytes().filter(u8::is_ascii_digit).count() as i64;
    let limit = match precision {
        None => SHORTEST_LIMIT,
        Some(precision) if precision as i64 > count && count > exponent => count,
        Some(precision) => precision as i64,
    };
    if exponent < -4 || exponent >= limit {
        let letter = if format == 'G' { 'E' } else { 'e' };
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}{letter}{sign}{:02}", exponent.abs());
    }
    let decimals = (count - 1 - exponent).max(0) as usize;
    format!("{number:.decimals$}")
}

/// From this exponent on the shortest form of `%g` is written with an exponent.
const SHORTEST_LIMIT: i64 = 6;

fn binary_form(number: f64) -> String {
    let bits = number.to_bits();
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let exponent = ((bits >> 52) & 0x7ff) as i64;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    format!("{sign}{mantissa}p{exponent:+}")
}

fn hex_form(number: f64, precision: Option<usize>, format: char) -> String {
    let bits = number.to_bits();
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    if number == 0.0 {
        (mantissa, exponent) = (0, 0);
    } else if exponent == -1023 {
        mantissa &= (1 << 52) - 1;
        let shift = i64::from(mantissa.leading_zeros()) - 11;
        mantissa <<= shift;
        exponent = -1022 - shift;
    }
    let mut digits = match precision {
        Some(precision) if precision < 13 => {
            let drop = 52 - 4 * precision as u32;
            let half = 1u64 << (drop - 1);
            let rest = mantissa & ((1 << drop) - 1);
            let mut kept = mantissa >> drop;
            if rest > half || (rest == half && kept & 1 == 1) {
                kept += 1;
            }
            if kept >> (4 * precision) > 1 {
                kept >>= 1;
                exponent += 1;
            }
            format!("{kept:0width$x}", width = precision + 1)
        }
        _ => format!("{mantissa:014x}"),
    };
    match precision {
        None => digits = digits[..1].to_owned() + digits[1..].trim_end_matches('0'),
        Some(precision) => {
            while digits.len() < precision + 1 {
                digits.push('0');
            }
        }
    }
    let (whole, fraction) = digits.split_at(1);
    let dot = if fraction.is_empty() { "" } else { "." };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    let text = format!("{sign}0x{whole}{dot}{fraction}p{exponent_sign}{:02}", exponent.abs());
    if format == 'X' { text.to_uppercase() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_forms() {
        for (number, text) in [
            (1e6, "1e+06"),
            (100_000.0, "100000"),
            (123_456_789.0, "1.23456789e+08"),
            (1e-6, "1e-06"),
            (0.5, "0.5"),
        ] {
            assert_eq!(format_float(number, 'g', None), text);
        }
        assert_eq!(format_float(1e21, 'f', None), "1000000000000000000000");
        assert_eq!(format_float(2.5, 'f', Some(0)), "2");
        assert_eq!(format_float(100_000.0, 'g', Some(3)), "1e+05");
    }
}
