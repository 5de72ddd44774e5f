//! Planted mistakes, for models to find: how one is planted, whatever mistakes there are.

/// Defines `plant` and `is_planted` for the `Flaw` of the calling module. In a real build nothing is
/// ever planted.
macro_rules! planted_flaws {
    ($whose:literal) => {
        #[cfg(any(loom, shuttle))]
        mod planted {
            extern crate std;

            use super::Flaw;
            use core::cell::Cell;

            std::thread_local! {
                static PLANTED: Cell<Option<Flaw>> = const { Cell::new(None) };
            }

            #[doc = concat!("Plants a mistake into the ", $whose, " of this thread's models, or takes it out.")]
            pub fn plant(flaw: Option<Flaw>) {
                PLANTED.with(|planted| planted.set(flaw));
            }

            pub(crate) fn is_planted(flaw: Flaw) -> bool {
                PLANTED.with(Cell::get) == Some(flaw)
            }
        }
        #[cfg(any(loom, shuttle))]
        pub use planted::*;

        #[cfg(not(any(loom, shuttle)))]
        #[inline(always)]
        pub(crate) const fn is_planted(_: Flaw) -> bool {
            false
        }
    };
}
pub(crate) use planted_flaws;
