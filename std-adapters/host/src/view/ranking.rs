//! A ledger's largest users, on one line.

use super::text::{Ink, Line, span};

/// The largest users of something, the largest first.
#[derive(Clone, Debug)]
pub(crate) struct Ranking {
    /// What they are the largest users of: `memory`.
    pub(crate) of: &'static str,
    pub(crate) users: Vec<User>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    /// With its unit.
    pub(crate) amount: String,
    /// From 0 to 1.
    pub(crate) share: f64,
    /// Whether nobody who is not listed can have used more.
    pub(crate) certain: bool,
}

impl User {
    /// `hog 15.1 MiB`
    pub(crate) fn text(&self) -> String {
        format!("{} {}", self.name, self.amount)
    }
}

impl Ranking {
    /// Whether the live view, which has few rows, shows it.
    pub(super) fn has_room(&self) -> bool {
        matches!(self.of, "memory" | "fuel")
    }
}

const TITLE_COLUMNS: usize = 11;

/// As many users as have room in `columns`, each of them whole.
pub(super) fn ranking_line(ranking: &Ranking, columns: usize) -> Line {
    let title = format!("MOST {}", ranking.of.to_uppercase());
    let mut line = vec![span(Ink::Dim, format!(" {title:<TITLE_COLUMNS$}"))];
    let mut used = TITLE_COLUMNS + 1;
    for user in &ranking.users {
        let sign = if user.certain { "" } else { "?" };
        let share = format!("{sign} {:.0} %", user.share * 100.0);
        let text = format!("  {}", user.text());
        used += text.chars().count() + share.chars().count();
        if used > columns {
            break;
        }
        line.push(span(Ink::Plain, text));
        line.push(span(Ink::Dim, share));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(ranking: &Ranking, columns: usize) -> String {
        ranking_line(ranking, columns).iter().map(|piece| piece.text.as_str()).collect()
    }

    #[test]
    fn users_are_whole_or_left_out_and_doubt_is_marked() {
        let user = |name: &str, share, certain| User {
            name: name.to_owned(),
            amount: "15.1 MiB".to_owned(),
            share,
            certain,
        };
        let users = vec![user("hog", 0.75, true), user("steady", 0.25, false)];
        let ranking = Ranking { of: "memory", users };
        let all = " MOST MEMORY  hog 15.1 MiB 75 %  steady 15.1 MiB? 25 %";
        assert_eq!(text(&ranking, 80), all);
        assert_eq!(text(&ranking, all.len()), all);
        assert_eq!(text(&ranking, all.len() - 1), " MOST MEMORY  hog 15.1 MiB 75 %");
        assert_eq!(text(&ranking, 0), " MOST MEMORY");
    }
}
