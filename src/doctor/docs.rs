//! `docs/doctor.md`, made from the checks.

use super::{Check, Group};

const HEAD: &str = "\
# The doctor
`ai-gateway doctor` looks at what this machine offers and lacks, and changes nothing. Each finding
is ok, a warning (the gateway runs, and something is worse than it could be) or a problem (it does
not run, or is not safe), with what was found, why that matters and, where one does it, the command
that fixes it. Root sees more than others: with `AI_GATEWAY_HOME` the gateway of that folder's
owner, otherwise the machine's.

It exits with 0 if there is no problem and with 1 if there is one. `ai-gateway doctor --json` prints
a list with an object for each check, in the order of this page:

```
{ \"id\": \"linger\", \"level\": \"ok\" | \"warning\" | \"problem\",
  \"found\": TEXT, \"why\": TEXT, \"fix\": COMMAND | null }
```

This page is made from the checks in `src/doctor/checks` and in the folders of `src/services`.
";

/// Returns the text of `docs/doctor.md`.
pub fn reference(checks: &[Check]) -> String {
    let mut text = HEAD.to_owned();
    for group in Group::ALL {
        text += &format!("\n## {}\n", group.title());
        for check in checks.iter().filter(|check| check.group == group) {
            let (looks, why) = (check.looks, check.why);
            text += &format!("\n### `{}`\n{looks}\n\n{why}\n", check.id);
        }
    }
    text
}
