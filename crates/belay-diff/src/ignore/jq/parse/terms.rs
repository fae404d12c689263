//! What binds names, folds, chooses, calculates and builds.

use serde_json::Value;

use super::{Definition, Expression, Fold, Operator, Parsed, Parser, Token, number_value};

/// How many definitions and variables may stand around a place.
const MOST_NAMES: usize = 200;

impl Parser {
    /// What follows `def`.
    pub(super) fn definition(&mut self) -> Parsed {
        let name = self.name("def")?;
        let (mut parameters, mut values) = (Vec::new(), Vec::new());
        if self.takes("(") {
            loop {
                let is_value = self.takes("$");
                let parameter = self.name("a parameter")?;
                if is_value {
                    values.push(parameter.clone());
                }
                parameters.push(parameter);
                if !self.takes(";") {
                    break;
                }
            }
            self.expect(")")?;
        }
        self.expect(":")?;
        let outer = self.functions.len();
        self.define(&name, parameters.len())?;
        for parameter in &parameters {
            self.define(parameter, 0)?;
        }
        let body = self.with_variables(&values, Parser::pipe)?;
        let body = values.into_iter().rev().fold(body, |body, value| {
            let argument = Expression::Invoke(value.clone(), Vec::new());
            Expression::Bind(Box::new(argument), value, Box::new(body))
        });
        self.expect(";")?;
        self.functions.truncate(outer);
        self.define(&name, parameters.len())?;
        let rest = self.pipe()?;
        self.functions.truncate(outer);
        Ok(Expression::Define(Box::new(Definition { name, parameters, body }), Box::new(rest)))
    }

    fn define(&mut self, name: &str, parameters: usize) -> Result<(), String> {
        self.functions.push((name.to_owned(), parameters));
        if self.functions.len() > MOST_NAMES {
            return Err(format!("defines more than {MOST_NAMES} names"));
        }
        Ok(())
    }

    fn name(&mut self, of: &str) -> Result<String, String> {
        match self.next() {
            Some(Token::Name(name)) => Ok(name),
            other => {
                let found = other.map_or("the end".to_owned(), |token| token.text());
                Err(format!("expected the name of {of}, found {found:?}"))
            }
        }
    }

    /// What follows `A as`: `$name | B`.
    pub(super) fn binding(&mut self, source: Expression) -> Parsed {
        let name = self.bound_name()?;
        self.expect("|")?;
        let body = self.with_variables(std::slice::from_ref(&name), Parser::pipe)?;
        Ok(Expression::Bind(Box::new(source), name, Box::new(body)))
    }

    fn bound_name(&mut self) -> Result<String, String> {
        if !self.takes("$") {
            return Err("patterns after \"as\" are not supported yet".to_owned());
        }
        self.name("a variable")
    }

    fn with_variables(&mut self, names: &[String], read: impl FnOnce(&mut Parser) -> Parsed) -> Parsed {
        let outer = self.variables.len();
        self.variables.extend(names.iter().cloned());
        if self.variables.len() > MOST_NAMES {
            return Err(format!("binds more than {MOST_NAMES} variables"));
        }
        let read = read(self);
        self.variables.truncate(outer);
        read
    }

    /// What follows `$`.
    pub(super) fn variable(&mut self) -> Parsed {
        let name = self.name("a variable")?;
        if !self.variables.contains(&name) {
            return Err(format!("\"${name}\" is not defined"));
        }
        Ok(Expression::Variable(name))
    }

    /// What follows `reduce` and `foreach`.
    pub(super) fn fold(&mut self, is_foreach: bool) -> Parsed {
        let source = self.source()?;
        let name = self.bound_name()?;
        self.expect("(")?;
        let start = self.pipe()?;
        self.expect(";")?;
        let names = std::slice::from_ref(&name);
        let update = self.with_variables(names, Parser::pipe)?;
        let extract = if is_foreach && self.takes(";") {
            Some(self.with_variables(names, Parser::pipe)?)
        } else {
            None
        };
        self.expect(")")?;
        let fold = Box::new(Fold { source, name, start, update, extract });
        Ok(if is_foreach { Expression::Foreach(fold) } else { Expression::Reduce(fold) })
    }

    /// The term before an `as` that is not a binding's.
    fn source(&mut self) -> Parsed {
        let term = self.postfix_before_as()?;
        if !self.takes_name("as") {
            return Err("expected \"as\"".to_owned());
        }
        Ok(term)
    }

    /// What follows `if`.
    pub(super) fn condition(&mut self) -> Parsed {
        let condition = Box::new(self.pipe()?);
        self.expect_name("then")?;
        let then = Box::new(self.pipe()?);
        let otherwise = if self.takes_name("elif") {
            Some(Box::new(self.condition()?))
        } else if self.takes_name("else") {
            let otherwise = self.pipe()?;
            self.expect_name("end")?;
            Some(Box::new(otherwise))
        } else {
            self.expect_name("end")?;
            None
        };
        Ok(Expression::If(condition, then, otherwise))
    }

    fn expect_name(&mut self, name: &str) -> Result<(), String> {
        if self.takes_name(name) {
            return Ok(());
        }
        Err(self.expected(name))
    }

    /// What follows `try`.
    pub(super) fn tried(&mut self) -> Parsed {
        let body = Box::new(self.postfix()?);
        let catch = if self.takes_name("catch") { Some(Box::new(self.postfix()?)) } else { None };
        Ok(Expression::Catch(body, catch))
    }

    pub(super) fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        loop {
            let operator = if self.takes("+") {
                Operator::Add
            } else if self.takes("-") {
                Operator::Subtract
            } else {
                return Ok(left);
            };
            left = Expression::Arithmetic(Box::new(left), operator, Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.postfix()?;
        loop {
            let operator = if self.takes("*") {
                Operator::Multiply
            } else if self.takes("/") {
                Operator::Divide
            } else if self.takes("%") {
                Operator::Remainder
            } else {
                return Ok(left);
            };
            left = Expression::Arithmetic(Box::new(left), operator, Box::new(self.postfix()?));
        }
    }

    /// What follows a `-` that has nothing before it.
    pub(super) fn negative(&mut self) -> Parsed {
        self.deeper(|parser| {
            Ok(match parser.postfix_before_as()? {
                Expression::Literal(Value::Number(number)) => {
                    Expression::Literal(number_value(-number.as_f64().unwrap_or(f64::NAN)))
                }
                term => {
                    let nothing = Expression::Literal(Value::from(0));
                    Expression::Arithmetic(Box::new(nothing), Operator::Subtract, Box::new(term))
                }
            })
        })
    }

    /// What follows `{`.
    pub(super) fn map(&mut self) -> Parsed {
        let mut entries = Vec::new();
        if self.takes("}") {
            return Ok(Expression::Map(entries));
        }
        loop {
            entries.push(self.entry()?);
            if !self.takes(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(Expression::Map(entries))
    }

    fn entry(&mut self) -> Result<(Expression, Expression), String> {
        let text = |name: &str| Expression::Literal(Value::from(name));
        let (key, own) = match self.next() {
            Some(Token::Sign("$")) => {
                let value = self.variable()?;
                let Expression::Variable(name) = &value else { return Ok((text(""), value)) };
                return Ok((text(name), value));
            }
            Some(Token::Sign("(")) => {
                let key = self.pipe()?;
                self.expect(")")?;
                (key, None)
            }
            Some(Token::Name(name)) => (text(&name), Some(text(&name))),
            Some(Token::Text(parts)) => {
                let key = self.text(parts, None)?;
                (key.clone(), Some(key))
            }
            other => {
                let found = other.map_or("the end".to_owned(), |token| token.text());
                return Err(format!("expected a key, found {found:?}"));
            }
        };
        match (self.takes(":"), own) {
            (true, _) => Ok((key, self.otherwise()?)),
            (false, Some(name)) => Ok((key, Expression::Key(Box::new(Expression::Identity), Box::new(name)))),
            (false, None) => Err("expected \":\"".to_owned()),
        }
    }
}
