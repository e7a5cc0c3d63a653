//! How wide a text may be, without knowing the reader's fonts.
//!
//! A report is read on machines with different fonts, so widths are upper bounds: those of
//! DejaVu Sans, the widest sans serif in common use. A label set in a narrower font leaves a
//! little air; no label runs into another.

/// The most a text can measure, in pixels, at a font size in pixels.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(ems).sum::<f64>() * size
}

/// Breaks a text into lines no wider than `most`, at spaces where it can and inside a word where
/// it must; never at the narrow spaces inside a number. What does not fit in `n_lines` is cut with an ellipsis: the table has it in full.
pub(crate) fn wrap(text: &str, size: f64, most: f64, n_lines: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text
        .split([' ', '\t', '\n'])
        .filter(|word| !word.is_empty())
    {
        for piece in pieces(word, size, most) {
            let joined = if line.is_empty() {
                piece.clone()
            } else {
                format!("{line} {piece}")
            };
            if width(&joined, size) <= most {
                line = joined;
            } else {
                lines.push(std::mem::replace(&mut line, piece));
            }
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    if lines.len() > n_lines {
        lines.truncate(n_lines);
        if let Some(last) = lines.last_mut() {
            while !last.is_empty() && width(last, size) + width("…", size) > most {
                last.pop();
            }
            last.push('…');
        }
    }
    lines
}

/// A word in pieces that each fit.
fn pieces(word: &str, size: f64, most: f64) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for letter in word.chars() {
        let last = pieces.len() - 1;
        if !pieces[last].is_empty() && width(&pieces[last], size) + ems(letter) * size > most {
            pieces.push(String::new());
        }
        let last = pieces.len() - 1;
        pieces[last].push(letter);
    }
    pieces
}

/// Width of a character in ems, rounded up.
fn ems(letter: char) -> f64 {
    match letter {
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' => 0.0,
        '\u{202f}' | '\u{2009}' => 0.25,
        'i' | 'j' | 'l' | '\'' | '|' => 0.34,
        ' ' | ',' | '.' | '/' | '\\' | 'I' | ':' | ';' => 0.34,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '!' | '`' => 0.42,
        's' | 'z' | 'c' | 'k' | 'v' | 'x' | 'y' | '"' | '?' | '*' | '·' => 0.6,
        'm' | 'W' | '@' | '%' | '—' | '…' => 1.0,
        'w' | '−' | '+' | '<' | '>' | '=' | '≤' | '≥' | '×' | '~' | '#' | 'M' | '&' | '→' | '✓'
        | '✗' => 0.87,
        'a'..='z' | '0'..='9' | '_' | '$' | '–' => 0.64,
        'A'..='Z' => 0.79,
        'à'..='ÿ' => 0.68,
        '\u{80}'..='\u{24f}' => 0.87,
        _ => 1.05,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_asked() {
        let text = "enrolled in a municipal school at the index date, and aged sevenhundredandseventyseven months";
        for line in wrap(text, 12.0, 90.0, 99) {
            assert!(width(&line, 12.0) <= 90.0, "{line}");
        }
    }

    #[test]
    fn wrapping_loses_no_word() {
        let text = "born 2007 to 2012 and living in the municipality";
        assert_eq!(wrap(text, 12.0, 120.0, 99).join(" "), text);
    }

    #[test]
    fn a_number_is_not_broken_between_its_groups() {
        let lines = wrap("amount 1\u{202f}022\u{202f}500 SEK", 12.0, 80.0, 9);
        assert!(
            lines
                .iter()
                .any(|line| line.contains("1\u{202f}022\u{202f}500")),
            "{lines:?}"
        );
    }

    #[test]
    fn what_is_cut_ends_in_an_ellipsis() {
        let lines = wrap("one two three four five six seven eight", 12.0, 60.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with('…'));
        assert!(width(&lines[1], 12.0) <= 60.0);
    }
}
