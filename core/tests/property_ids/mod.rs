//! The names of the properties that this workspace promises: `GAUGE-1` and the like.

const FAMILIES: [&str; 11] =
    ["GAUGE", "REG", "CHAN", "LIVE", "LEDGER", "POOL", "METER", "SEE", "BUDGET", "PRESS", "FLEET"];

/// The identifiers in a text, in order and with repetitions: `GAUGE-1` as such, and as the beginning
/// of a function's name, `fn gauge_1_...`.
pub(crate) fn property_ids(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut before = "";
    let mut ids = Vec::new();
    for token in text.split(|c| !is_part(c)).filter(|token| !token.is_empty()) {
        ids.extend(if before == "fn" { of_function(token) } else { of_token(token) });
        before = token;
    }
    ids
}

fn of_token(token: &str) -> Option<String> {
    let (family, number) = token.split_once('-')?;
    let is_number = number.parse::<u8>().is_ok();
    (is_number && FAMILIES.contains(&family)).then(|| token.to_string())
}

fn of_function(name: &str) -> Option<String> {
    let mut words = name.splitn(3, '_');
    let (family, number) = (words.next()?, words.next()?);
    of_token(&format!("{}-{number}", family.to_ascii_uppercase()))
}
