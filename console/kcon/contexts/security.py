"""How does a context prove who we are, and check who they are? The settings, and whether they fit together.

Holds where a secret is found, never the secret.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal

from kcon.errors import UsageError

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]

PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
OAUTHBEARER: Final = "OAUTHBEARER"
PASSWORD_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
AWS_MSK_IAM: Final = "AWS_MSK_IAM"
"""Amazon MSK's own: OAUTHBEARER on the wire, with a token signed by the AWS credentials of this machine."""
MECHANISMS: Final = (*PASSWORD_MECHANISMS, OAUTHBEARER, AWS_MSK_IAM)

PASSWORD_PLACES: Final = ("password_env", "password_file", "password_cmd", "keyring")
KEY_PASSWORD_PLACES: Final = ("key_password_env", "key_password_file", "key_password_cmd")
CA_PASSWORD_PLACES: Final = ("ca_password_env", "ca_password_file", "ca_password_cmd")
TOKEN_PLACES: Final = ("token_env", "token_file", "token_cmd", "token_url")
PLACES: Final = (PASSWORD_PLACES, KEY_PASSWORD_PLACES, CA_PASSWORD_PLACES, TOKEN_PLACES)
"""Settings that say where one secret is; of each group, the one of the most specific source counts."""

_AWS_SETTINGS: Final = ("aws_region", "aws_profile")
_SASL_SETTINGS: Final = (
    *("mechanism", "username", *PASSWORD_PLACES, *TOKEN_PLACES, "client_id", "scope"),
    *_AWS_SETTINGS,
)
_TLS_SETTINGS: Final = (
    *("ca", *CA_PASSWORD_PLACES, "cert", "key", "keystore", *KEY_PASSWORD_PLACES),
    *("insecure", "verify_host"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """The security settings of one context. Paths may begin with `~`."""

    protocol: SecurityProtocol = "PLAINTEXT"
    mechanism: str | None = None
    """A SASL mechanism of `MECHANISMS`."""
    username: str | None = None
    password_env: str | None = None
    """The environment variable that holds the password; with token_url, the client's secret."""
    password_file: str | None = None
    """The file whose first line is the password."""
    password_cmd: str | None = None
    """The shell command whose first line of output is the password."""
    keyring: bool = False
    """The password is in the system's keyring: service `kcon/CONTEXT`, user `username` or `client_id`."""
    ca: str | None = None
    """PEM file of the authorities to trust, or a JKS or PKCS12 trust store; None: the system's."""
    ca_password_env: str | None = None
    """Of a trust store. A JKS file can be read without it."""
    ca_password_file: str | None = None
    ca_password_cmd: str | None = None
    cert: str | None = None
    """PEM file of the client's certificate chain, and of its key unless `key` names it."""
    key: str | None = None
    keystore: str | None = None
    """PKCS12 or JKS file with the client's key and certificates, instead of cert and key."""
    key_password_env: str | None = None
    key_password_file: str | None = None
    key_password_cmd: str | None = None
    verify_host: bool = True
    """The broker's certificate must name the host that was dialled."""
    insecure: bool = False
    """Believe any certificate: whoever sits between can read and change everything."""
    token_env: str | None = None
    token_file: str | None = None
    """A file with a bearer token; read again before the token it held expires."""
    token_cmd: str | None = None
    """A shell command that prints a bearer token; run again before the token expires."""
    token_url: str | None = None
    """The token endpoint of the client-credentials flow (RFC 6749 §4.4)."""
    client_id: str | None = None
    scope: str | None = None
    aws_region: str | None = None
    """For AWS_MSK_IAM; None: the one of the AWS configuration."""
    aws_profile: str | None = None
    """A profile of the AWS configuration; None: AWS's own chain of credentials."""

    @property
    def uses_tls(self) -> bool:
        """The connection is encrypted."""
        return self.protocol in {"SSL", "SASL_SSL"}

    @property
    def uses_sasl(self) -> bool:
        """The connection begins with an authentication by SASL."""
        return self.protocol in {"SASL_PLAINTEXT", "SASL_SSL"}

    @property
    def uses_password(self) -> bool:
        """A password, or a client's secret, is part of the authentication."""
        return self.uses_sasl and (self.mechanism in PASSWORD_MECHANISMS or self.token_url is not None)

    @property
    def uses_token(self) -> bool:
        """A bearer token is the authentication."""
        return self.uses_sasl and self.mechanism in {OAUTHBEARER, AWS_MSK_IAM}

    @property
    def wire_mechanism(self) -> str:
        """The mechanism as the broker knows it."""
        assert self.mechanism is not None, "Security.check wants a mechanism"
        return OAUTHBEARER if self.mechanism == AWS_MSK_IAM else self.mechanism

    @property
    def principal(self) -> str:
        """What to call us in a message."""
        return self.username or self.client_id or "this client"

    def check(self) -> None:
        """Raise UsageError unless the settings fit together. A setting without effect is an error: it misleads."""
        self._check_alternatives()
        if not self.uses_tls:
            with_tls = "SASL_SSL" if self.uses_sasl else "SSL"
            self._refuse(_TLS_SETTINGS, f'Set protocol = "{with_tls}" for TLS, or remove it.')
        if not self.uses_sasl:
            with_sasl = "SASL_SSL" if self.uses_tls else "SASL_SSL or SASL_PLAINTEXT"
            self._refuse(_SASL_SETTINGS, f"Set the protocol to {with_sasl}, or remove it.")
        if self.uses_tls:
            self._check_keys()
        if self.uses_sasl:
            self._check_mechanism()

    def _refuse(self, names: tuple[str, ...], hint: str) -> None:
        for name in names:
            if self._is_set(name):
                raise UsageError(f"The security setting {name} has no effect with {self.protocol}.", hint)

    def _is_set(self, name: str) -> bool:
        return getattr(self, name) not in {None, name == "verify_host"}

    def _check_alternatives(self) -> None:
        for places in PLACES:
            found = [name for name in places if self._is_set(name)]
            if len(found) > 1:
                raise UsageError(f"Only one of these can count: {', '.join(found)}.", "Remove the others.")

    def _check_keys(self) -> None:
        if self.ca is None:
            for name in CA_PASSWORD_PLACES:
                if self._is_set(name):
                    raise UsageError(f"The security setting {name} has no trust store to open.", "Set ca too.")
        if self.key is not None and self.cert is None:
            raise UsageError("The security setting key needs cert, the certificate of that key.")
        if self.keystore is not None and (self.cert is not None or self.key is not None):
            raise UsageError("keystore is there instead of cert and key.", "Remove one of them.")
        if self.cert is None and self.keystore is None:
            for name in KEY_PASSWORD_PLACES:
                if self._is_set(name):
                    raise UsageError(f"The security setting {name} has no key to open.", "Set cert and key too.")

    def _check_mechanism(self) -> None:
        known = ", ".join(MECHANISMS)
        if self.mechanism is None:
            raise UsageError(f"{self.protocol} needs a mechanism.", f"Set mechanism to one of {known}.")
        if self.mechanism not in MECHANISMS:
            near = get_close_matches(self.mechanism.upper(), MECHANISMS, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"These work: {known}."
            raise UsageError(f"The mechanism {self.mechanism} is not supported.", hint)
        if self.mechanism == AWS_MSK_IAM:
            self._check_aws()
            return
        for name in _AWS_SETTINGS:
            if self._is_set(name):
                raise UsageError(f"The security setting {name} is for {AWS_MSK_IAM}, not {self.mechanism}.")
        if self.mechanism == OAUTHBEARER:
            self._check_token()
            return
        if not self.username:
            raise UsageError(f"{self.mechanism} needs a username.", "Set username in the context's security settings.")
        for name in (*TOKEN_PLACES, "client_id", "scope"):
            if self._is_set(name):
                raise UsageError(f"The security setting {name} is for OAUTHBEARER, not {self.mechanism}.")

    def _check_aws(self) -> None:
        for name in ("username", *PASSWORD_PLACES, *TOKEN_PLACES, "client_id", "scope"):
            if self._is_set(name):
                raise UsageError(
                    f"The security setting {name} has no effect with {AWS_MSK_IAM}.",
                    "AWS's own credentials are used; choose them with aws_profile.",
                )
        if not self.uses_tls:
            raise UsageError(f"{AWS_MSK_IAM} needs TLS.", "Set the protocol to SASL_SSL.")

    def _check_token(self) -> None:
        if not any(self._is_set(name) for name in TOKEN_PLACES):
            raise UsageError(
                "OAUTHBEARER needs a token.", "Set one of token_env, token_file, token_cmd, or token_url and client_id."
            )
        if self.token_url is not None and not self.client_id:
            raise UsageError("token_url needs client_id.", "Set client_id; the password is the client's secret.")
        if self.token_url is None:
            for name in (*PASSWORD_PLACES, "client_id", "scope"):
                if self._is_set(name):
                    raise UsageError(f"The security setting {name} has no effect without token_url.", "Remove it.")
        if self.username is not None:
            raise UsageError("username has no effect with OAUTHBEARER: the token says who we are.", "Remove it.")
