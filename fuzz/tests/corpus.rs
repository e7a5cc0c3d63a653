//! Every input kept in `corpus`, as any found fault once did, and every input that fuzzing came upon
//! (`found`, an archive for each target) goes through its target.

use std::io::Read;
use std::path::Path;

#[test]
fn no_input_of_the_corpus_breaks_its_parser() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in utfall_fuzz::TARGETS {
        let mut n_inputs = 0;
        for entry in std::fs::read_dir(corpus.join(name)).expect("each target has a corpus") {
            let path = entry.expect("the corpus can be read").path();
            target(&std::fs::read(&path).expect("the corpus can be read"));
            n_inputs += 1;
        }
        assert!(n_inputs > 0, "{name} has no inputs");
    }
}

#[test]
fn no_input_that_fuzzing_came_upon_breaks_its_parser() {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("found");
    for (name, target) in utfall_fuzz::TARGETS {
        let path = found.join(name).with_extension("zip");
        // A target that is new has found nothing yet.
        let Ok(file) = std::fs::File::open(&path) else {
            continue;
        };
        let mut archive = zip::ZipArchive::new(file).expect("the archive can be read");
        assert!(!archive.is_empty(), "{name} has an empty archive");
        for entry in 0..archive.len() {
            let mut input = Vec::new();
            let mut entry = archive.by_index(entry).expect("the archive can be read");
            entry
                .read_to_end(&mut input)
                .expect("the archive can be read");
            target(&input);
        }
    }
}
