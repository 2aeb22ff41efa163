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
        ("openai/__init__.py", "from . import types"),
        ("openai/types/__init__.py", source),
        (
            "openai/types/batch.py",
            "print('batch')\nclass Batch: pass\nclass Error: pass\n",
        ),
        (
            "openai/types/shared/__init__.py",
            "from .deep import Shared as Shared\n",
        ),
        (
            "openai/types/shared/deep.py",
            "print('deep')\nclass Shared: pass\n",
        ),
    ];
    let script = format!("import diet_imports, openai\nprint('imported')\n{script}\nprint('end')");
    run(&files, measures, &script)
}

#[test]
fn a_package_that_passes_names_on_imports_what_is_asked_for() {
    for (ask, said) in [
        ("", ""),
        (
            "from openai.types import Shared; assert Shared.__name__ == 'Shared'",
            "deep\n",
        ),
        (
            "assert openai.types.BatchError.__name__ == 'Error'",
            "batch\n",
        ),
        (
            "assert openai.types.batch.Batch is openai.types.Batch",
            "batch\n",
        ),
        ("from openai.types import *; Batch, Shared", "batch\ndeep\n"),
        ("assert {'Batch', 'shared'} <= set(dir(openai.types))", ""),
        ("assert not hasattr(openai.types, 'Absent')", ""),
        (
            "import pickle; pickle.loads(pickle.dumps(openai.types.Batch()))",
            "batch\n",
        ),
    ] {
        assert_eq!(
            types(TYPES, "lazy_openai", ask),
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
        let said = types(&format!("{TYPES}{more}"), "lazy_openai", "");
        assert!(said.contains("batch\ndeep\nimported\nend\n"), "{said}");
        let warning =
            "WARNING: the diet's lazy_openai is skipped: @/openai/types/__init__.py is not";
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

fn httpx(source: &str, measures: &str) -> String {
    let files = [
        (
            "httpx/__init__.py",
            "try:\n    from ._main import main\nexcept ImportError:\n    main = None\n",
        ),
        ("httpx/_main.py", source),
    ];
    let script = "import diet_imports, httpx
print('imported')
print(httpx.main('--help'), httpx.main.__name__, httpx._main.size)";
    run(&files, measures, script)
}

#[test]
fn a_command_line_is_imported_when_it_is_called() {
    let source = "print('rich')\nsize = 1\ndef main(argument):\n    return argument\n";
    assert_eq!(httpx(source, ""), "rich\nimported\n--help main 1\n");
    assert_eq!(
        httpx(source, "lazy_modules"),
        "imported\nrich\n--help main 1\n"
    );
    let other = source.replace("def main(argument)", "def other(argument)") + "main = other\n";
    let said = httpx(&other, "lazy_modules");
    assert!(said.starts_with("rich\nimported\n"), "{said}");
    let warning = "WARNING: the diet's lazy_modules is skipped: @/httpx/_main.py is not laid";
    assert!(said.contains(warning), "{said}");
}
