//! Numbers: int64 arithmetic that wraps, and float arithmetic in decimals.

use super::convert::{float64, int64};
use crate::function::{Call, FunctionError, Functions};
use crate::value::Type::{Any, Float64, Int, Int64, String as Str};
use crate::value::{Element, List, Type, Value};

const INTS: Type = Type::List(Element::Int);

pub(super) fn register(functions: &mut Functions) {
    functions.add("int", [Any], Int, |_, arguments| Ok(Value::Int(int64(arguments.value(0)?))));
    functions.add("int64", [Any], Int64, |_, arguments| Ok(Value::Int64(int64(arguments.value(0)?))));
    functions.add("float64", [Any], Float64, |_, arguments| Ok(float64(arguments.value(0)?).into()));
    functions.add("atoi", [Str], Int, |_, arguments| Ok(Value::Int(atoi(&arguments.text(0)?.to_str()))));
    functions.add("toDecimal", [Any], Int64, |_, arguments| {
        let text = crate::format::format_value(arguments.value(0)?);
        Ok(Value::Int64(i64::from_str_radix(&text, 8).unwrap_or(0)))
    });
    functions.add("add1", [Any], Int64, |_, arguments| {
        Ok(Value::Int64(int64(arguments.value(0)?).wrapping_add(1)))
    });
    functions.add_variadic("add", [Any], Int64, |_, arguments| {
        Ok(Value::Int64(arguments.all().iter().fold(0, |sum, value| sum.wrapping_add(int64(value)))))
    });
    functions.add("sub", [Any, Any], Int64, |_, arguments| {
        Ok(Value::Int64(int64(arguments.value(0)?).wrapping_sub(int64(arguments.value(1)?))))
    });
    functions.add("div", [Any, Any], Int64, |_, arguments| match int64(arguments.value(1)?) {
        0 => Err("runtime error: integer divide by zero".into()),
        divisor => Ok(Value::Int64(int64(arguments.value(0)?).wrapping_div(divisor))),
    });
    functions.add("mod", [Any, Any], Int64, |_, arguments| match int64(arguments.value(1)?) {
        0 => Err("runtime error: integer divide by zero".into()),
        divisor => Ok(Value::Int64(int64(arguments.value(0)?).wrapping_rem(divisor))),
    });
    functions.add_variadic("mul", [Any, Any], Int64, |_, arguments| {
        Ok(Value::Int64(arguments.all().iter().fold(1, |product, value| product.wrapping_mul(int64(value)))))
    });
    functions.add_variadic("max", [Any, Any], Int64, |_, arguments| {
        Ok(Value::Int64(arguments.all().iter().map(int64).max().unwrap_or(0)))
    });
    functions.alias("biggest", "max");
    functions.add_variadic("min", [Any, Any], Int64, |_, arguments| {
        Ok(Value::Int64(arguments.all().iter().map(int64).min().unwrap_or(0)))
    });
    functions.add_variadic("maxf", [Any, Any], Float64, |_, arguments| {
        Ok(arguments.rest(1).iter().map(float64).fold(float64(arguments.value(0)?), f64::max).into())
    });
    functions.add_variadic("minf", [Any, Any], Float64, |_, arguments| {
        Ok(arguments.rest(1).iter().map(float64).fold(float64(arguments.value(0)?), f64::min).into())
    });
    functions.add("floor", [Any], Float64, |_, arguments| Ok(float64(arguments.value(0)?).floor().into()));
    functions.add("ceil", [Any], Float64, |_, arguments| Ok(float64(arguments.value(0)?).ceil().into()));
    functions.add_variadic("round", [Any, Int, Float64], Float64, |_, arguments| {
        let round_on = if arguments.len() > 2 { arguments.float(2)? } else { 0.5 };
        Ok(round(float64(arguments.value(0)?), arguments.int(1)?, round_on).into())
    });
    functions.add("add1f", [Any], Float64, |_, arguments| {
        decimals(arguments.value(0)?, &[Value::Int(1)], Operation::Add)
    });
    functions.add_variadic("addf", [Any], Float64, |_, arguments| {
        decimals(&Value::Float(0.0), arguments.all(), Operation::Add)
    });
    let operations =
        [("subf", Operation::Subtract), ("mulf", Operation::Multiply), ("divf", Operation::Divide)];
    for (name, operation) in operations {
        functions.add_variadic(name, [Any, Any], Float64, move |_, arguments| {
            decimals(arguments.value(0)?, arguments.rest(1), operation)
        });
    }
    functions.add("until", [Int], INTS, |call, arguments| {
        let count = arguments.int(0)?;
        ints(call, 0, count, if count < 0 { -1 } else { 1 })
    });
    functions.add("untilStep", [Int, Int, Int], INTS, |call, arguments| {
        ints(call, arguments.int(0)?, arguments.int(1)?, arguments.int(2)?)
    });
    functions.add_variadic("seq", [Int], Str, |call, arguments| {
        let numbers: Vec<i64> = arguments.all().iter().filter_map(Value::as_signed).collect();
        seq(call, &numbers)
    });
}

/// Go's `strconv.Atoi`; out of range gives the nearest number.
fn atoi(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

fn round(number: f64, places: i64, round_on: f64) -> f64 {
    let power = 10f64.powi(places.clamp(-400, 400) as i32);
    let digits = power * number;
    let rounded = if digits.fract() >= round_on { digits.ceil() } else { digits.floor() };
    rounded / power
}

fn ints(call: &mut Call<'_>, start: i64, stop: i64, step: i64) -> Result<Value, FunctionError> {
    let numbers = until_step(call, start, stop, step)?;
    Ok(List::of(Element::Int, numbers.into_iter().map(Value::Int).collect()).into())
}

fn until_step(call: &mut Call<'_>, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, FunctionError> {
    let down = stop < start;
    if (down && step >= 0) || (!down && step <= 0) {
        return Ok(Vec::new());
    }
    let count = stop.abs_diff(start).div_ceil(step.unsigned_abs());
    call.charge_steps(count)?;
    call.charge_bytes(usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(32))?;
    let mut numbers = Vec::new();
    let mut number = start;
    while if down { number > stop } else { number < stop } {
        numbers.push(number);
        match number.checked_add(step) {
            Some(next) => number = next,
            None => break,
        }
    }
    Ok(numbers)
}

fn seq(call: &mut Call<'_>, numbers: &[i64]) -> Result<Value, FunctionError> {
    let (start, step, end) = match *numbers {
        [end] => (1, if end < 1 { -1 } else { 1 }, end),
        [start, end] => (start, if end < start { -1 } else { 1 }, end),
        [start, step, end] if end >= start || step <= 0 => (start, step, end),
        _ => return Ok(Value::string("")),
    };
    let past = end.wrapping_add(if end < start { -1 } else { 1 });
    let numbers = until_step(call, start, past, step)?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(Value::string(texts.join(" ")))
}

#[derive(Clone, Copy)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

fn decimals(first: &Value, others: &[Value], operation: Operation) -> Result<Value, FunctionError> {
    let mut result = Decimal::from_float(float64(first));
    for other in others {
        result = result.apply(Decimal::from_float(float64(other)), operation)?;
    }
    Ok(result.to_float().into())
}

/// A decimal number; one that does not fit becomes a float.
#[derive(Clone, Copy)]
enum Decimal {
    Exact { digits: i128, exponent: i32 },
    Float(f64),
}

/// Digits after the point of a quotient.
const DIVISION_PRECISION: i32 = 16;

impl Decimal {
    fn from_float(number: f64) -> Self {
        let text = format!("{number:e}");
        let exact = text.split_once('e').and_then(|(digits, exponent)| {
            let fraction = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i32);
            let exponent = exponent.parse::<i32>().ok()? - fraction;
            Some(Self::Exact { digits: digits.replace('.', "").parse().ok()?, exponent })
        });
        exact.unwrap_or(Self::Float(number))
    }

    fn to_float(self) -> f64 {
        match self {
            Self::Exact { digits, exponent } => format!("{digits}e{exponent}").parse().unwrap_or(0.0),
            Self::Float(number) => number,
        }
    }

    fn apply(self, other: Self, operation: Operation) -> Result<Self, FunctionError> {
        if matches!(operation, Operation::Divide) && other.to_float() == 0.0 {
            return Err("decimal division by 0".into());
        }
        if let Some(exact) = self.exact(other, operation) {
            return Ok(exact);
        }
        let (a, b) = (self.to_float(), other.to_float());
        Ok(Self::Float(match operation {
            Operation::Add => a + b,
            Operation::Subtract => a - b,
            Operation::Multiply => a * b,
            Operation::Divide => a / b,
        }))
    }

    fn exact(self, other: Self, operation: Operation) -> Option<Self> {
        let (Self::Exact { digits: a, exponent: x }, Self::Exact { digits: b, exponent: y }) = (self, other)
        else {
            return None;
        };
        let scaled = |digits: i128, by: i32| digits.checked_mul(10i128.checked_pow(u32::try_from(by).ok()?)?);
        let low = x.min(y);
        let (digits, exponent) = match operation {
            Operation::Add => (scaled(a, x - low)?.checked_add(scaled(b, y - low)?)?, low),
            Operation::Subtract => (scaled(a, x - low)?.checked_sub(scaled(b, y - low)?)?, low),
            Operation::Multiply => (a.checked_mul(b)?, x + y),
            Operation::Divide => {
                let shift = x - y + DIVISION_PRECISION;
                let (a, b) = if shift >= 0 { (scaled(a, shift)?, b) } else { (a, scaled(b, -shift)?) };
                let away = if (a < 0) == (b < 0) { 1 } else { -1 };
                let up = (a % b).unsigned_abs().checked_mul(2)? >= b.unsigned_abs();
                (a / b + if up { away } else { 0 }, -DIVISION_PRECISION)
            }
        };
        Some(Self::Exact { digits, exponent })
    }
}
