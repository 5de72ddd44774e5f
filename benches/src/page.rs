//! One report of a whole run: a file of numbers, and a page of tables and plots.

use std::fmt::Write;
use std::fs;
use std::io;
use std::iter;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::plot::{plot, series, short};
use crate::report::{Row, remove_folder, write_json};

/// All that a run has measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// What it was measured on.
    pub machine: Machine,
    /// How often each subject was measured, and for how long.
    pub method: String,
    /// Every row, in the order in which it was measured.
    pub rows: Vec<Row>,
    /// What other commands have measured, each in a run of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apart: Vec<Report>,
}

/// Commands whose reports become part of the page, by the names of their files.
pub const APART: [&str; 2] = ["features", "program"];

/// Where the page goes: the documentation of the source that this was built from.
pub fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

impl Report {
    /// Adds the reports that the commands [`APART`] have left in `folder`. Those that are not there
    /// are left out.
    ///
    /// # Errors
    /// What the file system says, or a file that is no report.
    pub fn add_apart(&mut self, folder: &Path) -> io::Result<()> {
        for name in APART {
            match fs::read_to_string(folder.join(format!("{name}.json"))) {
                Ok(text) => self.apart.push(serde_json::from_str(&text)?),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes the report of one of the commands [`APART`] into `folder`, which is made if need be,
    /// and answers its path.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_apart(&self, folder: &Path, name: &str) -> io::Result<PathBuf> {
        write_json(folder, name, self)
    }

    /// Writes `report.json` into `folder`, and into `docs` the page `REPORT.md` with its plots in
    /// `images/bench`. Plots of an earlier report are removed.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, folder: &Path, docs: &Path) -> io::Result<PathBuf> {
        write_json(folder, "report", self)?;
        let images = docs.join("images").join("bench");
        remove_folder(&images)?;
        fs::create_dir_all(&images)?;
        for case in self.cases() {
            fs::write(images.join(case.file()), plot(&case.title(), case.rows))?;
        }
        let page = docs.join("REPORT.md");
        fs::write(&page, self.page())?;
        Ok(page)
    }

    /// This report, and those that were made apart.
    fn parts(&self) -> impl Iterator<Item = &Report> {
        iter::once(self).chain(&self.apart)
    }

    /// The rows of each case: those that stand together and were measured by as many threads.
    fn cases(&self) -> impl Iterator<Item = CaseRows<'_>> {
        let is_one =
            |a: &Row, b: &Row| (&a.area, &a.case, a.threads) == (&b.area, &b.case, b.threads);
        let rows = self.parts().flat_map(move |part| part.rows.chunk_by(is_one));
        rows.enumerate().map(|(number, rows)| CaseRows { number, rows })
    }

    fn page(&self) -> String {
        let mut page = format!(
            "# Report\n\nWritten by `cargo bench -p plimsoll-bench -- --report`. \
             [BENCHMARKS](BENCHMARKS.md) says how to read it.\n\n{}",
            self.origin()
        );
        page.push_str("\n## Where it loses\n");
        page.push_str(&self.losses());
        let mut area = "";
        for case in self.cases() {
            if area != case.rows[0].area {
                area = &case.rows[0].area;
                let _ = writeln!(page, "\n## Area {area}");
                let apart =
                    self.apart.iter().find(|part| part.rows.iter().any(|row| row.area == area));
                if let Some(part) = apart {
                    let _ = write!(page, "\nMeasured apart:\n\n{}", part.origin());
                }
            }
            case.write(&mut page);
        }
        page
    }

    /// On what it was measured, and how.
    fn origin(&self) -> String {
        let Machine { cpu, cores, load, rustc, commit } = &self.machine;
        format!(
            "| | |\n|---|---|\n| processor | {cpu}, {cores} cores |\n\
             | load at the start | {load} |\n| compiler | {rustc} |\n| commit | {commit} |\n\
             | method | {} |\n",
            self.method
        )
    }

    /// Each subject of ours that is more than a twentieth above what it is compared with.
    fn losses(&self) -> String {
        let mut list = String::new();
        for row in self.parts().flat_map(|part| &part.rows) {
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

    fn by_hand(rows: Vec<Row>) -> Report {
        let (machine, method) = (Machine::here(), "by hand".into());
        Report { machine, method, rows, apart: Vec::new() }
    }

    #[test]
    fn the_page_has_a_table_and_a_plot_for_each_case_and_says_where_it_loses() {
        let folder = std::env::temp_dir().join(format!("plimsoll-page-{}", std::process::id()));
        let mut rows = vec![
            row("bare", "bare", 10.0),
            row("plimsoll", "bare", 12.0),
            row("plimsoll quick", "bare", 9.0),
        ];
        rows.push(Row { case: "other".into(), ..row("bare", "bare", 1.0) });
        let report = by_hand(rows);
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

    #[test]
    fn what_was_measured_apart_has_its_own_origin_and_its_plots_count_on() {
        let folder = std::env::temp_dir().join(format!("plimsoll-apart-{}", std::process::id()));
        let apart = vec![Row { area: "program".into(), ..row("plimsoll", "raw", 30.0) }];
        let mut apart = by_hand(apart);
        apart.machine.commit = "an earlier one".into();
        apart.write_apart(&folder, APART[1]).unwrap();
        let mut report = by_hand(vec![row("bare", "bare", 10.0)]);
        report.add_apart(&folder).unwrap();
        let page = report.write(&folder, &folder).unwrap();
        let text = fs::read_to_string(&page).unwrap();
        let (_, section) = text.split_once("## Area program\n").unwrap();
        assert!(section.contains("| commit | an earlier one |"), "{text}");
        assert!(section.contains("(images/bench/01-program.svg)"), "{text}");
        assert!(text.contains("- program, pair, threads: 1: plimsoll is 3.00 of raw\n"), "{text}");
        fs::write(folder.join("program.json"), "no report").unwrap();
        assert_eq!(report.add_apart(&folder).unwrap_err().kind(), io::ErrorKind::InvalidData);
        fs::remove_dir_all(folder).unwrap();
    }
}
