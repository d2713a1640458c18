//! Bars, drawn as SVG.

use std::fmt::Write as _;

/// A chart: groups of bars that lie, with a line to compare them with.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// The names of the bars in each group.
    pub series: Vec<String>,
    /// A name and the bars of each group; a bar may be missing.
    pub groups: Vec<(String, Vec<Option<f64>>)>,
    /// Where the line is, such as 1 for ratios.
    pub line: f64,
    /// What the line is.
    pub line_name: String,
}

const WIDTH: f64 = 760.0;
const LABELS: f64 = 110.0;
const MARGIN: f64 = 60.0;
const HEAD: f64 = 64.0;
const FOOT: f64 = 12.0;
const BAR: f64 = 13.0;
const GAP: f64 = 11.0;
const COLOURS: [&str; 4] = ["#9ecae1", "#4292c6", "#08519c", "#6b6b6b"];

impl Chart {
    /// Draws it.
    pub fn svg(&self) -> String {
        let bars: usize = self.groups.iter().map(|(_, bars)| bars.len()).sum();
        let height = HEAD + FOOT + bars as f64 * BAR + self.groups.len() as f64 * GAP;
        let all = self
            .groups
            .iter()
            .flat_map(|(_, bars)| bars.iter().flatten());
        let most = all.copied().fold(self.line, f64::max);
        let scale = (WIDTH - LABELS - MARGIN) / most;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        );
        text(
            &mut svg,
            12.0,
            22.0,
            "font-size=\"15\" font-weight=\"bold\"",
            &self.title,
        );
        self.legend(&mut svg);
        let mut y = HEAD;
        for (name, bars) in &self.groups {
            let middle = y + bars.len() as f64 * BAR / 2.0 + 4.0;
            text(&mut svg, LABELS - 8.0, middle, "text-anchor=\"end\"", name);
            for (value, index) in bars.iter().zip(0..) {
                if let Some(value) = value {
                    let (width, thick) = (value * scale, BAR - 2.0);
                    let _ = writeln!(
                        svg,
                        "<rect x=\"{LABELS}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{thick}\" fill=\"{}\"/>",
                        colour(index)
                    );
                    text(
                        &mut svg,
                        LABELS + width + 5.0,
                        y + BAR - 3.5,
                        "font-size=\"10\"",
                        &format!("{value:.2}"),
                    );
                }
                y += BAR;
            }
            y += GAP;
        }
        let (x, end) = (LABELS + self.line * scale, height - FOOT);
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{end}\" stroke=\"#c00\" stroke-dasharray=\"4 3\"/>",
            HEAD - 8.0
        );
        svg + "</svg>\n"
    }

    fn legend(&self, svg: &mut String) {
        let mut x = LABELS;
        for (name, index) in self.series.iter().zip(0..) {
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"36\" width=\"11\" height=\"11\" fill=\"{}\"/>",
                colour(index)
            );
            text(svg, x + 16.0, 46.0, "", name);
            x += 34.0 + 7.0 * name.len() as f64;
        }
        let line_name = format!("┆ {}", self.line_name);
        text(svg, x, 46.0, "fill=\"#c00\"", &line_name);
    }
}

fn colour(index: usize) -> &'static str {
    COLOURS.iter().cycle().nth(index).unwrap_or(&"#000")
}

fn text(svg: &mut String, x: f64, y: f64, style: &str, content: &str) {
    let content = content.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{content}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_values() {
        let chart = Chart {
            title: "a < b".to_owned(),
            series: vec!["1".to_owned(), "16".to_owned()],
            groups: vec![
                ("one".to_owned(), vec![Some(2.0), None]),
                ("two".to_owned(), vec![Some(0.5), Some(1.0)]),
            ],
            line: 1.0,
            line_name: "native".to_owned(),
        };
        let svg = chart.svg();
        assert!(svg.contains("a &lt; b"), "{svg}");
        // The longest takes all the room, the line is half-way.
        for expected in [
            "width=\"590.0\"",
            "width=\"147.5\"",
            "width=\"295.0\"",
            "x1=\"405.0\"",
        ] {
            assert!(svg.contains(expected), "{expected}: {svg}");
        }
        assert_eq!(svg.matches("height=\"11\" fill").count(), 2 + 3);
    }
}
