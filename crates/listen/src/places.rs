//! Limits on open connections, in total and per network. If all slots are taken, a new connection replaces the oldest
//! one without a session.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::Notify;

/// The IPv6 prefix lengths for which connections are counted, and how many times the share of one address each has. An
/// IPv6 host has a whole /64, a site a /56 or a /48.
const IPV6: [(u32, usize); 3] = [(64, 1), (56, 2), (48, 4)];
const IPV4: [(u32, usize); 1] = [(32, 1)];

/// The holder of a connection without a session.
const STRANGER: u64 = 0;
/// The number of connections that a user with a session keeps: several browsers with several tabs each.
const SHARE_OF_ONE: usize = 16;

pub struct ConnectionSlots {
    all: usize,
    each: usize,
    /// Returns whether an address is a proxy that forwards for many clients.
    is_proxy: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
    held: Mutex<Held>,
}

impl std::fmt::Debug for ConnectionSlots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ConnectionSlots({} in all, {} each)", self.all, self.each)
    }
}

#[derive(Debug, Default)]
struct Held {
    by_network: HashMap<Network, usize>,
    /// The open connections by age.
    open: BTreeMap<u64, Open>,
    next: u64,
}

/// A prefix length and the masked address.
type Network = (u32, IpAddr);

#[derive(Debug)]
struct Open {
    holder: Arc<AtomicU64>,
    leave: Arc<Notify>,
}

/// The slot of one connection, which is released when dropped.
#[derive(Debug)]
pub struct ConnectionSlot {
    places: Arc<ConnectionSlots>,
    number: u64,
    peer: IpAddr,
    holder: Arc<AtomicU64>,
    leave: Arc<Notify>,
}

impl ConnectionSlots {
    /// Limits connections to `all` in total and `each` per address. For IPv6, the limit applies to a /64, and its /56
    /// and /48 have a multiple of it. The address of a proxy has no limit of its own.
    pub fn new(
        all: usize,
        each: usize,
        is_proxy: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { all, each, is_proxy: Box::new(is_proxy), held: Mutex::default() }
    }

    /// Returns a slot for a connection from this address. Returns `None` if the limit of its network is reached, or if
    /// all slots are taken and none can be freed.
    pub fn take(self: &Arc<Self>, peer: IpAddr) -> Option<ConnectionSlot> {
        let mut held = self.held();
        let is_full = |(network, share)| {
            held.by_network.get(&network).copied().unwrap_or(0) >= self.each.saturating_mul(share)
        };
        if !(self.is_proxy)(peer) && networks_of(peer).any(is_full) {
            return None;
        }
        if held.open.len() >= self.all && !held.make_room() {
            return None;
        }
        for (network, _) in networks_of(peer) {
            *held.by_network.entry(network).or_default() += 1;
        }
        let number = held.next;
        held.next += 1;
        let (holder, leave) = (Arc::<AtomicU64>::default(), Arc::<Notify>::default());
        let open = Open { holder: Arc::clone(&holder), leave: Arc::clone(&leave) };
        held.open.insert(number, open);
        Some(ConnectionSlot { places: Arc::clone(self), number, peer, holder, leave })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Closes the oldest connection without a session; if there is none, the oldest connection of the user with the
    /// most connections, if they exceed the user's share. Returns false if there is neither. The slot is free
    /// immediately.
    fn make_room(&mut self) -> bool {
        let holders =
            || self.open.iter().map(|(at, open)| (*at, open.holder.load(Ordering::Relaxed)));
        let stranger = holders().find(|(_, holder)| *holder == STRANGER).map(|(at, _)| at);
        let oldest = stranger.or_else(|| {
            let mut held: HashMap<u64, (usize, u64)> = HashMap::new();
            for (at, holder) in holders() {
                held.entry(holder).or_insert((0, at)).0 += 1;
            }
            let most = held.into_values().max().filter(|(count, _)| *count > SHARE_OF_ONE);
            most.map(|(_, at)| at)
        });
        let Some(open) = oldest.and_then(|at| self.open.remove(&at)) else { return false };
        open.leave.notify_one();
        true
    }
}

impl ConnectionSlot {
    /// Returns the holder, which identifies the user on this connection. The server stores a number there when a
    /// request has a session.
    pub fn holder(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.holder)
    }

    /// Waits until another connection needs the slot.
    pub async fn is_needed(&self) {
        self.leave.notified().await;
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut held = self.places.held();
        held.open.remove(&self.number);
        for (network, _) in networks_of(self.peer) {
            if let Some(count) = held.by_network.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    held.by_network.remove(&network);
                }
            }
        }
    }
}

fn networks_of(addr: IpAddr) -> impl Iterator<Item = (Network, usize)> {
    let addr = addr.to_canonical();
    let sizes: &[(u32, usize)] = if addr.is_ipv4() { &IPV4 } else { &IPV6 };
    let network = move |prefix: u32| match addr {
        IpAddr::V4(addr) => (prefix, addr.into()),
        IpAddr::V6(addr) => {
            let mask = u128::MAX << (128 - prefix);
            (prefix, Ipv6Addr::from_bits(addr.to_bits() & mask).into())
        }
    };
    sizes.iter().map(move |(prefix, share)| (network(*prefix), *share))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn t38_t75_an_address_has_its_share_and_an_ipv6_network_is_one_address() {
        let places = Arc::new(ConnectionSlots::new(1000, 2, |_| false));
        let take = |peer: &str| places.take(addr(peer));
        let held = [take("2001:db8::1"), take("2001:db8::ffff")];
        assert!(held.iter().all(Option::is_some) && take("2001:db8::2").is_none());
        assert!(take("2001:db8:0:1::2").is_some());
        assert!(take("::ffff:10.0.0.1").is_some());
        let behind = Arc::new(ConnectionSlots::new(1000, 2, |addr| addr.is_loopback()));
        let many: Vec<_> = (0..10).filter_map(|_| behind.take(addr("127.0.0.1"))).collect();
        assert_eq!(many.len(), 10, "a proxy speaks for many");
        drop(held);
        assert!(take("2001:db8::2").is_some());
        assert!(places.held().by_network.is_empty(), "nothing is kept of who left");
    }

    #[test]
    fn t75_a_site_with_many_networks_has_a_few_times_the_share() {
        let places = Arc::new(ConnectionSlots::new(1000, 2, |_| false));
        let take = |peer: String| places.take(addr(&peer));
        let in_56: Vec<_> = (0..10).filter_map(|n| take(format!("2001:db8:0:{n:x}::1"))).collect();
        assert_eq!(in_56.len(), 4);
        let in_48: Vec<_> =
            (1..10).filter_map(|n| take(format!("2001:db8:0:{n:x}00::1"))).collect();
        assert_eq!(in_56.len() + in_48.len(), 8);
        assert!(take("2001:db8:1::1".to_owned()).is_some());
    }

    #[tokio::test]
    async fn t38_one_user_does_not_hold_all_places() {
        let places = Arc::new(ConnectionSlots::new(20, 100, |_| false));
        let take = |holder: u64| {
            let place = places.take(addr("10.0.0.1")).expect("a place");
            place.holder().store(holder, Ordering::Relaxed);
            place
        };
        let ann = take(1);
        let mallory: Vec<_> = (0..19).map(|_| take(2)).collect();
        let bea: Vec<_> = (0..3).map(|_| take(3)).collect();
        for place in &mallory[..3] {
            place.is_needed().await;
        }
        assert!(places.take(addr("10.0.0.2")).is_none(), "nobody holds more than a share");
        drop((ann, mallory, bea));
    }

    #[tokio::test]
    async fn t38_a_connection_with_a_session_keeps_its_place_and_the_oldest_without_one_is_closed()
    {
        let places = Arc::new(ConnectionSlots::new(3, 100, |_| false));
        let take = |peer: &str| places.take(addr(peer));
        let ann = take("10.0.0.1").expect("a place");
        ann.holder().store(1, Ordering::Relaxed);
        let strangers = [take("10.0.0.2").expect("a place"), take("10.0.0.3").expect("a place")];
        let next = take("10.0.0.4").expect("the oldest stranger's place");
        strangers[0].is_needed().await;
        for (place, number) in [&next, &strangers[1]].into_iter().zip(2..) {
            place.holder().store(number, Ordering::Relaxed);
        }
        assert!(take("10.0.0.5").is_none(), "everybody is known");
        drop(next);
        assert!(take("10.0.0.5").is_some());
        drop((ann, strangers));
        assert!(places.held().open.is_empty() && places.held().by_network.is_empty());
    }
}
