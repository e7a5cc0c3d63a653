//! Characters that no reader sees and that change what a reader sees.

/// Whether a character has no place in a report: controls, which neither HTML nor XML can hold, and
/// marks that turn the direction of text, which could make an amount read backwards.
pub(crate) fn is_hidden(letter: char) -> bool {
    matches!(letter,
        '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{fffe}' | '\u{ffff}')
}

/// The text without them.
pub(crate) fn visible(text: &str) -> String {
    text.chars().filter(|letter| !is_hidden(*letter)).collect()
}
