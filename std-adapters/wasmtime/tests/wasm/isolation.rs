//! Who sees what another principal has left.

use plimsoll::pool::Isolation;

use crate::villain::{NOTHING, assert_next_is_pristine, builder, content_of, engine, pool_of_one};

const SECRET: i64 = 0x5ec2_e700_5ec2_e700;

#[test]
fn pool_10_a_fresh_lease_finds_nothing_in_memories_globals_tables_and_handles() {
    let pool = pool_of_one();
    let acme = pool.principal("acme").unwrap();
    for _ in 0..20 {
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        lease.call_blocking(|guest| &guest.hide, SECRET).unwrap();
        assert_ne!(lease.call_blocking(|guest| &guest.seek, ()).unwrap(), 0);
        assert_eq!(
            lease.call_blocking(|guest| &guest.kept, ()).unwrap(),
            content_of("acme") as i64
        );
        let visit = lease.complete();
        assert_eq!(visit.read, [content_of("acme")]);
        assert_next_is_pristine(&pool);
    }
}

#[test]
fn pool_10_a_principal_finds_its_own_instance_and_nobody_elses() {
    let pool = builder(&engine()).max(2).isolation(Isolation::PerPrincipal).build().unwrap();
    let (acme, other) = (pool.principal("acme").unwrap(), pool.principal("other").unwrap());
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    lease.call_blocking(|guest| &guest.hide, SECRET).unwrap();
    lease.complete();

    let mut lease = pool.checkout_blocking(&other).unwrap();
    assert_eq!(lease.call_blocking(|guest| &guest.seek, ()).unwrap(), 0, "not acme's");
    lease.complete();

    let mut lease = pool.checkout_blocking(&acme).unwrap();
    assert_ne!(lease.call_blocking(|guest| &guest.seek, ()).unwrap(), 0, "its own, still warm");
    assert_eq!(lease.uses(), 2);
    lease.complete();
    // A third one takes the place of the coldest, and gets another instance.
    assert_next_is_pristine(&pool);
}

#[test]
fn pool_10_a_handle_of_one_lease_names_nothing_in_the_next_of_the_same_instance() {
    for isolation in [Isolation::PerPrincipal, Isolation::Shared] {
        let pool = builder(&engine()).isolation(isolation).build().unwrap();
        let acme = pool.principal("acme").unwrap();
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        lease.call_blocking(|guest| &guest.hide, SECRET).unwrap();
        assert_ne!(lease.call_blocking(|guest| &guest.kept, ()).unwrap(), NOTHING);
        lease.complete();

        let mut lease = pool.checkout_blocking(&acme).unwrap();
        assert_eq!(lease.uses(), 2, "{isolation:?}");
        // The next lease opens a file as well: a table that starts its numbers again would give it
        // the number that the guest has kept.
        let own = lease.call_blocking(|guest| &guest.open, ()).unwrap();
        assert_eq!(lease.call_blocking(|guest| &guest.kept, ()).unwrap(), NOTHING);
        assert_ne!(lease.call_blocking(|guest| &guest.guess, own).unwrap(), NOTHING);
        assert_eq!(lease.complete().read.len(), 1, "the lease's state is its own");
    }
}

#[test]
fn pool_10_a_shared_instance_keeps_the_guest_and_replaces_the_lease() {
    let pool = builder(&engine()).isolation(Isolation::Shared).build().unwrap();
    let (acme, other) = (pool.principal("acme").unwrap(), pool.principal("other").unwrap());
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    lease.call_blocking(|guest| &guest.hide, SECRET).unwrap();
    lease.state().read.push(7);
    lease.complete();
    let mut lease = pool.checkout_blocking(&other).unwrap();
    assert_ne!(
        lease.call_blocking(|guest| &guest.seek, ()).unwrap(),
        0,
        "that is what shared means"
    );
    assert_eq!(
        (lease.state().principal.clone(), lease.state().read.len()),
        (Some("other".into()), 0)
    );
    lease.complete();
}
