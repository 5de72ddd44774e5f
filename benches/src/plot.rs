//! Plots of rows, as SVG.

use std::fmt::Write;

use crate::report::Row;

const WIDTH: f64 = 860.0;
const LINE: f64 = 22.0;
const LEFT: f64 = 330.0;
const COLOURS: [&str; 6] = ["#1f6feb", "#d1570a", "#2da44e", "#8250df", "#bf3989", "#6e7781"];

/// The series and the place on the axis of a subject that is called `SERIES at PLACE`.
pub fn series(subject: &str) -> Option<(&str, &str)> {
    let (series, at) = subject.rsplit_once(" at ")?;
    at.parse::<f64>().is_ok().then_some((series, at))
}

/// A plot of one case: curves if its subjects are named as points of them, and otherwise ratios.
pub fn plot(title: &str, rows: &[Row]) -> String {
    if rows.iter().all(|row| series(&row.subject).is_some()) {
        curves(title, rows)
    } else {
        ratios(title, rows)
    }
}

/// A line for each row that is compared with another one: the median ratio, and its spread.
fn ratios(title: &str, rows: &[Row]) -> String {
    let rows: Vec<_> = rows.iter().filter(|row| row.subject != row.baseline).collect();
    let scale = Scale::over(
        rows.iter().flat_map(|row| [row.ratio_min, row.ratio_max, 1.0]),
        LEFT,
        WIDTH - 70.0,
    );
    let height = 60.0 + LINE * rows.len() as f64;
    let mut svg = begin(title, height);
    let one = scale.place(1.0);
    let bottom = height - 22.0;
    element(&mut svg, &format!(r##"<path d="M{one:.1} 34V{bottom:.1}" stroke="#6e7781"/>"##));
    text(&mut svg, one, height - 6.0, "middle", "1 (what it is compared with)");
    for (place, row) in rows.iter().enumerate() {
        let y = 46.0 + LINE * place as f64;
        let ours = row.subject.contains("plimsoll");
        let colour = if ours { COLOURS[0] } else { COLOURS[5] };
        let [low, middle, high] =
            [row.ratio_min, row.ratio_median, row.ratio_max].map(|ratio| scale.place(ratio));
        text(&mut svg, LEFT - 12.0, y + 4.0, "end", &row.subject);
        element(
            &mut svg,
            &format!(
                r#"<path d="M{low:.1} {y:.1}H{high:.1}" stroke="{colour}" stroke-width="2"/><circle cx="{middle:.1}" cy="{y:.1}" r="5" fill="{colour}"/>"#
            ),
        );
        text(&mut svg, WIDTH - 60.0, y + 4.0, "start", &short(row.ratio_median));
    }
    end(svg)
}

/// A curve for each series, over the places in the order of the rows; the axis of costs is
/// logarithmic.
fn curves(title: &str, rows: &[Row]) -> String {
    let (mut names, mut places) = (Vec::new(), Vec::new());
    for (name, at) in rows.iter().filter_map(|row| series(&row.subject)) {
        if !names.contains(&name) {
            names.push(name);
        }
        if !places.contains(&at) {
            places.push(at);
        }
    }
    let (top, bottom) = (40.0, 300.0);
    let spread = rows.iter().flat_map(|row| [row.ns_min, row.ns_max]);
    let scale = Scale::over(spread, bottom, top);
    let height = bottom + 40.0 + LINE * names.len() as f64;
    let mut svg = begin(title, height);
    let step = (WIDTH - 140.0) / (places.len().max(2) - 1) as f64;
    let across = |at: &str| {
        let place = places.iter().position(|other| *other == at).unwrap_or_default();
        100.0 + step * place as f64
    };
    for at in &places {
        text(&mut svg, across(at), bottom + 20.0, "middle", at);
    }
    for value in scale.powers_of_ten() {
        let y = scale.place(value);
        let right = WIDTH - 40.0;
        element(&mut svg, &format!(r##"<path d="M100 {y:.1}H{right}" stroke="#d0d7de"/>"##));
        text(&mut svg, 92.0, y + 4.0, "end", &format!("{} ns", short(value)));
    }
    for (place, name) in names.iter().enumerate() {
        let colour = COLOURS[place % COLOURS.len()];
        let mut path = String::new();
        for row in rows {
            let Some((_, at)) = series(&row.subject).filter(|(series, _)| series == name) else {
                continue;
            };
            let (x, y) = (across(at), scale.place(row.ns_median));
            let (low, high) = (scale.place(row.ns_min), scale.place(row.ns_max));
            let command = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{command}{x:.1} {y:.1}");
            element(
                &mut svg,
                &format!(r#"<path d="M{x:.1} {low:.1}V{high:.1}" stroke="{colour}"/>"#),
            );
        }
        element(
            &mut svg,
            &format!(r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>"#),
        );
        let y = bottom + 44.0 + LINE * place as f64;
        element(
            &mut svg,
            &format!(r#"<path d="M100 {y:.1}h24" stroke="{colour}" stroke-width="3"/>"#),
        );
        text(&mut svg, 132.0, y + 4.0, "start", name);
    }
    end(svg)
}

/// A logarithmic axis.
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let bounds = values
            .filter(|value| *value > 0.0)
            .fold((f64::MAX, f64::MIN_POSITIVE), |(low, high), value| {
                (value.min(low), value.max(high))
            });
        let (low, high) = if bounds.0 > bounds.1 { (1.0, 1.0) } else { bounds };
        Self { low: low / 1.1, high: high * 1.1, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let part = (value.max(self.low) / self.low).ln() / (self.high / self.low).ln();
        self.from + part.min(1.0) * (self.to - self.from)
    }

    fn powers_of_ten(&self) -> impl Iterator<Item = f64> + use<> {
        let (low, high) = (self.low, self.high);
        (-3..12).map(|power| 10f64.powi(power)).filter(move |value| (low..high).contains(value))
    }
}

/// Three digits that count.
pub(crate) fn short(value: f64) -> String {
    match value {
        value if value >= 99.5 => format!("{value:.0}"),
        value if value >= 9.95 => format!("{value:.1}"),
        value if value >= 0.0995 => format!("{value:.2}"),
        value => format!("{value:.4}"),
    }
}

fn begin(title: &str, height: f64) -> String {
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">"#
    );
    svg.push('\n');
    element(&mut svg, r##"<rect width="100%" height="100%" fill="#ffffff"/>"##);
    text(&mut svg, 12.0, 22.0, "start", title);
    svg
}

fn end(mut svg: String) -> String {
    svg.push_str("</svg>\n");
    svg
}

fn element(svg: &mut String, element: &str) {
    svg.push_str(element);
    svg.push('\n');
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    element(
        svg,
        &format!(
            r##"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="#1f2328">{text}</text>"##
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::row;

    #[test]
    fn a_subject_names_its_series_and_place_or_neither() {
        assert_eq!(series("plimsoll at 4096"), Some(("plimsoll", "4096")));
        assert_eq!(series("the clock alone at 99.9"), Some(("the clock alone", "99.9")));
        assert_eq!(series("fresh, 4 at a time"), None);
    }

    #[test]
    fn ratios_leave_out_what_is_compared_with_itself() {
        let svg = plot("pairs", &[row("bare", "bare", 10.0), row("a < b", "bare", 30.0)]);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<circle").count(), 1, "{svg}");
        assert!(svg.contains("a &lt; b") && svg.contains(">3.00<"), "{svg}");
    }

    #[test]
    fn curves_have_a_path_for_each_series_and_a_label_for_each_place() {
        let rows = [
            row("bare at 1", "bare at 1", 10.0),
            row("bare at 16", "bare at 16", 100.0),
            row("plimsoll at 1", "bare at 1", 20.0),
            row("plimsoll at 16", "bare at 16", 200.0),
        ];
        let svg = plot("by threads", &rows);
        assert_eq!(svg.matches(r#"fill="none""#).count(), 2, "{svg}");
        for label in [">1<", ">16<", ">bare<", ">plimsoll<", ">100 ns<"] {
            assert!(svg.contains(label), "{label} is not in {svg}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn no_rows_make_an_empty_plot() {
        assert!(!plot("nothing", &[]).contains("NaN"));
    }
}
