//! Bases that clients guess: answered with the right one, in the form of an API's error, instead of
//! with Open WebUI's page, which a client cannot read.
//!
//! Open WebUI has routes of its own below `/api` and `/openai`: those are left to it.

/// What follows the first part is no matter, but where the word alone could be a page's some day.
const GUESSED: &str = "^/(v1|v1beta|v2|engines|deployments|api/litellm/(chat|completions|embeddings|models|responses|messages))(/|$)|^/(chat/completions|completions|embeddings|models|responses|messages|audio/(speech|transcriptions|translations)|images/(generations|edits|variations)|moderations|rerank)/?$";

/// For nginx's `http`: a host as it may stand in a JSON text.
pub(super) const HTTP: &str = r#"
    map $host_of_client $host_in_words { default HOST; "~^[A-Za-z0-9._:\[\]-]+$" $host_of_client; }
"#;

/// For a `server`.
pub(super) fn server() -> String {
    format!(
        r#"
        location ~ {GUESSED} {{
            default_type application/json;
            return 404 '{{"error":{{"message":"There is no API at this path. The base of the API is $scheme_of_client://$host_in_words/api/litellm/v1.","type":"invalid_request_error","param":null,"code":"wrong_base_url"}}}}\n';
        }}
"#
    )
}
