//! Writing a world: blocks made in parallel, written in order, truth last.

use std::path::Path;

use rayon::prelude::*;
use utfall_core::Watch;
use utfall_files::{create_folder, write_whole};

use crate::block::{Block, FAMILIES_PER_BLOCK, Sums, World};
use crate::error::SimulateError;
use crate::files::Files;
use crate::spec::Spec;
use crate::truth::{ProgrammeTruth, Truth};
use crate::{absence, placement, violence};

/// Blocks made before any is written: what is in memory at once, whatever the size of the world.
const BLOCKS_AT_ONCE: u64 = 32;

/// Writes the extracts of a world into a folder, and `truth.json` after them.
///
/// The bytes depend on the specification alone, not on the number of threads. Memory is bounded by
/// a few blocks of families and one row group of each Parquet file. Files of the same names are
/// replaced when everything is made, each whole; `truth.json` is the last, so a folder that
/// holds it holds the rest.
///
/// `watch` is told families made, of all families.
///
/// # Errors
///
/// - [`SimulateError::Disk`] or [`SimulateError::Table`] if a file cannot be written, for example
///   because the disk is full. Files not yet replaced are intact.
/// - [`SimulateError::Cancelled`] if the watcher asks to stop. Nothing is written then.
pub fn simulate(spec: &Spec, folder: &Path, watch: &dyn Watch) -> Result<Truth, SimulateError> {
    create_folder(folder)?;
    let world = World::new(spec);
    let mut files = Files::create(folder, &world.plans)?;
    let sums = write_blocks(&world, &mut files, watch)?;
    let truth = Truth {
        schema: "utfall-truth/1".to_owned(),
        seed: spec.seed(),
        index_date: world.calendar.index_date(),
        n_families: spec.n_families(),
        n_persons: sums.n_persons,
        programmes: programmes(&world, &sums),
        files: files.finish()?,
    };
    let mut json = serde_json::to_vec_pretty(&truth)?;
    json.push(b'\n');
    write_whole(&folder.join("truth.json"), &json)?;
    Ok(truth)
}

fn write_blocks(
    world: &World,
    files: &mut Files,
    watch: &dyn Watch,
) -> Result<Sums, SimulateError> {
    let (n_blocks, n_families) = (world.n_blocks(), world.spec.n_families());
    let mut sums = Sums::default();
    let mut next = 0;
    while next < n_blocks {
        let end = (next + BLOCKS_AT_ONCE).min(n_blocks);
        let blocks: Vec<Block> = (next..end)
            .into_par_iter()
            .map(|number| Block::make(world, number))
            .collect();
        for block in blocks {
            sums.add(&block.sums);
            files.append(block)?;
        }
        next = end;
        if watch.is_cancelled() {
            return Err(SimulateError::Cancelled);
        }
        watch.advance((next * FAMILIES_PER_BLOCK).min(n_families), n_families);
    }
    Ok(sums)
}

fn programmes(world: &World, sums: &Sums) -> Vec<ProgrammeTruth> {
    let spec = &world.spec;
    let mut programmes = Vec::new();
    if spec.school.is_some() {
        programmes.push(absence::truth(world, sums));
    }
    if spec.violence.is_some() {
        programmes.push(violence::truth(world, sums));
    }
    if spec.placements.is_some() {
        programmes.push(placement::truth(world, sums));
    }
    programmes
}
