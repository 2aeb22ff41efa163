//! The help as it is printed: what it promises is a contract.

mod admin;
mod manual;

use insta::assert_snapshot;

use crate::bench::Bench;

#[test]
fn the_help_of_the_whole() {
    assert_snapshot!(Bench::new().run("--help"), @"
    exit: 0
    --- stdout ---
    Run a self-hosted AI gateway without containers

    PostgreSQL, LiteLLM, Open WebUI and nginx as native processes under one
    supervisor.

    Usage: ai-gateway <COMMAND>

    Commands:
      setup        Install LiteLLM and Open WebUI, make the database and the keys
      run          Run the gateway in the foreground
      start        Start everything, or one service
      stop         Stop everything, or one service
      restart      Stop and start everything, or one service
      reload       Read the configuration again, or a service its files
      status       Show what runs and what it takes
      logs         Show what the services and the daemon say
      why          Explain a service's current state
      blame        Show where the time of the last start went
      doctor       Look at what this machine offers and lacks
      ask          Ask a model one question
      key          Show the first logins and the API's master key
      admin        List and change Open WebUI's accounts
      budget       Show or set what may be spent at the providers in 30 days
      profile      Show or set how much the services may use
      config       Check, show, change or explain the configuration
      secret       Keep secrets of your own: keys of providers, passwords
      unit         Print the systemd unit
      version      Print the versions of this program, LiteLLM and Open WebUI
      completions  Print completions for a shell
      man          Write the manual pages into a folder

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Environment:
      AI_GATEWAY_HOME  the folder of the whole gateway: gateway.toml, state and run
      NO_COLOR         no colours

    Exit codes:
      0   done
      1   failed
      2   usage
      69  not running
      77  not permitted
      78  bad configuration
      130 interrupted by Ctrl-C, 131 by Ctrl-\\
      143 ended by SIGTERM, 129 by a closed terminal
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is what is printed")]
fn the_help_of_each_verb() {
    let bench = Bench::new();
    let help = |verb: &str| bench.run(&format!("{verb} --help"));
    assert_snapshot!(help("setup"), @"
    exit: 0
    --- stdout ---
    Install LiteLLM and Open WebUI, make the database and the keys

    Downloads what is missing, each package checked against its hash, into the
    gateway's own folder. It may be cut off anywhere and run again; with nothing
    left to do it is done at once.

    On a terminal it proposes a profile, a budget and a port first, shows its plan,
    and asks whether to go on.

    Usage: ai-gateway setup [OPTIONS]

    Options:
      -y, --yes
              Ask nothing, and take what would be proposed

          --profile <NAME>
              How much the services may use: tiny, small, medium, large or local

          --budget <BUDGET>
              What may be spent in 30 days: test, prod, unlimited or US dollars

          --port <N>
              The port of Open WebUI and the API

          --admin-port <N>
              The port of LiteLLM's own API and its admin page

          --admin-email <EMAIL>
              The e-mail address of Open WebUI's first account, the administrator's

          --admin-name <NAME>
              The name of that account

          --admin-password-stdin
              Read that account's password from standard input, and ask nothing

          --offline <DIR>
              Install from this folder and not from the network

          --accept-salt-key
              Go on with a new salt key, although the providers' keys that were
              saved can then not be read again and have to be entered anew
              
              For a salt key that was lost or changed and is in no backup. A file
              that is there is taken as it is; one that is missing or empty is made.

          --dry-run
              Say what would be done, and do nothing

      -h, --help
              Print help (see a summary with '-h')
    ");
    assert_snapshot!(help("budget"), @"
    exit: 0
    --- stdout ---
    Show or set what may be spent at the providers in 30 days

    Without a value, shows it, where it comes from, what was spent of it and when it
    starts anew. With one, writes it to gateway.toml, and a daemon that runs takes
    it up.

    Usage: ai-gateway budget [OPTIONS] [test|prod|unlimited|AMOUNT]

    Arguments:
      [test|prod|unlimited|AMOUNT]
              test (15 US dollars), prod (200), unlimited (1000), or an amount

    Options:
          --json
              Print one JSON object

      -h, --help
              Print help (see a summary with '-h')
    ");
    assert_snapshot!(help("profile"), @"
    exit: 0
    --- stdout ---
    Show or set how much the services may use

    Without a name, shows the profiles, which one is in effect, and what fits this
    machine. With one, writes it to gateway.toml, and a daemon that runs takes it
    up.

    Usage: ai-gateway profile [OPTIONS] [NAME]

    Arguments:
      [NAME]
              tiny, small, medium, large, or local, which limits nothing

    Options:
          --json
              Print one JSON object

      -h, --help
              Print help (see a summary with '-h')
    ");
    assert_snapshot!(help("doctor"), @"
    exit: 0
    --- stdout ---
    Look at what this machine offers and lacks

    Changes nothing. Each finding is ok, a warning (the gateway runs, and something
    is worse than it could be) or a problem (it does not run, or is not safe), with
    why it matters and the command that fixes it.

    Exits with 0 if there is no problem and with 1 if there is one.

    Usage: ai-gateway doctor [OPTIONS]

    Options:
          --json
              Print a JSON list: id, level, found, why and fix of each finding

      -h, --help
              Print help (see a summary with '-h')
    ");
    assert_snapshot!(help("config"), @"
    exit: 0
    --- stdout ---
    Check, show, change or explain the configuration

    Usage: ai-gateway config <COMMAND>

    Commands:
      check    Find everything that is wrong with it, ports that are taken included
      show     Show every value that is in effect, and where it comes from
      set      Set one key in gateway.toml, if the result is valid
      example  Print a gateway.toml with every key that there is, explained

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("run"), @"
    exit: 0
    --- stdout ---
    Run the gateway in the foreground

    This is what the units run. Ctrl-C or SIGTERM stops everything in order, SIGHUP
    reads the configuration again. What the services say goes to the journal where
    there is one, otherwise to the terminal and to files that 'ai-gateway logs'
    shows.

    Usage: ai-gateway run

    Options:
      -h, --help
              Print help (see a summary with '-h')
    ");
    assert_snapshot!(help("start"), @"
    exit: 0
    --- stdout ---
    Start everything, or one service

    Returns when all is ready. Without SERVICE the daemon is started, through
    systemd where a unit is installed, in the background otherwise; what was stopped
    or has failed is started again. Ends with 1 as soon as a service has failed for
    good: the others go on.

    With SERVICE, it and what it needs.

    Usage: ai-gateway start [SERVICE]

    Arguments:
      [SERVICE]
              The service; without it, all of them

    Options:
      -h, --help
              Print help (see a summary with '-h')
    ");
    assert_snapshot!(help("stop"), @"
    exit: 0
    --- stdout ---
    Stop everything, or one service

    Services go down in order, those that others need last, and each ends what it
    has begun. What was stopped stays down until it is started again.

    Without SERVICE the daemon ends too, through systemd where a unit is installed.

    Usage: ai-gateway stop [SERVICE]

    Arguments:
      [SERVICE]
              The service; without it, all of them

    Options:
      -h, --help
              Print help (see a summary with '-h')
    ");
    assert_snapshot!(help("restart"), @"
    exit: 0
    --- stdout ---
    Stop and start everything, or one service

    Without SERVICE the configuration is read again; one that is not valid restarts
    nothing. A single service restarts with the configuration that is in effect:
    'ai-gateway reload' applies another one.

    Services that need the one that restarts are not restarted with it.

    Usage: ai-gateway restart [SERVICE]

    Arguments:
      [SERVICE]
              The service; without it, all of them

    Options:
      -h, --help
              Print help (see a summary with '-h')
    ");
    assert_snapshot!(help("reload"), @"
    exit: 0
    --- stdout ---
    Read the configuration again, or a service its files

    Each service takes up what has changed with the least that does it: limits hold
    at once, a service that can read its files again does so and loses no
    connection, and only what takes a new process restarts. A configuration that is
    wrong changes nothing: everything goes on with the old one, and the errors are
    printed.

    Usage: ai-gateway reload [OPTIONS] [SERVICE]

    Arguments:
      [SERVICE]
              The service; without it, the configuration is read again

    Options:
          --dry-run
              Change nothing, and say what a reload would do to each service, and
              each changed key alone

          --json
              With --dry-run, print one JSON object

      -h, --help
              Print help (see a summary with '-h')
    ");
    assert_snapshot!(help("status"), @"
    exit: 0
    --- stdout ---
    Show what runs and what it takes

    Shows each service's state and since when, its restarts, its memory against its
    limit and its CPU, the addresses, and why something is not as it should be, a
    full disk or too few open files included.

    Exits with 69 if ai-gateway is not running, or has only begun to start.

    Usage: ai-gateway status [OPTIONS]

    Options:
          --json
              Print one JSON object; with --watch, one a line for each change

      -w, --watch
              Keep showing it until Ctrl-C

      -h, --help
              Print help (see a summary with '-h')
    ");
    assert_snapshot!(help("logs"), @"
    exit: 0
    --- stdout ---
    Show what the services and the daemon say

    From the journal where a unit is installed, otherwise from the gateway's own
    files. Times are in UTC. The daemon's own log is called ai-gateway.

    Usage: ai-gateway logs [OPTIONS] [SERVICE]

    Arguments:
      [SERVICE]
              The service, or ai-gateway; without it, all of them

    Options:
      -f, --follow
              Go on with new lines until Ctrl-C

      -n, --lines <N>
              Begin with the last N lines
              
              [default: 100]

          --json
              Print one JSON object a line

      -h, --help
              Print help (see a summary with '-h')
    ");
    assert_snapshot!(help("blame"), @r#"
    exit: 0
    --- stdout ---
    Show where the time of the last start went

    Shows for each service how long it took from its launch until it was ready, the
    slowest first: the wait for what it requires (which does not count), the imports
    and the start of an application in Python, the time until its probe passed, and
    the command that runs after that. Below is the chain of services that the whole
    start waited for: "@" is when a service was ready, "+" is how long that took.

    With SERVICE, the steps of its newest start. Exits with 69 if ai-gateway is not
    running.

    Usage: ai-gateway blame [OPTIONS] [SERVICE]

    Arguments:
      [SERVICE]
              The service; without it, the last start of everything

    Options:
          --json
              Print one JSON object

      -h, --help
              Print help (see a summary with '-h')
    "#);
    assert_snapshot!(help("why"), @"
    exit: 0
    --- stdout ---
    Explain a service's current state

    Shows the latest changes of its state, the oldest first, each with the reason:
    an exit and its code, a signal, out of memory, a probe that failed and what it
    said, or somebody's request.

    Usage: ai-gateway why [OPTIONS] <SERVICE>

    Arguments:
      <SERVICE>
              The service

    Options:
          --json
              Print one JSON object

      -h, --help
              Print help (see a summary with '-h')
    ");
    assert_snapshot!(help("key"), @r#"
    exit: 0
    --- stdout ---
    Show the first logins and the API's master key

    On a terminal the values are shown; elsewhere only the files that hold them,
    unless a value is asked for by its name, with --show or with --json:

    curl -H "Authorization: Bearer $(ai-gateway key api)" …

    Open WebUI's login is the account that set-up has made, the admin page's the one
    that LiteLLM's first start has made; a password that was changed in the browser
    is not known here. The master key may do everything: make keys of their own for
    people and programs on the admin page.

    Usage: ai-gateway key [OPTIONS] [NAME]

    Arguments:
      [NAME]
              Print this value and nothing else

              Possible values:
              - password: The password of LiteLLM's admin page
              - api:      The master key of the API
              - webui:    The password that Open WebUI's first account was made with

    Options:
          --show
              Show the values, wherever the output goes

          --json
              Print one JSON object, with the values

      -h, --help
              Print help (see a summary with '-h')
    "#);
}

#[test]
fn no_verb_is_a_wrong_command_line() {
    let seen = Bench::new().run("");
    assert!(seen.starts_with("exit: 2\n--- stderr ---\n"), "{seen}");
}

#[test]
fn the_version() {
    let seen = Bench::new().run("version");
    let wanted = format!(
        "exit: 0\n--- stdout ---\nai-gateway {}\nLiteLLM ",
        env!("CARGO_PKG_VERSION")
    );
    assert!(seen.starts_with(&wanted), "{seen}");
    assert!(seen.contains("\nOpen WebUI "), "{seen}");
    let bench = Bench::new();
    std::fs::create_dir_all(bench.home().join("state/payloads/litellm")).unwrap();
    let link = bench.home().join("state/payloads/litellm/current");
    std::os::unix::fs::symlink("1.2.3-01234567", link).unwrap();
    let json: serde_json::Value = serde_json::from_str(&bench.answer("version --json")).unwrap();
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    let litellm = serde_json::json!({ "version": "1.2.3", "installed": true });
    assert_eq!(json["parts"]["litellm"], litellm);
    assert_eq!(json["parts"]["open_webui"]["installed"], false);
}
