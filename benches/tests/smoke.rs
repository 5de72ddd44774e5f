//! Every area runs, and its rows are what the documentation says.
#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use plimsoll_bench::areas::AREAS;
use plimsoll_bench::run::{self, run};
use serde_json::Value;

const TEXTS: [&str; 4] = ["area", "case", "subject", "baseline"];
const NUMBERS: [&str; 6] =
    ["ns_median", "ns_min", "ns_max", "ratio_median", "ratio_min", "ratio_max"];

/// Exit status, tables, complaints.
fn command(line: &str, folder: &Path) -> (u8, String, String) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let arguments = line.split_whitespace().map(str::to_owned);
    let status = run(arguments, folder, &folder.join("docs"), &mut out, &mut errors);
    (status, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
}

#[test]
fn every_area_writes_well_formed_rows() {
    // Not into the folder of real reports.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plimsoll-bench-smoke");
    for area in AREAS {
        let (status, tables, errors) = command(&format!("--bench --quick {}", area.name), &folder);
        assert_eq!((status, errors.as_str()), (run::OK, ""));
        for line in tables.lines() {
            assert!(line.chars().count() <= 132, "{line}");
        }
        let path = folder.join(format!("{}.json", area.name));
        let json: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let rows = json.as_array().unwrap_or_else(|| panic!("{} is a list", path.display()));
        assert!(!rows.is_empty());
        let mut names = HashSet::new();
        for row in rows {
            check(area.name, row);
            let name = [&row["case"], &row["threads"], &row["subject"]];
            assert!(names.insert(name), "a subject stands once in a case: {row}");
            for text in ["case", "subject"] {
                assert!(tables.contains(row[text].as_str().unwrap()), "{row} is not in\n{tables}");
            }
        }
    }
}

fn check(area: &str, row: &Value) {
    let row = row.as_object().unwrap();
    assert_eq!(row.len(), TEXTS.len() + NUMBERS.len() + 1, "{row:?}");
    assert_eq!(row["area"], area);
    assert!(TEXTS.iter().all(|name| row[*name].as_str().is_some_and(|text| !text.is_empty())));
    assert!(row["threads"].as_u64().is_some_and(|threads| threads > 0), "{row:?}");
    let [median, min, max, ratio, ratio_min, ratio_max] =
        NUMBERS.map(|name| row[name].as_f64().unwrap_or_else(|| panic!("{name} of {row:?}")));
    assert!(0.0 < min && min <= median && median <= max, "{row:?}");
    assert!(0.0 < ratio_min && ratio_min <= ratio && ratio <= ratio_max, "{row:?}");
    if row["subject"] == row["baseline"] {
        assert_eq!((ratio_min, ratio_max), (1.0, 1.0), "{row:?}");
    }
}

/// What `plimsoll-bench-program` leaves for the report.
const APART: &str = r#"{
    "machine": {"cpu": "some", "cores": 2, "load": "0.1", "rustc": "some", "commit": "earlier"},
    "method": "in turns",
    "rows": [{
        "area": "program", "case": "a run of a program", "subject": "plimsoll, tracked",
        "threads": 4, "ns_median": 3.0, "ns_min": 2.0, "ns_max": 4.0, "baseline": "raw",
        "ratio_median": 1.5, "ratio_min": 1.0, "ratio_max": 2.0
    }]
}"#;

#[test]
fn a_report_is_a_page_with_plots_and_a_file_of_all_rows() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plimsoll-bench-report");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("program.json"), APART).unwrap();
    let (status, _, errors) = command("--bench --quick --report gauge growth tails", &folder);
    assert_eq!((status, errors.as_str()), (run::OK, ""));
    let page = fs::read_to_string(folder.join("docs/REPORT.md")).unwrap();
    let json = fs::read_to_string(folder.join("report.json")).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    let [own, apart] = [&json["rows"], &json["apart"][0]["rows"]];
    assert_eq!(apart[0]["subject"], "plimsoll, tracked");
    for row in [own, apart].into_iter().flat_map(|rows| rows.as_array().unwrap()) {
        assert!(page.contains(row["case"].as_str().unwrap()), "{row} is not in\n{page}");
    }
    let plots = fs::read_dir(folder.join("docs/images/bench")).unwrap();
    assert_eq!(plots.count(), page.matches("![").count());
}

#[test]
fn a_mistake_exits_with_2_and_says_what_there_is() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (status, out, errors) = command("--bench gouge", folder);
    assert_eq!((status, out.as_str()), (run::MISUSED, ""));
    assert!(errors.starts_with("error: no area is called `gouge`; the areas are: gauge, "));
    assert_eq!(command("--bench gauge --slow", folder).0, 2);
    assert_eq!(command("--help", folder).0, run::OK);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_and_no_panic() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plimsoll-bench-file");
    fs::write(&file, "in the way").unwrap();
    let (status, _, errors) = command("--bench --quick gauge", &file);
    assert_eq!(status, run::FAILED);
    assert!(errors.starts_with(&format!("error: {}: ", file.display())), "{errors}");
}
