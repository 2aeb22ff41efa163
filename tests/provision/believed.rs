//! That set-up believes nobody but its locks: no setting, no cache, no program of that name.

use std::fs;

use ai_gateway::services;

use super::machine::Machine;

/// In every file and variable something that makes an installation none, beside a mirror.
fn misled() -> Machine {
    let mut machine = Machine::new();
    let write = |path: &str, text: &str| {
        let path = machine.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        ".config/pip/pip.conf",
        "[install]\ntarget = /elsewhere\nindex-url = https://pip.example\n",
    );
    write(".pydistutils.cfg", "[install]\nprefix = /elsewhere\n");
    write(
        ".config/uv/uv.toml",
        "index-url = 'https://uv.example'\n[pip]\nno-deps = true\ntarget = '/elsewhere'\n",
    );
    write(".npmrc", "dry-run=true\nregistry=https://npm.example/\n");
    machine.variables = vec![
        ("PIP_DRY_RUN", "1"),
        ("PIP_NO_DEPS", "elsewhere"),
        ("UV_DRY_RUN", "elsewhere"),
        ("npm_config_dry_run", "true"),
        ("NPM_CONFIG_PREFIX", "/elsewhere"),
        ("PYTHONPATH", "/elsewhere"),
        ("PYTHONSTARTUP", "/elsewhere"),
        ("NODE_OPTIONS", "--require=/elsewhere"),
        ("PGHOST", "/elsewhere"),
        ("PGOPTIONS", "-c elsewhere=1"),
        ("LD_PRELOAD", "/elsewhere"),
        ("TMPDIR", "/elsewhere"),
        ("https_proxy", "http://proxy.example"),
        ("PIP_TRUSTED_HOST", "pip.example"),
    ];
    machine
}

#[test]
fn no_setting_but_where_packages_come_from_reaches_what_is_run() {
    let machine = misled();
    machine.setup().unwrap();
    for tool in ["pip", "uv", "npm"] {
        let seen = fs::read_to_string(machine.path(&format!("environment-of-{tool}"))).unwrap();
        assert!(!seen.contains("elsewhere"), "{tool}: {seen}");
        assert!(!seen.to_lowercase().contains("dry"), "{tool}: {seen}");
        let of = |name: &str| {
            let line = seen.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.strip_prefix('=')).unwrap_or("")
        };
        assert_eq!(of("PIP_INDEX_URL"), "https://pip.example", "{tool}");
        assert_eq!(of("PIP_TRUSTED_HOST"), "pip.example", "{tool}");
        assert_eq!(of("PIP_CONFIG_FILE"), "/dev/null", "{tool}");
        assert_eq!(of("https_proxy"), "http://proxy.example", "{tool}");
        for ours in [
            "HOME",
            "TMPDIR",
            "UV_CONFIG_FILE",
            "UV_CACHE_DIR",
            "npm_config_userconfig",
        ] {
            let value = of(ours).to_owned();
            let state = machine.paths().state.display().to_string();
            assert!(value.starts_with(&state), "{tool}: {ours} is {value}");
        }
    }
    assert!(
        !machine.paths().state.join("setup-tmp").exists(),
        "nothing of it is left"
    );
}

#[test]
fn a_program_of_that_name_on_path_is_not_run() {
    let machine = Machine::new();
    machine.setup().unwrap();
    let calls = machine.calls();
    assert!(
        !calls.iter().any(|call| call.starts_with("stranger")),
        "{calls:?}"
    );
    assert!(
        calls.iter().any(|call| call.starts_with("uv pip sync")),
        "{calls:?}"
    );
}

/// Set-up ends with an error, and once that is over it succeeds.
fn refused(what: &str, shell: &str, told: &str) {
    let machine = Machine::new();
    machine.when(what, shell);
    let error = machine.setup().unwrap_err().to_string();
    assert!(error.contains(told), "{error}");
    machine.when_as_usual(what);
    machine.setup().unwrap();
}

#[test]
fn an_installation_that_installs_nothing_is_not_called_complete() {
    let nothing = r#"rm -rf "$folder"/lib/python3.11/site-packages/*"#;
    refused("litellm", nothing, "litellm: the package ");
    refused("npm", "exit 0", "engine: node_modules/");
}

#[test]
fn a_file_that_is_not_its_packages_is_refused() {
    refused(
        "open-webui",
        r#"echo evil >"$folder/lib/python3.11/site-packages/open_webui/__init__.py"
set -- "$folder"/lib/python3.11/site-packages/open-webui-*.dist-info/RECORD
echo "open_webui/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0" >>"$1""#,
        "__init__.py is not the file of its package",
    );
}

#[test]
fn what_was_taken_away_later_is_noticed_and_made_again() {
    let machine = Machine::new();
    let installed = machine.setup().unwrap();
    let file = installed.payloads["litellm"]
        .join("lib/python3.11/site-packages/litellm/proxy/db/create_views.py");
    fs::remove_file(&file).unwrap();
    let lost = machine.plan().steps;
    assert_eq!(lost.len(), 1, "{lost:?}");
    machine.setup().unwrap();
    assert!(file.exists());

    fs::remove_dir_all(installed.payloads["engine"].join("node_modules/pg")).unwrap();
    assert_eq!(machine.plan().steps.len(), 1);
    machine.setup().unwrap();
    assert_eq!(machine.plan().steps, []);

    // A uv that is another one is not run.
    let tools = machine.paths().payloads().join("tools/current/bin/uv");
    fs::write(&tools, "#!/bin/sh\nexit 1\n").unwrap();
    fs::remove_file(&file).unwrap();
    machine.setup().unwrap();
    assert_eq!(
        services::installed(&machine.paths(), &machine.settings),
        Ok(installed)
    );
}
