//! One ordering in the source: a call site and which of its operands.

use std::fmt;

/// How far above a call its comment may begin.
const COMMENT_LINES_MAX: usize = 6;

/// What a comment says that keeps an ordering which no model needs.
const EXCUSE: &str = "No model shows this: ";

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Site {
    /// As the compiler was given it.
    pub(crate) file: String,
    line: usize,
    column: usize,
    operand: u8,
    operation: String,
    ordering: String,
}

impl Site {
    /// From a line of a model's output: `site FILE:LINE:COLUMN/OPERAND OPERATION ORDERING`.
    pub(crate) fn parse(line: &str) -> Option<Site> {
        // The test harness may have begun the line.
        let (_, text) = line.split_once("site ")?;
        let mut words = text.split(' ');
        let (place, operand) = words.next()?.rsplit_once('/')?;
        let mut parts = place.rsplitn(3, ':');
        let column = parts.next()?.parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        Some(Site {
            file: parts.next()?.to_owned(),
            line,
            column,
            operand: operand.parse().ok()?,
            operation: words.next()?.to_owned(),
            ordering: words.next()?.to_owned(),
        })
    }

    /// How the models name it.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}:{}/{}", self.file, self.line, self.column, self.operand)
    }

    /// The orderings one step weaker. What survives one of them survives weaker ones only if those
    /// are sites of their own by then.
    pub(crate) fn weaker(&self) -> &'static [&'static str] {
        match self.ordering.as_str() {
            "Acquire" | "Release" => &["Relaxed"],
            "AcqRel" => &["Acquire", "Release"],
            "SeqCst" => &["AcqRel"],
            _ => &[],
        }
    }

    /// Why the ordering stays although no model needs it, if the comment above says so.
    pub(crate) fn excuse(&self) -> Option<String> {
        let source = std::fs::read_to_string(&self.file).ok()?;
        let above: Vec<&str> = source.lines().take(self.line).collect();
        let from = above.len().saturating_sub(COMMENT_LINES_MAX + 1);
        let comment: Vec<&str> = above[from..]
            .iter()
            .filter_map(|line| line.trim_start().strip_prefix("//"))
            .map(str::trim)
            .collect();
        let comment = comment.join(" ");
        comment.split_once(EXCUSE).map(|(_, reason)| reason.to_owned())
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.rsplit_once("/src/").map_or(&*self.file, |(_, file)| file);
        let operand = if self.operand > 0 { " failure" } else { "" };
        let text = format!("{file}:{} {}{operand} {}", self.line, self.operation, self.ordering);
        f.pad(&text)
    }
}
