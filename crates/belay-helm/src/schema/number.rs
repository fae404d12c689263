//! Numbers of any size, compared by their exact values as Go's `big.Rat` does.

use std::cmp::Ordering;

use super::evaluate::Stop;

/// Powers of ten beyond this are none to Go.
const MAX_EXPONENT: u64 = 1_000_000;
/// A divisor with more digits was made to keep us busy.
const MAX_DIVISOR_DIGITS: usize = 10_000;

/// A number as it was written.
#[derive(Clone, Debug)]
pub(super) struct Number {
    text: String,
    decimal: Option<Decimal>,
}

/// The digits times ten to the exponent. No zero begins or ends the digits; zero has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Decimal {
    is_negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Number {
    pub(super) fn new(text: String) -> Self {
        let decimal = Decimal::parse(&text);
        Self { text, decimal }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The exact value, unless Go refuses to hold it.
    pub(super) fn decimal(&self) -> Option<&Decimal> {
        self.decimal.as_ref()
    }

    /// The nearest float.
    pub(super) fn float(&self) -> f64 {
        self.text.parse().unwrap_or(f64::NAN)
    }

    pub(super) fn is_integer(&self) -> bool {
        self.decimal.as_ref().is_some_and(Decimal::is_integer)
    }

    /// A limit for a size; what does not fit 64 bits is cut off, as Go cuts it.
    pub(super) fn size(&self) -> Option<i64> {
        self.decimal.as_ref().filter(|decimal| decimal.is_integer()).map(Decimal::low_bits)
    }
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i64 = exponent.parse().ok()?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = whole.bytes().chain(fraction.bytes()).map(|digit| digit.wrapping_sub(b'0'));
        let mut digits: Vec<u8> = all.skip_while(|digit| *digit == 0).collect();
        if digits.is_empty() {
            return Some(Self { is_negative: false, digits, exponent: 0 });
        }
        let mut exponent = exponent.checked_sub_unsigned(fraction.len() as u64)?;
        if exponent.unsigned_abs() > MAX_EXPONENT {
            return None;
        }
        while digits.pop_if(|digit| *digit == 0).is_some() {
            exponent += 1;
        }
        Some(Self { is_negative, digits, exponent })
    }

    fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    fn low_bits(&self) -> i64 {
        let digits = self.digits.iter().copied();
        let zeros = std::iter::repeat_n(0, usize::try_from(self.exponent).unwrap_or_default().min(64));
        let push = |low: i64, digit: u8| low.wrapping_mul(10).wrapping_add(i64::from(digit));
        let low = digits.chain(zeros).fold(0, push);
        if self.is_negative { low.wrapping_neg() } else { low }
    }

    /// Where the first digit stands.
    fn top(&self) -> i64 {
        i64::try_from(self.digits.len()).unwrap_or(i64::MAX).saturating_add(self.exponent)
    }

    fn compare_magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (false, false) => self.top().cmp(&other.top()).then_with(|| self.digits.cmp(&other.digits)),
            (is_zero, other_is_zero) => other_is_zero.cmp(&is_zero),
        }
    }

    /// Whether the quotient of the two is whole.
    pub(super) fn is_multiple_of(&self, divisor: &Self) -> Result<bool, Stop> {
        if divisor.digits.is_empty() {
            return Err(Stop::Panic("division by zero"));
        }
        let Ok(zeros) = usize::try_from(self.exponent.saturating_sub(divisor.exponent)) else {
            // The divisor ends in more zeros.
            return Ok(self.digits.is_empty());
        };
        if self.digits.is_empty() || divisor.digits.len() > self.digits.len() + zeros {
            return Ok(self.digits.is_empty());
        }
        if divisor.digits.len() > MAX_DIVISOR_DIGITS || self.digits.len() > MAX_DIVISOR_DIGITS {
            return Err(Stop::LongNumber);
        }
        let mut dividend = self.digits.clone();
        let mut divisor = divisor.digits.clone();
        for factor in [2, 5] {
            let mut at_hand = zeros;
            while let Some(rest) = divided(&divisor, factor) {
                match divided(&dividend, factor) {
                    Some(smaller) => dividend = smaller,
                    None if at_hand > 0 => at_hand -= 1,
                    None => return Ok(false),
                }
                divisor = rest;
            }
        }
        Ok(leaves_nothing(&dividend, &divisor))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, false) => self.compare_magnitude(other),
            (true, true) => other.compare_magnitude(self),
            (is_negative, other_is_negative) => other_is_negative.cmp(&is_negative),
        }
    }
}

/// The digits of the quotient, if there is no rest.
fn divided(digits: &[u8], factor: u8) -> Option<Vec<u8>> {
    let mut rest = 0;
    let quotient = digits.iter().map(|digit| {
        let step = rest * 10 + digit;
        rest = step % factor;
        step / factor
    });
    let quotient: Vec<u8> = quotient.collect();
    (rest == 0).then(|| quotient.into_iter().skip_while(|digit| *digit == 0).collect())
}

/// Long division, of which only the rest matters.
fn leaves_nothing(dividend: &[u8], divisor: &[u8]) -> bool {
    let mut rest: Vec<u8> = Vec::with_capacity(divisor.len() + 1);
    for digit in dividend {
        if !rest.is_empty() || *digit != 0 {
            rest.push(*digit);
        }
        while is_at_least(&rest, divisor) {
            subtract(&mut rest, divisor);
        }
    }
    rest.is_empty()
}

fn is_at_least(digits: &[u8], other: &[u8]) -> bool {
    digits.len().cmp(&other.len()).then_with(|| digits.cmp(other)).is_ge()
}

fn subtract(digits: &mut Vec<u8>, other: &[u8]) {
    let mut borrow = 0;
    let padded = other.iter().rev().copied().chain(std::iter::repeat(0));
    for (digit, taken) in digits.iter_mut().rev().zip(padded) {
        let taken = taken + borrow;
        borrow = u8::from(*digit < taken);
        *digit = *digit + borrow * 10 - taken;
    }
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..zeros);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Number::new(text.to_owned()).decimal().cloned().expect("a number that Go holds")
    }

    #[test]
    fn numbers_compare_by_their_exact_value() {
        assert_eq!(decimal("1e3"), decimal("1000.0"));
        assert_eq!(decimal("-0"), decimal("0.000e7"));
        for (less, more) in
            [("0.1", "0.10000000000000000001"), ("-2", "-1"), ("-1", "0"), ("0", "1e-9"), ("9.9", "10")]
        {
            assert!(decimal(less) < decimal(more), "{less} < {more}");
        }
        assert!(Number::new("1e1000001".to_owned()).decimal().is_none());
    }

    #[test]
    fn multiples_are_exact() {
        for (number, divisor, expected) in [
            ("0.3", "0.1", true),
            ("1e308", "123456789", false),
            ("1e30", "1024", true),
            ("1e9", "1024", false),
            ("35", "7", true),
            ("36", "7", false),
            ("0", "7", true),
            ("152415787532388367501905199875019052100", "12345678901234567890", true),
        ] {
            let found = decimal(number).is_multiple_of(&decimal(divisor));
            assert!(matches!(found, Ok(found) if found == expected), "{number} / {divisor}");
        }
    }

    #[test]
    fn sizes_are_cut_to_64_bits() {
        let size = |text: &str| Number::new(text.to_owned()).size();
        assert_eq!(size("1e2"), Some(100));
        assert_eq!(size("18446744073709551615"), Some(-1));
        assert_eq!(size("1e64"), Some(0));
        assert_eq!(size("1.5"), None);
    }
}
