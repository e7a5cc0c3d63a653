//! A ledger on disk: what is appended is proved, what is changed is found, what forks is noticed.
#![expect(
    clippy::unwrap_used,
    reason = "a failure in a helper of a test is a failed test"
)]

use std::path::{Path, PathBuf};

use utfall_evidence::SecretKey;
use utfall_evidence::ledger::{
    InclusionProof, Ledger, LedgerError, LedgerWriter, SignedCheckpoint, verify_consistency,
};

fn key() -> SecretKey {
    SecretKey::from_seed("ledger.example", &[3; 32]).unwrap()
}

fn entry(n: u64) -> Vec<u8> {
    format!("entry {n}").into_bytes()
}

/// A ledger of some entries, appended in batches of these sizes.
fn ledger(folder: &Path, batches: &[u64]) -> Ledger {
    drop(LedgerWriter::create(folder, key()).unwrap());
    let mut n = 0;
    for batch in batches {
        let mut writer = LedgerWriter::open(folder, key()).unwrap();
        let added: Vec<_> = (n..n + batch).map(entry).collect();
        assert_eq!(writer.append(&added).unwrap(), n..n + batch);
        n += batch;
    }
    Ledger::open(folder, key().public()).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_entry_of_a_ledger_is_there_and_proved() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path(), &[1, 254, 1, 1, 300, 65_536 - 557, 700]);
    assert_eq!(ledger.size(), 66_236);
    assert_eq!(ledger.check(), []);
    for n in (0..ledger.size()).step_by(997).chain([255, 256, 66_235]) {
        assert_eq!(ledger.entry(n).unwrap(), entry(n));
        let proof = ledger.prove(n).unwrap();
        let read = InclusionProof::parse(proof.to_text().as_bytes()).unwrap();
        assert_eq!(read, proof);
        assert!(read.shows(&entry(n)) && !read.shows(&entry(n + 1)));
        assert!(read.checkpoint().check(key().public()).is_ok());
    }
    assert_eq!(ledger.find(&entry(66_000)).unwrap(), Some(66_000));
    assert_eq!(ledger.find(b"nothing").unwrap(), None);
    assert!(matches!(
        ledger.prove(66_236),
        Err(LedgerError::NoSuchEntry { .. })
    ));
}

#[test]
fn the_batches_of_appends_change_no_byte_of_a_ledger() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    ledger(one.path(), &[600]);
    ledger(other.path(), &[255, 1, 1, 243, 100]);
    let content = |folder: &Path| {
        let files = files(folder).into_iter();
        let files = files.filter(|path| !path.ends_with(".utfall.lock"));
        files
            .map(|path| {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                (name, std::fs::read(&path).unwrap())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(content(one.path()), content(other.path()));
}

#[test]
fn earlier_checkpoints_are_consistent_with_later_ones() {
    let folder = tempfile::tempdir().unwrap();
    drop(LedgerWriter::create(folder.path(), key()).unwrap());
    let mut seen = Vec::new();
    for n in 0..600 {
        let mut writer = LedgerWriter::open(folder.path(), key()).unwrap();
        writer.append(&[entry(n)]).unwrap();
        let ledger = Ledger::open_unchecked(folder.path()).unwrap();
        seen.push(ledger.signed().checkpoint().clone());
    }
    let ledger = Ledger::open(folder.path(), key().public()).unwrap();
    let now = ledger.signed().checkpoint();
    for earlier in &seen {
        ledger.compare(earlier).unwrap();
        let path = ledger.consistency(earlier.size).unwrap();
        assert!(verify_consistency(
            earlier.size,
            &earlier.root,
            now.size,
            &now.root,
            &path
        ));
    }
}

#[test]
fn a_rollback_and_a_fork_are_noticed() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let honest = ledger(one.path(), &[300]);
    let seen = honest.signed().checkpoint();
    let rolled_back = ledger(other.path(), &[299]);
    assert!(matches!(
        rolled_back.compare(seen),
        Err(LedgerError::RolledBack {
            size: 299,
            earlier: 300
        })
    ));
    let mut writer = LedgerWriter::open(other.path(), key()).unwrap();
    writer.append(&[b"another".to_vec(), entry(300)]).unwrap();
    let forked = Ledger::open(other.path(), key().public()).unwrap();
    assert!(matches!(
        forked.compare(seen),
        Err(LedgerError::Forked { earlier: 300 })
    ));
}

#[test]
fn every_changed_byte_of_a_ledger_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path(), &[260]);
    assert_eq!(ledger.check(), []);
    for path in files(folder.path()) {
        if path.ends_with(".utfall.lock") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for offset in (0..bytes.len()).step_by(7) {
            let mut changed = bytes.clone();
            changed[offset] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            let opened = Ledger::open(folder.path(), key().public());
            let found = opened.map_or(true, |ledger| !ledger.check().is_empty());
            assert!(found, "{} {offset}", path.display());
        }
        std::fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn another_key_cannot_append_nor_two_writers_at_once() {
    let folder = tempfile::tempdir().unwrap();
    ledger(folder.path(), &[3]);
    let other = SecretKey::from_seed("ledger.example", &[4; 32]).unwrap();
    assert!(LedgerWriter::open(folder.path(), other).is_err());
    let _held = LedgerWriter::open(folder.path(), key()).unwrap();
    assert!(matches!(
        LedgerWriter::open(folder.path(), key()),
        Err(LedgerError::Locked(_))
    ));
    assert!(matches!(
        LedgerWriter::create(&folder.path().join("x"), key()).map(|writer| writer.size()),
        Ok(0)
    ));
}

#[test]
fn a_cosigned_checkpoint_stays_until_the_ledger_grows() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path(), &[3]);
    let cosigner = SecretKey::from_seed("city.example", &[5; 32]).unwrap();
    let mut signed = ledger.signed().clone();
    signed.cosign(&cosigner, 1_700_000_000);
    ledger.publish(&signed).unwrap();
    let again = Ledger::open(folder.path(), key().public()).unwrap();
    let found = again.signed().cosignature(cosigner.public()).unwrap();
    assert_eq!(found.map(|found| found.time), Some(1_700_000_000));
    let mut writer = LedgerWriter::open(folder.path(), key()).unwrap();
    writer.append(&[entry(3)]).unwrap();
    drop(writer);
    assert!(ledger.publish(&signed).is_err());
}

#[test]
fn what_an_interrupted_append_left_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    ledger(folder.path(), &[255]);
    let before = std::fs::read(folder.path().join("checkpoint")).unwrap();
    let mut writer = LedgerWriter::open(folder.path(), key()).unwrap();
    writer.append(&[b"lost".to_vec()]).unwrap();
    drop(writer);
    // As if the process had been killed before the checkpoint: tiles are there, it is not. The
    // tiles of the earlier size are still there too, as nothing was removed.
    std::fs::write(folder.path().join("checkpoint"), &before).unwrap();
    let (hashes, entries) = (
        std::fs::read(folder.path().join("tile/0/000")).unwrap(),
        std::fs::read(folder.path().join("tile/entries/000")).unwrap(),
    );
    for (tile, bytes) in [
        ("tile/0/000.p", &hashes[..255 * 32]),
        ("tile/entries/000.p", &entries[..entries.len() - 6]),
    ] {
        std::fs::create_dir_all(folder.path().join(tile)).unwrap();
        std::fs::write(folder.path().join(tile).join("255"), bytes).unwrap();
    }
    let mut writer = LedgerWriter::open(folder.path(), key()).unwrap();
    writer.append(&[entry(255)]).unwrap();
    let ledger = Ledger::open(folder.path(), key().public()).unwrap();
    assert_eq!(ledger.check(), []);
    assert_eq!(ledger.entry(255).unwrap(), entry(255));
    let signed = SignedCheckpoint::parse(&before).unwrap();
    ledger.compare(signed.checkpoint()).unwrap();
}
