//! What is applied, and in which statements.

use super::*;

fn migration(name: &str, sql: &str) -> Migration {
    Migration {
        name: name.into(),
        sql: sql.into(),
    }
}

fn row(migration: &Migration) -> Applied {
    Applied {
        name: migration.name.clone(),
        checksum: migration.checksum(),
        finished: true,
        rolled_back: false,
    }
}

#[test]
fn what_is_recorded_is_left_out_and_the_order_stays() {
    let all = [
        migration("1", "A"),
        migration("2 with spaces", "B"),
        migration("3", "C"),
    ];
    let pending = pending(&all, &[row(&all[1])]).unwrap();
    assert_eq!(pending, [&all[0], &all[2]]);
}

#[test]
fn a_file_that_changed_after_it_was_applied_is_an_error() {
    let all = [migration("1", "A")];
    let before = row(&migration("1", "B"));
    let error = pending(&all, &[before]).unwrap_err();
    assert_eq!(error, HistoryError::Changed { name: "1".into() });
}

#[test]
fn an_attempt_that_was_rolled_back_does_not_count() {
    let all = [migration("1", "A")];
    let undone = Applied {
        rolled_back: true,
        checksum: "of before".into(),
        ..row(&all[0])
    };
    assert_eq!(pending(&all, &[undone]).unwrap(), [&all[0]]);
}

#[test]
fn half_of_a_migration_is_gone_on_from_only_where_it_can_be_ours() {
    let index = migration("1", "CREATE INDEX CONCURRENTLY i ON t (a);");
    let other = migration("2", "ALTER TABLE t ADD b TEXT;");
    let half = |m: &Migration| Applied {
        finished: false,
        ..row(m)
    };
    let all = [index.clone(), other.clone()];
    assert_eq!(pending(&all, &[half(&index)]).unwrap().len(), 2);
    assert_eq!(
        pending(&all, &[half(&other)]).unwrap_err(),
        HistoryError::Unfinished { name: "2".into() }
    );
}

#[test]
fn a_comment_does_not_make_a_migration_concurrent() {
    assert!(!migration("1", "-- never CONCURRENTLY\nCREATE INDEX i ON t (a);").is_concurrent());
    assert!(migration("1", "create index concurrently i on t (a);").is_concurrent());
}

#[test]
fn the_script_records_each_migration_in_its_own_transaction() {
    let plain = migration("20250101_it's plain", "CREATE TABLE t (a TEXT)");
    let index = migration("20250102_index", "CREATE INDEX CONCURRENTLY i ON t (a);");
    insta::assert_snapshot!(script("litellm", &[&plain, &index]));
}

#[test]
fn psqls_rows_are_read_as_they_are_printed() {
    let text = "2025_a b\u{1f}c0ffee\u{1f}t\u{1f}f\n";
    assert_eq!(
        history(text).unwrap(),
        [Applied {
            name: "2025_a b".into(),
            checksum: "c0ffee".into(),
            finished: true,
            rolled_back: false
        }]
    );
    assert!(matches!(history("x"), Err(HistoryError::Row { .. })));
}
