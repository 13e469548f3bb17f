"""config.toml: every key is known or named with the nearest one, and secrets do not belong in it."""

from pathlib import Path

import pytest

from kcon.contexts.config_file import check_name, read_config
from kcon.errors import UsageError


def read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    read_config(path)


def test_missing_file_has_no_contexts(tmp_path: Path) -> None:
    assert read_config(tmp_path / "none.toml").contexts == {}


def test_whole_grammar_is_read(tmp_path: Path) -> None:
    read(
        tmp_path,
        """
        view = "wide"
        [context.prod]
        bootstrap = ["b1:9092"]
        color = "red"
        mode = "protect"
        tz = "Europe/Paris"
        timeout = "10s"
        [context.prod.security]
        protocol = "SASL_SSL"
        mechanism = "SCRAM-SHA-512"
        username = "ann"
        password_cmd = "pass show kafka/prod"
        keyring = true
        [context.prod.client]
        "client.id" = "x"
        [context.prod.registry]
        url = "http://r"
        [[context.prod.serde]]
        topic = "orders.*"
        value = "avro"
        key = "string"
        fallback = ["json", "text", "hex"]
        [[context.prod.mask]]
        topic = "users.*"
        path = "$.email"
        with = "****"
        """,
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[context.a]\n", "no bootstrap"),
        ("[context.a]\nbootstrap = []", "no bootstrap"),
        ("[context.a]\nbootstrap = [1]", "no bootstrap"),
        ('[context.a]\nbootstrap = "x"\nmoed = "protect"', "unknown key 'moed'"),
        ('[context.a]\nbootstrap = "x"\nmode = "ro"', "not a mode"),
        ('[context.a]\nbootstrap = "x"\ntz = 1', "tz is not text"),
        ('[context.a]\nbootstrap = "x"\nsecurity = 1', "is not a table"),
        ('[context.a]\nbootstrap = "x"\n[context.a.security]\npassword = "s"', "readable in the file"),
        ('[context.a]\nbootstrap = "x"\n[context.a.security]\npasword_cmd = "s"', "unknown key"),
        ('[context.a]\nbootstrap = "x"\n[context.a.security]\nkeyring = "yes"', "wrong type"),
        ('[context.a]\nbootstrap = "x"\n[context.a.client]\n"sasl.password" = "s"', "is a secret"),
        ('[context.a]\nbootstrap = "x"\n[context.a.client]\n"linger" = 1', "Unknown setting"),
        ("context = 1", "not a table"),
        ("[context]\na = 1", "not a table"),
        ("x = [", "not TOML"),
    ],
)
def test_what_is_off_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert says in caught.value.message
    assert caught.value.hint


def test_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not TOML"):
        read_config(tmp_path / "config.toml")


@pytest.mark.parametrize("name", ["", "a b", "(none)", "a/b", "x" * 65, "a\n", 'a"b', "\x1b"])
def test_names_that_would_hurt_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        check_name(name)


@pytest.mark.parametrize("name", ["prod", "eu-west.1_x", "größe", "x" * 64])
def test_names_that_are_fine(name: str) -> None:
    assert check_name(name) == name
