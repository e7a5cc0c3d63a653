//! Reading, strictly.

use std::collections::BTreeMap;

use super::{Json, JsonError, number};

/// Deepest nesting of values. Documents here need six.
const DEEPEST: usize = 64;

impl Json {
    /// Reads one JSON document.
    ///
    /// # Errors
    ///
    /// [`JsonError`] with the offset of the first deviation from RFC 8259, of a key that occurs
    /// twice in one object, or of a value nested too deep.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let text = std::str::from_utf8(bytes).map_err(|error| JsonError::NotText {
            offset: error.valid_up_to(),
        })?;
        let mut reader = Reader { text, offset: 0 };
        let value = reader.value(0)?;
        reader.skip_space();
        if reader.offset == text.len() {
            Ok(value)
        } else {
            Err(reader.expected("the end of the document"))
        }
    }

    /// Reads one JSON document that is in its canonical form.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), and [`JsonError::NotCanonical`] at the first byte that the
    /// canonical form would not have.
    pub fn parse_canonical(bytes: &[u8]) -> Result<Self, JsonError> {
        let value = Self::parse(bytes)?;
        let canonical = value.to_bytes();
        if canonical == bytes && value.numbers_are_canonical() {
            return Ok(value);
        }
        let offset = canonical
            .iter()
            .zip(bytes)
            .take_while(|(ours, theirs)| ours == theirs)
            .count();
        Err(JsonError::NotCanonical { offset })
    }

    fn numbers_are_canonical(&self) -> bool {
        match self {
            Self::Number(text) => number::is_canonical(text),
            Self::List(items) => items.iter().all(Self::numbers_are_canonical),
            Self::Object(members) => members.values().all(Self::numbers_are_canonical),
            Self::Null | Self::Flag(_) | Self::Text(_) => true,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    offset: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Json, JsonError> {
        if depth > DEEPEST {
            return Err(JsonError::TooDeep {
                offset: self.offset,
                limit: DEEPEST,
            });
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Flag(true)),
            Some(b'f') => self.word("false", Json::Flag(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => Err(self.expected("a value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, JsonError> {
        let mut members = BTreeMap::new();
        self.sequence(b'}', "`,` or `}`", |reader| {
            reader.skip_space();
            let offset = reader.offset;
            let key = reader.string()?;
            reader.skip_space();
            reader.take(b':', "`:`")?;
            let value = reader.value(depth + 1)?;
            match members.insert(key.clone(), value) {
                None => Ok(()),
                Some(_) => Err(JsonError::DuplicateKey { offset, key }),
            }
        })?;
        Ok(Json::Object(members))
    }

    fn list(&mut self, depth: usize) -> Result<Json, JsonError> {
        let mut items = Vec::new();
        self.sequence(b']', "`,` or `]`", |reader| {
            items.push(reader.value(depth + 1)?);
            Ok(())
        })?;
        Ok(Json::List(items))
    }

    /// Members between an opening mark, which is next, and a closing one.
    fn sequence(
        &mut self,
        close: u8,
        expected: &'static str,
        mut member: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.offset += 1;
        self.skip_space();
        if self.skip(close) {
            return Ok(());
        }
        loop {
            member(self)?;
            self.skip_space();
            if self.skip(close) {
                return Ok(());
            }
            self.take(b',', expected)?;
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.take(b'"', "`\"`")?;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.offset..];
            let plain = rest
                .bytes()
                .take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f))
                .count();
            out.push_str(&rest[..plain]);
            self.offset += plain;
            match self.peek() {
                Some(b'"') => {
                    self.offset += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err(self.expected("`\"` or an escaped character")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        self.offset += 1;
        let escaped = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.escaped_unicode(),
            _ => return Err(self.expected("an escape")),
        };
        self.offset += 1;
        Ok(escaped)
    }

    fn escaped_unicode(&mut self) -> Result<char, JsonError> {
        let first = self.hexadecimal()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            self.take(b'\\', "the second half of a surrogate pair")?;
            let second = self.hexadecimal()?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(self.expected("the second half of a surrogate pair"));
            }
            0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| self.expected("a character"))
    }

    /// Four hexadecimal digits after a `u`, which is next.
    fn hexadecimal(&mut self) -> Result<u32, JsonError> {
        self.take(b'u', "`u`")?;
        let digits = self
            .text
            .as_bytes()
            .get(self.offset..self.offset + 4)
            .unwrap_or_default();
        let mut code = 0;
        for digit in digits {
            let value = char::from(*digit)
                .to_digit(16)
                .ok_or_else(|| self.expected("four hexadecimal digits"))?;
            code = code * 16 + value;
        }
        if digits.len() < 4 {
            return Err(self.expected("four hexadecimal digits"));
        }
        self.offset += 4;
        Ok(code)
    }

    fn number(&mut self) -> Result<Json, JsonError> {
        let start = self.offset;
        self.skip(b'-');
        if !self.skip(b'0') {
            self.digits()?;
        }
        if self.skip(b'.') {
            self.digits()?;
        }
        if self.skip(b'e') || self.skip(b'E') {
            let _ = self.skip(b'+') || self.skip(b'-');
            self.digits()?;
        }
        Ok(Json::Number(self.text[start..self.offset].to_owned()))
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let n_digits = self.text[self.offset..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        self.offset += n_digits;
        if n_digits > 0 {
            Ok(())
        } else {
            Err(self.expected("a digit"))
        }
    }

    fn word(&mut self, word: &'static str, value: Json) -> Result<Json, JsonError> {
        if self.text[self.offset..].starts_with(word) {
            self.offset += word.len();
            Ok(value)
        } else {
            Err(self.expected(word))
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.offset += usize::from(is_next);
        is_next
    }

    fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), JsonError> {
        if self.skip(byte) {
            Ok(())
        } else {
            Err(self.expected(expected))
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.offset += 1;
        }
    }

    fn expected(&self, expected: &'static str) -> JsonError {
        JsonError::Syntax {
            offset: self.offset,
            expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> JsonError {
        Json::parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_number_keeps_its_text() {
        let value = Json::parse(b" { \"a\" : [ -0.50e+3 , 12345678901234567890123 ] } ").unwrap();
        let numbers =
            ["-0.50e+3", "12345678901234567890123"].map(|text| Json::Number(text.to_owned()));
        assert_eq!(value.get("a"), Some(&Json::List(numbers.into())));
    }

    #[test]
    fn a_key_that_occurs_twice_is_refused_however_it_is_written() {
        assert_eq!(
            refused(r#"{"a":1,"a":1}"#),
            JsonError::DuplicateKey {
                offset: 7,
                key: "a".to_owned()
            }
        );
        assert_eq!(
            refused(r#"{"a":1,"\u0061":1}"#),
            JsonError::DuplicateKey {
                offset: 7,
                key: "a".to_owned()
            }
        );
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_offset() {
        for (text, offset) in [
            ("", 0),
            ("{", 1),
            ("[1,]", 3),
            ("[1 2]", 3),
            ("{\"a\"}", 4),
            ("01", 1),
            ("1.", 2),
            ("-", 1),
            ("1e", 2),
            ("nul", 0),
            ("\"a", 2),
            ("\"\n\"", 1),
            ("\"\\x\"", 2),
            ("\"\\u12g4\"", 3),
            ("\"\\ud800\"", 7),
            ("\"\\udc00\"", 7),
            ("\"\\u00", 3),
            ("true false", 5),
            ("{a:1}", 1),
            ("NaN", 0),
        ] {
            assert!(
                matches!(refused(text), JsonError::Syntax { offset: at, .. } if at == offset),
                "{text}: {}",
                refused(text)
            );
        }
        assert_eq!(
            Json::parse(b"\"\xff\""),
            Err(JsonError::NotText { offset: 1 })
        );
    }

    #[test]
    fn nesting_has_a_limit_and_no_stack_is_lost() {
        assert!(Json::parse(format!("{}{}", "[".repeat(64), "]".repeat(64)).as_bytes()).is_ok());
        assert!(matches!(
            refused(&"[".repeat(1_000_000)),
            JsonError::TooDeep { .. }
        ));
    }

    #[test]
    fn escapes_read_as_the_characters_they_stand_for() {
        let value = Json::parse(r#""\u00e5\ud83d\ude00\/\n""#.as_bytes()).unwrap();
        assert_eq!(value, Json::Text("å😀/\n".to_owned()));
    }

    #[test]
    fn leaving_the_canonical_form_is_placed() {
        for (text, offset) in [
            ("{\"a\":1 }", 6),
            ("{\"b\":1,\"a\":2}", 2),
            ("[1.50]", 6),
            ("\"\\u00e5\"", 1),
        ] {
            assert_eq!(
                Json::parse_canonical(text.as_bytes()),
                Err(JsonError::NotCanonical { offset }),
                "{text}"
            );
        }
        assert!(Json::parse_canonical(br#"{"a":1.5,"b":[null,true,"x"]}"#).is_ok());
    }
}
