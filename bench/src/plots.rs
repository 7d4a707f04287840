//! The plots of the page, as SVG.

use std::fs;
use std::ops::Range;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::figure::{Figure, Results};
use crate::statistics::{Summary, median, rate};

const SIZE: (u32, u32) = (760, 400);
const SIZES: [usize; 3] = [1000, 10_000, 100_000];
/// Space above the highest point.
const ROOM: f64 = 1.15;
/// Colours that people who cannot tell red from green tell apart (Okabe and Ito).
const COLOURS: [RGBColor; 2] = [RGBColor(0, 114, 178), RGBColor(230, 159, 0)];
const FONT: (&str, u32) = ("sans-serif", 14);

/// A line through medians, with the least and the greatest at each.
struct Line {
    name: &'static str,
    points: Vec<(f64, Summary)>,
}

/// A bar: what, and how much.
struct Bar {
    name: &'static str,
    height: f64,
    is_ours: bool,
}

/// Writes all plots into a folder.
///
/// # Errors
/// If a file cannot be written.
pub fn write(results: &Results, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    lines(&folder.join("rate.svg"), "objects a second, first install", &rates(results))?;
    lines(&folder.join("memory.svg"), "peak memory, MiB", &[memory(results)])?;
    bars(&folder.join("peers.svg"), "seconds for 1,000 connections, medians", &peers(results))
}

fn rates(results: &Results) -> [Line; 2] {
    let mut lines = [("sc-job", Vec::new()), ("plain loop", Vec::new())];
    for (count, figure) in by_size(results, "scale") {
        let ours = figure.pairs.iter().map(|pair| rate(count, pair.ours)).collect::<Vec<_>>();
        let baseline = figure.pairs.iter().map(|pair| rate(count, pair.baseline)).collect::<Vec<_>>();
        for ((_, points), samples) in lines.iter_mut().zip([ours, baseline]) {
            points.extend(Summary::of(&samples).map(|summary| (place(count), summary)));
        }
    }
    lines.map(|(name, points)| Line { name, points })
}

fn memory(results: &Results) -> Line {
    let points = by_size(results, "memory").into_iter().filter_map(|(count, figure)| Some((place(count), figure.summary?)));
    Line { name: "sc-job", points: points.collect() }
}

fn peers(results: &Results) -> Vec<Bar> {
    let seconds = |id: &str, take: fn(&crate::figure::Pair) -> f64| {
        let pairs = results.figures.get(id).map(|figure| figure.pairs.as_slice()).unwrap_or_default();
        median(&pairs.iter().map(take).collect::<Vec<_>>()).unwrap_or_default() / 1000.0
    };
    let others = [("kubectl create", "create-1000"), ("kubectl apply", "apply-1000"), ("helm install", "helm-1000")];
    let mut bars = vec![Bar { name: "sc-job, first", height: seconds("create-1000", |pair| pair.ours), is_ours: true }];
    bars.extend(others.map(|(name, id)| Bar { name, height: seconds(id, |pair| pair.baseline), is_ours: false }));
    bars.push(Bar { name: "sc-job, again", height: seconds("upgrade-1000", |pair| pair.ours), is_ours: true });
    bars.push(Bar { name: "helm upgrade", height: seconds("upgrade-1000", |pair| pair.baseline), is_ours: false });
    bars
}

fn by_size<'a>(results: &'a Results, what: &str) -> Vec<(usize, &'a Figure)> {
    SIZES.into_iter().filter_map(|count| Some((count, results.figures.get(&format!("{what}-{count}"))?))).collect()
}

/// Where a number of connections stands: by its power of ten.
fn place(count: usize) -> f64 {
    crate::statistics::precise(count).log10()
}

fn lines(path: &Path, title: &str, lines: &[Line]) -> Result<()> {
    let highest = lines.iter().flat_map(|line| &line.points).map(|(_, summary)| summary.max).fold(1.0, f64::max);
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    let mut chart = axes(&root, title, 2.8..5.2, 0.0..highest * ROOM)?;
    let named = |place: &f64| 10f64.powf(*place).round().to_string();
    let mesh = chart
        .configure_mesh()
        .x_labels(3)
        .x_label_formatter(&named)
        .x_desc("connections")
        .label_style(FONT)
        .disable_x_mesh()
        .max_light_lines(0)
        .draw();
    mesh.map_err(failed)?;
    for (line, colour) in lines.iter().zip(COLOURS) {
        let medians = line.points.iter().map(|(place, summary)| (*place, summary.median));
        let drawn = chart.draw_series(LineSeries::new(medians, colour.stroke_width(2)).point_size(4)).map_err(failed)?;
        drawn.label(line.name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        let spreads = line.points.iter().map(|(place, summary)| PathElement::new([(*place, summary.min), (*place, summary.max)], colour.mix(0.6)));
        chart.draw_series(spreads).map_err(failed)?;
    }
    chart.configure_series_labels().position(SeriesLabelPosition::LowerRight).label_font(FONT).border_style(BLACK.mix(0.2)).draw().map_err(failed)?;
    root.present().map_err(failed)
}

fn bars(path: &Path, title: &str, bars: &[Bar]) -> Result<()> {
    let highest = bars.iter().map(|bar| bar.height).fold(0.1, f64::max);
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    let mut chart = axes(&root, title, -0.5..crate::statistics::precise(bars.len()) - 0.5, 0.0..highest * ROOM)?;
    chart.configure_mesh().disable_x_mesh().disable_x_axis().max_light_lines(0).label_style(FONT).draw().map_err(failed)?;
    for (number, bar) in bars.iter().enumerate() {
        let (middle, colour) = (crate::statistics::precise(number), COLOURS[usize::from(!bar.is_ours)]);
        let body = Rectangle::new([(middle - 0.35, 0.0), (middle + 0.35, bar.height)], colour.filled());
        chart.draw_series([body]).map_err(failed)?;
        let label = |text: String, height: f64| Text::new(text, (middle - 0.35, height), FONT.into_font());
        chart
            .draw_series([label(format!("{:.2} s", bar.height), bar.height + highest * 0.06), label(bar.name.into(), highest * -0.02)])
            .map_err(failed)?;
    }
    root.present().map_err(failed)
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

fn axes<'a, 'b>(root: &'a DrawingArea<SVGBackend<'b>, plotters::coord::Shift>, title: &str, x: Range<f64>, y: Range<f64>) -> Result<Chart<'a, 'b>> {
    root.fill(&WHITE).map_err(failed)?;
    let mut builder = ChartBuilder::on(root);
    builder.caption(title, ("sans-serif", 18)).margin(12).x_label_area_size(44).y_label_area_size(60);
    builder.build_cartesian_2d(x, y).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("failed to draw a plot: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Pair;

    #[test]
    fn plots_are_drawn_of_what_there_is() {
        let mut results = Results::default();
        let pairs = vec![Pair { ours: 500.0, baseline: 520.0 }, Pair { ours: 600.0, baseline: 580.0 }];
        for id in ["scale-1000", "scale-10000", "create-1000", "upgrade-1000"] {
            results.keep(id, Figure::speed(pairs.clone()));
        }
        results.keep("memory-1000", Figure::of(vec![7.0, 8.0]));
        let folder = std::env::temp_dir().join(format!("sc-bench-plots-{}", std::process::id()));
        write(&results, &folder).unwrap();
        for (file, word) in [("rate.svg", "plain loop"), ("memory.svg", "MiB"), ("peers.svg", "helm upgrade")] {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            assert!(text.contains("</svg>") && text.contains(word), "{file}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
