//! One report of a whole run: a file of numbers, and a page of tables and plots.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::machine::Machine;
use crate::plot::{plot, series, short};
use crate::report::Row;

/// All that a run has measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What it was measured on.
    pub machine: Machine,
    /// How often each subject was measured, and for how long.
    pub method: String,
    /// Every row, in the order in which it was measured.
    pub rows: Vec<Row>,
}

/// Where the page goes: the documentation of the source that this was built from.
pub fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

impl Report {
    /// Writes `report.json` into `folder`, and into `docs` the page `REPORT.md` with its plots in
    /// `images/bench`. Plots of an earlier report are removed.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, folder: &Path, docs: &Path) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("report.json"), serde_json::to_string_pretty(self)? + "\n")?;
        let images = docs.join("images").join("bench");
        if images.exists() {
            fs::remove_dir_all(&images)?;
        }
        fs::create_dir_all(&images)?;
        for case in self.cases() {
            fs::write(images.join(case.file()), plot(&case.title(), case.rows))?;
        }
        let page = docs.join("REPORT.md");
        fs::write(&page, self.page())?;
        Ok(page)
    }

    /// The rows of each case: those that stand together and were measured by as many threads.
    fn cases(&self) -> impl Iterator<Item = CaseRows<'_>> {
        let is_one =
            |a: &Row, b: &Row| (&a.area, &a.case, a.threads) == (&b.area, &b.case, b.threads);
        self.rows.chunk_by(is_one).enumerate().map(|(number, rows)| CaseRows { number, rows })
    }

    fn page(&self) -> String {
        let Machine { cpu, cores, load, rustc, commit } = &self.machine;
        let mut page = format!(
            "# Report\n\nWritten by `cargo bench -p plimsoll-bench -- --report`. \
             [BENCHMARKS](BENCHMARKS.md) says how to read it.\n\n\
             | | |\n|---|---|\n| processor | {cpu}, {cores} cores |\n\
             | load at the start | {load} |\n| compiler | {rustc} |\n| commit | {commit} |\n\
             | method | {} |\n",
            self.method
        );
        page.push_str("\n## Where it loses\n");
        page.push_str(&self.losses());
        let mut area = "";
        for case in self.cases() {
            if area != case.rows[0].area {
                area = &case.rows[0].area;
                let _ = writeln!(page, "\n## Area {area}");
            }
            case.write(&mut page);
        }
        page
    }

    /// Each subject of ours that is more than a twentieth above what it is compared with.
    fn losses(&self) -> String {
        let mut list = String::new();
        for row in &self.rows {
            let is_ours = row.subject.contains("plimsoll") && !row.baseline.contains("plimsoll");
            if is_ours && row.ratio_median > 1.05 {
                let Row { area, case, subject, threads, baseline, .. } = row;
                let ratio = short(row.ratio_median);
                let _ = writeln!(
                    list,
                    "- {area}, {case}, threads: {threads}: {subject} is {ratio} of {baseline}"
                );
            }
        }
        if list.is_empty() { "Nowhere, in this run.\n".to_owned() } else { list }
    }
}

/// The rows of one case.
struct CaseRows<'r> {
    number: usize,
    rows: &'r [Row],
}

impl CaseRows<'_> {
    fn title(&self) -> String {
        let Row { area, case, threads, .. } = &self.rows[0];
        format!("{area}: {case}, threads: {threads}")
    }

    fn file(&self) -> String {
        format!("{:02}-{}.svg", self.number, self.rows[0].area)
    }

    fn write(&self, page: &mut String) {
        let title = self.title();
        let _ = writeln!(page, "\n### {title}\n\n![{title}](images/bench/{})\n", self.file());
        page.push_str("| | median | min | max | ratio | min | max | to |\n");
        page.push_str("|---|---|---|---|---|---|---|---|\n");
        for row in self.rows {
            let figures = [
                row.ns_median,
                row.ns_min,
                row.ns_max,
                row.ratio_median,
                row.ratio_min,
                row.ratio_max,
            ];
            let figures = figures.map(short).join(" | ");
            let to = if row.baseline == row.subject { "" } else { &row.baseline };
            let _ = writeln!(page, "| {} | {figures} | {to} |", self.name(row));
        }
    }

    /// A point of a curve by its place alone would read like a number.
    fn name(&self, row: &Row) -> String {
        match series(&row.subject) {
            Some((series, at)) => format!("{series}, {at}"),
            None => row.subject.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::row;

    #[test]
    fn the_page_has_a_table_and_a_plot_for_each_case_and_says_where_it_loses() {
        let folder = std::env::temp_dir().join(format!("plimsoll-page-{}", std::process::id()));
        let mut rows = vec![
            row("bare", "bare", 10.0),
            row("plimsoll", "bare", 12.0),
            row("plimsoll quick", "bare", 9.0),
        ];
        rows.push(Row { case: "other".into(), ..row("bare", "bare", 1.0) });
        let report = Report { machine: Machine::here(), method: "by hand".into(), rows };
        let page = report.write(&folder, &folder).unwrap();
        let text = fs::read_to_string(&page).unwrap();
        assert!(text.contains("| plimsoll | 12.0 | 6.00 | 24.0 | 1.20 |"), "{text}");
        assert!(text.contains(": plimsoll is 1.20 of bare\n"), "{text}");
        assert!(!text.contains(": plimsoll quick is"), "{text}");
        for image in ["00-gauge.svg", "01-gauge.svg"] {
            assert!(text.contains(&format!("(images/bench/{image})")), "{text}");
            assert!(folder.join("images/bench").join(image).is_file());
        }
        let json = fs::read_to_string(folder.join("report.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (json["rows"].as_array().unwrap().len(), &json["method"]),
            (4, &"by hand".into())
        );
        assert!(json["machine"]["commit"].is_string());
        fs::remove_dir_all(folder).unwrap();
    }
}
