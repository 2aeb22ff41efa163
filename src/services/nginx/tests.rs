//! The rendered file against the real nginx: whether it takes it, and what it answers.

mod absent;
mod files;
mod front;
mod identity;
mod limits;
mod routes;

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command as Process};

use tempfile::TempDir;

use self::front::{Front, status};
use super::*;
use crate::config::settings::Network;

/// Wherever the distribution has put it.
fn nginx() -> String {
    let places = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];
    let found = places.iter().find(|place| Path::new(place).exists());
    (*found.expect("nginx is not installed: ./test installs it")).to_owned()
}

/// A folder whose name has what means something in the configuration.
fn folder() -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix("a b;{\"$x'")
        .tempdir()
        .unwrap();
    // Started by root, nginx's workers are nobody.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for (_, temporary) in TEMPORARY {
        fs::create_dir(folder.path().join(temporary)).unwrap();
    }
    folder
}

fn config(folder: &Path) -> Config<'_> {
    Config {
        front: "127.0.0.1:3000".parse().unwrap(),
        admin: "127.0.0.1:4000".parse().unwrap(),
        workers: 1,
        pid: folder.join("nginx.pid"),
        temporary: folder,
        litellm: folder.join("litellm.sock"),
        open_webui: Some(folder.join("http.sock")),
        signup: false,
        static_files: None,
        connections: 1024,
        request_seconds: 600,
        trusted: Vec::new(),
    }
}

fn write(
    folder: &TempDir,
    [front, admin]: [SocketAddr; 2],
    open_webui: bool,
    static_files: Option<&Path>,
    trusted: &[Network],
) {
    let text = Config {
        front,
        admin,
        open_webui: open_webui.then(|| folder.path().join("http.sock")),
        static_files,
        trusted: trusted.to_vec(),
        ..config(folder.path())
    }
    .render();
    fs::write(folder.path().join("nginx.conf"), text).unwrap();
}

fn process(folder: &TempDir) -> Process {
    let mut process = Process::new(nginx());
    process.args(["-e", "stderr", "-p"]).arg(folder.path());
    process.arg("-c").arg(folder.path().join("nginx.conf"));
    process
}

#[test]
fn the_real_nginx_takes_the_configuration_without_a_word() {
    for (front, admin, open_webui) in [
        ("127.0.0.1:3000", "127.0.0.1:4000", true),
        ("127.0.0.1:3000", "127.0.0.1:4000", false),
        ("[::1]:3000", "0.0.0.0:4000", true),
    ] {
        let folder = folder();
        let ports = [front, admin].map(|address| address.parse().unwrap());
        write(&folder, ports, open_webui, None, &[]);
        let output = process(&folder).arg("-t").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let worries =
            |line: &&str| !line.contains("syntax is ok") && !line.contains("is successful");
        assert_eq!(said.lines().find(worries), None);
    }
}

#[test]
fn a_path_that_nginx_would_take_for_a_variable_is_no_root() {
    assert!(can_be_a_root(Path::new("/srv/a b")));
    assert!(!can_be_a_root(Path::new("/srv/$x")));
}
