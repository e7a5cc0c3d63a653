//! Every input kept in `corpus` goes through its target, as any found fault once did.

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
