//! A real Chromium, driven over the pipe of its DevTools protocol.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a browser that does not answer is a failed test"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long a page may take to come to something.
const PATIENCE: Duration = Duration::from_secs(300);

/// A browser with a profile of its own.
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    n_sent: u64,
    /// What the page's policy has refused.
    refused: Vec<String>,
    _profile: tempfile::TempDir,
}

/// An open page.
pub(crate) struct Page<'a> {
    browser: &'a mut Browser,
    session: String,
}

impl Browser {
    /// A browser; none, said aloud, where there is none and none is required.
    pub(crate) fn start() -> Option<Self> {
        let program = ["chromium", "chromium-browser", "google-chrome"]
            .into_iter()
            .find(|name| Command::new(name).arg("--version").output().is_ok());
        let Some(program) = program else {
            assert!(
                std::env::var_os("UTFALL_REQUIRE_CHROMIUM").is_none(),
                "Chromium is required and is not there"
            );
            eprintln!("SKIPPED: no Chromium is installed");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        // Chromium reads commands from file 3 and answers on file 4.
        let mut child = Command::new("sh")
            .args([
                "-c",
                "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1",
                "sh",
            ])
            .args([program, "--headless=new", "--no-sandbox", "--disable-gpu"])
            .args(["--disable-dev-shm-usage", "--remote-debugging-pipe"])
            // It asks no server for anything.
            .args([
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-quic",
                "--disable-sync",
            ])
            .args([
                "--disable-renderer-backgrounding",
                "--disable-background-timer-throttling",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = child.stdin.take().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap());
        Some(Self {
            child,
            to,
            from,
            n_sent: 0,
            refused: Vec::new(),
            _profile: profile,
        })
    }

    /// Opens a file and waits until it is read.
    pub(crate) fn open(&mut self, path: &Path) -> Page<'_> {
        let mut page = self.open_blank();
        let url = format!("file://{}", path.display());
        page.call("Page.navigate", json!({ "url": url }));
        page.wait_for(&format!(
            "location.href === {} && document.readyState === 'complete'",
            json!(url)
        ));
        page
    }

    /// Opens an empty page.
    pub(crate) fn open_blank(&mut self) -> Page<'_> {
        let target = self.call(
            None,
            "Target.createTarget",
            json!({ "url": "about:blank", "newWindow": true }),
        );
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call(None, "Target.attachToTarget", attach)["sessionId"].clone();
        let session = session.as_str().unwrap().to_owned();
        self.refused.clear();
        let mut page = Page {
            browser: self,
            session,
        };
        for domain in ["Page", "Runtime", "DOM", "Log"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        page
    }

    fn call(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.n_sent += 1;
        let mut message = json!({ "id": self.n_sent, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        write!(self.to, "{message}\0").unwrap();
        self.to.flush().unwrap();
        loop {
            let mut answer = Vec::new();
            self.from.read_until(0, &mut answer).unwrap();
            assert_eq!(answer.pop(), Some(0), "the browser has gone");
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            if answer["method"] == "Log.entryAdded"
                && answer["params"]["entry"]["source"] == "security"
            {
                self.refused
                    .push(answer["params"]["entry"]["text"].to_string());
            }
            if answer["id"] == self.n_sent {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Page<'_> {
    fn call(&mut self, method: &str, params: Value) -> Value {
        let session = self.session.clone();
        self.browser.call(Some(&session), method, params)
    }

    /// The value of an expression.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({
            "expression": expression, "returnByValue": true, "awaitPromise": true,
        });
        let answer = self.call("Runtime.evaluate", params);
        assert!(answer.get("exceptionDetails").is_none(), "{answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression holds.
    pub(crate) fn wait_for(&mut self, expression: &str) {
        let start = Instant::now();
        while self.evaluate(expression) != json!(true) {
            if start.elapsed() > PATIENCE {
                let shown = self.evaluate("document.body.innerText");
                panic!("{expression} does not come to hold: {shown}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Chooses a file in the field of an id, as a person does.
    pub(crate) fn choose(&mut self, id: &str, path: &Path) {
        let root = self.call("DOM.getDocument", json!({}))["root"]["nodeId"].clone();
        let field = json!({ "nodeId": root, "selector": format!("#{id}") });
        let field = self.call("DOM.querySelector", field)["nodeId"].clone();
        let chosen = json!({ "nodeId": field, "files": [path] });
        self.call("DOM.setFileInputFiles", chosen);
    }

    /// Fills the field of an id.
    pub(crate) fn set_value(&mut self, id: &str, value: &str) {
        self.evaluate(&format!(
            "(() => {{ const field = document.getElementById('{id}'); field.value = {}; \
             field.dispatchEvent(new Event('change')); }})()",
            json!(value)
        ));
    }

    /// What the page's policy has refused so far.
    pub(crate) fn refused_by_policy(&mut self) -> Vec<String> {
        self.evaluate("null");
        self.browser.refused.clone()
    }
}
