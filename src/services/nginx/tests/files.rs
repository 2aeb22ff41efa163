//! Open WebUI's files, of which nginx serves some by itself.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::Front;
use crate::services::open_webui;

#[test]
fn files_that_never_change_come_from_the_disk_and_all_else_from_open_webui() {
    let build = tempfile::Builder::new().prefix("a b;{").tempdir().unwrap();
    fs::set_permissions(build.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let immutable = build.path().join("_app/immutable");
    fs::create_dir_all(&immutable).unwrap();
    fs::write(immutable.join("chunk.abc.js"), "from the disk").unwrap();
    fs::write(build.path().join("index.html"), "not from the disk").unwrap();
    let front = Front::start_with(true, true, Some(build.path()));
    let answer = front.ask("GET /_app/immutable/chunk.abc.js", "");
    assert!(answer.ends_with("from the disk"), "{answer}");
    for header in [
        "Content-Type: text/javascript; charset=utf-8\r\n",
        "Cache-Control: public, max-age=31536000, immutable\r\n",
        "X-Content-Type-Options: nosniff\r\n",
        "X-Frame-Options: SAMEORIGIN\r\n",
    ] {
        assert!(answer.contains(header), "{header}{answer}");
    }
    for path in [
        "/",
        "/index.html",
        "/_app/version.json",
        "/_app/immutable/",
        "/_app/immutable/absent.js",
        "/_app/immutable/../../index.html",
    ] {
        let answer = front.ask(
            &format!("GET {path}"),
            "Origin: http://gate.example:8080\r\n",
        );
        assert!(
            answer.contains("X-Forwarded-For: 127.0.0.1\r\n"),
            "{path}: {answer}"
        );
        assert!(
            answer.contains(&format!("Origin: {}\r\n", open_webui::ORIGIN)),
            "{path}"
        );
        assert!(!answer.contains("immutable\r\n"), "{path}: {answer}");
    }
}
