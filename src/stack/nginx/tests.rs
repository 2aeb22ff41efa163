//! The rendered file against the real nginx: whether it takes it, and what it answers.

use std::{fs, process::Command as Process};

use super::*;

/// Wherever the distribution has put it.
fn nginx() -> String {
    let places = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];
    let found = places.iter().find(|place| Path::new(place).exists());
    (*found.expect("nginx is not installed: ./test installs it")).to_owned()
}

fn check(listen: &str, open_webui: bool) {
    // A path with what has a meaning in the configuration.
    let folder = tempfile::Builder::new()
        .prefix("a b;{\"$x'")
        .tempdir()
        .unwrap();
    for (_, temporary) in TEMPORARY {
        fs::create_dir(folder.path().join(temporary)).unwrap();
    }
    let file = folder.path().join("nginx.conf");
    let text = Config {
        listen: listen.parse().unwrap(),
        workers: 1,
        pid: &folder.path().join("nginx.pid"),
        temporary: folder.path(),
        litellm: "127.0.0.1:4000".parse().unwrap(),
        open_webui: open_webui.then(|| folder.path().join("http.sock")),
    }
    .render();
    fs::write(&file, text).unwrap();
    let output = Process::new(nginx())
        .args(["-t", "-e", "stderr", "-p"])
        .arg(folder.path())
        .arg("-c")
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let worries = said.lines().filter(|line| !line.contains("syntax is ok"));
    let worries: Vec<_> = worries
        .filter(|line| !line.contains("is successful"))
        .collect();
    // Root is told that the user directive is missing; nobody runs it as root but a test.
    assert!(worries.is_empty(), "{worries:?}");
}

#[test]
fn the_real_nginx_takes_the_configuration() {
    check("127.0.0.1:3000", true);
    check("127.0.0.1:3000", false);
    check("[::1]:3000", true);
}
