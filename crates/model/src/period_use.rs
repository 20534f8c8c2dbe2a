//! How often a token, or all tokens of an account, were used in an hour or a day: counts by operation, client, network, and
//! status, with response times. Two of them add up to one, so gateways, hours, and tokens can be merged in any order.

use crate::{Counts, RejectedRequests, RejectionGroup, Timestamp, TokenId};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{collections::BTreeMap, fmt, net::IpAddr, time::Duration};

/// The upper bounds of the buckets of response times, in microseconds: about three for each factor of ten, up to a minute.
/// The last bucket has no bound.
const BOUNDS: [u64; 23] = [
    250, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000, 20_000, 30_000,
    50_000, 75_000, 100_000, 200_000, 300_000, 500_000, 1_000_000, 3_000_000, 10_000_000,
    60_000_000,
];
/// The number of operations, clients, and networks that are counted separately. Further ones count as [`OTHER`].
const MOST: usize = 100;
/// The number of tokens that an account's use counts separately.
const MOST_TOKENS: usize = 1_000;
/// The number of groups of rejected requests that an account's use counts separately.
const MOST_GROUPS: usize = 1_000;
/// The number of them that have no token.
const MOST_GROUPS_WITHOUT_TOKEN: usize = 50;
/// The name of everything that is not counted separately.
pub const OTHER: &str = "*";

/// Response times, as the number of requests in each bucket that has any, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseTimes(Vec<(u8, u64)>);

/// A bucket of response times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeBucket(u8);

impl TimeBucket {
    pub fn of(took: Duration) -> Self {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < micros);
        Self(u8::try_from(bucket).unwrap_or(u8::MAX))
    }
}

impl ResponseTimes {
    fn add(&mut self, bucket: TimeBucket, count: u64) {
        match self.0.binary_search_by_key(&bucket.0, |(known, _)| *known) {
            Ok(at) => self.0[at].1 += count,
            Err(at) => self.0.insert(at, (bucket.0, count)),
        }
    }

    /// Returns the time within which this share of the requests, 0 to 1, had a response: the upper bound of its bucket.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all: u64 = self.0.iter().map(|(_, count)| count).sum();
        #[expect(clippy::cast_precision_loss, reason = "a share of a count")]
        let wanted = all as f64 * share;
        let mut found = 0;
        for (bucket, count) in &self.0 {
            found += count;
            #[expect(clippy::cast_precision_loss, reason = "a share of a count")]
            if found as f64 >= wanted {
                let last = BOUNDS[BOUNDS.len() - 1];
                let micros = BOUNDS.get(usize::from(*bucket)).copied().unwrap_or(last);
                return Some(Duration::from_micros(micros));
            }
        }
        None
    }

    fn merge(&mut self, other: &Self) {
        if self.0.is_empty() {
            return self.0.clone_from(&other.0);
        }
        for (bucket, count) in &other.0 {
            self.add(TimeBucket(*bucket), *count);
        }
    }
}

/// Counts of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "Packed", into = "Packed")]
pub struct Tally {
    pub requests: u64,
    /// Those that the gateway rejected.
    pub rejected: u64,
    /// Those that it would have rejected if the observed limits were enforced.
    pub would_reject: u64,
    /// The number by class of status: 2xx (with 1xx), 3xx, 4xx, 5xx.
    pub by_class: [u64; 4],
    pub times: ResponseTimes,
}

/// The stored form: short, because there is one for each token, hour, and operation.
#[derive(Deserialize, Serialize)]
struct Packed(u64, u64, u64, [u64; 4], PackedTimes);

/// Buckets and counts in turn. Read into pairs directly, because a page reads hundreds of thousands of them.
struct PackedTimes(Vec<(u8, u64)>);

impl Serialize for PackedTimes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbers = self.0.iter().flat_map(|(bucket, count)| [u64::from(*bucket), *count]);
        serializer.collect_seq(numbers)
    }
}

impl<'de> Deserialize<'de> for PackedTimes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = PackedTimes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("buckets and counts in turn")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<PackedTimes, A::Error> {
                let mut times = Vec::with_capacity(8);
                while let (Some(bucket), Some(count)) = (seq.next_element()?, seq.next_element()?) {
                    times.push((bucket, count));
                }
                Ok(PackedTimes(times))
            }
        }
        deserializer.deserialize_seq(Pairs)
    }
}

impl From<Tally> for Packed {
    fn from(tally: Tally) -> Self {
        let times = PackedTimes(tally.times.0);
        Self(tally.requests, tally.rejected, tally.would_reject, tally.by_class, times)
    }
}

impl From<Packed> for Tally {
    fn from(Packed(requests, rejected, would_reject, by_class, times): Packed) -> Self {
        Self { requests, rejected, would_reject, by_class, times: ResponseTimes(times.0) }
    }
}

impl Tally {
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.rejected += other.rejected;
        self.would_reject += other.would_reject;
        for (own, other) in self.by_class.iter_mut().zip(other.by_class) {
            *own += other;
        }
        self.times.merge(&other.times);
    }
}

/// Requests that have ended alike.
#[derive(Clone, Copy, Debug)]
pub struct CountedRequests<'a> {
    pub count: u64,
    /// The operation, or empty if none is known.
    pub operation: &'a str,
    pub client: &'a str,
    pub network: Network,
    pub status: u16,
    /// Whether the gateway rejected them.
    pub were_rejected: bool,
    /// Why, if it was for what the client did.
    pub rejection: Option<CountedRejection<'a>>,
    pub would_be_rejected: bool,
    pub time: TimeBucket,
}

/// Requests that the gateway rejected for the same reason.
#[derive(Clone, Copy, Debug)]
pub struct CountedRejection<'a> {
    /// The token, if it is one of the account.
    pub token: Option<TokenId>,
    pub code: &'a str,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// The ID of the last request.
    pub last_request: &'a str,
}

/// The use of a token, or of all tokens of an account, in a period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct PeriodUse {
    #[serde(rename = "a")]
    pub all: Tally,
    /// By token ID, in the use of an account. Requests without a valid token have an empty ID.
    #[serde(rename = "k", default, skip_serializing_if = "Counts::is_empty")]
    pub tokens: Counts,
    #[serde(rename = "o", default, skip_serializing_if = "Counts::is_empty")]
    pub operations: Counts,
    #[serde(rename = "c", default, skip_serializing_if = "Counts::is_empty")]
    pub clients: Counts,
    /// By the /24 or /48 of the client IP address.
    #[serde(rename = "n", default, skip_serializing_if = "Counts::is_empty")]
    pub networks: Counts,
    #[serde(rename = "s", default, skip_serializing_if = "Counts::is_empty")]
    pub statuses: Counts,
    #[serde(rename = "r", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rejections: BTreeMap<RejectionGroup, RejectedRequests>,
}

impl PeriodUse {
    pub fn count(&mut self, alike: &CountedRequests) {
        let requests = alike.count;
        let mut tally = Tally { requests, ..Tally::default() };
        tally.rejected = if alike.were_rejected { requests } else { 0 };
        tally.would_reject = if alike.would_be_rejected { requests } else { 0 };
        let class = usize::from(alike.status / 100).clamp(2, 5) - 2;
        tally.by_class[class] = requests;
        tally.times.add(alike.time, requests);
        self.all.merge(&tally);
        add(&mut self.operations, alike.operation, &tally, MOST);
        add(&mut self.clients, alike.client, &tally, MOST);
        add(&mut self.networks, &alike.network.to_string(), &tally, MOST);
        add(&mut self.statuses, &alike.status.to_string(), &tally, MOST);
        if let Some(CountedRejection { token, code, first_at, last_at, last_request }) =
            alike.rejection
        {
            // Anyone can send requests without a token of the account, under any name.
            let known = |text: &str| if token.is_some() { text.to_owned() } else { String::new() };
            let group = RejectionGroup {
                token,
                code: code.to_owned(),
                client: known(alike.client),
                network: alike.network.to_string(),
                operation: known(alike.operation),
            };
            let last_request = last_request.to_owned();
            let rejected = RejectedRequests { requests, first_at, last_at, last_request };
            add_rejected(&mut self.rejections, &group, &rejected, MOST);
        }
    }

    /// Adds the use of the same token, or the same account.
    pub fn merge(&mut self, other: &Self) {
        self.all.merge(&other.all);
        for (own, other, most) in [
            (&mut self.tokens, &other.tokens, MOST_TOKENS),
            (&mut self.operations, &other.operations, MOST),
            (&mut self.clients, &other.clients, MOST),
            (&mut self.networks, &other.networks, MOST),
            (&mut self.statuses, &other.statuses, MOST),
        ] {
            for (key, tally) in other.iter() {
                add(own, key, tally, most);
            }
        }
        for (group, rejected) in &other.rejections {
            add_rejected(&mut self.rejections, group, rejected, MOST_GROUPS);
        }
    }

    /// Adds the use of one of an account's tokens.
    pub fn merge_token(&mut self, token: &str, other: &Self) {
        add(&mut self.tokens, token, &other.all, MOST_TOKENS);
        self.merge(other);
    }
}

/// A part of the use in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsePart {
    Tokens,
    Operations,
    Clients,
    Networks,
    Statuses,
    Rejections,
}

impl UsePart {
    /// Reads only this part, and the sum of all, of a stored use: the other parts can be long.
    ///
    /// # Errors
    ///
    /// If the text isn't a stored use.
    pub fn read(self, text: &str) -> Result<PeriodUse, serde_json::Error> {
        struct Part(UsePart);
        impl<'de> Visitor<'de> for Part {
            type Value = PeriodUse;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the use in a period")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PeriodUse, A::Error> {
                let mut used = PeriodUse::default();
                while let Some(key) = map.next_key::<&str>()? {
                    match (key, self.0) {
                        ("a", _) => used.all = map.next_value()?,
                        ("k", UsePart::Tokens) => used.tokens = map.next_value()?,
                        ("o", UsePart::Operations) => used.operations = map.next_value()?,
                        ("c", UsePart::Clients) => used.clients = map.next_value()?,
                        ("n", UsePart::Networks) => used.networks = map.next_value()?,
                        ("s", UsePart::Statuses) => used.statuses = map.next_value()?,
                        ("r", UsePart::Rejections) => used.rejections = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(used)
            }
        }
        serde_json::Deserializer::from_str(text).deserialize_map(Part(self))
    }
}

fn add(counts: &mut Counts, key: &str, tally: &Tally, most: usize) {
    counts.add(key, tally, (most, OTHER));
}

fn add_rejected(
    groups: &mut BTreeMap<RejectionGroup, RejectedRequests>,
    group: &RejectionGroup,
    rejected: &RejectedRequests,
    most: usize,
) {
    if let Some(known) = groups.get_mut(group) {
        return known.merge(rejected);
    }
    // Those without a token come first. Anyone can send such requests.
    let anyones = || groups.keys().take_while(|known| known.token.is_none()).count();
    let has_room =
        groups.len() < most && (group.token.is_some() || anyones() < MOST_GROUPS_WITHOUT_TOKEN);
    let group = if has_room { group.clone() } else { RejectionGroup::other() };
    match groups.get_mut(&group) {
        Some(known) => known.merge(rejected),
        None => drop(groups.insert(group, rejected.clone())),
    }
}

/// The /24 or /48 of an IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                IpAddr::from([a, b, c, 0])
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                IpAddr::from([a, b, c, 0, 0, 0, 0, 0])
            }
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = if self.0.is_ipv4() { 24 } else { 48 };
        write!(f, "{}/{length}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(operation: &'static str, status: u16, millis: u64) -> CountedRequests<'static> {
        CountedRequests {
            count: 1,
            operation,
            client: "curl",
            network: IpAddr::from([192, 0, 2, 7]).into(),
            status,
            were_rejected: status == 403,
            rejection: (status == 403).then_some(CountedRejection {
                token: None,
                code: "insufficient_scope",
                first_at: Timestamp::from_micros(1),
                last_at: Timestamp::from_micros(i64::try_from(millis).expect("small")),
                last_request: "req_1",
            }),
            would_be_rejected: false,
            time: TimeBucket::of(Duration::from_millis(millis)),
        }
    }

    #[test]
    fn every_breakdown_adds_up_to_all_requests_in_any_order() {
        const STATUSES: [u16; 4] = [200, 301, 403, 502];
        let mut parts: Vec<PeriodUse> = Vec::new();
        for number in 0..400u64 {
            let name: &'static str = format!("operation {}", number % 150).leak();
            let mut part = PeriodUse::default();
            let status = STATUSES[usize::try_from(number % 4).expect("below 4")];
            part.count(&request(name, status, number));
            parts.push(part);
        }
        let merged = |parts: &mut dyn Iterator<Item = &PeriodUse>| {
            let mut all = PeriodUse::default();
            parts.for_each(|part| all.merge_token("tok", part));
            all
        };
        let (forward, backward) = (merged(&mut parts.iter()), merged(&mut parts.iter().rev()));
        assert_eq!(forward.all, backward.all);
        assert_eq!(forward.all.requests, 400);
        assert_eq!(forward.all.by_class, [100; 4]);
        assert_eq!(forward.all.rejected, 100);
        for counts in [
            &forward.tokens,
            &forward.operations,
            &forward.clients,
            &forward.networks,
            &forward.statuses,
        ] {
            let sum: u64 = counts.iter().map(|(_, tally)| tally.requests).sum();
            assert_eq!(sum, 400);
        }
        assert_eq!(forward.operations.len(), MOST + 1);
        assert!(forward.networks.get("192.0.2.0/24").is_some());
        assert_eq!(forward.rejections, backward.rejections);
        let rejected: u64 = forward.rejections.values().map(|group| group.requests).sum();
        assert_eq!(rejected, 100);
        let text = serde_json::to_string(&forward).expect("JSON");
        assert_eq!(serde_json::from_str::<PeriodUse>(&text).expect("JSON"), forward);
        let part = UsePart::Clients.read(&text).expect("JSON");
        assert_eq!((&part.all, &part.clients), (&forward.all, &forward.clients));
        assert!(part.tokens.is_empty() && part.rejections.is_empty());
    }

    #[test]
    fn what_anyone_can_send_leaves_room_to_groups_with_a_token() {
        let token = TokenId::from_bytes([7; 16]);
        let mut used = PeriodUse::default();
        let mut reject = |number: u32, token| {
            let rejected = request("GET /", 403, 1);
            let network = IpAddr::from(std::net::Ipv4Addr::from_bits(number << 8)).into();
            let rejection = rejected.rejection.map(|one| CountedRejection { token, ..one });
            let mut one = PeriodUse::default();
            one.count(&CountedRequests { network, rejection, ..rejected });
            used.merge(&one);
        };
        (0..90).for_each(|number| reject(number, None));
        (0..90).for_each(|number| reject(number, Some(token)));
        let of = |token| used.rejections.keys().filter(|group| group.token == token).count();
        assert_eq!(of(None), MOST_GROUPS_WITHOUT_TOKEN + 1, "and the others");
        assert_eq!(of(Some(token)), 90);
        let requests: u64 = used.rejections.values().map(|group| group.requests).sum();
        assert_eq!(requests, 180);
    }

    #[test]
    fn a_quantile_is_the_bound_of_the_bucket_that_holds_it() {
        let mut times = ResponseTimes::default();
        assert_eq!(times.quantile(0.5), None);
        for millis in 1..=100 {
            times.add(TimeBucket::of(Duration::from_millis(millis)), 1);
        }
        assert_eq!(times.quantile(0.5), Some(Duration::from_millis(50)));
        assert_eq!(times.quantile(0.95), Some(Duration::from_millis(100)));
        times.add(TimeBucket::of(Duration::from_hours(1)), 1);
        assert_eq!(
            times.quantile(1.0),
            Some(Duration::from_mins(1)),
            "what is over the last bound"
        );
    }

    #[test]
    fn a_network_is_a_24_or_a_48() {
        let network = |address: &str| {
            Network::from(address.parse::<IpAddr>().expect("an address")).to_string()
        };
        assert_eq!(network("198.51.100.9"), "198.51.100.0/24");
        assert_eq!(network("2001:db8:7:9::1"), "2001:db8:7::/48");
    }
}
