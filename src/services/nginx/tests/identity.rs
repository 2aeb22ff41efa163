//! What those behind nginx are told of who asks, and from which page.

use super::{super::headers, Front};
use crate::services::open_webui;

#[test]
fn nobodys_word_on_who_the_client_is_reaches_those_behind() {
    let front = Front::start(true, true);
    let forged = "X-Forwarded-For: 9.9.9.9\r\nX-Real-IP: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n\
                  X-Forwarded-Host: evil.example\r\n";
    let others: String = headers::IDENTITY
        .iter()
        .map(|header| format!("{header}: forged\r\n"))
        .collect();
    for path in [
        "GET /api/litellm/v1/models",
        "GET /",
        "POST /api/v1/auths/signin",
    ] {
        let answer = front.ask(path, &format!("{forged}{others}"));
        let seen = answer.split_once("\r\n\r\n").unwrap().1;
        for word in ["9.9.9.9", "forged", "evil.example", "https"] {
            assert!(!seen.contains(word), "{path}: {seen}");
        }
        for header in ["X-Real-IP: 127.0.0.1", "X-Forwarded-For: 127.0.0.1"] {
            assert!(seen.contains(&format!("{header}\r\n")), "{path}: {seen}");
        }
    }
}

#[test]
fn a_trusted_proxy_is_believed_and_a_stranger_beside_it_is_not() {
    let trusted = |network: &str| vec![network.parse().unwrap()];
    let headers = "X-Forwarded-For: 9.9.9.9, 10.7.7.7\r\nX-Forwarded-Proto: https\r\n\
                   X-Forwarded-Host: chat.example\r\nRemote-User: ada\r\n";
    let believed = Front::start_trusting(&trusted("127.0.0.0/8")).ask("GET /", headers);
    for header in [
        "X-Forwarded-For: 10.7.7.7\r\n",
        "X-Forwarded-Proto: https\r\n",
        "Host: chat.example\r\n",
        "Remote-User: ada\r\n",
    ] {
        assert!(believed.contains(header), "{header}{believed}");
    }
    let stranger = Front::start_trusting(&trusted("10.0.0.2")).ask("GET /", headers);
    for header in [
        "X-Forwarded-For: 127.0.0.1\r\n",
        "X-Forwarded-Proto: http\r\n",
        "Host: gate.example:8080\r\n",
    ] {
        assert!(stranger.contains(header), "{header}{stranger}");
    }
    assert!(!stranger.contains("ada"), "{stranger}");
}

#[test]
fn open_webui_sees_its_own_origin_for_the_site_and_no_other() {
    let front = Front::start(true, true);
    let origin = |origin: &str| {
        let answer = front.ask("GET /", &format!("Origin: {origin}\r\n"));
        let line = answer
            .lines()
            .find_map(|line| line.strip_prefix("Origin: "));
        line.map(str::to_owned)
    };
    for site in ["http://gate.example:8080", "https://gate.example:8080"] {
        assert_eq!(origin(site).as_deref(), Some(open_webui::ORIGIN));
    }
    for other in [
        "http://evil.example",
        "http://gate.example",
        "http://gate.example:80801",
        "http://evil.example http://gate.example:8080",
        "null",
    ] {
        assert_eq!(origin(other).as_deref(), Some(other));
    }
    let none = front.ask("GET /", "");
    assert!(!none.contains("Origin: "), "{none}");
}
