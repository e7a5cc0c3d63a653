//! Columns that a request computes from those of its file, such as `year >= effyear`.
//!
//! ```text
//! any     = all { "or" all }          all   = compared { "and" compared }
//! compared = sum [ (= != < <= > >=) sum ]
//! sum     = product { (+ -) product }   product = power { (* /) power }
//! power   = [-] atom [ ^ power ]
//! atom    = number | 'text' | column | "column" | name(any, …) | (any)
//! ```
//!
//! A cell without a value makes everything it touches missing, a comparison too, but for
//! `missing(x)` and `else(x, y)`, which is `y` where `x` has no value.

use serde::{Deserialize, Serialize};
use utfall_stats::elementary;

use crate::RequestError;
use crate::table::Table;

/// A column computed from others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Derived {
    /// What it is called.
    pub name: String,
    /// How it is computed: `log(pop)`, `fatal / pop * 1e4`, `else(year >= adopted, 0)`.
    pub formula: String,
}

impl Derived {
    /// Adds the column to every row of the table.
    pub(crate) fn add(&self, table: &mut Table) -> Result<(), RequestError> {
        let refused = |message: String| RequestError::Formula {
            name: self.name.clone(),
            message,
        };
        let tokens = tokens(&self.formula).map_err(refused)?;
        let mut parser = Parser { tokens, at: 0 };
        let formula = parser.any().map_err(refused)?;
        if let Some(token) = parser.tokens.get(parser.at) {
            return Err(refused(format!("{token:?} is not expected here")));
        }
        let mut names = Vec::new();
        formula.columns(&mut names);
        let columns: Vec<(String, Vec<String>)> = names
            .into_iter()
            .map(|name| Ok((name.clone(), table.cells(&name)?)))
            .collect::<Result<_, RequestError>>()?;
        let cells = (0..table.n_rows()).map(|row| {
            let value = formula.value(&|name| {
                let known = columns.iter().find(|(column, _)| column == name);
                known.map_or("", |(_, cells)| cells[row].as_str())
            });
            match value {
                Value::Missing => "NA".to_owned(),
                Value::Number(number) if number.is_finite() => number.to_string(),
                Value::Number(_) => "NA".to_owned(),
                Value::Text(text) => text,
            }
        });
        let cells: Vec<String> = cells.collect();
        table.add_column(&self.name, &cells)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    Column(String),
    Symbol(&'static str),
}

fn tokens(formula: &str) -> Result<Vec<Token>, String> {
    const SYMBOLS: [&str; 15] = [
        "!=", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "^", "(", ")", ",", "%",
    ];
    let mut rest = formula.trim_start();
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        let taken = if first.is_ascii_digit() {
            let end = number_end(rest);
            let number = rest[..end]
                .parse()
                .map_err(|_| format!("`{}` is no number", &rest[..end]))?;
            found.push(Token::Number(number));
            end
        } else if first == '\'' || first == '"' {
            let end = rest[1..].find(first).ok_or("a quote is not closed")?;
            let text = rest[1..=end].to_owned();
            found.push(if first == '"' {
                Token::Column(text)
            } else {
                Token::Text(text)
            });
            end + 2
        } else if first.is_alphabetic() || first == '_' {
            let named = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
            let end = rest.find(|c| !named(c)).unwrap_or(rest.len());
            found.push(Token::Column(rest[..end].to_owned()));
            end
        } else {
            let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
            let symbol = symbol.ok_or_else(|| format!("`{first}` is not understood"))?;
            found.push(Token::Symbol(symbol));
            symbol.len()
        };
        rest = rest[taken..].trim_start();
    }
    Ok(found)
}

fn number_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = 0;
    while end < bytes.len() {
        let sign = matches!(bytes[end], b'+' | b'-') && matches!(bytes[end - 1], b'e' | b'E');
        if !(bytes[end].is_ascii_digit() || matches!(bytes[end], b'.' | b'e' | b'E') || sign) {
            break;
        }
        end += 1;
    }
    end
}

#[derive(Debug)]
enum Formula {
    Number(f64),
    Text(String),
    Column(String),
    Call(String, Vec<Formula>),
    Pair(&'static str, Box<Formula>, Box<Formula>),
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Missing,
    Number(f64),
    Text(String),
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn symbol(&mut self, wanted: &[&'static str]) -> Option<&'static str> {
        let found = match self.tokens.get(self.at) {
            Some(Token::Symbol(symbol)) => wanted.iter().find(|wanted| *wanted == symbol),
            Some(Token::Column(word)) => wanted.iter().find(|wanted| *wanted == word),
            _ => None,
        };
        self.at += usize::from(found.is_some());
        found.copied()
    }

    fn left(
        &mut self,
        symbols: &[&'static str],
        part: fn(&mut Self) -> Result<Formula, String>,
    ) -> Result<Formula, String> {
        let mut whole = part(self)?;
        while let Some(symbol) = self.symbol(symbols) {
            whole = Formula::Pair(symbol, Box::new(whole), Box::new(part(self)?));
        }
        Ok(whole)
    }

    fn any(&mut self) -> Result<Formula, String> {
        self.left(&["or"], Self::all)
    }

    fn all(&mut self) -> Result<Formula, String> {
        self.left(&["and"], Self::compared)
    }

    fn compared(&mut self) -> Result<Formula, String> {
        self.left(&["=", "!=", "<=", ">=", "<", ">"], Self::sum)
    }

    fn sum(&mut self) -> Result<Formula, String> {
        self.left(&["+", "-"], Self::product)
    }

    fn product(&mut self) -> Result<Formula, String> {
        self.left(&["*", "/", "%"], Self::power)
    }

    fn power(&mut self) -> Result<Formula, String> {
        if self.symbol(&["-"]).is_some() {
            let zero = Box::new(Formula::Number(0.0));
            return Ok(Formula::Pair("-", zero, Box::new(self.power()?)));
        }
        let base = self.atom()?;
        if self.symbol(&["^"]).is_some() {
            return Ok(Formula::Pair("^", Box::new(base), Box::new(self.power()?)));
        }
        Ok(base)
    }

    fn atom(&mut self) -> Result<Formula, String> {
        let token = self
            .tokens
            .get(self.at)
            .cloned()
            .ok_or("the formula ends too early")?;
        self.at += 1;
        match token {
            Token::Number(number) => Ok(Formula::Number(number)),
            Token::Text(text) => Ok(Formula::Text(text)),
            Token::Column(name) if self.symbol(&["("]).is_some() => self.call(name),
            Token::Column(name) => Ok(Formula::Column(name)),
            Token::Symbol("(") => {
                let inner = self.any()?;
                self.symbol(&[")"]).ok_or("a parenthesis is not closed")?;
                Ok(inner)
            }
            Token::Symbol(symbol) => Err(format!("`{symbol}` is not expected here")),
        }
    }

    fn call(&mut self, name: String) -> Result<Formula, String> {
        let mut inner = vec![self.any()?];
        while self.symbol(&[","]).is_some() {
            inner.push(self.any()?);
        }
        self.symbol(&[")"]).ok_or("a parenthesis is not closed")?;
        let expected = match name.as_str() {
            "log" | "exp" | "sqrt" | "abs" | "floor" | "sin" | "cos" | "not" | "missing" => 1,
            "else" | "min" | "max" => 2,
            "if" => 3,
            _ => {
                return Err(format!(
                    "`{name}` is no function: log, exp, sqrt, abs, floor, sin, cos, not, missing, else, min, max, if"
                ));
            }
        };
        if inner.len() != expected {
            return Err(format!("`{name}` takes {expected} values"));
        }
        Ok(Formula::Call(name, inner))
    }
}

impl Formula {
    fn columns(&self, names: &mut Vec<String>) {
        match self {
            Self::Column(name) => names.push(name.clone()),
            Self::Call(_, inner) => inner.iter().for_each(|part| part.columns(names)),
            Self::Pair(_, one, other) => {
                one.columns(names);
                other.columns(names);
            }
            Self::Number(_) | Self::Text(_) => {}
        }
    }

    fn value<'a>(&self, cell: &impl Fn(&str) -> &'a str) -> Value {
        match self {
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(text.clone()),
            Self::Column(name) => match cell(name) {
                "" | "NA" => Value::Missing,
                text => text
                    .parse()
                    .map_or_else(|_| Value::Text(text.to_owned()), Value::Number),
            },
            Self::Pair(symbol, one, other) => pair(symbol, &one.value(cell), &other.value(cell)),
            Self::Call(name, inner) => {
                let values: Vec<Value> = inner.iter().map(|part| part.value(cell)).collect();
                call(name, &values)
            }
        }
    }
}

fn truth(value: bool) -> Value {
    Value::Number(f64::from(u8::from(value)))
}

fn pair(symbol: &str, one: &Value, other: &Value) -> Value {
    let (a, b) = match (one, other) {
        (Value::Missing, _) | (_, Value::Missing) => return Value::Missing,
        (Value::Number(a), Value::Number(b)) => (*a, *b),
        _ if symbol == "=" => return truth(one == other),
        _ if symbol == "!=" => return truth(one != other),
        _ => return Value::Missing,
    };
    let yes = |value: f64| value.abs() > 0.0;
    match symbol {
        "or" => truth(yes(a) || yes(b)),
        "and" => truth(yes(a) && yes(b)),
        "=" => truth(a.total_cmp(&b).is_eq()),
        "!=" => truth(a.total_cmp(&b).is_ne()),
        "<=" => truth(a <= b),
        ">=" => truth(a >= b),
        "<" => truth(a < b),
        ">" => truth(a > b),
        "+" => Value::Number(a + b),
        "-" => Value::Number(a - b),
        "*" => Value::Number(a * b),
        "/" => Value::Number(a / b),
        "%" => Value::Number(a - b * (a / b).floor()),
        _ if b.total_cmp(&2.0).is_eq() => Value::Number(a * a),
        _ => Value::Number(elementary::pow(a, b)),
    }
}

fn call(name: &str, values: &[Value]) -> Value {
    match (name, values) {
        ("missing", [value]) => truth(*value == Value::Missing),
        ("else", [Value::Missing, other]) => other.clone(),
        ("else", [value, _]) => value.clone(),
        ("if", [Value::Number(holds), then, _]) if holds.abs() > 0.0 => then.clone(),
        ("if", [Value::Number(_), _, otherwise]) => otherwise.clone(),
        ("min", [Value::Number(a), Value::Number(b)]) => Value::Number(a.min(*b)),
        ("max", [Value::Number(a), Value::Number(b)]) => Value::Number(a.max(*b)),
        (_, [Value::Number(x)]) => match name {
            "log" => Value::Number(elementary::log(*x)),
            "exp" => Value::Number(elementary::exp(*x)),
            "sqrt" => Value::Number(x.sqrt()),
            "abs" => Value::Number(x.abs()),
            "floor" => Value::Number(x.floor()),
            "sin" => Value::Number(elementary::sin(*x)),
            "cos" => Value::Number(elementary::cos(*x)),
            _ => truth(x.abs() <= 0.0),
        },
        _ => Value::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(formula: &str) -> Value {
        let mut parser = Parser {
            tokens: tokens(formula).unwrap(),
            at: 0,
        };
        let formula = parser.any().unwrap();
        formula.value(&|name| match name {
            "year" => "2004",
            "sex" => "male",
            _ => "",
        })
    }

    #[test]
    fn formulas_mean_what_they_say() {
        assert_eq!(of("1 + 2 * 3 ^ 2 / 4"), Value::Number(5.5));
        assert_eq!(of("(year - 2000) % 3"), Value::Number(1.0));
        assert_eq!(of("-2 ^ 2"), Value::Number(-4.0));
        assert_eq!(of("sex = 'male' and not(year < 1e3)"), Value::Number(1.0));
        assert_eq!(of("if(year >= 2004, max(1, 2), 0)"), Value::Number(2.0));
    }

    #[test]
    fn a_missing_cell_makes_a_comparison_missing() {
        assert_eq!(of("year >= adopted"), Value::Missing);
        assert_eq!(of("else(year >= adopted, 0)"), Value::Number(0.0));
        assert_eq!(of("missing(adopted)"), Value::Number(1.0));
        assert_eq!(of("log(sex)"), Value::Missing);
    }
}
