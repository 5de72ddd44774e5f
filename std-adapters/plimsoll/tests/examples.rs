//! The examples run, and what they assert holds.
#![cfg(all(
    feature = "budget",
    feature = "crossbeam",
    feature = "pool",
    feature = "pressure",
    feature = "probes",
    feature = "tokio"
))]

#[path = "../examples/byte_budget.rs"]
mod byte_budget;
#[path = "../examples/crossbeam_select.rs"]
mod crossbeam_select;
#[path = "../examples/events_by_kind.rs"]
mod events_by_kind;
#[path = "../examples/largest_users.rs"]
mod largest_users;
#[path = "../examples/leased_instances.rs"]
mod leased_instances;
#[path = "../examples/load_shedding.rs"]
mod load_shedding;
#[path = "../examples/memory_pressure.rs"]
mod memory_pressure;
#[path = "../examples/migrating_a_channel.rs"]
mod migrating_a_channel;
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
        byte_budget,
        crossbeam_select,
        tokio_backpressure,
        silent_guest,
        load_shedding,
        largest_users,
        leased_instances,
        memory_pressure,
        own_catalog,
        observed_length,
        migrating_a_channel,
        events_by_kind
    );

    #[test]
    fn static_gauge_runs() {
        super::static_gauge::main();
    }
}
