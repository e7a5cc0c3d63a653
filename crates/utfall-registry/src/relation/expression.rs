//! What is computed from one row: values and conditions in three-valued logic.

/// A value computed from one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// A column's value.
    Column(String),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// A day, counted since 1970-01-01.
    Day(i32),
    /// The value beside the first condition that holds; otherwise the last.
    Case(Vec<(Condition, Expression)>, Box<Expression>),
    /// The first value that is there.
    Coalesce(Vec<Expression>),
}

/// Whether a row meets something. A comparison with a missing value is unknown, and an unknown
/// condition is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Two values of one type compare so; texts only as equal or not.
    Compare(Expression, Comparison, Expression),
    /// A value is there.
    Present(Expression),
    /// No value is there.
    Absent(Expression),
    /// All of them; true if there are none.
    All(Vec<Condition>),
    /// Any of them; false if there are none.
    Any(Vec<Condition>),
    /// Not met; of an unknown condition, unknown.
    Not(Box<Condition>),
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `>=`
    AtLeast,
    /// `>`
    Greater,
}

impl Expression {
    /// A column's value.
    #[must_use]
    pub fn column(name: &str) -> Self {
        Self::Column(name.to_owned())
    }
}

impl Condition {
    /// A column's value is there.
    #[must_use]
    pub fn present(column: &str) -> Self {
        Self::Present(Expression::column(column))
    }

    /// A column holds one of some values.
    #[must_use]
    pub fn among(column: &str, values: impl IntoIterator<Item = Expression>) -> Self {
        let equal = |value| Self::Compare(Expression::column(column), Comparison::Equal, value);
        Self::Any(values.into_iter().map(equal).collect())
    }

    /// A column holds one of some texts.
    #[must_use]
    pub fn text_among(column: &str, texts: &[String]) -> Self {
        Self::among(column, texts.iter().cloned().map(Expression::Text))
    }

    /// A day is at or after this one.
    #[must_use]
    pub fn from(column: &str, day: i32) -> Self {
        Self::compare(column, Comparison::AtLeast, Expression::Day(day))
    }

    /// A day is before this one.
    #[must_use]
    pub fn before(column: &str, day: i32) -> Self {
        Self::compare(column, Comparison::Less, Expression::Day(day))
    }

    /// A day is after this one, or there is none.
    #[must_use]
    pub fn after_or_open(column: &str, day: i32) -> Self {
        Self::Any(vec![
            Self::Absent(Expression::column(column)),
            Self::compare(column, Comparison::Greater, Expression::Day(day)),
        ])
    }

    /// A day lies in `[start, stop)` of the row; an open stop is later than any day.
    #[must_use]
    pub fn within(day: &str, start: &str, stop: &str) -> Self {
        let day = || Expression::column(day);
        Self::All(vec![
            Self::Compare(day(), Comparison::AtLeast, Expression::column(start)),
            Self::Any(vec![
                Self::Absent(Expression::column(stop)),
                Self::Compare(day(), Comparison::Less, Expression::column(stop)),
            ]),
        ])
    }

    /// A column compares so with a value.
    #[must_use]
    pub fn compare(column: &str, comparison: Comparison, value: Expression) -> Self {
        Self::Compare(Expression::column(column), comparison, value)
    }
}
