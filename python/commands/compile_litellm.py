"""Lets Python keep the bytecode of what LiteLLM's start imports.

Set-up has it executed after the diet's own module, in one text, so that this import is small too.
"""

import litellm.proxy.proxy_server  # noqa: F401
