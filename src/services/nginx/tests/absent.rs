//! What nginx answers in the place of those who are not there.

use super::{Front, status};

#[test]
fn while_nobody_answers_it_says_so() {
    let front = Front::start(false, true);
    let api = front.ask("GET /api/litellm/v1/models", "");
    assert_eq!(status(&api), "503");
    assert!(api.contains("Retry-After: 3\r\n"), "{api}");
    assert!(api.contains("X-Frame-Options: SAMEORIGIN\r\n"), "{api}");
    let body = api.split_once("\r\n\r\n").unwrap().1;
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["error"]["code"], "service_unavailable");
    let ui = front.ask("GET /", "");
    assert_eq!(status(&ui), "503");
    assert!(ui.contains("Content-Type: text/html"), "{ui}");
    assert!(ui.contains("Open WebUI does not answer yet"), "{ui}");
    let large = front.ask(
        "POST /api/litellm/v1/files",
        "Content-Length: 104857601\r\n",
    );
    assert_eq!(status(&large), "413");
    assert!(large.contains("request_too_large"), "{large}");
}

#[test]
fn without_open_webui_it_says_where_the_api_is() {
    let front = Front::start(true, false);
    let answer = front.ask("GET /", "");
    assert_eq!(status(&answer), "404");
    assert!(
        answer.contains("The API is at /api/litellm/v1/."),
        "{answer}"
    );
}
