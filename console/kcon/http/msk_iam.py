"""How does one sign in to Amazon MSK? A token made of the AWS credentials of this machine (mechanism AWS_MSK_IAM).

The token is a presigned URL of the action kafka-cluster:Connect (AWS Signature Version 4, query form) in base64url,
sent as an OAUTHBEARER token. Making it sends nothing, unless AWS's chain of credentials asks for some.
"""

import base64
import time
from importlib import import_module
from typing import Any, Final

import kcon
from kcon.contexts.secret import Secret
from kcon.contexts.security import Security
from kcon.contexts.tokens import REFRESH_FRACTION, Token
from kcon.errors import AuthError, UsageError

LIFE_S: Final = 900
"""The longest that MSK takes."""
_SERVICE: Final = "kafka-cluster"
_ACTION: Final = "kafka-cluster:Connect"


def sign_token(security: Security) -> Token:
    """Return a token of 15 minutes; blocks. UsageError: no botocore, no region. AuthError: no credentials."""
    session = _session(security)
    region = security.aws_region or session.get_config_variable("region")
    if not region:
        raise UsageError("AWS_MSK_IAM needs the region of the cluster.", "Set aws_region, or AWS_REGION.")
    credentials = _credentials(session)
    now_ms = time.time_ns() // 1_000_000
    expires_ms = now_ms + LIFE_S * 1000
    return Token(
        value=Secret(_signed(credentials, region)),
        principal=str(credentials.access_key),
        expires_ms=expires_ms,
        refresh_ms=now_ms + int((expires_ms - now_ms) * REFRESH_FRACTION),
    )


def _session(security: Security) -> Any:
    try:
        found = import_module("botocore.session")  # An extra: it need not be there for the types.
    except ImportError as error:
        raise UsageError("AWS_MSK_IAM needs the botocore package.", "Install kcon[msk].") from error
    return found.Session(profile=security.aws_profile)


def _credentials(session: Any) -> Any:
    exceptions = import_module("botocore.exceptions")
    try:
        credentials = session.get_credentials()
        frozen = credentials.get_frozen_credentials() if credentials is not None else None
    except exceptions.BotoCoreError as error:
        # `from None`: what a credential process printed may stand in the exception.
        raise AuthError(
            f"The AWS credentials cannot be had ({type(error).__name__}).", "Try `aws sts get-caller-identity`."
        ) from None
    if frozen is None or not frozen.access_key or not frozen.secret_key:
        raise AuthError("There are no AWS credentials.", "Set aws_profile, or log in with the AWS tools.")
    return frozen


def _signed(credentials: Any, region: str) -> str:
    auth, request = import_module("botocore.auth"), import_module("botocore.awsrequest")
    asked = request.AWSRequest(method="GET", url=f"https://kafka.{region}.amazonaws.com/", params={"Action": _ACTION})
    auth.SigV4QueryAuth(credentials, _SERVICE, region, expires=LIFE_S).add_auth(asked)
    # Not signed: it only tells the broker's log who asks.
    url = f"{asked.prepare().url}&User-Agent=kcon%2F{kcon.__version__}"
    return base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
