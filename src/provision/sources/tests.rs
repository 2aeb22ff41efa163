use super::*;
use crate::fs::regular::tests::{at_once, pipe_at};

#[test]
fn of_pips_files_only_where_packages_come_from_gets_through() {
    let system = "[global]\nindex-url = https://mirror.example/simple\ntarget = /elsewhere\n\
                  trusted-host =\n    a.example\n    b.example\n[install]\ndry-run = true\n";
    let user = "# mine\n[global]\ntimeout: 60\nno-deps = true\n[install]\n\
                index_url = https://mine.example/simple\nprefix=/opt\n[list]\nindex-url = no\n";
    let found = pip(&[system.into(), user.into()]);
    let found: Vec<_> = found.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(
        found,
        [
            "PIP_INDEX_URL=https://mine.example/simple",
            "PIP_TIMEOUT=60",
            "PIP_TRUSTED_HOST=a.example b.example"
        ]
    );
}

#[test]
fn of_uvs_files_the_same_and_lists_are_joined() {
    let system = "index-url = 'https://weak.example'\nno-build-isolation = true\n\
                  extra-index-url = ['https://a.example']\n";
    let user = "index-url = 'https://strong.example'\nextra-index-url = ['https://b.example']\n\
                cache-dir = '/tmp/x'\n[pip]\ntarget = '/elsewhere'\nno-deps = true\n\
                native-tls = true\npython-install-mirror = 'https://p.example'\n\
                python-downloads-json-url = 'https://j.example'\n[[index]]\nname = 'n'\nurl = 'https://n.example'\n";
    let merged: toml::Table = uv(&[system.into(), user.into(), "= broken".into()])
        .parse()
        .unwrap();
    assert_eq!(merged["index-url"].as_str(), Some("https://strong.example"));
    let extra = merged["extra-index-url"].as_array().unwrap();
    assert_eq!(extra[0].as_str(), Some("https://b.example"));
    assert_eq!(merged["native-tls"].as_bool(), Some(true));
    assert_eq!(merged["index"].as_array().unwrap().len(), 1);
    let names: Vec<_> = merged.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "extra-index-url",
            "index",
            "index-url",
            "native-tls",
            "python-install-mirror"
        ]
    );
}

#[test]
fn of_npms_files_the_same_and_credentials_are_written_out() {
    let file = "registry = https://r.example/\ndry-run=true\nomit=prod\n; a comment\n\
                //r.example/:_authToken=${TOKEN}\n//r.example/:always-auth=true\n\
                @ours:registry=https://o.example/\nprefix=/opt\nca[]=x${NONE?}\nproxy=${NONE}\n";
    let token = |name: &str| (name == "TOKEN").then(|| "t0k".to_owned());
    assert_eq!(
        npm(&[file.into()], &token),
        "registry=https://r.example/\n//r.example/:_authToken=t0k\n\
         @ours:registry=https://o.example/\nca[]=x\nproxy=${NONE}\n"
    );
}

#[test]
fn of_variables_the_same() {
    let through = [
        ("PIP_INDEX_URL", "u"),
        ("PIP_FIND_LINKS", "/w"),
        ("PIP_DEFAULT_TIMEOUT", "180"),
        ("UV_DEFAULT_INDEX", "u"),
        ("UV_PYTHON_INSTALL_MIRROR", "m"),
        ("UV_INDEX_OURS_PASSWORD", "p"),
        ("npm_config_registry", "r"),
        ("NPM_CONFIG_HTTPS_PROXY", "p"),
        ("npm_config_//r.example/:_authToken", "t"),
    ];
    let not = [
        ("PIP_DRY_RUN", "1"),
        ("PIP_TARGET", "/t"),
        ("PIP_NO_DEPS", "1"),
        ("PIP_PLATFORM", "win32"),
        ("PIP_CONFIG_FILE", "/f"),
        ("UV_CACHE_DIR", "/c"),
        ("UV_DRY_RUN", "1"),
        ("UV_NO_VERIFY_HASHES", "1"),
        ("UV_PYTHON", "3.9"),
        ("UV_PYTHON_DOWNLOADS_JSON_URL", "file:///j"),
        ("npm_config_dry_run", "true"),
        ("NPM_CONFIG_PREFIX", "/p"),
        ("npm_config_userconfig", "/u"),
        ("npm_config_script_shell", "/s"),
    ];
    let environment = Environment::new(through.into_iter().chain(not));
    let names: Vec<_> = variables_of(&environment).into_keys().collect();
    let mut wanted: Vec<_> = through.iter().map(|(name, _)| (*name).to_owned()).collect();
    wanted.sort();
    assert_eq!(names, wanted);
}

#[test]
fn files_are_looked_for_where_the_package_managers_do() {
    let environment = Environment::new([("HOME", "/h"), ("XDG_CONFIG_HOME", "/c")]);
    let named = |files: Vec<PathBuf>| files.last().unwrap().display().to_string();
    assert_eq!(named(pip_files(&environment)), "/c/pip/pip.conf");
    assert_eq!(named(uv_files(&environment)), "/c/uv/uv.toml");
    assert_eq!(named(npm_files(&environment)), "/h/.npmrc");
    let other = Environment::new([
        ("PIP_CONFIG_FILE", "/dev/null"),
        ("UV_CONFIG_FILE", "/u.toml"),
        ("npm_config_userconfig", "/n"),
    ]);
    assert!(pip_files(&other).is_empty());
    assert_eq!(uv_files(&other), [PathBuf::from("/u.toml")]);
    assert_eq!(named(npm_files(&other)), "/n");
}

#[test]
fn what_is_no_file_says_nothing_and_is_not_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let at = |path: &str| home.path().join(path);
    std::fs::create_dir_all(at(".config/pip")).unwrap();
    std::fs::create_dir_all(at(".config/uv")).unwrap();
    for file in [".config/pip/pip.conf", ".config/uv/uv.toml", ".npmrc"] {
        pipe_at(&at(file));
    }
    let variables = [
        ("HOME", home.path().to_str().unwrap()),
        ("XDG_CONFIG_DIRS", home.path().to_str().unwrap()),
        ("npm_config_globalconfig", "/dev/zero"),
    ];
    let environment = Environment::new(variables);
    let sources = at_once(move || Sources::of(&environment));
    assert_eq!(sources.npmrc, "");
}
