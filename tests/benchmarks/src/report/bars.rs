//! Bars with their spread.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::{tables, words};
use crate::results::{Results, Timed};
use crate::statistics::Spread;
use crate::subject::{PAGES, Program, Store, Subject};

const ROW: i32 = 22;
const HEADING: i32 = 34;
const WIDTH: u32 = 900;
/// Where bars begin, and where the longest ends.
const LEFT: i32 = 240;
/// See [`LEFT`].
const RIGHT: i32 = 780;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One group of bars under a heading.
struct Panel<'a> {
    heading: String,
    rows: Vec<(&'static Subject, &'a Timed)>,
}

impl Panel<'_> {
    fn height(&self) -> i32 {
        HEADING + ROW * i32::try_from(self.rows.len()).unwrap_or(0) + 8
    }
}

/// All pages of one store.
pub(super) fn store(results: &Results, store: Store, file: &Path) -> anyhow::Result<()> {
    let panels = PAGES.map(|page| Panel {
        heading: format!("{} — requests per second", tables::page_title(page)),
        // Without sessions is out of scale where a database works.
        rows: (tables::lanes(results, store, page).into_iter())
            .filter(|(subject, _)| subject.store.is_some() || store == Store::Memory)
            .collect(),
    });
    draw(&panels, file)
}

/// The counter on every store: the plot of the README.
pub(super) fn overview(results: &Results, file: &Path) -> anyhow::Result<()> {
    let panels = Store::ALL.map(|store| Panel {
        heading: format!("{}: a counter page — requests per second, one core", store.title()),
        rows: (tables::lanes(results, store, "counter").into_iter())
            .filter(|(subject, _)| subject.store.is_some() && !subject.name.ends_with("-node"))
            .collect(),
    });
    draw(&panels, file)
}

fn draw(panels: &[Panel<'_>], file: &Path) -> anyhow::Result<()> {
    let panels: Vec<_> = panels.iter().filter(|panel| !panel.rows.is_empty()).collect();
    let height: i32 = panels.iter().map(|panel| panel.height()).sum();
    let root = SVGBackend::new(file, (WIDTH, u32::try_from(height + 12)?)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut top = 0;
    for panel in panels {
        draw_panel(&root, panel, top)?;
        top += panel.height();
    }
    Ok(root.present()?)
}

fn draw_panel(root: &Area<'_>, panel: &Panel<'_>, top: i32) -> anyhow::Result<()> {
    let heading = ("sans-serif", 16).into_font().style(FontStyle::Bold).color(&BLACK);
    root.draw(&Text::new(panel.heading.clone(), (12, top + 12), heading))?;
    let spreads: Vec<_> = panel.rows.iter().map(|(_, timed)| Spread::of(tables::rates(timed))).collect();
    let longest = spreads.iter().flatten().map(|spread| spread.high).fold(1.0, f64::max);
    let x = |rate: f64| LEFT + (f64::from(RIGHT - LEFT) * rate / longest).round() as i32;
    for (index, ((subject, _), spread)) in panel.rows.iter().zip(&spreads).enumerate() {
        let Some(spread) = spread else { continue };
        let y = top + HEADING + ROW * i32::try_from(index)?;
        let color = color(subject);
        let weight = if subject.is_ours() { FontStyle::Bold } else { FontStyle::Normal };
        let label = ("sans-serif", 13).into_font().style(weight).color(&BLACK);
        let label = label.pos(plotters::style::text_anchor::Pos::new(
            plotters::style::text_anchor::HPos::Right,
            plotters::style::text_anchor::VPos::Center,
        ));
        root.draw(&Text::new(subject.title, (LEFT - 8, y + ROW / 2), label))?;
        root.draw(&Rectangle::new([(LEFT, y + 4), (x(spread.median), y + ROW - 4)], color.filled()))?;
        whisker(root, x(spread.low), x(spread.high), y + ROW / 2)?;
        let value = ("sans-serif", 13).into_font().color(&BLACK).pos(plotters::style::text_anchor::Pos::new(
            plotters::style::text_anchor::HPos::Left,
            plotters::style::text_anchor::VPos::Center,
        ));
        root.draw(&Text::new(words::rate(spread.median), (x(spread.high) + 8, y + ROW / 2), value))?;
    }
    Ok(())
}

/// From the slowest round to the quickest.
fn whisker(root: &Area<'_>, low: i32, high: i32, y: i32) -> anyhow::Result<()> {
    root.draw(&PathElement::new([(low, y), (high, y)], BLACK.mix(0.7)))?;
    for x in [low, high] {
        root.draw(&PathElement::new([(x, y - 4), (x, y + 4)], BLACK.mix(0.7)))?;
    }
    Ok(())
}

/// Ours stand out; the others tell what they are made of.
pub(super) fn color(subject: &Subject) -> RGBColor {
    match subject.program {
        _ if subject.store.is_none() => RGBColor(185, 185, 185),
        Program::Ours => RGBColor(217, 95, 2),
        Program::Peers => RGBColor(84, 124, 173),
        Program::CurrentNode => RGBColor(96, 150, 96),
        Program::Node => RGBColor(160, 196, 160),
    }
}
