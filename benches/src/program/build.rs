//! The real program, unpacked and built twice.
//!
//! Cargo fetches it from the registry, and its source is copied into a folder for each build. One
//! line is added to both copies: `use super::channel as crossbeam_channel;` in the file that makes
//! the channels, so that they come from where their types come from. Then one `use` is changed in
//! the second copy, from `crossbeam_channel` to a [shim](SHIM) with the same names. Nothing else
//! differs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::report::remove_folder;
use crate::tool::Tool;

/// The version of tantivy.
pub const VERSION: &str = "0.27.0";

/// The crate that tracked channels come from.
pub const SHIM: &str = include_str!("../../real-program/shim.rs");
const LOAD: &str = include_str!("../../real-program/load.rs");

/// Where its channels' types come from, and where it makes the channels.
const TYPES: &str = "src/indexer/mod.rs";
const MAKER: &str = "src/indexer/index_writer.rs";

const ADDED: &str = "use super::channel as crossbeam_channel;\n";
const RAW_USE: &str = "use crossbeam_channel as channel;";
const TRACKED_USE: &str = "use plimsoll_shim as channel;";

/// Two programs that differ in one `use`.
#[derive(Debug)]
pub struct Builds {
    /// With `crossbeam_channel`.
    pub raw: PathBuf,
    /// With plimsoll's.
    pub tracked: PathBuf,
}

/// Unpacks the program into `folder`, anew, and builds it twice; crates that both need are built
/// once, and kept for the next time.
///
/// # Errors
/// Cargo fails, or the source is not the one that this was written for.
pub fn build(folder: &Path) -> io::Result<Builds> {
    let source = fetch(&folder.join("fetch"))?;
    write_crate(&folder.join("shim"), &shim_manifest(), SHIM, "lib.rs")?;
    let one = |is_tracked| -> io::Result<PathBuf> {
        let name = if is_tracked { "tracked" } else { "raw" };
        let place = folder.join(name);
        remove_folder(&place)?;
        write_crate(&place, &load_manifest(is_tracked), LOAD, "main.rs")?;
        fs::copy(folder.join("fetch/Cargo.lock"), place.join("Cargo.lock"))?;
        copy(&source, &place.join("tantivy"))?;
        change(&place.join("tantivy"), is_tracked)?;
        let target = folder.join("target");
        let tool = Tool::cargo().args(["build", "--release"]).arg("--manifest-path");
        tool.arg(place.join("Cargo.toml")).arg("--target-dir").arg(&target).output()?;
        let program = format!("load-{name}{}", std::env::consts::EXE_SUFFIX);
        Ok(target.join("release").join(program))
    };
    Ok(Builds { raw: one(false)?, tracked: one(true)? })
}

/// Where cargo unpacks the source.
fn fetch(folder: &Path) -> io::Result<PathBuf> {
    let manifest = format!(
        "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n\
         [dependencies]\n\
         tantivy = {{ version = \"={VERSION}\", default-features = false }}\n{CLOCK}"
    );
    write_crate(folder, &manifest, "", "lib.rs")?;
    let tool = Tool::cargo().args(["metadata", "--format-version", "1", "--manifest-path"]);
    let metadata: Value = serde_json::from_str(&tool.arg(folder.join("Cargo.toml")).output()?)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let tantivy = packages.into_iter().find(|package| package["name"] == "tantivy");
    let manifest = tantivy.and_then(|package| package["manifest_path"].as_str());
    let source = manifest.and_then(|manifest| Path::new(manifest).parent());
    source.map(Path::to_owned).ok_or_else(|| io::Error::other("cargo names no tantivy"))
}

const CLOCK: &str = "rustix = { version = \"1.1\", features = [\"time\"] }\n";

fn load_manifest(is_tracked: bool) -> String {
    let (name, feature, shim) = if is_tracked {
        ("tracked", "default = [\"tracked\"]\n", "plimsoll-shim = { path = \"../shim\" }\n")
    } else {
        ("raw", "", "")
    };
    format!(
        "[package]\nname = \"load-{name}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
         [workspace]\nexclude = [\"tantivy\"]\n\n[features]\n{feature}tracked = []\n\n\
         [dependencies]\n\
         tantivy = {{ path = \"tantivy\", default-features = false }}\n{CLOCK}{shim}"
    )
}

fn shim_manifest() -> String {
    let plimsoll = Path::new(env!("CARGO_MANIFEST_DIR")).join("../std-adapters/plimsoll");
    // As a string of TOML, which escapes as Rust does here.
    format!(
        "[package]\nname = \"plimsoll-shim\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
         [dependencies]\nplimsoll = {{ path = {:?}, default-features = false, \
         features = [\"crossbeam\"] }}\n",
        plimsoll.display().to_string()
    )
}

/// Makes the two copies differ.
fn change(copy: &Path, is_tracked: bool) -> io::Result<()> {
    let maker = copy.join(MAKER);
    let text = fs::read_to_string(&maker)?;
    fs::write(&maker, with_the_same_name(&text).ok_or_else(|| other_source(&maker))?)?;
    if is_tracked {
        let types = copy.join(TYPES);
        let text = fs::read_to_string(&types)?;
        fs::write(&types, with_the_shim(&text).ok_or_else(|| other_source(&types))?)?;
        let manifest = copy.join("Cargo.toml");
        let shim = "\n[dependencies.plimsoll-shim]\npath = \"../../shim\"\n";
        fs::write(&manifest, fs::read_to_string(&manifest)? + shim)?;
    }
    Ok(())
}

/// The text with one `use` before the first of its own; `None` if it makes no channel.
fn with_the_same_name(text: &str) -> Option<String> {
    let makes = text.contains("crossbeam_channel::bounded(") && !text.contains("use crossbeam");
    let place = text.find("\nuse ").map(|place| place + 1);
    let place = if text.starts_with("use ") { Some(0) } else { place };
    let (before, after) = text.split_at(place.filter(|_| makes)?);
    Some(format!("{before}{ADDED}{after}"))
}

/// The text with the one `use` changed; `None` if it is not there, or more than once.
fn with_the_shim(text: &str) -> Option<String> {
    (text.matches(RAW_USE).count() == 1).then(|| text.replace(RAW_USE, TRACKED_USE))
}

fn other_source(file: &Path) -> io::Error {
    io::Error::other(format!("{} is not as in tantivy {VERSION}", file.display()))
}

fn write_crate(folder: &Path, manifest: &str, source: &str, file: &str) -> io::Result<()> {
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src").join(file), source)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?;
        } else {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_use_is_changed_or_none() {
        let text = "mod a;\n\nuse crossbeam_channel as channel;\nuse smallvec::SmallVec;\n";
        let changed = with_the_shim(text).unwrap();
        assert_eq!(changed, "mod a;\n\nuse plimsoll_shim as channel;\nuse smallvec::SmallVec;\n");
        assert_eq!(with_the_shim(&changed), None);
        assert_eq!(with_the_shim(&text.repeat(2)), None);
    }

    #[test]
    fn the_added_name_stands_before_the_other_uses() {
        let body = "use std::ops::Range;\n\nfn f() { crossbeam_channel::bounded(1) }\n";
        assert_eq!(with_the_same_name(body).unwrap(), format!("{ADDED}{body}"));
        let commented = format!("//! Text.\n\n{body}");
        let expected = format!("//! Text.\n\n{ADDED}{body}");
        assert_eq!(with_the_same_name(&commented).unwrap(), expected);
        assert_eq!(with_the_same_name("use std::ops::Range;\n"), None);
        assert_eq!(with_the_same_name(&format!("use crossbeam_channel::bounded;\n{body}")), None);
    }

    #[test]
    fn only_the_tracked_load_needs_the_shim() {
        let [raw, tracked] = [false, true].map(load_manifest);
        assert!(!raw.contains("shim") && tracked.contains("plimsoll-shim = "));
        assert!(!raw.contains("default = ") && tracked.contains("default = [\"tracked\"]"));
    }
}
