//! `fastpool`, which points to a successor by now and is in use still.
#![expect(deprecated, reason = "a peer as people have it")]

use std::convert::Infallible;
use std::sync::Arc;

use super::Lends;
use super::blocking::Numbers;
use super::tasks::RUNTIME;

impl fastpool::ManageObject for Numbers {
    type Object = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(1)
    }

    async fn is_recyclable(
        &self,
        _: &mut u64,
        _: &fastpool::ObjectStatus,
    ) -> Result<(), Infallible> {
        Ok(())
    }
}

pub(super) struct Fast(Arc<fastpool::bounded::Pool<Numbers>>);

impl Lends for Fast {
    fn of(instances: usize) -> Self {
        let config = fastpool::bounded::PoolConfig::new(instances);
        Fast(fastpool::bounded::Pool::new(config, Numbers))
    }

    fn lend(&self, times: u64) -> u64 {
        RUNTIME.block_on(async {
            let mut sum = 0;
            for _ in 0..times {
                sum += *self.0.get().await.expect("nothing fails");
            }
            sum
        })
    }
}
