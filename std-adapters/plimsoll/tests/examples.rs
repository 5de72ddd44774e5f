//! The examples run, and what they assert holds.
#![cfg(all(feature = "crossbeam", feature = "tokio", feature = "pool"))]

#[path = "../examples/crossbeam_select.rs"]
mod crossbeam_select;
#[path = "../examples/largest_users.rs"]
mod largest_users;
#[path = "../examples/leased_instances.rs"]
mod leased_instances;
#[path = "../examples/observed_length.rs"]
mod observed_length;
#[path = "../examples/own_catalog.rs"]
mod own_catalog;
#[path = "../examples/silent_guest.rs"]
mod silent_guest;
#[path = "../../../core/examples/static_gauge.rs"]
mod static_gauge;
#[path = "../examples/tokio_backpressure.rs"]
mod tokio_backpressure;

macro_rules! run {
    ($($example:ident),+) => {$(
        mod $example {
            #[test]
            fn runs() {
                super::super::$example::main().unwrap();
            }
        }
    )+};
}

mod examples {
    run!(
        crossbeam_select,
        tokio_backpressure,
        silent_guest,
        largest_users,
        leased_instances,
        own_catalog,
        observed_length
    );

    #[test]
    fn static_gauge_runs() {
        super::static_gauge::main();
    }
}
