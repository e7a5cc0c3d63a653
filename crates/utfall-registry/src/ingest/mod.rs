//! Ingestion: files of an extract become a checked, typed table.
//!
//! Each file is read twice. The first pass looks at its structure, its encoding, identity
//! numbers in any column, and which rows share a key; it stops before anything is written. The
//! second judges every row by every rule. Rows go to the table, are superseded by a later
//! delivery, or are put in quarantine with all they broke. Every row is counted in one of the
//! three, and nothing depends on the order of rows or the number of threads.

mod arrow;
mod block;
mod cells;
mod columns;
mod compression;
mod csv;
mod digest;
mod error;
mod excel;
mod file;
mod file_name;
pub(crate) mod first_rows;
mod fixed_width;
mod frame;
mod inspect;
mod json_lines;
mod key_store;
mod keys;
mod open;
mod parquet;
mod partition;
mod pushed;
mod quarantine;
mod read;
mod record;
mod rules;
mod source;
mod sql;
mod stage;
mod stream;
mod tally;
mod text_file;
mod transcode;
mod xml;

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;
use utfall_core::Watch;
use utfall_files::Digest;

use crate::contract::{DataContract, Encoding};
use crate::delivery::{Delivery, DeliveryScope, DeliveryStatus};
use crate::quality::{DeliveryQuality, QualityReport};
pub use compression::Compression;
pub(crate) use csv::CsvSource;
pub(crate) use digest::{Absorb, KeyHasher};
pub use error::{IdentityFinding, IngestError};
pub use file_name::FileName;
use inspect::Inspection;
use key_store::{BlockKeys, KeyStore};
use keys::Keys;
pub use open::digest;
pub(crate) use open::{Place, WithSource, open};
pub(crate) use quarantine::Quarantine;
use read::Judged;
use rules::RowRules;
pub(crate) use rules::{Cell, Cell as RowCell, decode};
pub(crate) use source::{Layout, Row, RowVisitor, Source};
pub use stage::READ_FILES;
use stage::StageWriter;
pub(crate) use stage::{
    ASIDE_FILE, BETWEEN_RULES, BROKEN_FILE, COUNTS_FILE, DELETED, NOTE_COLUMNS, PLACE_COLUMNS,
    PLACES_FILE, ROWS_FILE, SUPERSEDED,
};
use stream::Progress;
use tally::ReadTally;
pub(crate) use tally::{ReadCounts, RuleCount};

/// Name of the table's file in an extract's folder.
pub(crate) const TABLE_FILE: &str = "table.parquet";

/// Name of the quarantine's file in an extract's folder.
pub(crate) const QUARANTINE_FILE: &str = "quarantine.csv";

/// Folder of what reading leaves, in that of an extract that is ingested in one go.
const READ_FOLDER: &str = "read";

/// Reads the files of an extract under its contract and leaves in `folder`, made if it is not
/// there, what [`judge`](crate::judge) needs: [`READ_FILES`]. What is left hangs on no severity and no
/// tolerance, so these can change without reading again.
///
/// # Errors
///
/// [`IngestError`] if a file cannot be used at all. Nothing has been written then, and what the
/// folder held is intact. Rows that break rules are no error.
pub fn read(
    contract: &DataContract,
    deliveries: &[Delivery],
    folder: &Path,
    watch: &dyn Watch,
) -> Result<Vec<DeliveryQuality>, IngestError> {
    let mut ingestion = Ingestion::inspect(contract, deliveries, watch)?;
    utfall_files::create_folder(folder).map_err(IngestError::Disk)?;
    let mut stage = StageWriter::create(contract, folder)?;
    let counts = ingestion.read(|position, file, judged| {
        for reject in &judged.rejects {
            let rules = rule_ids(contract, reject);
            let row = file.text(&reject.raw);
            stage.broken(file.name.as_str(), reject.line, &rules, &row)?;
        }
        stage.add(contract, position, judged)
    })?;
    stage.finish(&counts)?;
    Ok(counts.deliveries)
}

/// Reads the files of an extract under its contract, judges them by its rules and writes to
/// `folder`, which exists: `table.parquet` (the accepted rows, latest delivery first),
/// `quarantine.csv` (the rejected rows, restricted data) and, last, `quality.json` (counts and
/// places, no cell).
///
/// # Errors
///
/// [`IngestError`] if a file cannot be used at all, or a rule looks at another extract.
pub fn ingest(
    contract: &DataContract,
    deliveries: &[Delivery],
    folder: &Path,
    watch: &dyn Watch,
) -> Result<QualityReport, IngestError> {
    let read_folder = folder.join(READ_FOLDER);
    read(contract, deliveries, &read_folder, watch)?;
    crate::judge::judge(contract, &read_folder, &BTreeMap::new(), folder)
}

/// Reads the files of an extract as [`read`] does, writes nothing, and judges every row by every
/// rule over single rows, each as an error.
///
/// # Errors
///
/// As [`read`].
pub fn inspect(
    contract: &DataContract,
    deliveries: &[Delivery],
    watch: &dyn Watch,
) -> Result<QualityReport, IngestError> {
    let counts = Ingestion::inspect(contract, deliveries, watch)?.read(|_, _, _| Ok(()))?;
    crate::judge::single_rows(contract, &counts)
}

/// One id for each violation of a row.
fn rule_ids(contract: &DataContract, reject: &read::Reject) -> Vec<String> {
    let ids = reject.violations.iter();
    ids.map(|&violation| contract.rule_id(violation)).collect()
}

/// An extract whose files have been read once.
struct Ingestion<'a> {
    contract: &'a DataContract,
    rules: RowRules<'a>,
    files: Vec<InspectedFile>,
    keys: Keys,
    progress: Progress<'a>,
    tally: ReadTally,
}

struct InspectedFile {
    place: Place,
    name: FileName,
    rank: usize,
    starts: Vec<usize>,
    digest: Digest,
    encoding: Encoding,
}

impl<'a> Ingestion<'a> {
    /// The first pass over all files.
    fn inspect(
        contract: &'a DataContract,
        deliveries: &'a [Delivery],
        watch: &'a dyn Watch,
    ) -> Result<Self, IngestError> {
        if deliveries.is_empty() {
            return Err(IngestError::NoDelivery);
        }
        let places = deliveries
            .iter()
            .map(|delivery| Place::of(contract, delivery));
        let places: Vec<Place> = places.collect::<Result<_, _>>()?;
        let sizes = places.iter().map(Place::n_bytes);
        let total: u64 = sizes.sum::<Result<u64, IngestError>>()?;
        let mut progress = Progress::new(watch, 2 * total);
        let encoding = contract.encoding();
        let rules = RowRules::new(contract, encoding.of_cells());
        let declared: Vec<String> = contract
            .columns()
            .iter()
            .map(|column| column.header().to_owned())
            .collect();
        let ranks = ranks(vintages(deliveries));
        let mut names =
            FileName::distinct(deliveries.iter().map(|delivery| delivery.path.as_path()));
        for (name, place) in names.iter_mut().zip(&places) {
            if let Some(relation) = place.relation_name() {
                *name = relation.clone();
            }
        }
        let mut tally = ReadTally::new(contract, deliveries, &names);
        let (mut files, mut keys, mut findings) = (Vec::new(), Vec::new(), Vec::new());
        let mut store = KeyStore::default();
        for ((place, rank), name) in places.into_iter().zip(ranks).zip(names) {
            let look = Look {
                rules: &rules,
                declared: &declared,
                name: &name,
                encoding,
                store: &mut store,
                progress: &mut progress,
            };
            let inspection = open(contract, &place, look)?;
            findings.extend(inspection.findings);
            tally.ignore(inspection.ignored_columns);
            let starts = starts(&inspection.blocks);
            keys.push((rank, inspection.blocks));
            let digest = inspection.digest;
            files.push(InspectedFile {
                place,
                name,
                rank,
                starts,
                digest,
                encoding,
            });
        }
        if !findings.is_empty() {
            return Err(IngestError::IdentityNumbers { findings });
        }
        let keys = Keys::compare(&keys, full_ranks(deliveries)?).map_err(inspect::put_aside)?;
        Ok(Self {
            contract,
            rules,
            files,
            keys,
            progress,
            tally,
        })
    }

    /// The second pass, from the latest vintage to the earliest: a row supersedes others only if
    /// it is accepted itself.
    fn read(
        &mut self,
        mut sink: impl FnMut(usize, &InspectedFile, Judged) -> Result<(), IngestError> + Send,
    ) -> Result<ReadCounts, IngestError> {
        let mut order: Vec<usize> = (0..self.files.len()).collect();
        order.sort_by_key(|&i| (std::cmp::Reverse(self.files[i].rank), i));
        for i in order {
            let file = &self.files[i];
            let (tally, mut rejected) = (&mut self.tally, Vec::new());
            let into = |judged: Judged| {
                tally.add(i, &judged);
                rejected.extend(judged.rejects.iter().filter_map(|reject| reject.key));
                sink(i, file, judged)
            };
            let reader = Second {
                rules: &self.rules,
                keys: &self.keys,
                file: (i, &file.name),
                starts: &file.starts,
                progress: &mut self.progress,
                into,
            };
            let digest = open(self.contract, &file.place, reader)?;
            if digest != file.digest {
                return Err(IngestError::ChangedWhileRead {
                    file: file.name.clone(),
                });
            }
            self.tally.digest(i, digest);
            for key in rejected {
                self.keys.reject(i, key);
            }
        }
        Ok(self.tally.counts(self.contract))
    }
}

/// What the first pass needs beside a file.
struct Look<'r, 'c> {
    rules: &'r RowRules<'c>,
    declared: &'r [String],
    name: &'r FileName,
    encoding: Encoding,
    store: &'r mut KeyStore,
    progress: &'r mut Progress<'c>,
}

impl WithSource for Look<'_, '_> {
    type Out = Inspection;

    fn with(self, mut source: impl Source) -> Result<Inspection, IngestError> {
        let inspection = inspect::inspect(
            &mut source,
            self.rules,
            self.declared,
            self.name,
            self.encoding,
            (self.store, self.progress),
        )?;
        self.progress.pass(source.n_bytes())?;
        Ok(inspection)
    }
}

/// What the second pass needs beside a file.
struct Second<'r, 'c, F> {
    rules: &'r RowRules<'c>,
    keys: &'r Keys,
    file: (usize, &'r FileName),
    starts: &'r [usize],
    progress: &'r mut Progress<'c>,
    into: F,
}

impl<F> WithSource for Second<'_, '_, F>
where
    F: FnMut(Judged) -> Result<(), IngestError> + Send,
{
    type Out = Digest;

    fn with(self, mut source: impl Source) -> Result<Digest, IngestError> {
        read::read(
            &mut source,
            self.rules,
            self.keys,
            self.file,
            self.starts,
            self.progress,
            self.into,
        )?;
        self.progress.pass(source.n_bytes())?;
        source.finish()
    }
}

/// Position in the file of the first row of each block.
fn starts(blocks: &[BlockKeys]) -> Vec<usize> {
    let mut start = 0;
    let mut starts = Vec::with_capacity(blocks.len());
    for block in blocks {
        starts.push(start);
        start += block.n_rows();
    }
    starts
}

/// The rank of each delivery's vintage, from the earliest; equal vintages share a rank.
pub(crate) fn ranks(
    vintages: impl Iterator<Item = (NaiveDate, DeliveryStatus)> + Clone,
) -> Vec<usize> {
    let mut sorted: Vec<_> = vintages.clone().collect();
    sorted.sort_unstable();
    sorted.dedup();
    vintages
        .map(|vintage| sorted.partition_point(|&other| other < vintage))
        .collect()
}

/// Vintage and status of each delivery.
fn vintages(
    deliveries: &[Delivery],
) -> impl Iterator<Item = (NaiveDate, DeliveryStatus)> + Clone + '_ {
    deliveries
        .iter()
        .map(|delivery| (delivery.vintage, delivery.status))
}

/// The ranks of vintages that are full, in order.
fn full_ranks(deliveries: &[Delivery]) -> Result<Vec<usize>, IngestError> {
    let mut scopes: BTreeMap<usize, DeliveryScope> = BTreeMap::new();
    for (delivery, rank) in deliveries.iter().zip(ranks(vintages(deliveries))) {
        let scope = *scopes.entry(rank).or_insert(delivery.scope);
        if scope != delivery.scope {
            return Err(IngestError::MixedScope {
                vintage: delivery.vintage,
            });
        }
    }
    let full = scopes
        .into_iter()
        .filter(|(_, scope)| *scope == DeliveryScope::Full);
    Ok(full.map(|(rank, _)| rank).collect())
}

impl InspectedFile {
    /// A row as text, with a replacement character where it is none.
    fn text(&self, raw: &[u8]) -> String {
        match rules::decode(raw, self.encoding.of_cells()) {
            Some(text) => text.into_owned(),
            None => raw
                .iter()
                .map(|&byte| {
                    if byte.is_ascii() {
                        char::from(byte)
                    } else {
                        char::REPLACEMENT_CHARACTER
                    }
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests;
