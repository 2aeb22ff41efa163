//! The real uv brings a Python: a small archive that is laid out as the real one is, whose interpreter is this
//! machine's. `AI_GATEWAY_TEST_UV` names uv, as `./test tests` does; without it there is nothing to test here.

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use super::*;
use crate::{
    causes::chain,
    config::{self, paths::Paths, settings::Settings},
    provision::{
        brought_python::PYTHON,
        command::Runner,
        fixtures::{self, TOOLS},
        hash::sha256_of_file,
        interrupt::Interrupts,
        model::{Choice, ChosenPython, Wanted},
        options::SetUpOptions,
        progress::{Progress, Total},
    },
    services,
};

/// Nobody watches.
struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _: &str, _: Total) {}
    fn advance(&mut self, _: u64) {}
    fn message(&mut self, _: &str) {}
    fn end(&mut self, _: bool) {}
}

/// A machine without a Python that fits, after the tools were installed.
struct Machine {
    folder: tempfile::TempDir,
    settings: Settings,
    paths: Paths,
    wanted: Wanted,
    choice: Choice,
    options: SetUpOptions,
    env: BTreeMap<String, String>,
}

/// What the archive is called by whoever publishes it.
fn archive_name() -> String {
    let processor = std::env::consts::ARCH;
    format!("cpython-{VERSION}+{BUILD}-{processor}-unknown-linux-gnu-install_only_stripped.tar.gz")
}

impl Machine {
    /// Nothing, where there is no uv to test with.
    fn new() -> Option<Self> {
        let uv = PathBuf::from(std::env::var_os("AI_GATEWAY_TEST_UV")?);
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("gw").display().to_string();
        let home = |name: &str| (name == "AI_GATEWAY_HOME").then(|| home.clone());
        let paths = Paths::find(home, false).unwrap();
        let settings = config::of_profile(services::schema(), "local", "").unwrap();
        let wanted = fixtures::wanted(&settings);
        let tools = wanted.folder(TOOLS.name).unwrap();
        let programs = payload_folder::folder(&paths, TOOLS.name, tools).join("bin");
        fs::create_dir_all(&programs).unwrap();
        symlink(uv, programs.join("uv")).unwrap();
        let text = |path: &str| folder.path().join(path).display().to_string();
        let env = [
            ("HOME", text("home")),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("UV_CACHE_DIR", text("cache")),
            (
                "UV_PYTHON_INSTALL_MIRROR",
                format!("file://{}", text("mirror")),
            ),
        ];
        let machine = Self {
            settings,
            paths,
            wanted,
            choice: Choice {
                python: Some(ChosenPython::Brought),
                python_for_tools: Some("/usr/bin/python3".into()),
                node: None,
                programs: Vec::new(),
            },
            options: SetUpOptions::default(),
            env: env.map(|(name, value)| (name.to_owned(), value)).into(),
            folder,
        };
        machine.publish();
        Some(machine)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the archive is on the mirror.
    fn archive(&self) -> PathBuf {
        self.path("mirror").join(BUILD).join(archive_name())
    }

    /// Makes the archive: an interpreter, and the one file of the library that uv asks for.
    fn publish(&self) {
        let (programs, library) = (self.path("made/python/bin"), self.path("made/python/lib"));
        let minor = VERSION.rsplit_once('.').unwrap().0;
        let library = library.join(format!("python{minor}"));
        fs::create_dir_all(&programs).unwrap();
        fs::create_dir_all(&library).unwrap();
        let interpreter = programs.join(format!("python{minor}"));
        fs::write(&interpreter, "#!/bin/sh\nexec /usr/bin/python3 \"$@\"\n").unwrap();
        fs::set_permissions(&interpreter, fs::Permissions::from_mode(0o755)).unwrap();
        for link in ["python3", "python"] {
            symlink(format!("python{minor}"), programs.join(link)).unwrap();
        }
        let processor = std::env::consts::ARCH;
        let built = format!("_sysconfigdata__linux_{processor}-linux-gnu.py");
        fs::write(
            library.join(built),
            "# system configuration generated and used by the sysconfig module\nbuild_time_vars = {}\n",
        )
        .unwrap();
        fs::create_dir_all(self.archive().parent().unwrap()).unwrap();
        let packed = Command::new("tar")
            .arg("-czf")
            .arg(self.archive())
            .arg("-C")
            .args([self.path("made"), "python".into()])
            .status();
        assert!(packed.unwrap().success());
    }

    /// Has uv expect this hash of the archive, in the place of the one that it has in itself.
    fn expects(&mut self, sha256: &str) {
        let numbers: Vec<u32> = VERSION.split('.').map(|n| n.parse().unwrap()).collect();
        let processor = std::env::consts::ARCH;
        let name = archive_name().replace('+', "%2B");
        let list = serde_json::json!({ format!("cpython-{VERSION}-linux-{processor}-gnu"): {
            "name": "cpython",
            "arch": {"family": processor, "variant": null},
            "os": "linux",
            "libc": "gnu",
            "major": numbers[0],
            "minor": numbers[1],
            "patch": numbers[2],
            "prerelease": "",
            "url": format!(
                "https://github.com/astral-sh/python-build-standalone/releases/download/{BUILD}/{name}"
            ),
            "sha256": sha256,
            "variant": null,
            "build": BUILD,
        }});
        let path = self.path("downloads.json");
        fs::write(&path, list.to_string()).unwrap();
        let variable = "UV_PYTHON_DOWNLOADS_JSON_URL".to_owned();
        self.env.insert(variable, path.display().to_string());
    }

    fn expects_the_archive(&mut self) {
        let sha256 = sha256_of_file(&fs::read(self.archive()).unwrap());
        self.expects(&sha256);
    }

    fn with<T>(&self, doing: impl FnOnce(&mut Execution<'_>) -> T) -> T {
        let mut progress = Silent;
        doing(&mut Execution {
            settings: &self.settings,
            paths: &self.paths,
            options: &self.options,
            wanted: &self.wanted,
            choice: &self.choice,
            runner: Runner {
                env: self.env.clone(),
                mark: "AI_GATEWAY_INSTANCE=of-a-test".to_owned(),
                interrupts: Interrupts::catch().unwrap(),
            },
            progress: &mut progress,
        })
    }

    /// Does the step of set-up.
    fn build(&self) -> Result<(), SetupError> {
        let folder = self.wanted.folder(PYTHON.name).unwrap();
        self.with(|execution| execution.build(services::catalog(), PYTHON, folder))
    }

    fn payload(&self) -> PathBuf {
        let folder = self.wanted.folder(PYTHON.name).unwrap();
        payload_folder::folder(&self.paths, PYTHON.name, folder)
    }

    /// That nothing was left that somebody could use, and what was said.
    fn fails(&self) -> String {
        let error = self.build().unwrap_err();
        assert!(!self.payload().exists());
        chain(&error)
    }
}

#[test]
fn uv_brings_a_python_that_makes_environments() {
    let Some(mut machine) = Machine::new() else {
        return;
    };
    machine.expects_the_archive();
    machine.build().unwrap();
    assert!(payload_folder::is_complete(&machine.payload(), PYTHON));
    let environment = machine.path("environment");
    machine.with(|execution| {
        let python = execution.python().unwrap();
        assert!(python.starts_with(machine.payload().canonicalize().unwrap()));
        let venv = Call::new("making an environment", execution.uv().unwrap())
            .args(["venv", "--no-python-downloads", "--quiet", "--python"])
            .args([&python, &environment]);
        execution.run(&venv).unwrap();
    });
    let runs = Command::new(environment.join("bin/python"))
        .args(["-c", ""])
        .status();
    assert!(runs.unwrap().success());
    // Nothing was put beside it, where a person has programs.
    assert!(!machine.path("home").exists());
}

#[test]
fn an_archive_with_another_hash_is_not_used() {
    let Some(mut machine) = Machine::new() else {
        return;
    };
    machine.expects(&"0123456789abcdef".repeat(4));
    let text = machine.fails();
    for part in [
        "the machine has no Python of version 3.11 to 3.13",
        "name one with [programs] python",
        "from the mirror that UV_PYTHON_INSTALL_MIRROR names failed",
        "what was downloaded is not what",
        "Hash mismatch",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn uv_knows_the_build_and_its_hash_by_itself() {
    let Some(machine) = Machine::new() else {
        return;
    };
    // It has found the archive at the place that the build has on a mirror, and refuses what is in it.
    let text = machine.fails();
    assert!(text.contains("Hash mismatch"), "{text}");
}

#[test]
fn a_bundle_has_it_for_a_machine_without_a_network() {
    let Some(mut machine) = Machine::new() else {
        return;
    };
    machine.expects_the_archive();
    // The name has what an address has to be written in another way for.
    let (bundled, scratch) = (machine.path("on a stick, 100%"), machine.path("scratch"));
    machine
        .with(|execution| bundle(execution, &bundled, &scratch))
        .unwrap();
    let archive = bundled.join(IN_BUNDLE).join(BUILD).join(archive_name());
    assert_eq!(
        fs::read(&archive).unwrap(),
        fs::read(machine.archive()).unwrap()
    );
    fs::remove_file(machine.archive()).unwrap();
    machine.options.offline = Some(bundled);
    machine.build().unwrap();
    assert!(payload_folder::is_complete(&machine.payload(), PYTHON));
}

#[test]
fn an_offline_folder_that_lacks_the_archive_is_named() {
    let Some(mut machine) = Machine::new() else {
        return;
    };
    let offline = machine.path("offline");
    fs::create_dir_all(offline.join(IN_BUNDLE)).unwrap();
    machine.options.offline = Some(offline.clone());
    let text = machine.fails();
    let from = format!("from {} failed", offline.join(IN_BUNDLE).display());
    assert!(text.contains(&from), "{text}");
    assert!(text.contains("the offline folder, does not have"), "{text}");
}
