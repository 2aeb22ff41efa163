//! The commented example and the reference, both made from the list of keys.

use super::{
    profile::{self, Profile},
    schema::{Default, Key, Schema},
    value::{Value, cpus_text, size_text},
};

/// The width of the example's comments.
const WIDTH: usize = 90;

const HEAD: &str = "\
The configuration of ai-gateway, with every key that there is. All of it is optional: an empty \
file, or none, is a good one. A line that begins with # and a blank is a comment; take the # away \
from one that begins without the blank, and it is a setting.

What an environment variable or a flag says is stronger than this file, and this file is stronger \
than the profile. `ai-gateway config show` says where each value comes from, `ai-gateway config \
check` whether all is well.";

/// `gateway.example.toml`.
pub fn example(schema: &'static Schema) -> String {
    let mut text = String::new();
    comment(&mut text, HEAD);
    for (table, about) in &schema.tables {
        text.push('\n');
        if !table.is_empty() {
            comment(&mut text, about);
            let name = table.replace('*', example_service(schema, table));
            // An empty table of a service would already mean something.
            let hidden = if table.contains('*') { "#" } else { "" };
            text += &format!("{hidden}[{name}]\n\n");
        }
        let keys: Vec<_> = schema.keys_of(table).collect();
        for (number, key) in keys.iter().enumerate() {
            if number > 0 {
                text.push('\n');
            }
            comment(&mut text, key.doc);
            comment(&mut text, &sources(key));
            text += &format!("#{} = {}\n", key.leaf(), key.example);
        }
    }
    text
}

/// What is in effect if nobody sets the key, and what else can set it.
fn sources(key: &Key) -> String {
    let default = match key.default {
        Default::Value(value) => format!("Default: {value}."),
        Default::Profile => "Default: what the profile says.".to_owned(),
        Default::Unset(text) => format!("Default: {text}."),
        Default::Required => "Required.".to_owned(),
    };
    match (key.variable(), key.flag()) {
        (Some(variable), Some(flag)) => format!("{default} Also: {variable}, `setup {flag}`."),
        (Some(variable), None) => format!("{default} Also: {variable}."),
        (None, _) => default,
    }
}

/// The service whose name the example shows in the place of the `*` in a table's name.
fn example_service(schema: &Schema, table: &str) -> &'static str {
    let largest = schema.largest().filter(|_| table.starts_with("limits"));
    largest.map_or("mailer", |service| service.name)
}

/// Writes a comment whose paragraphs are folded.
fn comment(text: &mut String, prose: &str) {
    for (number, paragraph) in prose.split("\n\n").enumerate() {
        if number > 0 {
            text.push_str("#\n");
        }
        let mut line = String::from("#");
        for word in paragraph.split(' ') {
            if line.chars().count() + 1 + word.chars().count() > WIDTH {
                text.push_str(&line);
                text.push('\n');
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        text.push_str(&line);
        text.push('\n');
    }
}

const REFERENCE_HEAD: &str = "\
# Configuration
`gateway.toml` is optional, and so is every key in it. It is `/etc/ai-gateway/gateway.toml` for a
machine's gateway, `~/.config/ai-gateway/gateway.toml` for a person's, and in `$AI_GATEWAY_HOME`
where that is set. [gateway.example.toml](../gateway.example.toml) is all of it with comments.

Precedence: default < profile < file < environment variable < flag. `ai-gateway config show` says
where each value comes from; `ai-gateway config check` shows all that is wrong, at once.

Sizes are written as `\"480 MB\"` (thousands) or `\"1.5 GiB\"` (1024s), times as `\"90 s\"` or
`\"5 min\"`. This page is made from the keys in `src/config/schema/keys` and in the folders of `src/services`.
";

/// `docs/configuration.md`.
pub fn reference(schema: &'static Schema) -> String {
    let mut text = REFERENCE_HEAD.to_owned();
    for (table, about) in &schema.tables {
        let is_appendix = *table == schema.appendix;
        if is_appendix {
            text += &profiles(schema);
        }
        let title = match *table {
            "" => "At the top".to_owned(),
            table if is_appendix => format!("Appendix: [{table}]"),
            table => format!("[{}]", table.replace('*', "NAME")),
        };
        text += &format!("\n## {title}\n{about}\n\n");
        let keys: Vec<_> = schema.keys_of(table).collect();
        for key in keys {
            text += &format!("### `{}`\n{}\n\n", key.leaf(), cell(key.doc));
            text += &format!("- Value: {}\n", cell(&key.kind.expected()));
            text += &format!("- {}\n", cell(&sources(key)));
            text += &format!("- For example: `{} = {}`\n\n", key.leaf(), key.example);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// The profiles side by side.
fn profiles(schema: &'static Schema) -> String {
    let all: Vec<_> = profile::limited(schema)
        .chain(Profile::named(schema, "local"))
        .collect();
    let mut text = String::from(
        "\n## Profiles\nWithout `profile`, the largest is in effect whose memory limits fit into 97 % of \
         the machine's memory (or of our\ncgroup's, if that is less) and that has no more workers \
         than there are CPUs.\n\n",
    );
    let mut row = |name: &str, value: &dyn Fn(&Profile) -> String| {
        let cells: Vec<_> = all.iter().map(value).collect();
        text.push_str(&format!("| {name} | {} |\n", cells.join(" | ")));
    };
    row("", &|profile| profile.name.to_owned());
    row("---", &|_| "---".to_owned());
    row("for", &|profile| profile.about.clone());
    for service in &schema.built_in {
        let Some(key) = service.workers else {
            continue;
        };
        row(&format!("{}: workers", service.name), &|profile| {
            profile
                .value(key)
                .map_or_else(String::new, ToString::to_string)
        });
    }
    for service in schema.names() {
        row(&format!("{service}: memory_max"), &|profile| {
            size(profile.memory_max(service))
        });
        row(&format!("{service}: cpus"), &|profile| {
            cpus(profile, service)
        });
    }
    row("memory in all, at most", &|profile| size(profile.memory));
    text
}

fn size(bytes: Option<u64>) -> String {
    bytes.map_or("no limit".to_owned(), size_text)
}

fn cpus(profile: &Profile, service: &str) -> String {
    match profile.value(&format!("limits.{service}.cpus")) {
        Some(Value::Cpus(Some(milli))) => cpus_text(*milli),
        _ => "no limit".to_owned(),
    }
}

/// Text that Markdown takes as it stands.
fn cell(text: &str) -> String {
    text.replace('<', "&lt;")
        .replace('*', "\\*")
        .replace('_', "\\_")
}
