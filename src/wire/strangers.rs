//! How many connections are strangers at one time, that is: have not logged in. It counts them, in all and by
//! address, and accepts none.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bits of an IPv6 address that name its network: every host may have all addresses in it.
const IPV6_NETWORK: u128 = !0 << 64;

/// The strangers of a listener.
pub(super) struct Strangers {
    places: Arc<Semaphore>,
    per_address_max: usize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// A place among all strangers, taken before a connection is accepted.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// A stranger, counted until this is dropped.
pub(super) struct Stranger {
    strangers: Arc<Strangers>,
    address: IpAddr,
    _place: Place,
}

impl Strangers {
    pub(super) fn new(max: usize, per_address_max: usize) -> Arc<Self> {
        Arc::new(Strangers {
            places: Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS))),
            per_address_max,
            by_address: Mutex::default(),
        })
    }

    /// Waits for a place. `None` never happens: the places are not closed.
    pub(super) async fn place(&self) -> Option<Place> {
        let permit = Arc::clone(&self.places).acquire_owned().await.ok()?;
        Some(Place { _permit: permit })
    }

    /// Counts a stranger from this address; `None` when there are too many from there already.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr, place: Place) -> Option<Stranger> {
        let address = network_of(address);
        let mut by_address = self.lock();
        let count = by_address.entry(address).or_default();
        if *count >= self.per_address_max {
            return None;
        }
        *count += 1;
        drop(by_address);
        Some(Stranger { strangers: Arc::clone(self), address, _place: place })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // A count is whole at any time, whoever panicked.
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut by_address = self.strangers.lock();
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

/// What addresses are counted under.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn enter(strangers: &Arc<Strangers>, address: &str) -> Option<Stranger> {
        let place = strangers.place().await.unwrap();
        strangers.enter(address.parse().unwrap(), place)
    }

    #[tokio::test]
    async fn an_address_has_so_many_places_and_gives_them_back() {
        let strangers = Strangers::new(9, 2);
        let one = enter(&strangers, "10.0.0.1").await.unwrap();
        let _two = enter(&strangers, "10.0.0.1").await.unwrap();
        assert!(enter(&strangers, "10.0.0.1").await.is_none());
        assert!(enter(&strangers, "::ffff:10.0.0.1").await.is_none());
        assert!(enter(&strangers, "10.0.0.2").await.is_some());
        drop(one);
        assert!(enter(&strangers, "10.0.0.1").await.is_some());
        assert_eq!(strangers.lock().len(), 1, "who has left is not counted");
    }

    #[tokio::test]
    async fn a_network_of_ipv6_is_one_address() {
        let strangers = Strangers::new(9, 1);
        let _one = enter(&strangers, "2001:db8::1").await.unwrap();
        assert!(enter(&strangers, "2001:db8::2:1").await.is_none());
        assert!(enter(&strangers, "2001:db8:0:1::1").await.is_some());
    }
}
