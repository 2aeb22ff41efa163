//! Switches on a real disk: cut off anywhere, done again, and over the layout of older versions.

use super::*;
use crate::provision::{
    fixtures::{ENGINE, LITELLM, LITELLM_TABLES, OPEN_WEBUI_TABLES},
    payload_folder::{begin, finish},
};

const TABLES: [Tables; 2] = [LITELLM_TABLES, OPEN_WEBUI_TABLES];
const OLD: &str = "1.0-0123abcd";
const NEW: &str = "2.0-4567cdef";

fn paths() -> (tempfile::TempDir, Paths) {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().display().to_string();
    let paths = Paths::find(|n| (n == "AI_GATEWAY_HOME").then(|| home.clone()), false).unwrap();
    fs::create_dir_all(&paths.state).unwrap();
    (dir, paths)
}

/// A payload's folder, as it is when it is finished.
fn make(paths: &Paths, payload: Payload, name: &str) {
    let folder = folder(paths, payload.name, name);
    begin(&folder).unwrap();
    let needed = folder.join(payload.needed);
    fs::create_dir_all(needed.parent().unwrap()).unwrap();
    fs::write(needed, "").unwrap();
    finish(&folder, "").unwrap();
}

/// The same folder name for both payloads.
fn both(name: &str) -> BTreeMap<String, String> {
    [ENGINE, LITELLM]
        .map(|payload| (payload.name.to_owned(), name.to_owned()))
        .into()
}

fn database(migrations: &str) -> DatabaseState {
    DatabaseState {
        cluster: Some(7),
        migrations: [("litellm".to_owned(), migrations.to_owned())].into(),
        ..DatabaseState::default()
    }
}

/// Both payloads in both versions, and the old ones in use.
fn in_use() -> (tempfile::TempDir, Paths, SetUpRecord) {
    let (dir, paths) = paths();
    for payload in [ENGINE, LITELLM] {
        make(&paths, payload, OLD);
        make(&paths, payload, NEW);
    }
    let mut record = SetUpRecord {
        database: database(OLD),
        ..SetUpRecord::default()
    };
    switch(&paths, &mut record, &both(OLD)).unwrap();
    (dir, paths, record)
}

fn on_disk(paths: &Paths) -> Generations {
    read(paths, &SetUpRecord::read(&paths.state).unwrap())
}

#[test]
fn a_switch_is_seen_by_whoever_reads_the_record_or_follows_a_link() {
    let (_dir, paths, mut record) = in_use();
    record.database = database(NEW);
    switch(&paths, &mut record, &both(NEW)).unwrap();
    let found = on_disk(&paths);
    let current = found.current.as_ref().unwrap();
    assert_eq!(current.payloads, both(NEW));
    assert_eq!(current.database, database(NEW));
    let previous = found.previous.as_ref().unwrap();
    assert_eq!(previous.payloads, both(OLD));
    assert_eq!(previous.database, database(OLD));
    assert_eq!(links(&paths), both(NEW));
    let place = folder(&paths, LITELLM.name, NEW).canonicalize().unwrap();
    let resolved = current_of(&paths, &found, Some(NEW));
    assert_eq!(resolved, Some(place));
    assert_eq!(current_of(&paths, &found, Some(OLD)), None, "not wanted");
}

fn current_of(paths: &Paths, found: &Generations, wanted: Option<&str>) -> Option<PathBuf> {
    current(paths, found, LITELLM, wanted)
}

#[test]
fn wherever_a_switch_is_cut_off_all_payloads_are_old_or_all_are_new() {
    let (_dir, paths, mut record) = in_use();
    record.generations = Some(read(&paths, &record).switched(&both(NEW), &database(NEW)));
    let all = operations(&paths, &record);
    assert_eq!(all.len(), 9, "the record, and four for each link: {all:?}");
    for done in 0..=all.len() {
        let (_dir, paths, before) = in_use();
        let mut record = before.clone();
        record.database = database(NEW);
        record.generations = Some(read(&paths, &record).switched(&both(NEW), &database(NEW)));
        for operation in operations(&paths, &record).iter().take(done) {
            operation.carry_out(&paths).unwrap();
        }
        let expected = if done == 0 { OLD } else { NEW };
        let found = on_disk(&paths);
        let current = found.current.unwrap();
        assert_eq!(current.payloads, both(expected), "after {done}");
        assert_eq!(current.database, database(expected), "after {done}");
        for target in links(&paths).values() {
            assert!([OLD, NEW].contains(&target.as_str()), "after {done}");
        }

        // The next set-up does it again.
        let mut record = SetUpRecord::read(&paths.state).unwrap();
        record.database = database(NEW);
        switch(&paths, &mut record, &both(NEW)).unwrap();
        let found = on_disk(&paths);
        assert_eq!(found.current.unwrap().payloads, both(NEW));
        assert_eq!(found.previous.unwrap().payloads, both(OLD), "after {done}");
        assert_eq!(links(&paths), both(NEW), "after {done}");
        for payload in [ENGINE, LITELLM] {
            let beside = link(&paths, payload.name).with_file_name(".current.new");
            assert!(beside.symlink_metadata().is_err(), "after {done}");
        }
    }
}

/// Before the generations there were links and a record without them.
#[test]
fn an_installation_of_an_older_version_is_taken_over_with_its_database() {
    let (_dir, paths, _) = in_use();
    let mut record = SetUpRecord {
        database: database(OLD),
        ..SetUpRecord::default()
    };
    record.write(&paths.state).unwrap();
    let found = on_disk(&paths);
    assert_eq!(found.folder(LITELLM.name), Some(OLD));
    assert_eq!(found.previous, None, "nobody knows");

    take_over(&paths, &mut record, &TABLES);
    record.database = database(NEW);
    switch(&paths, &mut record, &both(NEW)).unwrap();
    let previous = on_disk(&paths).previous.unwrap();
    assert_eq!(previous.payloads, both(OLD));
    assert_eq!(
        previous.database,
        database(OLD),
        "not as it was migrated since"
    );
}

#[test]
fn what_an_older_version_had_not_finished_is_no_generation_to_go_back_to() {
    for database in [DatabaseState::default(), database(NEW)] {
        let (_dir, paths, _) = in_use();
        let mut record = SetUpRecord {
            database,
            ..SetUpRecord::default()
        };
        take_over(&paths, &mut record, &TABLES);
        switch(&paths, &mut record, &both(NEW)).unwrap();
        let found = on_disk(&paths);
        assert_eq!(found.current.unwrap().payloads, both(NEW));
        assert_eq!(found.previous, None);
    }
}

#[test]
fn a_set_up_that_switches_to_nothing_records_what_is_in_use() {
    let (_dir, paths, _) = in_use();
    let record = SetUpRecord {
        database: database(OLD),
        ..SetUpRecord::default()
    };
    let found = with_database(&paths, &record).unwrap();
    let current = found.current.unwrap();
    assert_eq!(current.payloads, both(OLD));
    assert_eq!(current.database, database(OLD));
}

#[test]
fn where_nothing_was_set_up_there_is_nothing_to_take_over() {
    let (_dir, paths) = paths();
    let mut record = SetUpRecord::default();
    take_over(&paths, &mut record, &TABLES);
    assert_eq!(record, SetUpRecord::default());
}

/// A program from before the generations, put back, writes the record without them and moves the
/// links. The next set-up of this program goes by the links again.
#[test]
fn what_an_older_program_that_was_put_back_has_done_counts() {
    let (_dir, paths, mut record) = in_use();
    record.database = database(NEW);
    switch(&paths, &mut record, &both(NEW)).unwrap();
    record.generations = None;
    record.write(&paths.state).unwrap();
    for payload in [ENGINE, LITELLM] {
        fs::remove_file(link(&paths, payload.name)).unwrap();
        symlink(OLD, link(&paths, payload.name)).unwrap();
    }
    assert_eq!(on_disk(&paths).folder(LITELLM.name), Some(OLD));
}

#[test]
fn a_payload_that_is_not_wanted_now_and_was_removed_by_hand_gets_no_link() {
    let (_dir, paths, mut record) = in_use();
    fs::remove_dir_all(paths.payloads().join(ENGINE.name)).unwrap();
    let payloads = read(&paths, &record).payloads_with([(LITELLM.name, NEW)]);
    switch(&paths, &mut record, &payloads).unwrap();
    assert_eq!(
        links(&paths),
        [(LITELLM.name.to_owned(), NEW.to_owned())].into()
    );
}

#[test]
fn only_folders_that_set_up_could_have_made_are_payloads() {
    let (_dir, paths, _) = in_use();
    let other = paths.payloads().join(LITELLM.name);
    for name in ["notes", "1.0-0123abcd.bak", "copy-of-mine"] {
        fs::create_dir(other.join(name)).unwrap();
    }
    fs::write(other.join("3.0-0123abcd"), "no folder").unwrap();
    let found = folders(&paths);
    assert_eq!(found.len(), 4, "{found:?}");
}
