//! The life of the key: made, kept, revoked, blocked; and the demo model's, which is shorter.

use super::*;
use crate::services::litellm::after_start::{
    self, AfterStart,
    demo::{DemoOutcome, MODEL},
    fake::{self, Fake, arguments},
};

struct Bench {
    fake: Fake,
    told: Arguments,
    store: SecretStore,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let fake = Fake::start();
        let (told, folder) = arguments(&fake.socket());
        Self {
            store: SecretStore::new(told.secrets.clone()),
            fake,
            told,
            _folder: folder,
        }
    }

    fn ensure(&self) -> KeyOutcome {
        let master_key = self.store.read(super::super::super::MASTER_KEY).unwrap();
        ensure(&self.told, &Api::new(&self.told.litellm, master_key)).unwrap()
    }

    fn key(&self) -> String {
        let key = self
            .store
            .read(crate::services::open_webui::VIRTUAL_KEY)
            .unwrap();
        key.expose().to_owned()
    }

    fn is_registered(&self, key: &str) -> bool {
        self.fake.world().keys.contains_key(&fake::hash(key))
    }
}

#[test]
fn the_value_of_set_up_is_registered_once_and_then_kept_with_one_question() {
    let bench = Bench::new();
    let key = bench.key();
    assert_eq!(bench.ensure(), KeyOutcome::Registered);
    assert!(bench.is_registered(&key));
    assert!(bench.fake.world().teams.contains(TEAM));
    bench.fake.requests();
    assert_eq!(bench.ensure(), KeyOutcome::Kept);
    assert_eq!(bench.fake.requests().len(), 1);
    assert_eq!(bench.key(), key);
}

#[test]
fn a_revoked_value_is_never_registered_again() {
    let bench = Bench::new();
    bench.ensure();
    let revoked = bench.key();
    // With its team, which would look like a new LiteLLM.
    for keep_team in [true, false] {
        bench.fake.world().keys.clear();
        if !keep_team {
            bench.fake.world().teams.clear();
        }
        assert_eq!(bench.ensure(), KeyOutcome::Replaced);
        assert_ne!(bench.key(), revoked);
        assert!(bench.is_registered(&bench.key()));
        assert!(!bench.is_registered(&revoked));
    }
    assert_eq!(bench.ensure(), KeyOutcome::Kept);
}

#[test]
fn a_blocked_value_is_removed_and_replaced() {
    let bench = Bench::new();
    bench.ensure();
    let blocked = bench.key();
    bench.fake.world().keys.insert(fake::hash(&blocked), true);
    assert_eq!(bench.ensure(), KeyOutcome::Replaced);
    assert!(!bench.is_registered(&blocked));
    assert_eq!(bench.ensure(), KeyOutcome::Kept);
}

#[test]
fn a_value_that_an_administrator_changed_is_replaced() {
    let bench = Bench::new();
    bench.ensure();
    let changed = fake::hash("sk-of-the-administrator");
    bench.fake.world().keys = [(changed.clone(), false)].into();
    assert_eq!(bench.ensure(), KeyOutcome::Replaced);
    assert!(!bench.fake.world().keys.contains_key(&changed));
    assert!(bench.is_registered(&bench.key()));
}

#[test]
fn a_run_that_was_cut_short_between_store_and_register_is_finished() {
    let bench = Bench::new();
    bench.ensure();
    bench.fake.world().keys.clear();
    let value = bench
        .store
        .renew(crate::services::open_webui::VIRTUAL_KEY)
        .unwrap();
    assert_eq!(bench.ensure(), KeyOutcome::Registered);
    assert_eq!(bench.key(), value.expose());
}

#[test]
fn no_value_is_ever_in_a_request_line() {
    let bench = Bench::new();
    bench.ensure();
    bench.fake.world().keys.clear();
    bench.ensure();
    bench.ensure();
    for request in bench.fake.requests() {
        let line = request.lines().next().unwrap();
        assert!(!line.contains("sk-"), "{line}");
    }
}

#[test]
fn a_refusal_says_what_was_tried_and_keeps_secrets() {
    let api = Bench::new();
    let master_key = api.store.read(super::super::super::MASTER_KEY).unwrap();
    let api = Api::new(&api.told.litellm, master_key);
    let error = api.get("try it", "/nowhere").unwrap().done().unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot try it: LiteLLM answered 500: /nowhere is not expected"
    );
}

fn after_start(bench: &Bench) -> AfterStart {
    let done = after_start::run(&bench.told).unwrap();
    assert_eq!(done.key, None, "there is no Open WebUI here");
    done
}

#[test]
fn the_demo_model_is_there_until_a_real_one_is() {
    let mut bench = Bench::new();
    assert_eq!(after_start(&bench).demo, DemoOutcome::Made);
    assert_eq!(bench.fake.world().models[0].1, MODEL);
    assert_eq!(after_start(&bench).demo, DemoOutcome::Kept);
    let real = ("somebody's".to_owned(), MODEL.to_owned());
    bench.fake.world().models.push(real.clone());
    assert_eq!(after_start(&bench).demo, DemoOutcome::Removed);
    assert_eq!(
        bench.fake.world().models,
        [real],
        "of the same name, and not ours"
    );
    assert_eq!(after_start(&bench).demo, DemoOutcome::Kept);
    bench.fake.world().models.clear();
    bench.told.demo_model = false;
    assert_eq!(after_start(&bench).demo, DemoOutcome::Kept);
    assert!(bench.fake.world().models.is_empty());
}

#[test]
fn the_start_waits_until_every_worker_knows_the_demo_model() {
    let mut bench = Bench::new();
    bench.told.workers = 2;
    // One takes every connection, as it does while the other is busy; then that has not looked yet.
    let looks = [("1", true); 5].into_iter();
    bench.fake.world().looks = looks.chain([("2", false), ("2", true)]).collect();
    assert_eq!(after_start(&bench).demo, DemoOutcome::Made);
    assert!(bench.fake.world().looks.is_empty());
    let looks = bench.fake.requests();
    let looks = looks
        .iter()
        .filter(|request| request.starts_with("GET /model/info"));
    // One before it was made, and not one more than it takes; those have the worker look.
    let (afresh, first): (Vec<_>, Vec<_>) =
        looks.partition(|look| look.contains("x-ai-gateway-afresh: yes"));
    assert_eq!((first.len(), afresh.len()), (1, 5 + 2));
}
