"""The token for Amazon MSK: a presigned URL whose signature the service would find right. Nothing is sent here."""

import base64
import hashlib
import hmac
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from kcon.contexts.security import Security
from kcon.errors import AuthError, UsageError
from kcon.http.msk_iam import LIFE_S, sign_token

KEY_ID, SECRET_KEY, SESSION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/session+token=="


def security(**settings: str) -> Security:
    return Security(protocol="SASL_SSL", mechanism="AWS_MSK_IAM", **settings)  # type: ignore[arg-type]  # Words only.


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine whose AWS configuration is empty, and that asks no metadata service."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return monkeypatch


def url_of(token: str) -> str:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()


def expected_signature(url: str, region: str) -> str:
    """Sign as the service does: AWS Signature Version 4 in its query form, written from its description."""
    parts = urlsplit(url)
    fields = [(key, value) for key, value in parse_qsl(parts.query) if key not in {"X-Amz-Signature", "User-Agent"}]
    query = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in sorted(fields))
    known = dict(fields)
    request = "\n".join(["GET", "/", query, f"host:{parts.netloc}", "", "host", hashlib.sha256(b"").hexdigest()])
    day = known["X-Amz-Date"][:8]
    scope = f"{day}/{region}/kafka-cluster/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", known["X-Amz-Date"], scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{SECRET_KEY}".encode()
    for part in (day, region, "kafka-cluster", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize("session", ["", SESSION])
def test_the_token_is_signed_as_the_service_checks_it(aws: pytest.MonkeyPatch, session: str) -> None:
    aws.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    aws.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    if session:
        aws.setenv("AWS_SESSION_TOKEN", session)
    token = sign_token(security(aws_region="eu-west-1"))
    url = url_of(token.value.reveal())
    fields = dict(parse_qsl(urlsplit(url).query))
    assert urlsplit(url).netloc == "kafka.eu-west-1.amazonaws.com"
    assert fields["Action"] == "kafka-cluster:Connect"
    assert fields["X-Amz-Expires"] == str(LIFE_S)
    assert fields["X-Amz-Credential"].startswith(f"{KEY_ID}/")
    assert fields.get("X-Amz-Security-Token", "") == session
    assert fields["User-Agent"].startswith("kcon/")
    assert fields["X-Amz-Signature"] == expected_signature(url, "eu-west-1")
    assert SECRET_KEY not in url
    assert token.principal == KEY_ID
    assert 0 < token.expires_ms - token.refresh_ms < LIFE_S * 1000


def test_a_profile_brings_credentials_and_region(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(f"[ops]\naws_access_key_id={KEY_ID}\naws_secret_access_key={SECRET_KEY}\n")
    (tmp_path / "config").write_text("[profile ops]\nregion=us-east-2\n")
    url = url_of(sign_token(security(aws_profile="ops")).value.reveal())
    assert urlsplit(url).netloc == "kafka.us-east-2.amazonaws.com"


def test_what_is_missing_has_its_own_sentence(aws: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="region"):
        sign_token(security())
    with pytest.raises(AuthError, match="no AWS credentials"):
        sign_token(security(aws_region="eu-west-1"))
    with pytest.raises(AuthError, match="cannot be had"):
        sign_token(security(aws_region="eu-west-1", aws_profile="no-such-profile"))


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "botocore.session", None)
    with pytest.raises(UsageError) as caught:
        sign_token(security(aws_region="eu-west-1"))
    assert "kcon[msk]" in caught.value.hint
