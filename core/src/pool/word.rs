//! A slot's word as a plain value, and its transitions.

use super::tenant::Tenant;

/// What a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotState {
    /// It has no object and no owner.
    Vacant = 0,
    /// Its object is being made.
    Building = 1,
    /// Its object is kept for the next lease.
    Idle = 2,
    /// Its object is lent.
    Leased = 3,
    /// Its object is never to be lent again, and not gone yet.
    Condemned = 4,
}

/// State, generation and tenant of a slot in 64 bits, low bit first:
///
/// ```text
///  0..3   state       see SlotState; 5, 6 and 7 are impossible
///  3..43  tenant      whose the object is, or is to be; 0: nobody's
/// 43..64  generation  one more with each change, modulo 2^21: what it carries over is dropped
/// ```
///
/// | state | tenant | meaning |
/// |---|---|---|
/// | vacant | 0 | free |
/// | vacant | not 0 | impossible: who makes a slot vacant clears it |
/// | any other | 0 | an object that has run nobody yet, or that all share |
/// | any other | not 0 | this tenant's object, to be taken by it alone |
///
/// The generation makes an exchange fail whose word was read before the slot has gone round. Should
/// a thread sleep through 2^21 changes exactly, its exchange finds a slot that is idle *now*, of
/// that tenant: a take is right, and an eviction takes a slot that may be younger than asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlotWord(u64);

const STATE_BITS: u32 = 3;
const STATE_MASK: u64 = (1 << STATE_BITS) - 1;
const TENANT_SHIFT: u32 = STATE_BITS;
const TENANT_MASK: u64 = Tenant::MAX.get() << TENANT_SHIFT;
const GENERATION_BITS: u32 = 21;
const GENERATION_SHIFT: u32 = u64::BITS - GENERATION_BITS;
const GENERATION_MASK: u64 = ((1 << GENERATION_BITS) - 1) << GENERATION_SHIFT;
const GENERATION_ONE: u64 = 1 << GENERATION_SHIFT;

const _: () = assert!(STATE_MASK ^ GENERATION_MASK ^ TENANT_MASK == u64::MAX);
const _: () = assert!(STATE_MASK | GENERATION_MASK | TENANT_MASK == u64::MAX);
const _: () = assert!((SlotState::Condemned as u64) <= STATE_MASK);

/// What happens to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Reserve(Tenant),
    Finish,
    FinishLeased,
    Fail,
    Take(Tenant),
    Claim(Tenant),
    GiveBack,
    Condemn,
    Evict,
    Vacate,
    Rebuild(Tenant),
    Revoke,
}

/// What an event makes of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Transition {
    /// To be exchanged for this one.
    To(SlotWord),
    /// As it is, rightly.
    NoOp,
    /// The event does not befall such a slot.
    Invalid,
}

impl SlotWord {
    pub(super) const VACANT: SlotWord = SlotWord(SlotState::Vacant as u64);

    #[inline(always)]
    pub(super) const fn from_word(word: u64) -> SlotWord {
        SlotWord(word)
    }

    #[inline(always)]
    pub(super) const fn word(self) -> u64 {
        self.0
    }

    #[inline(always)]
    pub(super) const fn state(self) -> SlotState {
        match self.0 & STATE_MASK {
            0 => SlotState::Vacant,
            1 => SlotState::Building,
            2 => SlotState::Idle,
            3 => SlotState::Leased,
            // 4; the rest is impossible, and would never be lent.
            _ => SlotState::Condemned,
        }
    }

    #[inline(always)]
    pub(super) const fn tenant(self) -> Tenant {
        Tenant::from_field((self.0 & TENANT_MASK) >> TENANT_SHIFT)
    }

    /// The word with a tenant's number laid over its own tenant's. Not 0 where the slot is held: its
    /// state is not.
    #[inline(always)]
    pub(super) const fn mark(self, tenant: Tenant) -> u64 {
        self.0 ^ tenant.get() << TENANT_SHIFT
    }

    /// Whether `tenant` may take it.
    #[inline(always)]
    pub(super) const fn is_idle_of(self, tenant: Tenant) -> bool {
        self.0 & !GENERATION_MASK == tenant.get() << TENANT_SHIFT | SlotState::Idle as u64
    }

    #[inline(always)]
    pub(super) const fn is_idle(self) -> bool {
        self.0 & STATE_MASK == SlotState::Idle as u64
    }

    /// The life cycle of a slot: what `event` makes of it.
    #[inline(always)]
    pub(super) fn transition_on(self, event: Event) -> Transition {
        use SlotState::{Building, Condemned, Idle, Leased, Vacant};
        let (from, ours) = (self.state(), self.tenant());
        match (from, event) {
            (Vacant, Event::Reserve(tenant)) | (Condemned, Event::Rebuild(tenant)) => {
                self.to(from, Building, tenant)
            }
            (Building, Event::Finish) | (Leased, Event::GiveBack) => self.to(from, Idle, ours),
            (Building, Event::FinishLeased) => self.to(from, Leased, ours),
            (Building, Event::Fail) | (Condemned, Event::Vacate) => {
                self.to(from, Vacant, Tenant::NONE)
            }
            // Idle, for the whole word was compared: the compiler does not know that of `from`.
            (_, Event::Take(tenant)) if self.is_idle_of(tenant) => self.to(Idle, Leased, ours),
            (Leased, Event::Claim(tenant)) if tenant == ours => Transition::NoOp,
            (Leased, Event::Claim(tenant)) if ours.is_none() => self.to(from, Leased, tenant),
            (Leased, Event::Condemn)
            | (Idle, Event::Evict)
            | (Building | Leased | Condemned, Event::Revoke) => self.to(from, Condemned, ours),
            _ => Transition::Invalid,
        }
    }

    /// The next word. `from` is the state of this one: where the compiler knows it, a change of state
    /// alone is one addition of a constant.
    #[inline(always)]
    fn to(self, from: SlotState, state: SlotState, tenant: Tenant) -> Transition {
        // An exchange of the owner's bits, which is nothing if it stays the owner.
        let owner = (self.tenant().get() ^ tenant.get()) << TENANT_SHIFT;
        let step = (state as u64).wrapping_sub(from as u64);
        Transition::To(SlotWord((self.0.wrapping_add(GENERATION_ONE) ^ owner).wrapping_add(step)))
    }
}

impl Transition {
    /// The word to exchange for, if there is one.
    #[inline(always)]
    pub(super) const fn to(self) -> Option<SlotWord> {
        match self {
            Self::To(next) => Some(next),
            Self::NoOp | Self::Invalid => None,
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    const STATES: [SlotState; 5] = [
        SlotState::Vacant,
        SlotState::Building,
        SlotState::Idle,
        SlotState::Leased,
        SlotState::Condemned,
    ];
    const GENERATION_MAX: u64 = (1 << GENERATION_BITS) - 1;

    fn tenant(number: u64) -> Tenant {
        Tenant::new(number).unwrap()
    }

    fn word(state: SlotState, generation: u64, tenant: Tenant) -> SlotWord {
        SlotWord(tenant.get() << TENANT_SHIFT | generation << GENERATION_SHIFT | state as u64)
    }

    fn generation(word: SlotWord) -> u64 {
        (word.0 & GENERATION_MASK) >> GENERATION_SHIFT
    }

    #[test]
    fn fields_partition_the_word() {
        let masks = [STATE_MASK, GENERATION_MASK, TENANT_MASK];
        assert_eq!(masks.iter().map(|mask| mask.count_ones()).sum::<u32>(), u64::BITS);
        assert_eq!(masks.iter().fold(0, |all, mask| all | mask), u64::MAX);
    }

    #[test]
    fn every_field_comes_back_as_it_went_in() {
        for state in STATES {
            for turn in [0, 1, GENERATION_MAX] {
                for tenant in [Tenant::NONE, tenant(1), Tenant::MAX] {
                    let word = word(state, turn, tenant);
                    assert_eq!((word.state(), word.tenant()), (state, tenant));
                    assert_eq!(generation(word), turn);
                    assert_eq!(SlotWord::from_word(word.word()), word);
                    assert_eq!(word.is_idle(), state == SlotState::Idle);
                    assert_eq!(word.is_idle_of(tenant), state == SlotState::Idle);
                    assert!(!word.is_idle_of(Tenant::from_field(tenant.get() ^ 2)));
                }
            }
        }
    }

    #[test]
    fn impossible_states_are_never_lent_nor_evicted() {
        for bits in 5..=STATE_MASK {
            let word = SlotWord(7 << TENANT_SHIFT | bits);
            assert_eq!(word.state(), SlotState::Condemned);
            assert!(!word.is_idle() && !word.is_idle_of(tenant(7)));
            assert_eq!(word.transition_on(Event::Take(tenant(7))), Transition::Invalid);
        }
    }

    /// Each event for a slot of tenant 7, in each state of it.
    #[test]
    fn pool_3_the_whole_table_of_states_and_events() {
        const NO: &str = "-";
        let (seven, nine, none) = (tenant(7), tenant(9), Tenant::NONE);
        let table = [
            // event, then what becomes of: vacant, building, idle, leased, condemned
            (Event::Reserve(seven), ["Building 7", NO, NO, NO, NO]),
            (Event::Reserve(none), ["Building 0", NO, NO, NO, NO]),
            (Event::Finish, [NO, "Idle 7", NO, NO, NO]),
            (Event::FinishLeased, [NO, "Leased 7", NO, NO, NO]),
            (Event::Fail, [NO, "Vacant 0", NO, NO, NO]),
            (Event::Take(seven), [NO, NO, "Leased 7", NO, NO]),
            (Event::Take(nine), [NO, NO, NO, NO, NO]),
            (Event::Take(none), [NO, NO, NO, NO, NO]),
            (Event::Claim(seven), [NO, NO, NO, "as it is", NO]),
            (Event::Claim(nine), [NO, NO, NO, NO, NO]),
            (Event::Claim(none), [NO, NO, NO, NO, NO]),
            (Event::GiveBack, [NO, NO, NO, "Idle 7", NO]),
            (Event::Condemn, [NO, NO, NO, "Condemned 7", NO]),
            (Event::Evict, [NO, NO, "Condemned 7", NO, NO]),
            (Event::Vacate, [NO, NO, NO, NO, "Vacant 0"]),
            (Event::Rebuild(nine), [NO, NO, NO, NO, "Building 9"]),
            (Event::Rebuild(none), [NO, NO, NO, NO, "Building 0"]),
            (Event::Revoke, [NO, "Condemned 7", NO, "Condemned 7", "Condemned 7"]),
        ];
        for (event, row) in table {
            for (state, expected) in STATES.into_iter().zip(row) {
                let owner = if state == SlotState::Vacant { none } else { seven };
                for turn in [0, 5, GENERATION_MAX] {
                    let found = match word(state, turn, owner).transition_on(event) {
                        Transition::Invalid => NO.into(),
                        Transition::NoOp => "as it is".into(),
                        Transition::To(next) => {
                            let after = (turn + 1) & GENERATION_MAX;
                            assert_eq!(generation(next), after, "{event:?}: each change counts");
                            std::format!("{:?} {}", next.state(), next.tenant().get())
                        }
                    };
                    assert_eq!(found, expected, "{event:?} of {state:?}");
                }
            }
        }
    }

    /// The rows that are different for a slot without an owner.
    #[test]
    fn pool_10_what_is_nobodys_is_taken_as_such_and_claimed_once() {
        let (seven, none) = (tenant(7), Tenant::NONE);
        let idle = word(SlotState::Idle, 1, none);
        assert_eq!(idle.transition_on(Event::Take(seven)), Transition::Invalid);
        let leased = idle.transition_on(Event::Take(none)).to().unwrap();
        assert_eq!((leased.state(), leased.tenant()), (SlotState::Leased, none));
        assert_eq!(leased.transition_on(Event::Claim(none)), Transition::NoOp);
        let claimed = leased.transition_on(Event::Claim(seven)).to().unwrap();
        assert_eq!((claimed.state(), claimed.tenant()), (SlotState::Leased, seven));
        for other in [none, tenant(8)] {
            assert_eq!(claimed.transition_on(Event::Claim(other)), Transition::Invalid);
        }
    }
}
