//! The help of `admin` and its verbs.

use super::*;

#[test]
fn the_help_of_admin() {
    let help = |verb: &str| Bench::new().run(&format!("{verb} --help"));
    for verb in ["admin", "admin promote", "admin reset-password"] {
        assert!(help(verb).starts_with("exit: 0\n"), "{verb}");
    }
    assert_snapshot!(help("admin list"), @"
    exit: 0
    --- stdout ---
    List the accounts, the oldest first

    Usage: ai-gateway admin list [OPTIONS]

    Options:
          --json  Print a JSON array
      -h, --help  Print help
    ");
    assert_snapshot!(help("admin create"), @"
    exit: 0
    --- stdout ---
    Make an account

    Asks for the password without showing it; Enter makes one up and prints it.

    Usage: ai-gateway admin create [OPTIONS] <EMAIL>

    Arguments:
      <EMAIL>
              The e-mail address by which it signs in

    Options:
          --name <NAME>
              The name that others see; otherwise what the address begins with

          --role <ROLE>
              What it may do

              Possible values:
              - admin: Everything, the settings of Open WebUI included
              - user:  Chats
              
              [default: admin]

          --password-stdin
              Read the password from the first line of standard input

          --generate
              Make a password up and print it

      -h, --help
              Print help (see a summary with '-h')
    ");
}
