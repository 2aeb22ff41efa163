//! What a lock asks for on this machine: names, versions, and whether a marker leaves one out.
//!
//! Pure. The locks are our own and embedded, so only what occurs in them is understood; a test
//! reads all of them.

/// What markers ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The version of Python.
    pub(crate) python: (u32, u32, u32),
    /// The processor, as `uname -m` names it.
    pub(crate) machine: &'static str,
}

/// A package at a version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pinned {
    /// Its name in the normal form of PEP 503.
    pub(crate) name: String,
    /// Its version, as the lock writes it.
    pub(crate) version: String,
}

/// The packages that `lock` asks for on that machine.
pub(crate) fn wanted(lock: &str, target: &Target) -> Vec<Pinned> {
    let lines = lock.lines().filter(|line| {
        let first = line.chars().next();
        first.is_some_and(|c| c.is_ascii_alphanumeric())
    });
    let pinned = lines.filter_map(|line| {
        let line = line.trim_end_matches('\\').trim_end();
        let (pin, marker) = match line.split_once(';') {
            Some((pin, marker)) => (pin, Some(marker)),
            None => (line, None),
        };
        let (name, version) = pin.trim().split_once("==")?;
        let name = name.split('[').next().unwrap_or(name);
        marker.is_none_or(|m| applies(m, target)).then(|| Pinned {
            name: normal(name),
            version: version.trim().to_owned(),
        })
    });
    pinned.collect()
}

/// The normal form of a package's name (PEP 503).
pub(crate) fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            c => normal.push(c.to_ascii_lowercase()),
        }
    }
    normal
}

/// Whether a marker holds. What is not understood holds: then the package has to be there.
fn applies(marker: &str, target: &Target) -> bool {
    marker.split(" or ").any(|all| {
        all.split(" and ")
            .all(|one| holds(one.trim(), target).unwrap_or(true))
    })
}

/// Whether one comparison holds. It is `None` where the comparison is not understood.
fn holds(comparison: &str, target: &Target) -> Option<bool> {
    let mut words = comparison.splitn(3, ' ');
    let (name, operator, value) = (words.next()?, words.next()?, words.next()?);
    let value = value.trim().trim_matches(['\'', '"']);
    let is = match name {
        "python_full_version" => {
            let found = target.python;
            let mut numbers = value.split('.').map(str::parse::<u32>);
            let mut number = || numbers.next().unwrap_or(Ok(0)).ok();
            let wanted = (number()?, number()?, number()?);
            return Some(match operator {
                "<" => found < wanted,
                ">=" => found >= wanted,
                _ => return None,
            });
        }
        "sys_platform" => "linux",
        "os_name" => "posix",
        "implementation_name" => "cpython",
        "platform_python_implementation" => "CPython",
        "platform_machine" => target.machine,
        _ => return None,
    };
    match operator {
        "==" => Some(is == value),
        "!=" => Some(is != value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::{fixtures, model::Packages};

    const DEBIAN: Target = Target {
        python: (3, 11, 2),
        machine: "x86_64",
    };

    #[test]
    fn every_marker_of_our_locks_is_understood() {
        for payload in fixtures::payloads() {
            let Packages::Python { lock, .. } = payload.packages else {
                continue;
            };
            let markers = lock.lines().filter(|line| !line.starts_with(['#', ' ']));
            for marker in markers.filter_map(|line| line.split_once(';')) {
                let marker = marker.1.trim_end_matches('\\').trim();
                assert!(!marker.contains(['(', ')']), "{marker}");
                for one in marker.split(" or ").flat_map(|all| all.split(" and ")) {
                    assert!(holds(one.trim(), &DEBIAN).is_some(), "{one}");
                }
            }
            assert!(!wanted(lock, &DEBIAN).is_empty());
        }
    }

    #[test]
    fn markers_decide_by_platform_and_version() {
        let lock = "a==1 \\\n    --hash=sha256:x\nB_c[d]==2 ; python_full_version < '3.11.3' \\\n\
                    e==3 ; sys_platform == 'win32'\n# f==4\n\
                    g==5 ; platform_machine == 'arm64' or platform_machine == 'x86_64'\n\
                    h==6 ; python_full_version >= '3.12' and sys_platform == 'linux'\n";
        let names = |target: &Target| {
            let all = wanted(lock, target).into_iter();
            all.map(|p| format!("{} {}", p.name, p.version))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&DEBIAN), ["a 1", "b-c 2", "g 5"]);
        let newer = Target {
            python: (3, 12, 0),
            machine: "aarch64",
        };
        assert_eq!(names(&newer), ["a 1", "h 6"]);
    }
}
