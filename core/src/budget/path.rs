//! Reserving and releasing along a path.

use super::MAX_AMOUNT;
use super::asker::Asker;
use super::duties::Duties;
use super::error::{Refusal, Refused, ReleaseError};
use super::node::Node;
use super::usage::NoRoom;

/// Takes `amount` at each node of `path`, or at none.
///
/// `path` goes from the leaf to the root; it is cloned, and walked up to four times.
///
/// # Returns
/// The duties: at which nodes an edge is due.
///
/// # Errors
/// [`Refused`], with the first node that can never hold the amount, or else with the first that has
/// no room now. Most refusals write nothing. If another ask has taken the room of a later node
/// meanwhile, what this one had taken is given back, which may leave duties as a release does.
///
/// # Progress
/// Lock-free: an exchange is tried again only if another operation has moved its word, or while 15
/// asks are in flight at its node.
#[inline]
pub fn try_reserve<'n>(
    path: impl Iterator<Item = &'n Node> + Clone,
    amount: u64,
    asker: Asker,
) -> Result<Duties, Refused> {
    if amount.wrapping_sub(1) >= MAX_AMOUNT {
        return Err(invalid(amount));
    }
    let mut ahead = path.clone();
    let Some(mut node) = ahead.next() else { return Ok(Duties::NONE) };
    // A refusal that is found before anything is taken has nothing to give back.
    for (above, node) in ahead.clone().enumerate() {
        if let Err(no) = node.check(amount, asker) {
            return Err(refused(path, Ask { amount, asker }, above + 1, no));
        }
    }
    let mut duties = Duties::NONE;
    let mut place = 0;
    for next in ahead {
        if let Err(no) = node.begin(amount, asker) {
            return Err(roll_back(path, Ask { amount, asker }, place, no));
        }
        node = next;
        place += 1;
    }
    match node.take(amount, asker) {
        Ok(duty) => duties.note(place, duty),
        Err(no) => return Err(roll_back(path, Ask { amount, asker }, place, no)),
    }
    for (place, node) in path.take(place).enumerate() {
        duties.note(place, node.end());
    }
    Ok(duties)
}

/// Gives `amount` back at each node of `path`.
///
/// # Returns
/// The duties: at which nodes an edge is due, and at which there are waiters to serve.
///
/// # Errors
/// [`ReleaseError`] if a node has less than that reserved: then nothing is released. Meanwhile that
/// node may have refused asks that fit. That the amount was reserved on this very path is not
/// checked otherwise.
///
/// # Progress
/// Wait-free.
#[inline]
pub fn release<'n>(
    path: impl Iterator<Item = &'n Node> + Clone,
    amount: u64,
) -> Result<Duties, ReleaseError> {
    if amount > MAX_AMOUNT {
        return Err(ReleaseError {
            place: 0,
            asked: amount,
            usage: path.map(Node::usage).next().unwrap_or(0),
        });
    }
    let mut duties = Duties::NONE;
    for (place, node) in path.clone().enumerate() {
        match node.give(amount) {
            Ok(duty) => duties.note(place, duty),
            Err(usage) => {
                path.take(place).for_each(|node| node.regret(amount));
                return Err(ReleaseError { place, asked: amount, usage });
            }
        }
    }
    Ok(duties)
}

#[cold]
fn invalid(asked: u64) -> Refused {
    let refusal = if asked == 0 { Refusal::Zero } else { Refusal::AboveMax { asked } };
    Refused { refusal, duties: Duties::NONE }
}

#[derive(Clone, Copy)]
struct Ask {
    amount: u64,
    asker: Asker,
}

impl Ask {
    fn refusal(self, place: usize, no: NoRoom) -> Refusal {
        let asked = self.amount;
        match no {
            NoRoom::Waiters => Refusal::Waiters { place, asked },
            NoRoom::AboveCapacity { capacity } => Refusal::AboveCapacity { place, asked, capacity },
            NoRoom::Full { usage, capacity } => Refusal::NoRoom { place, asked, usage, capacity },
        }
    }
}

/// Says why the ask is refused: a capacity that can never hold it comes first, then the place.
#[cold]
fn refused<'n>(
    path: impl Iterator<Item = &'n Node>,
    ask: Ask,
    mut place: usize,
    mut no: NoRoom,
) -> Refused {
    for (other, node) in path.enumerate() {
        let Err(why) = node.check(ask.amount, ask.asker) else { continue };
        let can_never_fit = matches!(why, NoRoom::AboveCapacity { .. });
        if can_never_fit || other < place {
            (place, no) = (other, why);
        }
        if can_never_fit {
            break;
        }
    }
    Refused { refusal: ask.refusal(place, no), duties: Duties::NONE }
}

/// Gives back what was taken below `place`, which has refused.
#[cold]
fn roll_back<'n>(
    path: impl Iterator<Item = &'n Node> + Clone,
    ask: Ask,
    place: usize,
    no: NoRoom,
) -> Refused {
    let mut duties = Duties::NONE;
    for (below, node) in path.clone().take(place).enumerate() {
        duties.note(below, node.undo(ask.amount));
    }
    Refused { duties, ..refused(path, ask, place, no) }
}
