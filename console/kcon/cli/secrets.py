"""What must a person know, or say, before a command connects? Warnings about the settings, and passwords asked."""

import ipaddress
from typing import TYPE_CHECKING

from kcon.cli.diagnostics import Diagnostics
from kcon.cli.environment import Environment
from kcon.contexts.context import Context, split_address
from kcon.contexts.secrets import exposed_files

if TYPE_CHECKING:
    from kcon.contexts.secret import Secret


def warn_of_security(context: Context, diagnostics: Diagnostics) -> None:
    """Say loudly what is open to others with these settings."""
    security = context.security
    if security.insecure:
        diagnostics.note(
            "WARNING: insecure = true: any certificate is believed. Whoever is between this machine and the broker "
            "can read and change everything, passwords included."
        )
    elif security.uses_tls and not security.verify_host:
        diagnostics.note("WARNING: verify_host = false: a broker's certificate may be for any other host.")
    sends_secret = security.mechanism == "PLAIN" or security.uses_token
    if sends_secret and not security.uses_tls and not all(_is_here(each) for each in context.bootstrap):
        what = "token" if security.uses_token else "password"
        diagnostics.note(f"WARNING: {security.mechanism} without TLS sends the {what} in clear over the network.")
    for sentence in exposed_files(security):
        diagnostics.note(sentence)


def ask_for_secrets(context: Context, environment: Environment) -> None:
    """Ask for a password that no setting says where to find, where there is somebody to ask."""
    if environment.owns_process and environment.is_interactive:
        context.secrets.ask_missing(context.security, _ask)


def _ask(question: str) -> "Secret":
    from getpass import getpass

    from kcon.contexts.secret import Secret
    from kcon.core.wire_text import display_safe

    return Secret(getpass(display_safe(question)))


def _is_here(address: str) -> bool:
    host, _ = split_address(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
