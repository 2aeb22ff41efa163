//! What memory has done so far, in a few hundred bytes, and what follows from it.
//!
//! Two series: the newest measurements one by one, and the whole instance (or its newest hours) in
//! buckets of which each keeps its lowest measurement, because a burst of work raises the peaks and
//! a leak raises the floor. When the buckets are full, two become one and each lasts twice as long,
//! up to [`LONGEST`] measurements; from then on the oldest leaves.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many measurements are kept one by one.
const RECENT: usize = 16;
/// How many buckets are kept.
const BUCKETS: usize = 32;
/// The longest bucket, in measurements: with one a minute, all buckets are a day and a half, and the
/// half of them that a slope is taken from is 17 hours.
const LONGEST: u32 = 64;
/// With fewer points than this no slope is computed.
const ENOUGH: usize = 8;

/// One measurement: when, in tenths of a second since the instance was ready, and how much, in KiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Point {
    at: u32,
    kib: u32,
}

impl Point {
    fn new(age: Duration, bytes: u64) -> Self {
        Self {
            at: u32::try_from(age.as_millis() / 100).unwrap_or(u32::MAX),
            kib: u32::try_from(bytes / 1024).unwrap_or(u32::MAX),
        }
    }

    const fn lower(self, other: Self) -> Self {
        if other.kib < self.kib { other } else { self }
    }
}

/// The newest `N` points, oldest first.
#[derive(Debug, Clone, Copy)]
struct Ring<const N: usize> {
    points: [Point; N],
    len: usize,
}

/// Serialised as a list of its points, because serde has no form for an array of any length.
impl<const N: usize> Serialize for Ring<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_slice().serialize(serializer)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Ring<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let points = Vec::<Point>::deserialize(deserializer)?;
        let mut ring = Self::new();
        points.into_iter().for_each(|point| ring.push(point));
        Ok(ring)
    }
}

impl<const N: usize> Ring<N> {
    const fn new() -> Self {
        Self {
            points: [Point { at: 0, kib: 0 }; N],
            len: 0,
        }
    }

    fn as_slice(&self) -> &[Point] {
        &self.points[..self.len]
    }

    fn push(&mut self, point: Point) {
        if self.len == N {
            self.points.rotate_left(1);
            self.len -= 1;
        }
        self.points[self.len] = point;
        self.len += 1;
    }

    /// Merges two points: the lower one stays.
    fn halve(&mut self) {
        let half = self.len / 2;
        for n in 0..half {
            self.points[n] = self.points[2 * n].lower(self.points[2 * n + 1]);
        }
        self.len = half;
    }
}

/// The memory of one instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Trend {
    recent: Ring<RECENT>,
    buckets: Ring<BUCKETS>,
    /// The lowest point of the bucket that is being filled.
    filling: Option<Point>,
    /// How many measurements are in it.
    filled: u32,
    /// How many fit.
    size: u32,
}

impl Trend {
    pub(super) const fn new() -> Self {
        Self {
            recent: Ring::new(),
            buckets: Ring::new(),
            filling: None,
            filled: 0,
            size: 1,
        }
    }

    /// Takes in a measurement. `age` never runs backwards.
    pub(super) fn add(&mut self, age: Duration, bytes: u64) {
        let point = Point::new(age, bytes);
        if self
            .recent
            .as_slice()
            .last()
            .is_some_and(|p| p.at >= point.at)
        {
            return;
        }
        self.recent.push(point);
        self.filling = Some(self.filling.map_or(point, |lowest| lowest.lower(point)));
        self.filled += 1;
        if self.filled < self.size {
            return;
        }
        if self.buckets.len == BUCKETS && self.size < LONGEST {
            self.buckets.halve();
            self.size *= 2;
            // The bucket that is being filled becomes half of a bucket of the new length.
            return;
        }
        if let Some(lowest) = self.filling.take() {
            self.buckets.push(lowest);
        }
        self.filled = 0;
    }

    /// The lowest of the newest four measurements, in bytes: what a burst does not touch.
    pub(super) fn floor(&self) -> u64 {
        let points = self.recent.as_slice();
        let newest = &points[points.len().saturating_sub(4)..];
        newest.iter().map(|p| p.kib).min().map_or(0, bytes)
    }

    /// Bytes an hour over the newest measurements, if they grow.
    pub(super) fn growth_now(&self) -> Option<u64> {
        growth(self.recent.as_slice())
    }

    /// Bytes an hour over the newer half of the whole, if that grows: what a service fills once,
    /// after its start, is in the older half.
    pub(super) fn growth_for_long(&self) -> Option<u64> {
        let points = self.buckets.as_slice();
        growth(&points[points.len() / 2..])
    }
}

fn bytes(kib: u32) -> u64 {
    u64::from(kib) * 1024
}

/// The median of the slopes between all pairs of points (Theil and Sen: a third of the points may
/// be anything), in bytes an hour; none unless four pairs of five rise or there is too little to
/// tell.
fn growth(points: &[Point]) -> Option<u64> {
    if points.len() < ENOUGH {
        return None;
    }
    let mut slopes = [0_i64; RECENT * (RECENT - 1) / 2];
    let mut count = 0;
    let mut rising = 0;
    for (n, one) in points.iter().enumerate() {
        for other in &points[n + 1..] {
            let time = i64::from(other.at) - i64::from(one.at);
            let more = i64::from(other.kib) - i64::from(one.kib);
            rising += usize::from(more > 0);
            // Tenths of a second in an hour: 36,000.
            slopes[count] = more * 1024 * 36_000 / time.max(1);
            count += 1;
        }
    }
    let slopes = &mut slopes[..count];
    let (_, median, _) = slopes.select_nth_unstable(count / 2);
    let grows = rising * 5 >= count * 4;
    grows.then(|| u64::try_from(*median).ok()).flatten()
}

#[cfg(test)]
mod tests;
