//! Many principals on two instances: `cargo run -p plimsoll --example leased_instances`.

use std::convert::Infallible;

use plimsoll::pool::{Isolation, Manager, Pool};

/// Makes what is lent, and cleans it between two leases.
struct Interpreters;

impl Manager for Interpreters {
    type Object = Vec<String>;
    type Error = Infallible;

    async fn create(&self) -> Result<Vec<String>, Infallible> {
        Ok(Vec::new())
    }

    fn reset(&self, globals: &mut Vec<String>) -> Result<(), Infallible> {
        globals.clear();
        Ok(())
    }
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::builder(Interpreters).max(2).isolation(Isolation::PerPrincipal).build()?;
    let [acme, other] = [pool.principal("acme")?, pool.principal("other")?];
    for principal in [&acme, &other, &acme] {
        let mut lease = pool.checkout_blocking(principal)?;
        assert!(lease.is_empty(), "nothing of an earlier lease is left");
        lease.push(format!("x = {}", principal.id()));
        lease.complete(); // without this, the instance is discarded
    }
    let stats = pool.stats();
    println!("{stats:?}");
    assert_eq!(stats.counts.leased, 0);
    Ok(())
}
