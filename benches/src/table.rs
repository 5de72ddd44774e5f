//! The rows, laid out for people.

use std::fmt::Write;

use crate::report::Row;

/// A title line, a heading that says what the figures are, and one line per row.
pub fn render(title: &str, heading: &str, rows: &[Row]) -> String {
    let mut text = format!("{title}\n");
    let columns = ["median", "min", "max", "ratio", "min", "max"].map(str::to_owned);
    line(&mut text, heading, columns, "to");
    for row in rows {
        let ns = [row.ns_median, row.ns_min, row.ns_max].map(figure);
        let ratio = [row.ratio_median, row.ratio_min, row.ratio_max].map(figure);
        let ([a, b, c], [d, e, f]) = (ns, ratio);
        let baseline = if row.baseline == row.subject { "itself" } else { &row.baseline };
        line(&mut text, &row.subject, [a, b, c, d, e, f], baseline);
    }
    text
}

fn line(text: &mut String, first: &str, figures: [String; 6], last: &str) {
    let [a, b, c, d, e, f] = figures;
    writeln!(text, "  {first:<40}{a:>10}{b:>10}{c:>10}  {d:>8}{e:>8}{f:>8}   {last}")
        .expect("a String takes everything");
}

/// Three digits that count, or all of a whole number.
fn figure(value: f64) -> String {
    let decimals = match value {
        value if value < 0.0995 => 4,
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::row;

    #[test]
    fn figures_keep_three_digits() {
        let values = [0.0312, 0.0996, 1.0, 9.994, 9.996, 48.25, 99.96, 635.4, 17_000.0];
        let texts = ["0.0312", "0.10", "1.00", "9.99", "10.0", "48.2", "100", "635", "17000"];
        assert_eq!(values.map(figure), texts);
    }

    #[test]
    fn columns_line_up() {
        let rows = [row("bare", "bare", 10.0), row("other", "bare", 480.0)];
        let text = render("gauge: pair", "ns per pair", &rows);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "gauge: pair");
        assert!(lines[2].ends_with("  1.00    0.50    2.00   itself"), "{text}");
        assert!(lines[3].ends_with("  48.0    24.0    96.0   bare"), "{text}");
        let ends = lines[1..].iter().map(|line| line.rfind("   ").unwrap()).collect::<Vec<_>>();
        assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
    }
}
