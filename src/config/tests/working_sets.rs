//! Each service's limit holds what the service was measured to need, with head-room.
//!
//! `profiles/measured.toml` is written by `benches/working-sets`; the table in docs/profiles.md is
//! made from it and from the profiles.

use std::fmt::Write as _;

use super::generated::assert_generated;
use crate::config::profile::{Profile, limited};
use crate::services::schema;

const MEASURED: &str = include_str!("../../../profiles/measured.toml");

/// So much more than what was measured a limit has to be, in percent. The smallest machine has
/// nothing to give away.
fn head_room(profile: &str) -> u64 {
    if profile == "tiny" { 5 } else { 20 }
}

struct Measured(toml::Table);

impl Measured {
    fn read() -> Self {
        Self(MEASURED.parse().unwrap())
    }

    fn of(&self, profile: &str, service: &str) -> u64 {
        let bytes = self.0[profile][service].as_integer();
        u64::try_from(bytes.unwrap()).unwrap()
    }

    /// What a service needs under a profile, in bytes. The larger ones were not measured: each of
    /// LiteLLM's workers counts as much as all of LiteLLM with one worker and its engine.
    fn needs(&self, profile: &Profile, service: &str) -> u64 {
        match (profile.name, service) {
            ("tiny" | "small", _) => self.of(profile.name, service),
            (_, "litellm") => self.of("small", service) * profile.workers(schema()),
            _ => self.of("small", service),
        }
    }
}

#[test]
fn every_limit_holds_what_its_service_was_measured_to_need() {
    let measured = Measured::read();
    for profile in limited(schema()) {
        for service in schema().names() {
            let (needs, limit) = (
                measured.needs(&profile, service),
                profile.memory_max(service).unwrap(),
            );
            let wanted = needs / 100 * (100 + head_room(profile.name));
            assert!(
                limit >= wanted,
                "{}: {service} may use {limit} bytes, needs {needs} and should have {wanted}",
                profile.name
            );
        }
    }
}

#[test]
fn the_page_is_in_step_with_profiles_and_measurements() {
    assert_generated("docs/profiles.md", &page(&Measured::read()));
}

fn page(measured: &Measured) -> String {
    let (date, seconds) = (
        measured.0["date"].as_str().unwrap(),
        measured.0["seconds"].as_integer().unwrap(),
    );
    let mut page = format!(
        "\
# Profiles
What a service may use, beside what it was measured to need on {date}: the most memory that it held
while everything that people ask was asked of it for {seconds} seconds (short chats, streamed ones,
prompts of 200 kB, documents, keys and models made and removed), in a booted machine of the
profile's size whose kernel enforced the limit. Copies of files are not counted, since the kernel
takes them back. `benches/working-sets --write` measures it again; a test holds every limit to it, and
every sum to its profile.

Profiles medium and large were not measured: they count for each worker of LiteLLM what all of LiteLLM
takes under profile small, its query engine included, and for the others what they take there.

| profile | service | needs | may use | head-room |
|---|---|---|---|---|
"
    );
    let megabytes = |bytes: u64| bytes / 1_000_000;
    for profile in limited(schema()) {
        let mut needed = 0;
        for service in schema().names() {
            let (needs, limit) = (
                measured.needs(&profile, service),
                profile.memory_max(service).unwrap(),
            );
            needed += needs;
            row(&mut page, profile.name, service, needs, limit);
        }
        let sum = profile.sum(&schema().names().collect::<Vec<_>>());
        row(&mut page, profile.name, "**all**", needed, sum);
        assert!(megabytes(sum) <= megabytes(profile.memory.unwrap()));
    }
    page.push_str(
        "
There is no `memory.high` unless you set one (`memory_high`): without swap the kernel has nothing to
take back from a service whose memory grows, which then stands still at that limit instead of being
started again. What a leak needs is a restart by plan, before the limit is reached.
",
    );
    page
}

fn row(page: &mut String, profile: &str, service: &str, needs: u64, limit: u64) {
    let more = (limit * 100 / needs).saturating_sub(100);
    writeln!(
        page,
        "| {profile} | {service} | {} MB | {} MB | {more} % |",
        needs / 1_000_000,
        limit / 1_000_000
    )
    .unwrap();
}
