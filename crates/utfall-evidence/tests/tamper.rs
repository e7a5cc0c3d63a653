//! Tampering: bundles changed after sealing, and whether the change is found and placed.
#![expect(
    clippy::unwrap_used,
    reason = "a failure in a helper of a test is a failed test"
)]

use std::io::Cursor;
use std::path::Path;

use utfall_evidence::json::Json;
use utfall_evidence::{Bundle, Files, Inspection, MANIFEST, SEAL, inspect, inspect_zip};

fn bundle() -> Bundle {
    let mut files = Files::new();
    for (name, content) in [
        (
            "plan/contract.toml",
            "currency = \"SEK\"\ncap = \"1000000\"\n",
        ),
        ("record/decision.json", "{\"total\":250000}"),
        (
            "record/effects.json",
            "{\"effects\":[{\"name\":\"absence\",\"point\":-2.125}]}",
        ),
        ("report.html", "<!doctype html><title>Report</title>"),
        ("empty", ""),
    ] {
        files.insert(name, content.as_bytes().to_vec()).unwrap();
    }
    Bundle::seal(
        files,
        "urn:example:run",
        Json::parse(br#"{"pipeline":"absence"}"#).unwrap(),
    )
    .unwrap()
}

fn zip() -> Vec<u8> {
    let mut bytes = Vec::new();
    bundle().write_to(&mut bytes).unwrap();
    bytes
}

fn inspect_bytes(bytes: &[u8]) -> Inspection {
    inspect_zip(&mut Cursor::new(bytes)).unwrap()
}

fn unpack(files: &Files, folder: &Path) {
    for (name, bytes) in files.iter() {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// A small generator (Steele, Lea and Flood 2014, `SplitMix64`), so that a failure can be repeated.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}

#[test]
fn an_untouched_bundle_has_no_finding() {
    let inspection = inspect_bytes(&zip());
    assert_eq!(inspection.findings, []);
    assert_eq!(inspection.seal, Some(bundle().digest()));
    assert_eq!(inspection.files.as_ref(), Some(bundle().files()));
    assert_eq!(
        inspection.statement.unwrap().predicate_type,
        "urn:example:run"
    );
}

#[test]
fn the_same_files_give_the_same_bytes() {
    assert_eq!(zip(), zip());
    let seal = bundle().files().get(SEAL).unwrap().to_vec();
    assert_eq!(
        String::from_utf8(seal).unwrap(),
        format!("{}  manifest.json\n", bundle().digest())
    );
}

#[test]
fn every_single_byte_change_is_refused_with_its_place() {
    let sealed = zip();
    for offset in 0..sealed.len() {
        for pattern in 1..=255 {
            let mut changed = sealed.clone();
            changed[offset] ^= pattern;
            let inspection = inspect_bytes(&changed);
            assert!(
                !inspection.findings.is_empty(),
                "offset {offset} pattern {pattern:02x}"
            );
            assert!(
                inspection
                    .findings
                    .iter()
                    .all(|finding| !finding.place.is_empty())
            );
        }
    }
}

#[test]
fn a_changed_byte_of_any_file_is_named_to_the_byte() {
    let (sealed, files) = (zip(), bundle());
    for (name, content) in files
        .files()
        .iter()
        .filter(|(_, content)| !content.is_empty())
    {
        let start = sealed
            .windows(content.len())
            .position(|window| window == content)
            .unwrap();
        for offset in 0..content.len() {
            let mut changed = sealed.clone();
            changed[start + offset] ^= 0x01;
            let findings = inspect_bytes(&changed).findings;
            assert!(
                findings
                    .iter()
                    .any(|finding| finding.place == format!("{name}, offset {offset}")),
                "{name} {offset}: {findings:?}"
            );
        }
    }
}

/// Every byte of files of up to 64 KiB takes every value that is not its own with
/// `UTFALL_TAMPER=all`, and one of them, drawn, without.
#[test]
fn every_byte_of_files_up_to_64_kib_is_guarded() {
    let takes_all = std::env::var("UTFALL_TAMPER").is_ok_and(|asked| asked == "all");
    for n_bytes in [1, 257, 4096, 16_384, 65_536] {
        let mut draws = Draws(n_bytes);
        let mut files = Files::new();
        let bytes = (0..n_bytes).map(|_| draws.next() as u8).collect();
        files.insert(format!("file-{n_bytes}"), bytes).unwrap();
        let bundle = Bundle::seal(files, "urn:example", Json::Null).unwrap();
        let mut sealed = Vec::new();
        bundle.write_to(&mut sealed).unwrap();
        let drawn: Vec<u8> = (0..sealed.len())
            .map(|_| 1 + (draws.next() % 255) as u8)
            .collect();
        let n_threads = std::thread::available_parallelism().unwrap().get();
        // Places in turn, for a change near the start of a file takes longer to find.
        let guarded = |first: usize| {
            let mut sealed = sealed.clone();
            let mut n_refused = 0;
            for offset in (first..sealed.len()).step_by(n_threads) {
                let patterns = if takes_all {
                    1..=255
                } else {
                    drawn[offset]..=drawn[offset]
                };
                for pattern in patterns {
                    sealed[offset] ^= pattern;
                    let findings = inspect_bytes(&sealed).findings;
                    sealed[offset] ^= pattern;
                    assert!(
                        !findings.is_empty(),
                        "offset {offset} pattern {pattern:02x}"
                    );
                    n_refused += 1;
                }
            }
            n_refused
        };
        let n_refused = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..n_threads)
                .map(|first| scope.spawn(move || guarded(first)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum::<usize>()
        });
        println!("file of {n_bytes} bytes: {n_refused} changes of one byte refused");
    }
}

#[test]
fn a_hundred_thousand_random_mutations_are_all_refused() {
    let sealed = zip();
    let mut draws = Draws(20_261_101);
    for round in 0..100_000 {
        let mut changed = sealed.clone();
        for _ in 0..=draws.below(3) {
            mutate(&mut changed, &mut draws);
        }
        if changed != sealed {
            assert!(
                !inspect_bytes(&changed).findings.is_empty(),
                "round {round}"
            );
        }
    }
}

/// Sets, removes, inserts, repeats, moves or cuts bytes.
fn mutate(bytes: &mut Vec<u8>, draws: &mut Draws) {
    if bytes.is_empty() {
        return;
    }
    let start = draws.below(bytes.len());
    let end = (start + 1 + draws.below(40)).min(bytes.len());
    match draws.below(7) {
        0 => bytes[start] = draws.next() as u8,
        1 => drop(bytes.drain(start..end)),
        2 => bytes.insert(start, draws.next() as u8),
        3 => {
            let repeated = bytes[start..end].to_vec();
            bytes.splice(end..end, repeated);
        }
        4 => bytes.rotate_left(start),
        5 => bytes.truncate(start),
        _ => {
            let moved: Vec<u8> = bytes.drain(start..end).collect();
            let to = draws.below(bytes.len() + 1);
            bytes.splice(to..to, moved);
        }
    }
}

#[test]
fn a_file_too_many_or_too_few_is_named() {
    let mut files = Files::new();
    for (name, bytes) in bundle()
        .files()
        .iter()
        .filter(|(name, _)| *name != "report.html")
    {
        files.insert(name, bytes.to_vec()).unwrap();
    }
    files.insert("extra.txt", Vec::new()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    unpack(&files, folder.path());
    let findings = inspect(folder.path()).unwrap().findings;
    let places: Vec<_> = findings
        .iter()
        .map(|finding| finding.place.as_str())
        .collect();
    assert_eq!(places, ["report.html", "extra.txt"]);
}

#[test]
fn an_unpacked_bundle_is_accepted_and_every_changed_file_in_it_refused() {
    let folder = tempfile::tempdir().unwrap();
    unpack(bundle().files(), folder.path());
    assert_eq!(inspect(folder.path()).unwrap().findings, []);
    for (name, bytes) in bundle().files().iter() {
        std::fs::write(folder.path().join(name), [bytes, b" "].concat()).unwrap();
        let findings = inspect(folder.path()).unwrap().findings;
        let place = &findings[0].place;
        assert!(
            place.starts_with(name) || (name == SEAL && place.starts_with(SEAL)),
            "{name}: {findings:?}"
        );
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
}

/// A zip of another make, with one hostile entry.
fn hostile(name: &str, content: &[u8], options: zip::write::SimpleFileOptions) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in bundle().files().iter() {
        let stored = options.compression_method(zip::CompressionMethod::Stored);
        writer.start_file(name, stored).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.start_file(name, options).unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn zips_that_reach_out_swell_link_or_collide_are_refused() {
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let deflated = stored.compression_method(zip::CompressionMethod::Deflated);
    let link = stored.unix_permissions(0o120_777);
    let bomb = vec![0; 64 << 20];
    for (name, content, options) in [
        ("../evil", b"x".as_slice(), stored),
        ("/etc/evil", b"x", stored),
        ("record/../../evil", b"x", stored),
        ("C:\\evil", b"x", stored),
        ("Report.html", b"x", stored),
        ("record", b"x", stored),
        ("manifest.json/x", b"x", stored),
        ("con", b"x", stored),
        ("bomb", &bomb, deflated),
        ("link", b"/etc/passwd", link),
    ] {
        let bytes = hostile(name, content, options);
        assert!(!inspect_bytes(&bytes).findings.is_empty(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_an_unpacked_bundle_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    unpack(bundle().files(), folder.path());
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("link")).unwrap();
    let findings = inspect(folder.path()).unwrap().findings;
    assert_eq!((findings.len(), findings[0].place.as_str()), (1, "link"));
}

#[test]
fn a_manifest_with_a_key_twice_is_refused_even_if_sealed_again() {
    let manifest = bundle().files().get(MANIFEST).unwrap().to_vec();
    let twice = String::from_utf8(manifest)
        .unwrap()
        .replacen('{', "{\"_type\":\"x\",", 1);
    let mut files = Files::new();
    for (name, bytes) in bundle().files().iter() {
        let seal = utfall_evidence::seal_line(&utfall_files::Digest::sha256(twice.as_bytes()));
        let bytes = match name {
            MANIFEST => twice.as_bytes(),
            SEAL => seal.as_bytes(),
            _ => bytes,
        };
        files.insert(name, bytes.to_vec()).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    unpack(&files, folder.path());
    let findings = inspect(folder.path()).unwrap().findings;
    assert!(
        findings
            .iter()
            .any(|finding| finding.found.contains("occurs twice")),
        "{findings:?}"
    );
}

#[test]
fn a_bundle_is_written_whole_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.zip");
    bundle().write(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), zip());
    assert_eq!(inspect(&path).unwrap().findings, []);
    assert!(inspect(&folder.path().join("nowhere.zip")).is_err());
}
