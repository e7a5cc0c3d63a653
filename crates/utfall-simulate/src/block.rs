//! A block of consecutive families, made on its own and written in order.

use crate::calendar::Calendar;
use crate::chance::Chance;
use crate::dirt::Dirt;
use crate::extract::{Delivery, Extract};
use crate::family::Family;
use crate::files::FilePlan;
use crate::rows::{Cell, Rows};
use crate::spec::Spec;
use crate::truth::{EffectSum, Intake};
use crate::{absence, enrolment, family_rows, placement, referral, violence};
use utfall_stats::draws::Stream;

/// Families in a block. Blocks never depend on the number of threads.
pub(crate) const FAMILIES_PER_BLOCK: u64 = 256;

/// What every block is made from.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) spec: Spec,
    pub(crate) chance: Chance,
    pub(crate) calendar: Calendar,
    pub(crate) plans: Vec<FilePlan>,
    dirt: Vec<Dirt>,
}

impl World {
    pub(crate) fn new(spec: &Spec) -> Self {
        let plans = FilePlan::all(spec);
        let dirt = plans
            .iter()
            .map(|plan| Dirt::of(&spec.dirt, plan.extract, plan.form))
            .collect();
        Self {
            spec: spec.clone(),
            chance: Chance::new(spec.seed()),
            calendar: spec.index_year.calendar(),
            plans,
            dirt,
        }
    }

    pub(crate) fn n_blocks(&self) -> u64 {
        self.spec.n_families().div_ceil(FAMILIES_PER_BLOCK)
    }
}

/// The rows of a block, by file, and what it adds to the truth.
#[derive(Debug)]
pub(crate) struct Block {
    rows: Vec<((Extract, Delivery), Rows)>,
    pub(crate) sums: Sums,
}

/// What blocks add up to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    pub(crate) n_persons: u64,
    pub(crate) school: Intake,
    pub(crate) absence: EffectSum,
    pub(crate) violence: Intake,
    pub(crate) reports: EffectSum,
    pub(crate) placements: Intake,
    pub(crate) nights: EffectSum,
    pub(crate) cost: EffectSum,
    pub(crate) merit: EffectSum,
}

impl Sums {
    /// Adds the sums of the block that follows.
    pub(crate) fn add(&mut self, next: &Self) {
        self.n_persons += next.n_persons;
        self.school.add(next.school);
        self.absence.add(next.absence);
        self.violence.add(next.violence);
        self.reports.add(next.reports);
        self.placements.add(next.placements);
        self.nights.add(next.nights);
        self.cost.add(next.cost);
        self.merit.add(next.merit);
    }
}

impl Block {
    /// Makes the block of a number, from 0.
    pub(crate) fn make(world: &World, number: u64) -> Self {
        let mut block = Self::empty(world);
        let first = number * FAMILIES_PER_BLOCK;
        let last = (first + FAMILIES_PER_BLOCK).min(world.spec.n_families());
        for number in first..last {
            block.add_family(world, &Family::draw(world, number));
        }
        block
    }

    /// The rows, in the order of the world's files.
    pub(crate) fn into_rows(self) -> Vec<Rows> {
        self.rows.into_iter().map(|(_, rows)| rows).collect()
    }

    /// Adds a row, with whatever happens to it on the way. An extract the world lacks takes none.
    pub(crate) fn push(
        &mut self,
        extract: Extract,
        delivery: Delivery,
        cells: &[Cell<'_>],
        draws: &mut Stream,
    ) {
        if let Some(rows) = self.rows(extract, delivery) {
            rows.push(cells, draws);
        }
    }

    /// The rows of one file.
    pub(crate) fn rows(&mut self, extract: Extract, delivery: Delivery) -> Option<&mut Rows> {
        self.rows
            .iter_mut()
            .find(|(file, _)| *file == (extract, delivery))
            .map(|(_, rows)| rows)
    }

    fn empty(world: &World) -> Self {
        let rows = world
            .plans
            .iter()
            .zip(&world.dirt)
            .map(|(plan, dirt)| {
                let rows = Rows::new(plan.extract.columns(), plan.form, dirt.clone());
                ((plan.extract, plan.delivery), rows)
            })
            .collect();
        Self {
            rows,
            sums: Sums::default(),
        }
    }

    fn add_family(&mut self, world: &World, family: &Family) {
        family_rows::write(world, family, self);
        referral::write_others(world, family, self);
        if let Some(spec) = &world.spec.school {
            for child in &family.children {
                enrolment::write(world, child, self);
                absence::write(world, spec, child, self);
            }
        }
        if let Some(spec) = &world.spec.violence {
            violence::write(world, spec, family, self);
        }
        if let Some(spec) = &world.spec.placements {
            for child in &family.children {
                placement::write(world, spec, child, self);
            }
        }
    }
}
