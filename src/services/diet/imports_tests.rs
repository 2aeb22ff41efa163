//! The measures of imports, by Python, on packages that are laid out as those that are installed.

use super::tests::run;

const TYPES: &str = "\
# File generated.

from __future__ import annotations

from .batch import (
    Batch as Batch,
    Error as BatchError,
)
from .shared import Shared as Shared
";

fn types(source: &str, measures: &str, script: &str) -> String {
    let files = [
        ("mcp/__init__.py", ""),
        ("mcp/types/__init__.py", source),
        (
            "mcp/types/batch.py",
            "print('batch')\nclass Batch: pass\nclass Error: pass\n",
        ),
        (
            "mcp/types/shared/__init__.py",
            "from .deep import Shared as Shared\n",
        ),
        (
            "mcp/types/shared/deep.py",
            "print('deep')\nclass Shared: pass\n",
        ),
    ];
    let script =
        format!("import diet_imports, mcp.types\nprint('imported')\n{script}\nprint('end')");
    run(&files, measures, &script)
}

#[test]
fn a_package_that_passes_names_on_imports_what_is_asked_for() {
    for (ask, said) in [
        ("", ""),
        (
            "from mcp.types import Shared; assert Shared.__name__ == 'Shared'",
            "deep\n",
        ),
        ("assert mcp.types.BatchError.__name__ == 'Error'", "batch\n"),
        ("assert mcp.types.batch.Batch is mcp.types.Batch", "batch\n"),
        ("from mcp.types import *; Batch, Shared", "batch\ndeep\n"),
        ("assert {'Batch', 'shared'} <= set(dir(mcp.types))", ""),
        ("assert not hasattr(mcp.types, 'Absent')", ""),
        (
            "import pickle; pickle.loads(pickle.dumps(mcp.types.Batch()))",
            "batch\n",
        ),
    ] {
        assert_eq!(
            types(TYPES, "lazy_modules", ask),
            format!("imported\n{said}end\n"),
            "{ask}"
        );
        assert_eq!(types(TYPES, "", ask), "batch\ndeep\nimported\nend\n");
    }
}

#[test]
fn a_package_that_does_more_is_imported_as_ever_with_a_warning() {
    for more in [
        "size = len('a')\n",
        "from .batch import *\n",
        "from .batch import Batch as shared\n",
        "from ..types.batch import Batch as Again\n",
    ] {
        let said = types(&format!("{TYPES}{more}"), "lazy_modules", "");
        assert!(said.contains("batch\ndeep\nimported\nend\n"), "{said}");
        let warning = "WARNING: the diet's lazy_modules is skipped: @/mcp/types/__init__.py is not";
        assert!(said.contains(warning), "{more}: {said}");
    }
}

#[test]
fn audio_is_imported_when_it_is_asked_for() {
    let files = [
        ("soundfile.py", "print('soundfile')\nimport numpy\n"),
        ("numpy.py", "print('numpy')\n"),
    ];
    let script = "import diet_imports, soundfile
print('imported')
assert soundfile.numpy.__name__ == 'numpy'";
    let parts = |measures| run(&files, measures, script);
    assert_eq!(parts(""), "soundfile\nnumpy\nimported\n");
    assert_eq!(parts("lazy_audio"), "imported\nsoundfile\nnumpy\n");
}

const TOOLS: &str = "\
from tools_types import Role
from tools_types import Role as SamplingRole
from . import types as types
from .client.client import Client
from .shared.auth import Token
__all__ = ['Client', 'Role', 'SamplingRole', 'Token', 'types']
";

fn tools(package: &str, measures: &str, script: &str) -> String {
    // The measure is for packages by their names: these stand for two of them.
    let package = package.replace("tools", "mcp");
    let files = [
        ("mcp/__init__.py", package.as_str()),
        (
            "mcp/client/__init__.py",
            "\"\"\"The client.\"\"\"\nfrom mcp.client.client import Client\n",
        ),
        (
            "mcp/client/client.py",
            "print('client')\nclass Client: pass\n",
        ),
        ("mcp/shared/__init__.py", ""),
        ("mcp/shared/auth.py", "print('auth')\nclass Token: pass\n"),
        (
            "mcp/types/__init__.py",
            "from mcp_types import *\nfrom mcp_types import __all__ as __all__\nfrom . import methods as methods\n",
        ),
        ("mcp/types/methods.py", "print('methods')\n"),
        (
            "mcp_types/__init__.py",
            "print('types')\nclass Role: pass\nsecret = 1\n__all__ = ['Role']\n",
        ),
    ];
    let script = format!("import diet_imports\nprint('imported')\n{script}\nprint('end')");
    run(&files, measures, &script)
}

#[test]
fn packages_of_the_table_import_what_is_asked_for() {
    for (ask, said) in [
        ("import mcp", ""),
        ("from mcp.shared.auth import Token", "auth\n"),
        ("import mcp; assert mcp.shared.auth.Token", "auth\n"),
        (
            "from mcp import Client; import mcp; assert Client is mcp.client.Client",
            "client\n",
        ),
        (
            "from mcp import Role, SamplingRole; assert Role is SamplingRole",
            "types\n",
        ),
        (
            "import mcp.types as t; assert t.Role and t.__all__ == ['Role'] and not hasattr(t, 'secret')",
            "types\n",
        ),
        (
            "import mcp; assert mcp.types.methods.__name__ == 'mcp.types.methods'",
            "types\nmethods\n",
        ),
        (
            "from mcp import *; Client, Role, SamplingRole, Token, types.Role",
            "client\ntypes\nauth\n",
        ),
        (
            "import mcp; assert not hasattr(mcp, 'absent') and not hasattr(mcp, '__wrapped__')",
            "",
        ),
        (
            "import mcp.client; assert mcp.client.__doc__ == 'The client.'",
            "",
        ),
    ] {
        assert_eq!(
            tools(TOOLS, "lazy_modules", ask),
            format!("imported\n{said}end\n"),
            "{ask}"
        );
        let usual = tools(TOOLS, "", ask);
        assert!(
            usual.contains("imported\ntypes\n") && usual.ends_with("end\n"),
            "{ask}: {usual}"
        );
    }
}

#[test]
fn a_package_of_the_table_that_does_more_is_imported_as_ever_with_a_warning() {
    for more in [
        "print('more')\n",
        "import json\n",
        "from .client import *\n",
        "size = len('a')\n",
    ] {
        let said = tools(&format!("{TOOLS}{more}"), "lazy_modules", "import mcp");
        let warning = "WARNING: the diet's lazy_modules is skipped: @/mcp/__init__.py is not laid";
        assert!(
            said.contains(warning) && said.contains("types\n"),
            "{more}: {said}"
        );
    }
}

const HTTPX: &str = "\
import sys

try:
    from ._main import main
except ImportError:
    def main(): return 'not installed'
def get(): pass
__all__ = ['get', 'main']
__locals = locals()
for __name in __all__:
    if not __name.startswith(\"__\"):
        setattr(__locals[__name], \"__module__\", \"httpx\")  # noqa
";

const MAIN: &str = "\
import rich
class Main:
    def __call__(self, argument): return argument
main = Main()
";

/// What is printed when `ask` is executed with httpx imported, where these packages are installed.
fn httpx(source: &str, installed: &[&str], measures: &str, ask: &str) -> String {
    let packages: Vec<_> = installed.iter().map(|name| format!("{name}.py")).collect();
    let mut files = vec![("httpx/__init__.py", source), ("httpx/_main.py", MAIN)];
    files.extend(
        packages
            .iter()
            .map(|path| (path.as_str(), "print('rich')\n")),
    );
    let script = format!("import diet_imports, httpx\nprint('imported')\n{ask}");
    run(&files, measures, &script)
}

/// Each way to ask for the command line, in a process that has not asked for it yet.
const WAYS: [&str; 8] = [
    "print(httpx.main('--help'), type(httpx.main).__name__, httpx.main.__module__)",
    "from httpx import main; print(main('x'), main is httpx.main)",
    "from httpx import *; print(main('x'), get.__module__)",
    "import httpx._main; print(httpx._main.main is httpx.main, httpx.main.__module__)",
    "print(httpx._main.main is httpx.main, httpx.main.__module__)",
    "print(vars(httpx)['main']('x'), type(httpx).__name__)",
    "print('main' in dir(httpx), '_main' in dir(httpx), hasattr(httpx, 'absent'))",
    "import unittest.mock
with unittest.mock.patch('httpx.main', 1): print(httpx.main)
print(httpx.main('x'))",
];

#[test]
fn a_command_line_is_imported_when_it_is_asked_for_and_is_the_same() {
    let packages = ["rich", "click", "pygments"];
    for way in WAYS {
        let without = httpx(HTTPX, &packages, "", way);
        let said = without.strip_prefix("rich\nimported\n").unwrap();
        assert_eq!(
            httpx(HTTPX, &packages, "lazy_modules", way),
            format!("imported\nrich\n{said}"),
            "{way}"
        );
    }
}

#[test]
fn a_command_line_that_lacks_a_package_is_what_it_would_be() {
    let way = "print(httpx.main(), httpx.main.__module__)";
    for measures in ["", "lazy_modules"] {
        let said = httpx(HTTPX, &["click", "pygments"], measures, way);
        assert_eq!(said, "imported\nnot installed httpx\n");
    }
}

#[test]
fn an_httpx_that_imports_its_command_line_in_another_way_is_left_alone_with_a_warning() {
    let other = HTTPX.replace("import main\n", "import main as main\n");
    let said = httpx(
        &other,
        &["rich", "click", "pygments"],
        "lazy_modules",
        WAYS[0],
    );
    assert!(said.contains("rich\nimported\n"), "{said}");
    let warning = "WARNING: the diet's lazy_modules is skipped: @/httpx/__init__.py is not laid out as it was";
    assert!(said.contains(warning), "{said}");
}
