//! One key decides how long a request may take, for LiteLLM and for nginx alike.

use super::{planned, settings, settings_with};
use crate::stack::Stack;

fn file<'a>(stack: &'a Stack, name: &str) -> &'a str {
    let mut files = stack.files.iter();
    let file = files.find(|file| file.path.ends_with(name)).unwrap();
    &file.contents
}

#[test]
fn nginx_waits_as_long_as_litellm() {
    let longer = settings_with("small", "litellm.request_timeout = \"20 min\"");
    for (settings, seconds) in [(settings("small"), 600), (longer, 1200)] {
        let stack = planned(&settings);
        let litellm = format!("\"request_timeout\": {seconds},");
        assert!(file(&stack, "config.yaml").contains(&litellm));
        let nginx = file(&stack, "nginx.conf");
        let waits = format!("proxy_read_timeout {seconds}s;");
        assert!(nginx.matches(&waits).count() >= 2, "{nginx}");
        assert!(nginx.contains(&format!("did not answer within {seconds} seconds")));
    }
}
