//! What a reload would do, and one service that reads its files again.

use ai_gateway::control::types::{KeyPreview, Preview, ReloadStep, ServicePreview};
use supervise::spec::ServiceName;

use super::*;

/// What the daemon finds a reload would come to.
fn preview() -> Preview {
    let service = |name: &str| ServiceName::new(name).unwrap();
    Preview {
        services: vec![ServicePreview {
            service: service("nginx"),
            step: ReloadStep::Reload,
            fields: vec!["files".into()],
            over_limit: None,
        }],
        keys: vec![KeyPreview {
            key: "front.trusted_proxies".into(),
            services: [(service("nginx"), ReloadStep::Reload)].into(),
            over_limit: [].into(),
        }],
    }
}

#[test]
fn what_a_reload_would_do_is_asked_for_without_doing_it() {
    let bench = bench("");
    let daemon = bench.daemon_that(ready(), |_| Ok(Reply::Preview(Box::new(preview()))));
    let text = "nginx goes on and reads its files again (files)\n\n\
                front.trusted_proxies  nginx reads its files again\n";
    assert_eq!(bench.answer("reload --dry-run"), text);
    let checked = bench.answer("config check --diff");
    assert!(
        checked.ends_with(&format!("is valid.\n{text}")),
        "{checked}"
    );
    assert_eq!(daemon.asked(), [Call::Preview, Call::Preview]);
    let json: serde_json::Value =
        serde_json::from_str(&bench.answer("config check --diff --json")).unwrap();
    assert_eq!(json["preview"]["services"][0]["step"], "reload");
    let json: serde_json::Value =
        serde_json::from_str(&bench.answer("reload --dry-run --json")).unwrap();
    assert_eq!(json["keys"][0]["services"]["nginx"], "reload");
}

#[test]
fn one_service_reads_its_files_again() {
    let bench = bench("");
    let daemon = bench.daemon_that(ready(), |_| Ok(Reply::Done(vec![])));
    let text = bench.answer("reload nginx");
    assert_eq!(text, "nginx has read its files again\n");
    let nginx = ServiceName::new("nginx").unwrap();
    assert_eq!(daemon.asked(), [Call::Reload(Some(nginx))]);
}
