//! Lines: how latencies are distributed, and what growth does.

use std::ops::Range;
use std::path::Path;

use plotters::prelude::*;

use super::{bars, growth, tables, words};
use crate::results::{Results, Timed};
use crate::statistics::Spread;
use crate::subject::{SUBJECTS, Store, Subject};

const SIZE: (u32, u32) = (900, 460);

/// One line of a plot.
struct Line {
    subject: &'static Subject,
    /// Told apart from others of the same colour.
    dashes: usize,
    points: Vec<(f64, f64)>,
}

/// The latency that a share of the requests does not exceed; on the right are the rare ones.
pub(super) fn latency(results: &Results, store: Store, page: &str, file: &Path) -> anyhow::Result<()> {
    let timed = tables::lanes(results, store, page);
    let shown =
        timed.iter().filter(|(subject, _)| subject.store.is_some() && !subject.name.ends_with("-node"));
    let lines = shown.map(|(subject, timed)| (*subject, distribution(timed))).collect();
    let axes = Axes {
        caption: format!("{}, {page} page: latency of a server that is full", store.title()),
        x: "share of the requests that are at most this slow",
        y: "milliseconds",
        room: 1.3,
        least: f64::INFINITY,
        x_label: |x| match x.round() as i32 {
            0 => "0 %".to_owned(),
            1 => "90 %".to_owned(),
            2 => "99 %".to_owned(),
            3 => "99.9 %".to_owned(),
            _ => "99.99 %".to_owned(),
        },
    };
    draw(&axes, lines, file)
}

/// Medians over the rounds; `x` is how many nines the percentile has.
fn distribution(timed: &Timed) -> Vec<(f64, f64)> {
    let Some(first) = timed.rounds.first() else { return Vec::new() };
    let percentiles = first.seen.latency.iter().map(|(percentile, _)| *percentile);
    let mut points = Vec::new();
    for (index, percentile) in
        percentiles.enumerate().filter(|(_, percentile)| (5.0..100.0).contains(percentile))
    {
        let values =
            timed.rounds.iter().filter_map(|round| round.seen.latency.get(index)).map(|point| point.1);
        if let Some(spread) = Spread::of(values) {
            points.push((-(1.0 - percentile / 100.0).log10(), spread.median / 1000.0));
        }
    }
    points
}

/// Requests per second on the stores in memory, as sessions become many.
pub(super) fn growth(results: &Results, file: &Path) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for subject in SUBJECTS.iter().filter(|subject| subject.store == Some(Store::Memory)) {
        let points: Vec<_> = (growth::curve(results, subject).into_iter())
            .map(|(sessions, rate)| (sessions.log10(), rate))
            .collect();
        if !points.is_empty() {
            lines.push((subject, points));
        }
    }
    let axes = Axes {
        caption: "A counter page, as sessions in memory become many".to_owned(),
        x: "sessions",
        y: "requests per second",
        // For the legend.
        room: 4.0,
        // Small differences shall look small.
        least: 1000.0,
        x_label: |x| words::count(10_f64.powf(*x).round() as u64),
    };
    draw(&axes, lines, file)
}

/// What a plot says about itself.
struct Axes {
    caption: String,
    x: &'static str,
    y: &'static str,
    x_label: fn(&f64) -> String,
    /// How much further than the largest value the vertical axis goes.
    room: f64,
    /// Where the vertical axis begins at the latest.
    least: f64,
}

fn draw(axes: &Axes, lines: Vec<(&'static Subject, Vec<(f64, f64)>)>, file: &Path) -> anyhow::Result<()> {
    let mut seen = std::collections::BTreeMap::new();
    let mut numbered = Vec::new();
    for (subject, points) in lines {
        let RGBColor(red, green, blue) = bars::color(subject);
        let dashes = seen.entry((red, green, blue)).and_modify(|count| *count += 1).or_insert(0);
        numbered.push(Line { subject, dashes: *dashes, points });
    }
    let points = || numbered.iter().flat_map(|line| &line.points);
    let Some((x, y)) = range(points().map(|point| point.0)).zip(range(points().map(|point| point.1))) else {
        return Ok(());
    };
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(&axes.caption, ("sans-serif", 18).into_font().style(FontStyle::Bold))
        .margin(14)
        // The last label is wider than what is below it.
        .margin_right(36)
        .x_label_area_size(46)
        .y_label_area_size(70)
        .build_cartesian_2d(
            x.start.floor()..x.end.ceil(),
            ((y.start / 1.3).min(axes.least)..y.end * axes.room).log_scale(),
        )?;
    chart
        .configure_mesh()
        .light_line_style(BLACK.mix(0.06))
        .x_labels(5)
        .x_label_formatter(&axes.x_label)
        .y_label_formatter(&|y| if *y >= 1000.0 { words::rate(*y) } else { format!("{y}") })
        .x_desc(axes.x)
        .y_desc(axes.y)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 14))
        .draw()?;
    for line in numbered {
        let color = bars::color(line.subject);
        let width = if line.subject.is_ours() { 3 } else { 2 };
        let style = color.stroke_width(width);
        let last_marks = line.points.clone();
        let gap = i32::try_from(line.dashes)? * 5;
        let series = DashedLineSeries::new(line.points, 8, gap, style);
        chart.draw_series(series)?.label(line.subject.title).legend(move |(x, y)| {
            let part = |from: i32, to: i32| PathElement::new([(from, 0), (to, 0)], style);
            EmptyElement::at((x, y)) + part(0, 12 - gap / 2) + part(12 + gap / 2, 24)
        });
        chart.draw_series(last_marks.into_iter().map(|point| Circle::new(point, width, color.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.2))
        .label_font(("sans-serif", 13))
        .draw()?;
    Ok(root.present()?)
}

fn range(values: impl Iterator<Item = f64>) -> Option<Range<f64>> {
    let spread = Spread::of(values)?;
    (spread.low < spread.high).then_some(spread.low..spread.high)
}
