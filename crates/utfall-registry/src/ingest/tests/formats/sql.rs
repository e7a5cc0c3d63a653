//! Tables and views of real databases.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[path = "../../../../../../tests/postgres/server.rs"]
mod server;

use server::Server;

fn delivery(place: String) -> Delivery {
    Delivery {
        path: place.into(),
        vintage: "2024-10-01".parse().unwrap(),
        status: DeliveryStatus::Final,
        scope: DeliveryScope::Changes,
    }
}

fn bench_of(place: String, relation: &str) -> Bench {
    let mut bench = Bench::new(&contract(&SQL.replace("visits", relation)));
    bench.deliveries = vec![delivery(place)];
    bench
}

const ROWS: [&str; 3] = [
    r#""b" -5 null null null"#,
    r#""c" null 7 2024-09-02 "B""#,
    "\"å, \"1\"\n\" 1250 9007199254740993 2024-09-01 \"A\"",
];

fn sqlite(folder: &Path) -> (String, rusqlite::Connection) {
    let path = folder.join("register.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE visits (id TEXT, \"värde\" REAL, count INTEGER, day TEXT, kind TEXT, extra TEXT);
             INSERT INTO visits VALUES
               ('c', NULL, 7, '2024-09-02', 'B', 'x'),
               ('å, \"1\"' || char(10), 12.5, 9007199254740993, '2024-09-01', 'A', NULL),
               ('b', -0.05, -1, '', NULL, NULL);
             CREATE VIEW \"odd \"\"name\" AS SELECT * FROM visits WHERE id <> 'b';",
        )
        .unwrap();
    (format!("sqlite:{}", path.display()), connection)
}

#[test]
fn an_sqlite_table_or_view_is_read_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let (place, _connection) = sqlite(folder.path());
    let bench = bench_of(place.clone(), "visits");
    let report = bench.ingest().unwrap();
    assert_eq!(report.n_quarantined(), 0, "{:?}", report.rules);
    assert_eq!(bench.rows(), ROWS);
    assert_eq!(report.deliveries[0].file, "register.db:visits");
    let digest = crate::digest(&bench.contract, &bench.deliveries[0]).unwrap();
    assert_eq!(report.deliveries[0].blake3, digest);
    let view = bench_of(place, "odd \\\"name");
    assert_eq!(view.ingest().unwrap().n_accepted(), 2);
}

#[test]
fn the_digest_of_a_table_is_that_of_its_rows_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let (place, connection) = sqlite(folder.path());
    let bench = bench_of(place, "visits");
    let digest = || crate::digest(&bench.contract, &bench.deliveries[0]).unwrap();
    let before = digest();
    connection
        .execute_batch("CREATE TABLE t AS SELECT * FROM visits ORDER BY id DESC; DELETE FROM visits; INSERT INTO visits SELECT * FROM t;")
        .unwrap();
    assert_eq!(digest(), before);
    connection
        .execute_batch("UPDATE visits SET extra = 'y'")
        .unwrap();
    assert_eq!(digest(), before, "a column the contract does not name");
    connection
        .execute_batch("UPDATE visits SET count = 8 WHERE count = 7")
        .unwrap();
    assert_ne!(digest(), before);
}

#[test]
fn a_row_of_one_missing_value_is_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let (place, connection) = sqlite(folder.path());
    connection
        .execute_batch("CREATE TABLE one (id TEXT); INSERT INTO one VALUES ('a'), (NULL)")
        .unwrap();
    let text = contract(&SQL.replace("visits", "one"));
    let end = text.find("[[column]]\nname = \"värde\"").unwrap();
    let text = text[..end].replace(
        "[[missing]]\ncode = \"-1\"\nmeans = \"suppressed\"\ncolumns = [\"count\"]\n",
        "",
    );
    let mut bench = Bench::new(&text);
    bench.deliveries = vec![delivery(place)];
    let report = bench.ingest().unwrap();
    assert_eq!(
        (report.n_rows(), broken(&report)),
        (2, vec![("required", Some("id"), 1)])
    );
}

#[test]
fn a_database_that_cannot_be_read_is_named_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let (place, connection) = sqlite(folder.path());
    let message = |place: &str, relation: &str| {
        let bench = bench_of(place.to_owned(), relation);
        let error = bench.ingest().unwrap_err().to_string();
        assert!(bench.out_names().is_empty(), "{error}");
        error
    };
    assert!(message(&place, "visit").contains("no such table or view"));
    assert!(message("sqlite:/nowhere/register.db", "visits").contains("cannot be opened"));
    let text = folder.path().join("a.db");
    std::fs::write(
        &text,
        "no database at all, but long enough to be taken for one".repeat(20),
    )
    .unwrap();
    assert!(
        message(&format!("sqlite:{}", text.display()), "visits").contains("no SQLite database")
    );
    connection
        .execute_batch("ALTER TABLE visits RENAME COLUMN kind TO sort")
        .unwrap();
    assert_eq!(
        message(&place, "visits"),
        "register.db:visits: `kind` is not among the fields that it gives"
    );
    let secret = message("postgresql://reader:hemligt@localhost/register", "visits");
    assert!(
        secret.contains("holds a password") && !secret.contains("hemligt"),
        "{secret}"
    );
    assert!(
        message("postgresql://reader@db.example/register", "visits")
            .contains("TLS is not built in")
    );
    assert!(
        message("postgresql://reader@localhost:1/register", "visits").contains("cannot be reached")
    );
    assert!(
        message("visits.csv", "visits").contains("is a file, but the contract's format is `sql`")
    );
    let mut csv = Bench::new(&contract(CSV));
    csv.deliveries = vec![delivery(place)];
    assert!(
        csv.ingest()
            .unwrap_err()
            .to_string()
            .contains("is a database, but the contract's format is `csv`")
    );
}

fn client(server: &Server) -> postgres::Client {
    postgres::Client::connect(&server.place(), postgres::NoTls).unwrap()
}

const POSTGRES: &str = "CREATE SCHEMA utdata;
    CREATE TABLE utdata.visits (id text, \"värde\" numeric(12, 4), count bigint, day date, kind char(1), extra bytea);
    INSERT INTO utdata.visits VALUES
      ('c', NULL, 7, '2024-09-02', 'B', 'x'),
      (E'å, \"1\"\n', 12.5, 9007199254740993, '2024-09-01', 'A', NULL),
      ('b', -0.05, -1, NULL, NULL, NULL);
    CREATE VIEW utdata.doubles AS SELECT id, \"värde\"::float8 AS \"värde\", count, day, kind FROM utdata.visits;
    ALTER DATABASE postgres SET datestyle = 'SQL, DMY';";

#[test]
fn a_postgresql_table_or_view_is_read_exactly() {
    let Some(server) = Server::start() else {
        return;
    };
    client(&server).batch_execute(POSTGRES).unwrap();
    for relation in ["utdata.visits", "utdata.doubles"] {
        let bench = bench_of(server.place(), relation);
        let report = bench.ingest().unwrap();
        assert_eq!(report.n_quarantined(), 0, "{relation}: {:?}", report.rules);
        assert_eq!(bench.rows(), ROWS, "{relation}");
        let digest = crate::digest(&bench.contract, &bench.deliveries[0]).unwrap();
        assert_eq!(report.deliveries[0].blake3, digest);
        assert_eq!(report.deliveries[0].file, format!("postgres:{relation}"));
    }
    let message = |relation: &str| {
        bench_of(server.place(), relation)
            .ingest()
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        message("utdata.nothing"),
        "postgres:utdata.nothing: there is no such table or view; check `relation` in [sql], and the search path of the user"
    );
    client(&server)
        .batch_execute("CREATE ROLE reader LOGIN")
        .unwrap();
    let mut bench = bench_of(server.place().replace("owner@", "reader@"), "utdata.visits");
    assert!(
        bench
            .ingest()
            .unwrap_err()
            .to_string()
            .contains("ask for the right to SELECT")
    );
    bench.deliveries[0].path = server.place().replace("/postgres", "/nowhere").into();
    assert!(
        bench
            .ingest()
            .unwrap_err()
            .to_string()
            .contains("there is no such database")
    );
}

/// Changes the table between the passes, and waits until it is done.
struct ChangeTable<'s> {
    server: &'s Server,
    n_asked: AtomicUsize,
    changed: OnceLock<()>,
}

impl utfall_core::Watch for ChangeTable<'_> {
    fn advance(&self, _done: u64, _total: u64) {
        if self.n_asked.fetch_add(1, Ordering::Relaxed) == 1 {
            let change =
                "UPDATE utdata.visits SET count = 8; INSERT INTO utdata.visits VALUES ('d')";
            client(self.server).batch_execute(change).unwrap();
            self.changed.set(()).unwrap();
        }
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

#[test]
fn both_passes_see_one_moment_of_a_postgresql_table() {
    let Some(server) = Server::start() else {
        return;
    };
    client(&server).batch_execute(POSTGRES).unwrap();
    let bench = bench_of(server.place(), "utdata.visits");
    let watch = ChangeTable {
        server: &server,
        n_asked: AtomicUsize::new(0),
        changed: OnceLock::new(),
    };
    ingest(&bench.contract, &bench.deliveries, &bench.out(), &watch).unwrap();
    assert!(watch.changed.get().is_some(), "nothing was changed");
    assert_eq!(bench.rows(), ROWS);
    assert_eq!(
        bench.ingest().unwrap().n_rows(),
        4,
        "the next reading sees the change"
    );
}
