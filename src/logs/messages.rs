//! What the daemon tells. Each kind of message has an identifier of its own, so that `journalctl
//! MESSAGE_ID=…` finds it and `journalctl -x` explains it. An identifier is for ever: a message whose meaning
//! changes gets a new one.

use std::fmt::Write as _;

/// One kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// 128 random bits in lower-case hexadecimal, as the journal wants them.
    pub id: &'static str,
    /// The heading in the catalog. `@FIELD@` stands for a field of the entry.
    pub subject: &'static str,
    /// What the message means, and what to do.
    pub text: &'static str,
}

macro_rules! messages {
    ($($name:ident, $id:literal, $subject:literal, $text:literal;)*) => {
        $(#[doc = $subject] pub const $name: Message = Message {
            id: $id,
            subject: $subject,
            text: $text,
        };)*

        /// Every kind of message.
        pub const ALL: &[Message] = &[$($name),*];
    };
}

messages! {
    GATEWAY_STARTING, "8f6e9541df45473eb16f231175a51ffa", "The AI gateway starts",
    "The daemon has read its configuration and starts the services, each when what it requires\n\
     is ready. 'ai-gateway status --watch' shows how far they are.";

    GATEWAY_READY, "e99e34b214c3494585bae821691d03f4", "The AI gateway is ready",
    "Every service is ready. 'ai-gateway status' shows the addresses.";

    GATEWAY_STOPPING, "e84b09d4815d46afb284365060487902", "The AI gateway stops",
    "The services are stopped in order, and answers under way are finished first.";

    GATEWAY_STOPPED, "b5e2c2d9dd79491daa79f5de3fed2d50", "The AI gateway has stopped",
    "No process of it is left.";

    LIMITS_NOT_ENFORCED, "4bf9b60934394c369afd90cf76e5fee1",
    "The limits of the services are not enforced",
    "The kernel was not asked to hold the services to the profile's limits, because no cgroup\n\
     with the controllers was delegated to the daemon. The message says what is missing;\n\
     SYSTEMD.md says how it is enabled. Everything else works.";

    CONFIGURATION_READ, "03c15f6f64344679aadfb99c2293ccd7", "The configuration was read again",
    "Each service takes up what has changed: while it runs where that can be, otherwise by a restart.\n\
     The message names them.";

    CONFIGURATION_REFUSED, "6f795f5b45da465bba6aab43587cdbc0",
    "The new configuration was refused",
    "Something in it is wrong, and everything goes on with the old one.\n\
     'ai-gateway config check' shows what is wrong, and where.";

    SERVICE_STARTING, "6ab0bff9134546e8b41b662002dea0ec", "@AI_GATEWAY_SERVICE@ starts",
    "Everything that it requires is ready, and its process was launched.";

    SERVICE_READY, "628c68cff97c4227856f8a93f56b77d3", "@AI_GATEWAY_SERVICE@ is ready",
    "Its readiness probe has passed.";

    SERVICE_UNHEALTHY, "033ec377aa9748edaf4b118d744e5a21", "@AI_GATEWAY_SERVICE@ is unhealthy",
    "It runs and was ready, and now its probe fails, several times in a row.\n\
     'ai-gateway logs @AI_GATEWAY_SERVICE@' shows what it says about that.";

    SERVICE_EXITED, "3ad2f229670549f6827c85a4dcf67c29",
    "@AI_GATEWAY_SERVICE@ has ended by itself",
    "Nobody had asked it to. It is started again, at once the first time and after a longer and\n\
     longer pause if that goes on. 'ai-gateway why @AI_GATEWAY_SERVICE@' tells its history,\n\
     'ai-gateway logs @AI_GATEWAY_SERVICE@' shows its last words.";

    SERVICE_OUT_OF_MEMORY, "bd9aa619bffd4f85b60d667ffe31fb6e",
    "@AI_GATEWAY_SERVICE@ ran out of memory",
    "It reached the limit that its profile gives it, and the kernel killed it, and nothing else.\n\
     It is started again. If that happens often, choose a larger profile\n\
     ('ai-gateway profile NAME') or give this service a larger limit in gateway.toml.";

    SERVICE_LEAKS, "d16eda1019af452594186d481b00ad94",
    "@AI_GATEWAY_SERVICE@ leaks memory and is restarted by plan",
    "Its memory has grown towards its limit, where the kernel would have killed it in the middle of\n\
     its work. It is drained and started again at a better moment: while it has nothing to do, at\n\
     the hour that recycle.hour sets, or at the last moment. The message says what it held and how\n\
     fast that grew; 'ai-gateway why @AI_GATEWAY_SERVICE@' tells its history. If it happens often,\n\
     give it a larger limit, or look for an update that leaks less.";

    SERVICE_RELOADED, "c23fd78da258a413b2ec93fa5ed090c4", "@AI_GATEWAY_SERVICE@ reads its files again",
    "They have changed, and it takes them up while it runs: nothing that it has begun is lost.";

    SERVICE_OUTDATED, "995a6dd81df6169554171b1887757b25", "@AI_GATEWAY_SERVICE@ goes on with its old files",
    "Its files have changed, and it could not take them up. It runs on with what it has read before.\n\
     'ai-gateway logs @AI_GATEWAY_SERVICE@' shows what it says of them. The next reload tries again.";

    SERVICE_WAITS, "f14612ce8b754e39a64793534018ff27",
    "@AI_GATEWAY_SERVICE@ is tried again after a pause",
    "It has failed more than once in a row. The pause grows with each failure;\n\
     'ai-gateway start @AI_GATEWAY_SERVICE@' ends it.";

    SERVICE_FAILED, "1694492c202e4e5ba1547c3806738873", "@AI_GATEWAY_SERVICE@ has failed for good",
    "It was started again as often as its restart policy allows, and it never stayed up. Services\n\
     that do not require it go on. Fix what its log shows\n\
     ('ai-gateway logs @AI_GATEWAY_SERVICE@'), then 'ai-gateway start @AI_GATEWAY_SERVICE@'.";

    TASK_COMPLETED, "525c441da6c28161c25969aadac03608", "@AI_GATEWAY_SERVICE@ has ended well",
    "It is a task: what requires it may start now. One with a schedule runs again at its time.";

    SERVICE_STOPPED, "d1ce1aa87da840a2b077ee3c812d480e", "@AI_GATEWAY_SERVICE@ has stopped",
    "It was asked to.";
}

/// The catalog that explains the messages (systemd, `CATALOG.md`).
pub fn catalog() -> String {
    let mut text = "\
# Made from src/logs/messages.rs: UPDATE_GENERATED=1 cargo test writes it.
# Installed in /usr/lib/systemd/catalog; journalctl --update-catalog takes it in.
"
    .to_owned();
    for Message {
        id,
        subject,
        text: body,
    } in ALL
    {
        let _written = write!(
            text,
            "\n-- {id}\nSubject: {subject}\nDefined-By: ai-gateway\n\
             Documentation: man:ai-gateway(1)\n\n{body}\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path, process::Command};

    use super::*;

    const CATALOG: &str = "packaging/ai-gateway.catalog";

    #[test]
    fn the_catalog_is_in_step_with_the_messages() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(CATALOG);
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            fs::write(&path, catalog()).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == catalog(),
            "{CATALOG} is out of step: UPDATE_GENERATED=1 cargo test writes it"
        );
    }

    #[test]
    fn every_identifier_is_128_bits_and_nobody_elses() {
        let mut seen = BTreeSet::new();
        for message in ALL {
            let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            assert!(message.id.len() == 32 && message.id.bytes().all(hex));
            assert!(seen.insert(message.id), "{}", message.subject);
        }
    }

    #[test]
    fn journalctl_takes_the_catalog_and_explains_with_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("usr/lib/systemd/catalog");
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(root.path().join("var/lib/systemd/catalog")).unwrap();
        fs::write(folder.join("ai-gateway.catalog"), catalog()).unwrap();
        let of_root = format!("--root={}", root.path().display());
        let journalctl = |arguments: &[&str]| {
            let output = Command::new("journalctl")
                .arg(&of_root)
                .args(arguments)
                .output()
                .expect("journalctl is there: ./test installs it");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
            assert!(!said.contains("ignoring"), "{said}");
            String::from_utf8(output.stdout).unwrap()
        };
        journalctl(&["--update-catalog"]);
        let listed = journalctl(&["--list-catalog"]);
        for message in ALL {
            let line = format!("{} ai-gateway: {}", message.id, message.subject);
            assert!(listed.contains(&line), "{line}\n{listed}");
        }
        let explained = journalctl(&["--dump-catalog", SERVICE_FAILED.id]);
        assert!(explained.contains("as often as its restart policy allows"));
    }
}
