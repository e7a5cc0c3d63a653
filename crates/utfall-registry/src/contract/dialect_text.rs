//! What makes a dialect sound for its format.

use super::dialect::{Dialect, Header, Thousands};
use super::error::{ContractFault, Misplaced, Step};
use super::text::{ContractText, Format};

/// Each format has the keys it needs, and none that mean nothing in it.
pub(super) fn check(text: &ContractText) -> Result<(), Misplaced> {
    let format = text.format;
    let Some(dialect) = &text.dialect else {
        return if format.is_text() {
            Err(ContractFault::NoDialect.at([Step::Field("format")]))
        } else {
            Ok(())
        };
    };
    check_keys(dialect, format)?;
    let at = |key| [Step::Field("dialect"), Step::Field(key)];
    let quote = dialect.quote.and_then(|quote| quote.0);
    if quote.is_some() && quote == dialect.delimiter {
        return Err(ContractFault::QuoteIsDelimiter.at(at("quote")));
    }
    let others = [dialect.delimiter, quote];
    if dialect.comment.is_some() && others.contains(&dialect.comment) {
        return Err(ContractFault::CommentIsMark.at(at("comment")));
    }
    if dialect.thousands == Some(Thousands::Mark(dialect.decimal)) {
        return Err(ContractFault::ThousandsAreDecimals.at(at("thousands")));
    }
    Ok(())
}

fn check_keys(dialect: &Dialect, format: Format) -> Result<(), Misplaced> {
    let is_csv = format == Format::Csv;
    let keys = [
        ("delimiter", dialect.delimiter.is_some(), is_csv, is_csv),
        ("quote", dialect.quote.is_some(), is_csv, is_csv),
        (
            "encoding",
            dialect.encoding.is_some(),
            format.is_text(),
            format.is_text(),
        ),
        ("header", dialect.header != Header::Named, is_csv, false),
        (
            "comment",
            dialect.comment.is_some(),
            format.is_text(),
            false,
        ),
        (
            "skip-lines",
            dialect.skip_lines > 0,
            format.is_text(),
            false,
        ),
        (
            "footer-lines",
            dialect.footer_lines > 0,
            format.is_text(),
            false,
        ),
    ];
    for (key, is_given, is_allowed, is_needed) in keys {
        let format = format.name();
        if is_given && !is_allowed {
            let fault = ContractFault::NotInDialect { key, format };
            return Err(fault.at([Step::Field("dialect"), Step::Field(key)]));
        }
        if !is_given && is_needed {
            let fault = ContractFault::MissingInDialect { key, format };
            return Err(fault.at([Step::Field("dialect")]));
        }
    }
    Ok(())
}
