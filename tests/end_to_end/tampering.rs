//! A bundle that was touched does not verify, and the verifier says where.

use crate::harness::{Scratch, texts, utfall};

fn verify(path: &std::path::Path) -> (Option<i32>, String) {
    let output = utfall(&["verify".as_ref(), path.as_os_str()]);
    let (errors, results) = texts(&output);
    (output.status.code(), errors + &results)
}

#[test]
fn a_fresh_bundle_is_accepted() {
    let scratch = Scratch::copy_of("norrkoping");
    scratch.run_well(&[]);
    let (code, text) = verify(&scratch.bundle());
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("V0") && text.contains("V3"), "{text}");
}

#[test]
fn one_changed_byte_anywhere_is_refused() {
    let scratch = Scratch::copy_of("norrkoping");
    scratch.run_well(&[]);
    let bytes = std::fs::read(scratch.bundle()).unwrap();
    let touched = scratch.workspace().join("touched.zip");
    let stride = bytes.len() / 60 + 1;
    for offset in (0..bytes.len()).step_by(stride) {
        let mut copy = bytes.clone();
        copy[offset] ^= 1;
        std::fs::write(&touched, copy).unwrap();
        let (code, text) = verify(&touched);
        assert_eq!(
            code,
            Some(5),
            "byte {offset} of {} changed: {text}",
            bytes.len()
        );
    }
}

#[test]
fn a_changed_figure_of_the_effects_is_named() {
    let scratch = Scratch::copy_of("norrkoping");
    scratch.run_well(&[]);
    let bytes = std::fs::read(scratch.bundle()).unwrap();
    let at = find(&bytes, b"\"point\":").unwrap();
    let digit = (at..bytes.len())
        .find(|&offset| bytes[offset].is_ascii_digit())
        .unwrap();
    let mut copy = bytes;
    copy[digit] = if copy[digit] == b'9' {
        b'8'
    } else {
        copy[digit] + 1
    };
    let touched = scratch.workspace().join("touched.zip");
    std::fs::write(&touched, copy).unwrap();
    let (code, text) = verify(&touched);
    assert_eq!(code, Some(5), "{text}");
    assert!(text.contains("effects.json"), "{text}");
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}
