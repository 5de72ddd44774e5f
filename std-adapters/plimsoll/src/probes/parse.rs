//! Parsers of what the kernel writes. They take any text: what is not of the format is `None`.
//!
//! Formats: `Documentation/admin-guide/cgroup-v2.rst`, `Documentation/accounting/psi.rst` and
//! `Documentation/filesystems/proc.rst` of Linux.

/// Microseconds in a second.
pub(super) const SECOND_US: u64 = 1_000_000;

/// A file that holds one number.
pub(super) fn count(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// A file that holds a bound: a number, or `max` for none, which is `Some(None)`.
pub(super) fn bound(text: &str) -> Option<Option<u64>> {
    match text.trim() {
        "max" => Some(None),
        number => Some(Some(number.parse().ok()?)),
    }
}

/// The number of a line `key number`.
pub(super) fn field(text: &str, key: &str) -> Option<u64> {
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    let mut found = lines.filter(|(word, _)| *word == key);
    count(found.next()?.1)
}

/// The resident memory of `/proc/self/status`, in bytes. It is in kB there, whatever the size of a
/// page.
pub(super) fn resident(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    count(line.trim().strip_suffix("kB")?)?.checked_mul(1024)
}

/// The average of the last 10 s of a line of a pressure file, in microseconds of each second.
pub(super) fn stall_us(text: &str, line: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|text| text.split_once(' '));
    let (_, averages) = lines.find(|(word, _)| *word == line)?;
    let percent = averages.split(' ').find_map(|word| word.strip_prefix("avg10="))?;
    let (whole, hundredths) = percent.split_once('.')?;
    if hundredths.len() != 2 {
        return None;
    }
    let hundredths = count(whole)?.checked_mul(100)?.checked_add(count(hundredths)?)?;
    Some(hundredths.checked_mul(SECOND_US / 10_000)?).filter(|stall| *stall <= SECOND_US)
}

/// The path of the process in the tree of cgroup v2, of `/proc/self/cgroup`.
pub(super) fn cgroup_path(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::")).filter(|path| path.starts_with('/'))
}

/// The mounts of cgroup v2 of `/proc/self/mountinfo`: which part of the tree, and where.
pub(super) fn cgroup_mounts(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines().filter_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut words = mount.split(' ').skip(3);
        let is_it = file_system.split(' ').next() == Some("cgroup2");
        let place = (unescaped(words.next()?), unescaped(words.next()?));
        is_it.then_some(place)
    })
}

/// A path of `/proc/self/mountinfo`, where spaces, tabs, line breaks and backslashes are in octal.
fn unescaped(path: &str) -> String {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    // The backslash comes last: it begins the others.
    escapes.iter().fold(path.to_owned(), |path, (octal, plain)| path.replace(octal, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_kernel_writes_them() {
        assert_eq!(
            [count("4096\n"), count("0\n"), count("18446744073709551615\n")],
            [Some(4096), Some(0), Some(u64::MAX)]
        );
        for garbage in ["", "\n", "-1", "max", "1 2", "0x10", "18446744073709551616", "1.5", "\0"] {
            assert_eq!(count(garbage), None, "{garbage:?}");
        }
        assert_eq!((bound("max\n"), bound("7\n")), (Some(None), Some(Some(7))));
        assert_eq!((bound("maximum"), bound("")), (None, None));
        let events = "low 0\nhigh 3\nmax 20\noom 1\noom_kill 2\noom_group_kill 9\n";
        let keys = ["high", "max", "oom", "oom_kill", "hig", "low 0"];
        let found = keys.map(|key| field(events, key));
        assert_eq!(found, [Some(3), Some(20), Some(1), Some(2), None, None]);
        assert_eq!(field("high\nhigh x\nhigh 3", "high"), None, "its first line is garbage");
    }

    #[test]
    fn resident_memory_is_in_bytes() {
        let status = "Name:\tcat\nVmHWM:\t    1728 kB\nVmRSS:\t    1700 kB\nRssAnon:\t 1 kB\n";
        assert_eq!(resident(status), Some(1700 << 10));
        for garbage in
            ["", "VmRSS:", "VmRSS:\t12", "VmRSS:\t12 MB", "VmRSS: 18446744073709551615 kB"]
        {
            assert_eq!(resident(garbage), None, "{garbage:?}");
        }
    }

    #[test]
    fn a_stall_is_in_microseconds_of_a_second() {
        let pressure = "some avg10=53.86 avg60=21.93 avg300=21.69 total=202445038\n\
                        full avg10=0.07 avg60=0.00 avg300=0.00 total=1\n";
        assert_eq!(stall_us(pressure, "some"), Some(538_600));
        assert_eq!(stall_us(pressure, "full"), Some(700));
        assert_eq!(stall_us("some avg10=100.00", "some"), Some(SECOND_US));
        for garbage in [
            "some",
            "some avg10=",
            "some avg10=1",
            "some avg10=1.5",
            "some avg10=-1.00",
            "some avg10=100.01",
            "some avg10=18446744073709551615.00",
            "some avg60=1.00",
            "full avg10=1.00",
        ] {
            assert_eq!(stall_us(garbage, "some"), None, "{garbage:?}");
        }
    }

    #[test]
    fn a_cgroup_is_found_by_its_line() {
        assert_eq!(cgroup_path("4:memory:/a\n0::/b/c d\n"), Some("/b/c d"));
        for garbage in ["", "4:memory:/a\n", "0::", "0::b", "10::/b"] {
            assert_eq!(cgroup_path(garbage), None, "{garbage:?}");
        }
    }

    #[test]
    fn mounts_of_the_second_version_are_found_among_others() {
        let info = "23 27 0:22 / /sys rw - sysfs sysfs rw\n\
                    32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n\
                    41 31 0:38 / /sys/fs/cgroup/unified rw shared:1 master:2 - cgroup2 cgroup2 rw\n\
                    42 31 0:38 /a\\040b /with\\134040 rw - cgroup2 none rw\n\
                    43 cgroup2\n";
        let mounts: Vec<_> = cgroup_mounts(info).collect();
        let place = |root: &str, point: &str| (root.to_owned(), point.to_owned());
        assert_eq!(mounts, [place("/", "/sys/fs/cgroup/unified"), place("/a b", "/with\\040")]);
    }

    /// Pieces of what the kernel writes, in any order and cut anywhere, and noise between them.
    #[test]
    fn no_text_makes_a_parser_panic() {
        const PIECES: [&str; 22] = [
            "some",
            "full",
            " avg10=",
            "53.86",
            ".",
            "max",
            "\n",
            " ",
            "VmRSS:",
            "kB",
            "0::",
            "/",
            "..",
            " - ",
            "cgroup2",
            "\\040",
            "\\",
            "18446744073709551615",
            "99999999999999999999",
            "\0",
            "é",
            "oom_kill 2",
        ];
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % below as u64) as usize
        };
        let mut parsed = 0;
        for _ in 0..20_000 {
            let text: String = (0..next(12)).map(|_| PIECES[next(PIECES.len())]).collect();
            let cut = (0..=next(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at));
            let text = &text[cut.unwrap_or(0).min(text.len())..];
            let numbers =
                [count(text), field(text, "oom_kill"), resident(text), bound(text).flatten()];
            let stall = stall_us(text, "some");
            assert!(stall.is_none_or(|stall| stall <= SECOND_US), "{text:?}");
            let path = cgroup_path(text);
            assert!(path.is_none_or(|path| path.starts_with('/')), "{text:?}");
            parsed += numbers.iter().flatten().count() + cgroup_mounts(text).count();
            parsed += usize::from(stall.is_some()) + usize::from(path.is_some());
        }
        assert!(parsed > 100, "the pieces make texts that are parsed: {parsed}");
    }
}
