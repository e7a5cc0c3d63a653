//! Which calibrations a workspace has seen: looking at outcomes leaves a mark.

use std::path::PathBuf;

use utfall_verify::record::CalibrationMark;

use crate::{RunError, RunRequest, documents};

fn path(request: &RunRequest<'_>) -> PathBuf {
    request.folder("calibration").join("log.json")
}

/// The calibrations so far, in the order they were done.
pub(crate) fn read(request: &RunRequest<'_>) -> Result<Vec<CalibrationMark>, RunError> {
    let path = path(request);
    if path.exists() {
        documents::read(&path)
    } else {
        Ok(Vec::new())
    }
}

/// Adds a calibration; the same one done again leaves no second mark.
pub(crate) fn add(request: &RunRequest<'_>, mark: CalibrationMark) -> Result<(), RunError> {
    let mut marks = read(request)?;
    if !marks.contains(&mark) {
        marks.push(mark);
    }
    utfall_files::create_folder(&request.folder("calibration"))?;
    documents::write(&path(request), &marks)
}
