//! Who gets which request.

use std::path::Path;

use super::{super::configuration::Config, Front, config, status};

#[test]
fn the_admin_port_is_all_of_litellm_and_tells_it_who_asks() {
    let front = Front::start(true, true);
    let forged = "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n";
    let answer = Front::ask_at(front.admin, "GET /ui/%2F..;/?a=b", forged);
    let (head, request) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        request.starts_with("GET /ui/%2F..;/?a=b HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nHost: gate.example:8080\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nX-Forwarded-For: 127.0.0.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nX-Forwarded-Proto: http\r\n"),
        "{request}"
    );
    assert!(!request.contains("9.9.9.9"), "{request}");
    // Its headers are LiteLLM's.
    assert!(head.contains("X-Frame-Options: DENY"), "{head}");
    let api = front.ask("GET /api/litellm/v1/models", forged);
    assert!(api.contains("\r\nX-Forwarded-For: 127.0.0.1\r\n"), "{api}");
    let front = Front::start(false, true);
    let away = Front::ask_at(front.admin, "GET /ui/", "");
    assert_eq!(status(&away), "503");
    assert!(away.contains("LiteLLM does not answer"), "{away}");
}

#[test]
fn requests_reach_whom_they_are_for() {
    let front = Front::start(true, true);
    let api = front.ask(
        "GET /api/litellm/v1/models?a=b",
        "Authorization: Bearer x\r\n",
    );
    assert!(
        api.contains("\r\n\r\nGET /v1/models?a=b HTTP/1.1\r\n"),
        "{api}"
    );
    assert!(api.contains("Host: gate.example:8080\r\n"), "{api}");
    assert!(api.contains("X-Forwarded-For: 127.0.0.1\r\n"), "{api}");
    assert!(api.contains("Authorization: Bearer x\r\n"), "{api}");
    let ui = front.ask("GET /ws/socket.io/", "Upgrade: websocket\r\n");
    assert!(
        ui.contains("\r\n\r\nGET /ws/socket.io/ HTTP/1.1\r\n"),
        "{ui}"
    );
    assert!(
        ui.contains("Connection: upgrade\r\nUpgrade: websocket\r\n"),
        "{ui}"
    );
    let health = front.ask("GET /health", "");
    assert!(health.ends_with("\r\n\r\nhealthy\n"), "{health}");
    for answer in [api, ui, health] {
        let of_frames: Vec<_> = answer
            .lines()
            .filter(|line| line.starts_with("X-Frame-Options"))
            .collect();
        assert_eq!(of_frames, ["X-Frame-Options: SAMEORIGIN"]);
        assert!(answer.contains("Server: nginx\r\n"), "no version: {answer}");
    }
}

#[test]
fn nobody_signs_up_unless_the_configuration_lets_them() {
    let front = Front::start(true, true);
    for path in [
        "/api/v1/auths/signup",
        "/api/v1/auths/sign%75p",
        "//api//v1/auths/./signup?a=b",
        "/x/../api/v1/auths/signup",
    ] {
        let answer = front.ask(&format!("POST {path}"), "Content-Length: 0\r\n");
        assert_eq!(status(&answer), "403", "{path}: {answer}");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert!(body["detail"].as_str().unwrap().contains("signup = true"));
    }
    let open = Config {
        signup: true,
        ..config(Path::new("/x"))
    };
    assert!(!open.render().contains("location = /api/v1/auths/signup"));
}

#[test]
fn a_base_that_a_client_guesses_is_answered_with_the_right_one() {
    let front = Front::start(true, true);
    for path in [
        "/v1/chat/completions",
        "/v1",
        "/v1beta/models/m:generateContent",
        "/engines/m/completions",
        "/chat/completions",
        "/models",
        "/api/litellm/chat/completions",
        "//v1//models",
    ] {
        let answer = front.ask(&format!("GET {path}"), "");
        assert_eq!(status(&answer), "404", "{path}: {answer}");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let message = body["error"]["message"].as_str().unwrap();
        let base = "http://gate.example:8080/api/litellm/v1.";
        assert!(message.contains(base), "{path}: {message}");
    }
    for path in [
        "/",
        "/openai/v1/models",
        "/openai/chat/completions",
        "/api/v1/models",
        "/api/models",
        "/workspace/models",
        "/v1x",
        "/modelsx",
    ] {
        let answer = front.ask(&format!("GET {path}"), "");
        assert_eq!(status(&answer), "200", "{path}: {answer}");
    }
}

#[test]
fn nothing_else_of_litellm_is_reached() {
    let front = Front::start(true, true);
    for path in [
        "/api/litellm/key/generate",
        "/api/litellm/",
        "/api/litellm/v1/../key/generate",
        "/api/litellm/v1/%2e%2e/key/generate",
    ] {
        let answer = front.ask(&format!("GET {path}"), "");
        assert_eq!(status(&answer), "403", "{path}: {answer}");
    }
}
