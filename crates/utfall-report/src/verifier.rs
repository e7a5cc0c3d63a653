//! Checking a bundle in a browser: a few scripts of our own, which no other may join.
//!
//! They stand in `verifier/`, one idea a file, and are put into the page as they are. The page's
//! policy names the digest of that very text, so a browser runs nothing else and loads nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use utfall_files::Digest;

use crate::ReportError;
use crate::render::fill;

/// What the scripts hold, each resting on those before it.
const SCRIPTS: [&str; 9] = [
    include_str!("../verifier/fraction.js"),
    include_str!("../verifier/json.js"),
    include_str!("../verifier/container.js"),
    include_str!("../verifier/seal.js"),
    include_str!("../verifier/signatures.js"),
    include_str!("../verifier/trust.js"),
    include_str!("../verifier/arithmetic.js"),
    include_str!("../verifier/replay.js"),
    include_str!("../verifier/panel.js"),
];

/// The scripts of a page, and the policy under which it runs them.
#[derive(Debug, Serialize)]
pub(crate) struct Verifier {
    /// Content of the page's one script element.
    pub(crate) script: String,
    /// Its Content-Security-Policy.
    pub(crate) policy: String,
}

impl Verifier {
    pub(crate) fn new() -> Self {
        // The section is marked for readers of XML, to whom `<` would begin an element.
        let script = format!(
            "//<![CDATA[\n'use strict';\n(() => {{\n{}}})();\n//]]>",
            SCRIPTS.concat()
        );
        let digest = BASE64.encode(Digest::sha256(script.as_bytes()).as_bytes());
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; \
             base-uri 'none'; form-action 'none'"
        );
        Self { script, policy }
    }
}

/// Writes a page that checks any bundle in a browser: digests, signatures, and the payment
/// computed again. It needs no network and holds no data.
///
/// # Errors
///
/// [`ReportError::Template`] if the template refuses the page, which is a fault in this crate.
pub fn render_verifier() -> Result<String, ReportError> {
    fill("verify.html", &Verifier::new())
}
