//! UTF-16 text as UTF-8, by blocks.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

/// Bytes of UTF-16 taken in at a time.
const CHUNK_BYTES: usize = 1 << 16;

/// A byte that no UTF-8 text holds. It stands for what is no character, so that the row it
/// lies in is told to break its encoding.
const NO_CHARACTER: u8 = 0xff;

/// Reads UTF-16 text as UTF-8.
pub(crate) struct Transcoder<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    /// How much of `raw` has been taken in.
    taken: usize,
    at_end: bool,
    is_flushed: bool,
    text: Vec<u8>,
    given: usize,
}

impl<R: Read> Transcoder<R> {
    /// Text in `encoding`, without its byte order mark.
    pub(crate) fn new(inner: R, encoding: &'static Encoding) -> Self {
        Self {
            inner,
            decoder: encoding.new_decoder_without_bom_handling(),
            raw: Vec::with_capacity(CHUNK_BYTES),
            taken: 0,
            at_end: false,
            is_flushed: false,
            text: Vec::new(),
            given: 0,
        }
    }

    /// Fills `text` anew; leaves it empty only at the end.
    fn refill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.given = 0;
        while self.text.is_empty() && !self.is_flushed {
            if self.taken == self.raw.len() && !self.at_end {
                self.raw.clear();
                self.taken = 0;
                let chunk = &mut self.inner.by_ref().take(CHUNK_BYTES as u64);
                self.at_end = chunk.read_to_end(&mut self.raw)? < CHUNK_BYTES;
            }
            self.take_in();
        }
        Ok(())
    }

    fn take_in(&mut self) {
        let rest = &self.raw[self.taken..];
        let room = self
            .decoder
            .max_utf8_buffer_length_without_replacement(rest.len())
            .unwrap_or(CHUNK_BYTES);
        let start = self.text.len();
        self.text.resize(start + room, 0);
        let (result, n_taken, n_written) = self.decoder.decode_to_utf8_without_replacement(
            rest,
            &mut self.text[start..],
            self.at_end,
        );
        self.taken += n_taken;
        self.text.truncate(start + n_written);
        match result {
            DecoderResult::Malformed(..) => self.text.push(NO_CHARACTER),
            DecoderResult::InputEmpty => self.is_flushed = self.at_end,
            DecoderResult::OutputFull => {}
        }
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.text.len() {
            self.refill()?;
        }
        let n_given = buffer.len().min(self.text.len() - self.given);
        buffer[..n_given].copy_from_slice(&self.text[self.given..self.given + n_given]);
        self.given += n_given;
        Ok(n_given)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{UTF_16BE, UTF_16LE};
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], encoding: &'static Encoding) -> Vec<u8> {
        let mut text = Vec::new();
        Transcoder::new(bytes, encoding)
            .read_to_end(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn text_longer_than_a_chunk_comes_out_whole() {
        let text = "Åmål €𝄞".repeat(40_000);
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(&little, UTF_16LE), text.as_bytes());
        assert_eq!(read(&big, UTF_16BE), text.as_bytes());
    }

    #[test]
    fn half_a_character_is_no_character() {
        assert_eq!(read(b"a\0\x00\xd8b\0", UTF_16LE), b"a\xffb");
        assert_eq!(read(b"a\0b", UTF_16LE), b"a\xff");
    }

    proptest! {
        #[test]
        fn any_bytes_give_what_a_decoder_in_one_piece_gives(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let expected = UTF_16LE.decode_without_bom_handling(&bytes).0.into_owned();
            let found = String::from_utf8_lossy(&read(&bytes, UTF_16LE)).into_owned();
            prop_assert_eq!(found, expected);
        }
    }
}
