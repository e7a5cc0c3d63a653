//! From quantities to an amount: stages under each other, one card for each step of the trace.

use super::{Picture, Size, at_both_sizes};
use crate::svg::{Anchor, LABEL, NOTE, Svg, width, wrap};

/// One stage: quantities, gates, lines, caps, total.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stage {
    /// Name of the stage.
    pub(crate) name: String,
    /// What happens in it.
    pub(crate) cards: Vec<Card>,
}

/// One step of the trace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Card {
    /// What the step is called.
    pub(crate) title: String,
    /// What it did, with its numbers.
    pub(crate) detail: Vec<String>,
    /// What came of it.
    pub(crate) result: String,
    /// How it ended.
    pub(crate) state: CardState,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CardState {
    /// A plain value.
    Plain,
    /// A gate that opened, a line that paid.
    Open,
    /// A gate that stayed shut, a line that paid nothing, a value that is not there.
    Shut,
    /// The amount to pay.
    Total,
}

impl CardState {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "card",
            Self::Open => "card-open",
            Self::Shut => "card-shut",
            Self::Total => "card-total",
        }
    }
}

/// Draws the stages that have any card, an arrow from each to the next.
pub(crate) fn payment(stages: &[Stage]) -> Picture {
    let stages: Vec<&Stage> = stages
        .iter()
        .filter(|stage| !stage.cards.is_empty())
        .collect();
    let description = describe(&stages);
    at_both_sizes(|size| {
        let mut svg = Svg::new(size.width());
        let mut y = 0.0;
        for (index, stage) in stages.iter().enumerate() {
            if index > 0 {
                y = arrow(&mut svg, size, y);
            }
            y = draw(&mut svg, size, stage, y);
        }
        svg.finish(
            y + 2.0,
            &size.id("payment"),
            "From measured quantities to the amount",
            &description,
        )
    })
}

fn describe(stages: &[&Stage]) -> String {
    let mut sentences = Vec::new();
    for stage in stages {
        for card in &stage.cards {
            let detail = card.detail.join(" ");
            let gap = if detail.is_empty() { "" } else { ": " };
            sentences.push(format!(
                "{}, {}{gap}{detail}: {}.",
                stage.name, card.title, card.result
            ));
        }
    }
    sentences.join(" ")
}

fn arrow(svg: &mut Svg, size: Size, y: f64) -> f64 {
    let (left, right) = span(size);
    let x = match size {
        Size::Wide => (left + right) / 2.0,
        Size::Narrow => 170.0,
    };
    svg.line((x, y + 3.0), (x, y + 15.0), "flow");
    svg.polygon(
        &[(x - 4.5, y + 14.0), (x + 4.5, y + 14.0), (x, y + 21.0)],
        "flow-head",
    );
    y + 24.0
}

/// Where the cards lie, in pixels.
fn span(size: Size) -> (f64, f64) {
    match size {
        Size::Wide => (104.0, 679.0),
        Size::Narrow => (1.0, 339.0),
    }
}

fn draw(svg: &mut Svg, size: Size, stage: &Stage, top: f64) -> f64 {
    let (left, right) = span(size);
    let gap = 14.0;
    let (n_columns, mut y) = match size {
        Size::Wide => {
            svg.text((0.0, top + 23.0), NOTE, Anchor::Start, "stage", &stage.name);
            (stage.cards.len().min(2), top)
        }
        Size::Narrow => {
            svg.text((0.0, top + 14.0), NOTE, Anchor::Start, "stage", &stage.name);
            (1, top + 22.0)
        }
    };
    let card_width = (right - left - gap * (count(n_columns) - 1.0)) / count(n_columns.max(1));
    for row in stage.cards.chunks(n_columns.max(1)) {
        let laid: Vec<Laid> = row.iter().map(|card| Laid::of(card, card_width)).collect();
        let height = laid.iter().map(|card| card.height).fold(0.0, f64::max);
        for (index, card) in laid.iter().enumerate() {
            card.draw(
                svg,
                left + count(index) * (card_width + gap),
                y,
                card_width,
                height,
            );
        }
        y += height + 10.0;
    }
    y - 10.0
}

/// A card with its lines broken to fit.
struct Laid<'a> {
    card: &'a Card,
    title: Vec<String>,
    detail: Vec<String>,
    result: Vec<String>,
    result_is_beside: bool,
    height: f64,
}

const INSET: f64 = 12.0;

impl<'a> Laid<'a> {
    fn of(card: &'a Card, card_width: f64) -> Self {
        let room = card_width - 2.0 * INSET;
        let size = result_size(card);
        let result_width = width(&card.result, size);
        let result_is_beside = result_width <= room * 0.6;
        let title_room = if result_is_beside {
            room - result_width - 10.0
        } else {
            room
        };
        let title = wrap(&card.title, LABEL, title_room, 4);
        let detail: Vec<String> = card
            .detail
            .iter()
            .flat_map(|line| wrap(line, NOTE, room, 6))
            .collect();
        let result = wrap(&card.result, size, room, 4);
        let title_lines = count(title.len()).max(if result_is_beside { 1.0 } else { 0.0 });
        let beneath = if result_is_beside {
            0.0
        } else {
            18.0 * count(result.len())
        };
        let height = 18.0 + 17.0 * title_lines + 16.0 * count(detail.len()) + beneath;
        Self {
            card,
            title,
            detail,
            result,
            result_is_beside,
            height,
        }
    }

    fn draw(&self, svg: &mut Svg, x: f64, y: f64, card_width: f64, height: f64) {
        let state = self.card.state;
        svg.rect((x, y), (card_width, height), state.class());
        if matches!(state, CardState::Open | CardState::Total) {
            svg.rect((x, y), (3.0, height), "card-edge");
        }
        let size = result_size(self.card);
        if self.result_is_beside {
            let at = (x + card_width - INSET, y + 22.0);
            svg.text(at, size, Anchor::End, "figure strong", &self.card.result);
        }
        let mut baseline = y + 5.0;
        for line in &self.title {
            baseline += 17.0;
            svg.text(
                (x + INSET, baseline),
                LABEL,
                Anchor::Start,
                "label strong",
                line,
            );
        }
        if self.title.is_empty() {
            baseline += 17.0;
        }
        for line in &self.detail {
            baseline += 16.0;
            svg.text((x + INSET, baseline), NOTE, Anchor::Start, "note", line);
        }
        if !self.result_is_beside {
            for line in &self.result {
                baseline += 18.0;
                svg.text(
                    (x + INSET, baseline),
                    size,
                    Anchor::Start,
                    "figure strong",
                    line,
                );
            }
        }
    }
}

fn result_size(card: &Card) -> f64 {
    if card.state == CardState::Total {
        15.0
    } else {
        LABEL
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a drawing has a handful of cards"
)]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::legibility;

    fn card(title: &str, detail: &str, result: &str, state: CardState) -> Card {
        Card {
            title: title.to_owned(),
            detail: vec![detail.to_owned()],
            result: result.to_owned(),
            state,
        }
    }

    #[test]
    fn every_card_is_legible_at_both_widths() {
        let stages = [
            Stage {
                name: "Quantities".to_owned(),
                cards: vec![
                    card(
                        "absence.point",
                        "estimated fall in absence, in percentage points & <more>",
                        "−6.0 pp",
                        CardState::Plain,
                    ),
                    card("n", "", "412", CardState::Plain),
                    card(
                        "averyverylongnameofaquantitythatneverends.point",
                        "x",
                        "not measurable: too few units",
                        CardState::Shut,
                    ),
                ],
            },
            Stage {
                name: "Gates".to_owned(),
                cards: vec![],
            },
            Stage {
                name: "Total".to_owned(),
                cards: vec![card("To pay", "", "1 200 000 SEK", CardState::Total)],
            },
        ];
        let picture = payment(&stages);
        legibility::check(&picture);
        assert!(
            !picture.wide.contains("Gates"),
            "a stage without cards is not drawn"
        );
    }
}
